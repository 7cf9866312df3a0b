import { nearest } from '../elements/nearest.ts';
import { Cursor } from './cursor.ts';
import { filterError, quote } from './fault.ts';
import { FAMILY_COLUMNS, PHRASE_WORDS, SUBJECTS, type Subject } from './fields.ts';
import { tokenize } from './lexer.ts';
import { parseTest } from './parse-test.ts';
import { BARE_PROTOCOLS, protocolNumber } from './protocols.ts';
import type { Zone } from './time-literal.ts';
import { ANY, and, type FilterNode, familyTest, not, numberTest, or } from './tree.ts';

export interface ParseOptions {
  /** How times without a zone are meant; default `'local'`. */
  readonly zone?: Zone;
}

/** Parentheses and `not` inside each other; deeper ones are refused, so that no text can overflow the stack. */
export const MAX_DEPTH = 200;

/** Words that stand alone, or between comparisons. */
const KEYWORDS: readonly string[] = ['and', 'or', 'not', 'any', 'ipv4', 'ipv6', 'inet', 'inet6', 'src', 'dst', 'in'];

/**
 * Reads a filter (grammar: `docs/filter.md`); an empty one selects every row. Throws WEIR_FILTER with the position, what was expected and
 * the nearest name. Never overflows the stack and takes time proportional to the text.
 */
export function parseFilter(text: string, options: ParseOptions = {}): FilterNode {
  const cursor = new Cursor(text, tokenize(text), options.zone ?? 'local');
  if (cursor.peek().kind === 'end') return ANY;
  const node = parseOr(cursor, 0, false);
  const token = cursor.peek();
  if (token.kind === 'end') return node;
  if (token.value === ')') throw filterError(text, token, 'this ) closes nothing');
  if (
    token.kind === 'word' &&
    (SUBJECTS.has(token.value.toLowerCase()) || PHRASE_WORDS.has(token.value.toLowerCase()))
  ) {
    throw filterError(
      text,
      token,
      `${quote(token.value)} begins a new condition, and 'and' or 'or' is missing before it`,
      {
        expected: ['and', 'or'],
        suggestion: 'and',
      },
    );
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
  if (token.kind !== 'word') throw unknownField(cursor);
  return parseKeyword(cursor) ?? parseComparison(cursor, negated);
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

/** A comparison; `src and dst` and `src or dst` before the field are two of them with one value. */
function parseComparison(cursor: Cursor, negated: boolean): FilterNode {
  const first = cursor.peek().value.toLowerCase();
  const second = first === 'src' ? 'dst' : 'src';
  if (
    (first === 'src' || first === 'dst') &&
    cursor.sees(second, 2) &&
    (cursor.sees('and', 1) || cursor.sees('or', 1))
  ) {
    const both = cursor.sees('and', 1);
    for (let i = 0; i < 3; i++) cursor.next();
    const [one, phrase] = parseSubject(cursor, first);
    const other = SUBJECTS.get(phrase.replace(first, second)) as Subject;
    const test = parseTest(cursor, one, phrase, { negated });
    const twin = 'subject' in test ? { ...test, subject: other.name, columns: other.columns } : test;
    return both ? and([test, Object.freeze(twin)]) : or([test, Object.freeze(twin)]);
  }
  const [subject, phrase] = parseSubject(cursor, '');
  // `ip != X` is the opposite of `ip = X`, also for rows without an address.
  const unequal = cursor.takes('!=');
  const test = parseTest(cursor, subject, phrase, { negated, unequal });
  return unequal ? not(test) : test;
}

/** The longest phrase that names something to compare, after `before` (`src`) was read; and what was read. */
function parseSubject(cursor: Cursor, before: string): [Subject, string] {
  let phrase = before;
  for (;;) {
    const token = cursor.peek();
    const longer = token.kind === 'word' ? `${phrase === '' ? '' : `${phrase} `}${token.value.toLowerCase()}` : '';
    const known = longer !== '' && (SUBJECTS.has(longer) || PHRASE_WORDS.has(longer));
    if (!known) break;
    phrase = longer;
    cursor.next();
  }
  const subject = SUBJECTS.get(phrase);
  if (subject !== undefined) return [subject, phrase];
  if (phrase === '') throw unknownField(cursor);
  throw cursor.unexpected(PHRASE_WORDS.get(phrase) ?? []);
}

function unknownField(cursor: Cursor): Error {
  const names = [...new Set([...SUBJECTS.keys()].filter((phrase) => !phrase.includes(' ')))];
  const token = cursor.peek();
  const known = [...names, ...KEYWORDS, ...BARE_PROTOCOLS];
  if (token.kind === 'word' && !KEYWORDS.includes(token.value.toLowerCase())) {
    const suggestion = nearest(token.value, known);
    let hint =
      'Fields: ip, net, port, proto, as, if, bytes, packets, duration, flags, exporter … and every column (docs/filter.md).';
    if (/^\d|:/.test(token.value)) hint = `Say what it is: ip ${token.value}, port ${token.value} …`;
    else if (suggestion !== undefined) hint = `Did you mean '${suggestion}'?`;
    return filterError(cursor.text, token, `${quote(token.value)} is no field`, {
      expected: known,
      hint,
      ...(suggestion === undefined ? {} : { suggestion }),
    });
  }
  const found = token.kind === 'end' ? 'the filter ends' : `${quote(token.value)} is here`;
  return filterError(cursor.text, token, `${found} where a field (ip, port, proto, bytes …), not or ( was expected`, {
    expected: ['not', '(', ...known],
  });
}
