import { readFileSync } from 'node:fs';
import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from 'yaml';
import { messageOf, systemCode, WeirError } from '../util/errors.ts';
import type { Problem } from './problem.ts';
import { problemsOf } from './problem.ts';
import { FILE_SCHEMA, type Settings } from './schema.ts';

/** A configuration file that has been read and checked. */
export interface ConfigFile {
  readonly settings: Settings;
  /** Line and column (from 1) where a value stands, or the key of a mapping where `ofKey`. */
  position(path: readonly PropertyKey[], ofKey?: boolean): { readonly line: number; readonly column: number };
}

/**
 * Reads a configuration file; `name` is how messages call it.
 *
 * @throws WeirError WEIR_CONFIG with file, line and column of everything that is wrong; `details` has the first, and all in `problems`
 */
export function readConfigFile(path: string, name = path): ConfigFile {
  return parseConfig(textOf(path, name), name);
}

/** As `readConfigFile`, for a text that is at hand. */
export function parseConfig(text: string, name: string): ConfigFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };

  const [broken] = document.errors;
  if (broken !== undefined) throw syntaxError(name, place(broken.pos[0]), broken.code, broken.message);
  let raw: unknown;
  try {
    raw = withoutNothing(document.toJS()) ?? {};
  } catch (error) {
    throw syntaxError(name, place(aliasOffset(document)), 'BAD_ALIAS', messageOf(error));
  }

  const position = (path: readonly PropertyKey[], ofKey = false) => {
    let node: unknown = document.contents;
    let offset = (document.contents as Node | null)?.range?.[0] ?? 0;
    path.forEach((key, index) => {
      if (isAlias(node)) node = node.resolve(document);
      const found: unknown = isMap(node)
        ? node.items.find((pair) => keyText(pair) === String(key))
        : isSeq(node)
          ? node.items[Number(key)]
          : undefined;
      const isLast = index === path.length - 1;
      node = isPair(found) ? (isLast && ofKey ? found.key : (found.value ?? found.key)) : found;
      offset = (node as Node | undefined)?.range?.[0] ?? offset;
    });
    return place(offset);
  };

  const result = FILE_SCHEMA.safeParse(raw);
  if (result.success) return { settings: result.data, position };
  const problems = problemsOf(result.error.issues, raw)
    .map((problem) => ({ ...problem, ...position(problem.path, problem.isKey) }))
    .sort((a, b) => a.line - b.line || a.column - b.column);
  throw fileError(name, problems);
}

function fileError(file: string, problems: readonly (Problem & { line: number; column: number })[]): WeirError {
  const tell = ({ line, column, text }: (typeof problems)[number]) => `${file}:${line}:${column}: ${text}`;
  const [first] = problems;
  return new WeirError('WEIR_CONFIG', problems.map(tell).join('\n       '), {
    hint: first?.hint,
    details: {
      file,
      line: first?.line,
      column: first?.column,
      found: first?.found,
      expected: first?.expected,
      suggestion: first?.suggestion,
      problems: problems.map((one) => ({
        line: one.line,
        column: one.column,
        path: one.path.join('.'),
        text: one.text,
      })),
    },
  });
}

function syntaxError(file: string, at: { line: number; column: number }, code: string, message: string): WeirError {
  const isDuplicate = code === 'DUPLICATE_KEY';
  const found = isDuplicate
    ? 'a key that stands in this mapping already'
    : `what is not YAML (${message.replace(/\.$/, '')})`;
  const expected = isDuplicate ? 'each key once' : 'a mapping of settings';
  return new WeirError('WEIR_CONFIG', `${file}:${at.line}:${at.column}: found ${found}, expected ${expected}`, {
    hint: isDuplicate
      ? 'Put what belongs together under one key.'
      : 'Keys of one mapping are indented alike, with spaces; a text with [ ] { } # or ": " in it stands in quotes.',
    details: { file, ...at, found, expected },
  });
}

/** Where the first alias without an anchor stands; the beginning when it is not for that that aliases fail. */
function aliasOffset(document: Document): number {
  let offset = 0;
  visit(document, {
    Alias(_, node) {
      if (node.resolve(document) !== undefined) return undefined;
      offset = node.range?.[0] ?? 0;
      return visit.BREAK;
    },
  });
  return offset;
}

function keyText(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : '';
}

/** The value without keys that have none: `store:` with everything below it commented out says nothing. */
function withoutNothing(value: unknown): unknown {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'object' || value === null) return value ?? undefined;
  const entries = Object.entries(value).map(([key, inner]) => [key, withoutNothing(inner)] as const);
  return Object.fromEntries(entries.filter(([, inner]) => inner !== undefined));
}

function textOf(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    const missing = systemCode(error) === 'ENOENT';
    throw new WeirError(
      'WEIR_CONFIG',
      missing ? `there is no file ${name}` : `cannot read ${name}: ${messageOf(error)}`,
      {
        hint: missing
          ? 'Give the path of a YAML file with --config FILE; examples/weir.yaml is one to begin with. Without --config the defaults hold.'
          : `Make it readable for the user that runs weir: ls -l ${name}`,
        details: { file: name },
        cause: error,
      },
    );
  }
}
