import { WeirError } from '../util/errors.ts';

/** A value with the line on which it stands, from 1. */
export interface ConfigText {
  readonly line: number;
  readonly text: string;
}

/** A section: its values and sections by name, in the order of the file. */
export interface ConfigBlock {
  readonly line: number;
  readonly entries: Map<string, (ConfigText | ConfigBlock)[]>;
}

export function isBlock(entry: ConfigText | ConfigBlock | undefined): entry is ConfigBlock {
  return entry !== undefined && 'entries' in entry;
}

/** Deeper sections are a mistake. */
const DEEPEST = 20;

/**
 * Reads a file in the form of Perl's Config::General (2.x, its defaults): `<section>` … `</section>`, also `<section name>`; `key value` and `key = value`; keys
 * that are repeated make lists; comments with # and between slash-star and star-slash; a backslash at the end of a line goes on with the next; values in quotes;
 * here-documents. Throws WEIR_CONFIG with file and line.
 */
export function parseConfigGeneral(text: string, name: string): ConfigBlock {
  const root: ConfigBlock = { line: 1, entries: new Map() };
  const open: { readonly name: string; readonly block: ConfigBlock }[] = [{ name: '', block: root }];
  const lines = text.split(/\r?\n/);
  const fail = (line: number, problem: string, hint: string): never => {
    throw new WeirError('WEIR_CONFIG', `${name}:${line}: ${problem}`, { hint, details: { file: name, line } });
  };
  let isComment = false;
  for (let i = 0; i < lines.length; i++) {
    const number = i + 1;
    let line = (lines[i] as string).trim();
    if (isComment || line.startsWith('/*')) {
      isComment = !line.endsWith('*/');
      continue;
    }
    while (line.endsWith('\\') && i + 1 < lines.length) line = line.slice(0, -1) + (lines[++i] as string).trim();
    line = withoutComment(line);
    if (line === '') continue;
    const current = (open.at(-1) as (typeof open)[number]).block;
    if (/^<<\s*include\b/i.test(line) || /^include\s/i.test(line))
      fail(number, `found ${line.slice(0, 60)}: other files are not read`, 'Put what is in that file here.');
    const closing = /^<\/\s*([\w.:-]+)\s*>$/.exec(line);
    if (closing !== null) {
      const last = open.at(-1);
      if (open.length === 1 || last?.name !== closing[1])
        fail(
          number,
          `found </${closing[1]}>, expected ${open.length === 1 ? 'no end of a section' : `</${last?.name}>`}`,
          'Each section <name> ends with </name>.',
        );
      open.pop();
      continue;
    }
    const opening = /^<\s*([\w.:-]+)(?:\s+"?([^">]+?)"?)?\s*>$/.exec(line);
    if (opening !== null) {
      if (open.length > DEEPEST) fail(number, 'sections are too deep', 'nfflowd has three levels.');
      let block: ConfigBlock = { line: number, entries: new Map() };
      add(current, opening[1] as string, block);
      if (opening[2] !== undefined) {
        const inner: ConfigBlock = { line: number, entries: new Map() };
        add(block, opening[2], inner);
        block = inner;
      }
      open.push({ name: opening[1] as string, block });
      continue;
    }
    const found = /^([^\s=<>]+)(?:\s*=\s*|\s+|$)(.*)$/.exec(line);
    if (found === null) {
      fail(
        number,
        `found ${line.slice(0, 60)}, expected <section>, </section> or "key value"`,
        'This is the form of Config::General.',
      );
      continue;
    }
    const [, key = '', value = ''] = found;
    const here = /^<<(\w+)$/.exec(value);
    if (here === null) {
      add(current, key, { line: number, text: unquoted(value) });
      continue;
    }
    const end = lines.findIndex((one, at) => at > i && one.trim() === here[1]);
    if (end < 0) fail(number, `the text up to ${here[1]} has no end`, `A line with ${here[1]} alone ends it.`);
    add(current, key, { line: number, text: lines.slice(i + 1, end).join('\n') });
    i = end;
  }
  const unclosed = open.length > 1 ? open.at(-1) : undefined;
  if (unclosed !== undefined)
    fail(unclosed.block.line, `<${unclosed.name}> has no end`, `Close it with </${unclosed.name}>.`);
  return root;
}

function add(block: ConfigBlock, key: string, entry: ConfigText | ConfigBlock): void {
  const list = block.entries.get(key);
  if (list === undefined) block.entries.set(key, [entry]);
  else list.push(entry);
}

/** A # begins a comment at the beginning of a line or after a blank; \# is a #. */
function withoutComment(line: string): string {
  if (line.startsWith('#')) return '';
  return line
    .replace(/\s+#.*$/, '')
    .replaceAll('\\#', '#')
    .trim();
}

function unquoted(value: string): string {
  return /^(["']).*\1$/.test(value) ? value.slice(1, -1) : value;
}
