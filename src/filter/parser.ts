import type { ColumnDefinition } from '../flow/schema.ts';
import { Cursor, type Names, type Surroundings } from './cursor.ts';
import { filterError, quote } from './fault.ts';
import { FAMILY_COLUMNS, type Subject, vocabularyWith } from './fields.ts';
import { MAX_FILTER_LENGTH } from './lexer.ts';
import { parsePortBlock } from './parse-block.ts';
import { readText } from './parse-file.ts';
import { parseSubject, unknownField } from './parse-subject.ts';
import { parseTest } from './parse-test.ts';
import { BARE_PROTOCOLS, protocolNumber } from './protocols.ts';
import type { Zone } from './time-literal.ts';
import { ANY, and, compareTest, type FilterNode, familyTest, not, numberTest, or } from './tree.ts';

export interface ParseOptions {
  /** How times without a zone are meant; default `'local'`. */
  readonly zone?: Zone;
  /** Columns beside those of the schema, which whoever runs the filter knows: names that a query looks up. */
  readonly columns?: readonly ColumnDefinition[];
  /** Lists that the filter may name; default none. */
  readonly names?: Names;
  /** Reads a file for `@file` and `@include file`; without it a filter cannot name files. May throw. */
  readonly readFile?: (path: string) => string;
}

/** Parentheses and included files inside each other; deeper ones are refused, so that no text can overflow the stack. */
export const MAX_DEPTH = 200;

const NO_NAMES: Names = { lookup: () => undefined, names: [] };

/**
 * Reads a filter (grammar: `docs/filter.md`); an empty one selects every row. Throws WEIR_FILTER with the position, what was expected and
 * the nearest name. Never overflows the stack and takes time proportional to the text.
 */
export function parseFilter(text: string, options: ParseOptions = {}): FilterNode {
  return parseWith(text, surroundingsOf(options, undefined));
}

/** What `options` mean; `offer` is for completion. */
export function surroundingsOf(options: ParseOptions, offer: Surroundings['offer']): Surroundings {
  return {
    zone: options.zone ?? 'local',
    vocabulary: vocabularyWith(options.columns ?? []),
    names: options.names ?? NO_NAMES,
    readFile: options.readFile,
    used: { conditions: 0, values: 0 },
    offer,
  };
}

/** Reads a filter; `depth` is that of the place which includes it. */
export function parseWith(text: string, around: Surroundings, depth = 0, negated = false): FilterNode {
  if (text.length > MAX_FILTER_LENGTH) {
    throw filterError(
      text,
      { start: MAX_FILTER_LENGTH, end: MAX_FILTER_LENGTH + 1 },
      `the filter has ${text.length} characters, more than ${MAX_FILTER_LENGTH}`,
      { hint: 'Put long lists of addresses into a file: ip in @file.' },
    );
  }
  const cursor = new Cursor(text, around);
  cursor.offer({ kind: 'field' });
  if (cursor.peek().kind === 'end') return ANY;
  const node = parseOr(cursor, depth, negated);
  const token = cursor.peek();
  if (token.kind === 'end') return node;
  if (token.value === ')') throw filterError(text, token, 'this ) closes nothing');
  const word = token.value.toLowerCase();
  const { subjects, next } = around.vocabulary;
  if (token.kind === 'word' && (subjects.has(word) || next.has(word))) {
    const message = `${quote(token.value)} begins a new condition, and 'and' or 'or' is missing before it`;
    throw filterError(text, token, message, { expected: ['and', 'or'], suggestion: 'and' });
  }
  throw cursor.unexpected(['and', 'or', 'the end']);
}

/** `negated`: whether an odd number of `not` stands before it. */
function parseOr(cursor: Cursor, depth: number, negated: boolean): FilterNode {
  const items = [parseAnd(cursor, depth, negated)];
  while (cursor.takes('or')) items.push(parseAnd(cursor, depth, negated));
  return or(items);
}

function parseAnd(cursor: Cursor, depth: number, negated: boolean): FilterNode {
  const items = [parseUnary(cursor, depth, negated)];
  while (cursor.takes('and')) items.push(parseUnary(cursor, depth, negated));
  return and(items);
}

function parseUnary(cursor: Cursor, depth: number, negated: boolean): FilterNode {
  let opposite = false;
  while (cursor.takes('not')) opposite = !opposite;
  const item = parsePrimary(cursor, depth, negated !== opposite);
  cursor.offer({ kind: 'keyword', words: depth > 0 ? ['and', 'or', ')'] : ['and', 'or'] });
  return opposite ? not(item) : item;
}

function parsePrimary(cursor: Cursor, depth: number, negated: boolean): FilterNode {
  const token = cursor.peek();
  if (token.kind === 'symbol' && token.value === '(') {
    if (depth >= MAX_DEPTH) throw filterError(cursor.text, token, `parentheses are nested deeper than ${MAX_DEPTH}`);
    cursor.next();
    const inner = parseOr(cursor, depth + 1, negated);
    if (!cursor.takes(')')) throw cursor.unexpected(['and', 'or', ')']);
    return inner;
  }
  cursor.offer({ kind: 'field' });
  if (token.kind !== 'word') throw unknownField(cursor);
  cursor.count('conditions', token);
  return parseKeyword(cursor) ?? parseInclude(cursor, depth, negated) ?? parseComparison(cursor, negated);
}

/** The words that need no value. */
function parseKeyword(cursor: Cursor): FilterNode | undefined {
  if (cursor.takes('any')) return ANY;
  if (cursor.takes('ipv4') || cursor.takes('inet')) return familyTest(4, FAMILY_COLUMNS);
  if (cursor.takes('ipv6') || cursor.takes('inet6')) return familyTest(6, FAMILY_COLUMNS);
  const word = cursor.peek().value.toLowerCase();
  if (!BARE_PROTOCOLS.includes(word)) return undefined;
  cursor.next();
  const number = BigInt(protocolNumber(word) as number);
  return numberTest('proto', ['proto'], [{ from: number, to: number }]);
}

/** `@include file`: the filter that the file holds, as if it stood here in parentheses. */
function parseInclude(cursor: Cursor, depth: number, negated: boolean): FilterNode | undefined {
  const word = cursor.peek();
  if (!cursor.takes('@include')) return undefined;
  if (depth >= MAX_DEPTH) throw filterError(cursor.text, word, `files are included deeper than ${MAX_DEPTH}`);
  const path = cursor.peek();
  if (path.kind === 'end' || path.kind === 'symbol') throw cursor.unexpected(['the name of a file']);
  cursor.next();
  // One level of a file weighs as much as ten parentheses: each keeps a text in memory.
  return readText(cursor, path, (text) => parseWith(text, cursor.around, depth + 10, negated));
}

/** A comparison; `src and dst` and `src or dst` before the field are two of them with one value. */
function parseComparison(cursor: Cursor, negated: boolean): FilterNode {
  const first = cursor.peek().value.toLowerCase();
  const second = first === 'src' ? 'dst' : 'src';
  const isPair = (first === 'src' || first === 'dst') && cursor.sees(second, 2);
  if (!isPair || !(cursor.sees('and', 1) || cursor.sees('or', 1))) {
    const [subject, phrase] = parseSubject(cursor, '');
    return parsePortBlock(cursor, subject) ?? parseTest(cursor, subject, phrase, negated);
  }
  const join = cursor.sees('and', 1) ? and : or;
  for (let i = 0; i < 3; i++) cursor.next();
  const [one, phrase] = parseSubject(cursor, first);
  const other = cursor.around.vocabulary.subjects.get(phrase.replace(first, second)) as Subject;
  const test = parsePortBlock(cursor, one) ?? parseTest(cursor, one, phrase, negated);
  return join([test, withSubject(test, one, other)]);
}

/** The same test of `other` instead of `one`. */
function withSubject(node: FilterNode, one: Subject, other: Subject): FilterNode {
  if (node.kind === 'not') return not(withSubject(node.item, one, other));
  if (node.kind === 'and') return and(node.items.map((item) => withSubject(item, one, other)));
  if (node.kind === 'compare') {
    const [left, right] = node.columns;
    return compareTest(
      [left === one.columns[0] ? (other.columns[0] as string) : left, right],
      node.comparison,
      node.values,
    );
  }
  return 'subject' in node ? Object.freeze({ ...node, subject: other.name, columns: other.columns }) : node;
}
