// Makes a few large files of the compiled command, so that it starts sooner: node scripts/bundle.mjs [FOLDER], after `tsc -b`. To load the 150 modules of a
// question one by one takes as long as many a question. Packages stay where they are; workers and children are files of their own. The folder, by default
// dist/bundle, has to be two below that of package.json, as src/cli is.
import { readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const folder = resolve(process.argv[2] ?? join(dist, 'bundle'));
const compiled = (name) => join(dist, ...name.split('/'));

const MAIN = compiled('cli/main.js');
/** What is started by its file name, next to the file that starts it: `new URL('./writer-worker.js', import.meta.url)`. */
const STARTED = ['store/writer-worker.js', 'store/merge-child.js'].map(compiled);
/** What `weir query` loads at once, and what it loads when it has read its flags. */
const ASK = compiled('cli/query.js');
const ANSWER = ['query/output/outputs.js', 'query/question.js', 'query/run.js'].map(compiled);
const DUCK = compiled('query/duck.js');

/** The modules that some others need to begin, these among them. */
function needed(starts, context) {
  const found = new Set();
  const visit = (id) => {
    if (found.has(id)) return;
    found.add(id);
    for (const next of context.getModuleInfo(id)?.importedIds ?? []) visit(next);
  };
  for (const start of starts) visit(start);
  return found;
}

/**
 * Tells the file of a module: `main` for what every command needs, `ask` for what a question's flags need, `query` for what needs DuckDB to answer it, `base`
 * for the rest of what answers it, which other commands need, too. Undefined for all others: they come together by who shares them. No two of the files need
 * each other.
 */
function createGrouping() {
  let sets;
  return (id, context) => {
    sets ??= [[MAIN], [ASK], ANSWER].map((starts) => needed(starts, context));
    const [main, ask, answer] = sets;
    if (main.has(id)) return 'main';
    if (ask.has(id)) return 'ask';
    if (!answer.has(id)) return undefined;
    return needed([id], context).has(DUCK) ? 'query' : 'base';
  };
}

async function write(input, output) {
  const external = (id) => !id.startsWith('.') && !id.startsWith(dist);
  const options = { platform: 'node', external, preserveEntrySignatures: 'allow-extension', logLevel: 'silent' };
  const bundle = await rolldown({ input, ...options });
  await bundle.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    ...output,
  });
  await bundle.close();
}

rmSync(folder, { recursive: true, force: true });
for (const file of STARTED) await write(file, { codeSplitting: false });
const groups = [{ debugName: 'by command', name: createGrouping() }];
await write(MAIN, { codeSplitting: { includeDependenciesRecursively: false, groups } });
console.log(`${folder}: ${readdirSync(folder).length} files`);
