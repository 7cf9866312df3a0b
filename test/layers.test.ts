import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryPath } from './helpers/repository.ts';

/** The way of the data through `src`. A folder imports from itself and from those before it. */
const LAYERS = [
  'util',
  'elements',
  'flow',
  'wire',
  'session',
  'collect',
  'enrich',
  'filter',
  'store',
  'query',
  'live',
  'export',
  'sink',
  'generate',
  'meter',
  'nat',
  'api',
  'config',
  'app',
  'cli',
];
const LONGEST = 400;

const root = repositoryPath('src');
const dependencies = Object.keys(
  (JSON.parse(readFileSync(repositoryPath('package.json'), 'utf8')) as { dependencies: Record<string, string> })
    .dependencies,
);

/** Layer of a file in `src`, by number; `src/index.ts`, the library, stands above all but the commands. */
function layerOf(path: string): number {
  const [folder = ''] = relative(root, path).split(sep);
  return folder === 'index.ts' ? LAYERS.indexOf('cli') - 0.5 : LAYERS.indexOf(folder);
}

const name = (path: string) => join('src', relative(root, path));

/** What is wrong with the imports of the file at `path` with this text. */
function faults(path: string, text: string): string[] {
  const from = layerOf(path);
  if (from === -1) return [`${name(path)}: this folder has no place in the order of test/layers.test.ts`];
  return importsOf(text).flatMap((specifier) => {
    if (specifier.startsWith('node:')) return [];
    if (!specifier.startsWith('.')) {
      const found = /^(@[^/]+\/[^/]+|[^/]+)/.exec(specifier)?.[0] ?? specifier;
      return dependencies.includes(found)
        ? []
        : [`${name(path)} imports ${specifier}, which is not a runtime dependency`];
    }
    const target = join(dirname(path), specifier);
    const to = layerOf(target);
    if (relative(root, target).startsWith('..'))
      return target === repositoryPath('package.json') ? [] : [`${name(path)} imports from outside src`];
    if (to === -1) return [`${name(path)} imports ${specifier}, which is in no known folder`];
    return to <= from ? [] : [`${name(path)} imports upward: ${specifier}`];
  });
}

/** Specifiers of every import, re-export, dynamic import and worker (`new URL('./x.js', import.meta.url)`) in a file. */
function importsOf(text: string): string[] {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
  const patterns = [
    /^\s*(?:import|export)\b[^;'"`]*?\bfrom\s*['"]([^'"]+)['"]/gm,
    /^\s*import\s*['"]([^'"]+)['"]/gm,
    /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g,
    /\bnew URL\(\s*['"](\.[^'"]+)['"]\s*,\s*import\.meta\.url\s*\)/g,
  ];
  return patterns.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1] ?? ''));
}

/** Files that import each other in a circle, one circle for each that there is; types count, too. `texts` are files by path. */
function circles(texts: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]): void => {
    const at = way.indexOf(path);
    if (at >= 0) {
      found.push([...way.slice(at), path].map(name).join(' → '));
      return;
    }
    if (done.has(path)) return;
    done.add(path);
    for (const specifier of importsOf(texts.get(path) ?? '')) {
      if (specifier.startsWith('.')) visit(join(dirname(path), specifier), [...way, path]);
    }
  };
  for (const path of texts.keys()) visit(path, []);
  return found;
}

function filesOf(folder: string): string[] {
  return readdirSync(folder).flatMap((entry) => {
    const path = join(folder, entry);
    return statSync(path).isDirectory() ? filesOf(path) : path.endsWith('.ts') ? [path] : [];
  });
}

describe('the folders of src', () => {
  const files = filesOf(root).map((path) => ({ path, text: readFileSync(path, 'utf8') }));

  it('import only from those before them, and from runtime dependencies', () => {
    expect(files.flatMap(({ path, text }) => faults(path, text))).toEqual([]);
  });

  it('hold no files that import each other in a circle, be it for types', () => {
    expect(circles(new Map(files.map(({ path, text }) => [path, text])))).toEqual([]);
  });

  it(`hold no file of more than ${LONGEST} lines, generated ones apart`, () => {
    const long = files
      .filter(({ path }) => !path.endsWith('.generated.ts'))
      .map(({ path, text }) => ({ file: name(path), lines: text.replace(/\n$/, '').split('\n').length }))
      .filter(({ lines }) => lines > LONGEST);
    expect(long).toEqual([]);
  });
});

describe('the check of imports', () => {
  const check = (file: string, text: string) => faults(join(root, file), text).length;

  it('sees every form of an upward import', () => {
    expect(check('wire/a.ts', "import { x } from '../store/x.ts';")).toBe(1);
    expect(check('wire/a.ts', "import {\n  x,\n  type Y,\n} from '../session/x.ts';")).toBe(1);
    expect(check('wire/a.ts', "import type { X } from '../session/x.ts';")).toBe(1);
    expect(check('wire/a.ts', "export * from '../collect/x.ts';")).toBe(1);
    expect(check('wire/a.ts', "import '../app/x.ts';")).toBe(1);
    expect(check('wire/a.ts', "const x = await import('../query/x.ts');")).toBe(1);
    expect(check('wire/a.ts', "new Worker(new URL('../store/worker.js', import.meta.url));")).toBe(1);
    expect(check('wire/deep/a.ts', "import { x } from '../../store/x.ts';")).toBe(1);
    expect(check('cli/a.ts', "import { x } from '../index.ts';")).toBe(0);
    expect(check('app/a.ts', "import { x } from '../index.ts';")).toBe(1);
    expect(check('index.ts', "import { main } from './cli/main.ts';")).toBe(1);
  });

  it('sees circles, within a folder and over several', () => {
    const of = (texts: Readonly<Record<string, string>>) =>
      circles(new Map(Object.entries(texts).map(([path, text]) => [join(root, path), text])));
    const three = {
      'wire/a.ts': "import type { B } from './b.ts';",
      'wire/b.ts': "export { c } from './deep/c.ts';",
      'wire/deep/c.ts': "const a = await import('../a.ts');",
    };
    expect(of(three)).toEqual(['src/wire/a.ts → src/wire/b.ts → src/wire/deep/c.ts → src/wire/a.ts']);
    expect(of({ ...three, 'wire/deep/c.ts': '' })).toEqual([]);
    const pair = {
      'wire/d.ts': "import './a.ts';",
      'wire/a.ts': "import { b } from './b.ts';",
      'wire/b.ts': "import './a.ts';",
    };
    expect(of(pair)).toEqual(['src/wire/a.ts → src/wire/b.ts → src/wire/a.ts']);
  });

  it('lets imports from below, the same folder, Node and runtime dependencies through', () => {
    expect(check('wire/a.ts', "import { x } from '../util/x.ts';\nimport { y } from './y.ts';")).toBe(0);
    expect(check('wire/a.ts', "import fs from 'node:fs';\nimport { z } from 'zod';")).toBe(0);
    expect(check('index.ts', "export { x } from './app/x.ts';")).toBe(0);
    expect(check('wire/a.ts', "// import { x } from '../store/x.ts';")).toBe(0);
  });

  it('refuses development packages, Node modules without their prefix, unknown folders and ways out of src', () => {
    expect(check('wire/a.ts', "import fc from 'fast-check';")).toBe(1);
    expect(check('wire/a.ts', "import fs from 'fs';")).toBe(1);
    expect(check('misc/a.ts', '')).toBe(1);
    expect(check('cli/a.ts', "import { x } from '../../test/helpers/weir.ts';")).toBe(1);
  });
});
