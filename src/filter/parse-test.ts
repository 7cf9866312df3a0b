import { nearest } from '../elements/nearest.ts';
import type { Prefix } from '../util/prefix.ts';
import type { Cursor } from './cursor.ts';
import { filterError, quote, type Span } from './fault.ts';
import { NET_PHRASE, type Subject } from './fields.ts';
import type { Token } from './lexer.ts';
import { parseTimeLiteral } from './time-literal.ts';
import { addressTest, type FilterLeaf, flagsTest, type NumberRange, numberTest, textTest } from './tree.ts';
import {
  parseDuration,
  parseFlags,
  parseMac,
  parseMask,
  parseNetwork,
  parseNumber,
  rangeOf,
  withMask,
} from './values.ts';

type Operator = '=' | '<' | '<=' | '>' | '>=' | 'in';

const ORDERED: readonly Operator[] = ['=', '<', '<=', '>', '>=', 'in'];
const EQUALITY: readonly Operator[] = ['=', 'in'];

/** What stands before a comparison. */
export interface TestContext {
  /** An odd number of `not`: nfdump takes `not flags XY`, and XY in brackets after `not`, as "neither X nor Y". */
  readonly negated: boolean;
  /** The operator was `!=`, and has been read. */
  readonly unequal?: boolean;
}

/** Reads operator and value after a subject. */
export function parseTest(cursor: Cursor, subject: Subject, phrase: string, context: TestContext): FilterLeaf {
  const { negated, unequal = false } = context;
  if (subject.value === 'flags' && !unequal) {
    const flags = parseFlagsTest(cursor, subject, negated);
    if (flags !== undefined) return flags;
  }
  const operator = unequal ? '=' : parseOperator(cursor, subject);
  switch (subject.value) {
    case 'address':
      return addressTest(
        subject.name,
        subject.columns,
        parseList(cursor, operator, () => parsePrefixValue(cursor, phrase)),
      );
    case 'text':
      return textTest(
        subject.name,
        subject.columns,
        parseList(cursor, operator, () => parseTextValue(cursor)),
      );
    default:
      return numberTest(subject.name, subject.columns, parseRanges(cursor, subject, operator));
  }
}

function parseOperator(cursor: Cursor, subject: Subject): Operator {
  const token = cursor.peek();
  const ordered = subject.value !== 'address' && subject.value !== 'text' && subject.value !== 'mac';
  const allowed = ordered ? ORDERED : EQUALITY;
  const value = token.kind === 'symbol' ? token.value : token.value.toLowerCase() === 'in' ? 'in' : '=';
  if (token.kind === 'text' || (token.kind === 'word' && value !== 'in') || token.kind === 'end') return '=';
  if ((allowed as readonly string[]).includes(value)) {
    cursor.next();
    return value as Operator;
  }
  // A list without `in` is what one writes by mistake, and it can mean only this.
  if (value === '[') return 'in';
  if ((ORDERED as readonly string[]).includes(value)) {
    throw filterError(cursor.text, token, `${subject.name} has no order, so it takes =, != and in, not ${token.value}`);
  }
  throw cursor.unexpected([...allowed, '!=', 'a value']);
}

/** One value, or with `in` a list in brackets, separated by spaces or commas. */
function parseList<T>(cursor: Cursor, operator: Operator, parseOne: () => T): T[] {
  if (operator !== 'in' || !cursor.sees('[')) return [parseOne()];
  cursor.next();
  const values: T[] = [];
  while (!cursor.sees(']')) {
    if (cursor.peek().kind === 'end') throw cursor.unexpected(['a value', ']']);
    values.push(parseOne());
    cursor.takes(',');
  }
  if (values.length === 0) throw filterError(cursor.text, cursor.peek(), 'the list is empty');
  cursor.next();
  return values;
}

/** The next token as a value; names of fields and words such as `and` are not values. */
function valueToken(cursor: Cursor, what: string, texts = false): Token {
  const token = cursor.peek();
  if (token.kind === 'word' || (token.kind === 'text' && texts)) return cursor.next();
  throw cursor.unexpected([what]);
}

function parsePrefixValue(cursor: Cursor, phrase: string): Prefix {
  const token = valueToken(cursor, 'an address or a network', true);
  const prefix = parseNetwork(token.value);
  if (prefix === undefined) {
    throw filterError(cursor.text, token, `${quote(token.value)} is no address and no network`, {
      expected: ['address', 'network'],
      hint: 'Write 192.0.2.1, 192.0.2.0/24, 2001:db8::1 or 2001:db8::/32.',
    });
  }
  const next = cursor.peek();
  if (!NET_PHRASE.test(phrase) || next.kind !== 'word' || !/^\d+\.\d+\.\d+\.\d+$/.test(next.value)) return prefix;
  const length = parseMask(next.value);
  if (length === undefined) {
    throw filterError(cursor.text, next, `${quote(next.value)} is no network mask`, {
      hint: 'Write 255.255.255.0, or /24.',
    });
  }
  cursor.next();
  return withMask(prefix, length);
}

function parseTextValue(cursor: Cursor): string {
  const token = valueToken(cursor, 'a text', true);
  if (token.value.includes('\0')) throw filterError(cursor.text, token, 'a text cannot hold a zero character');
  return token.value;
}

/** `flags SA`, `flags any SA`, `flags all SA`; undefined when a comparison follows. */
function parseFlagsTest(cursor: Cursor, subject: Subject, negated: boolean): FilterLeaf | undefined {
  const first = cursor.peek();
  const ahead = cursor.peek(1);
  const named =
    first.kind === 'word' &&
    /^(?:any|all)$/i.test(first.value) &&
    ahead.kind === 'word' &&
    parseFlags(ahead.value) !== undefined;
  const token = named ? ahead : first;
  const mask = token.kind === 'word' && !/^\d/.test(token.value) ? parseFlags(token.value) : undefined;
  if (mask === undefined) {
    if (first.kind !== 'word' || /^(?:\d|in$)/i.test(first.value)) return undefined;
    throw filterError(cursor.text, first, `${quote(first.value)} are no TCP flags`, {
      hint: 'Letters: U A P R S F, E (ECE), C (CWR), N (NS); X for the first six: flags SA.',
    });
  }
  cursor.next();
  if (named) cursor.next();
  const any = named ? first.value.toLowerCase() === 'any' : negated;
  return flagsTest(subject.name, subject.columns, mask, any ? 'any' : 'all');
}

function parseRanges(cursor: Cursor, subject: Subject, operator: Operator): NumberRange[] {
  if (operator === 'in' || operator === '=') return parseList(cursor, operator, () => parseRange(cursor, subject));
  const token = valueToken(cursor, WHAT[subject.value] ?? 'a number', subject.value === 'time');
  const value = numberValue(cursor, subject, token, token.value);
  const range = rangeOf(operator, value);
  const empty = (range.to !== undefined && range.to < 0n) || (range.from !== undefined && range.from > subject.max);
  if (empty && subject.value !== 'time')
    throw filterError(cursor.text, token, `no ${subject.name} is ${operator} ${token.value}`);
  return [range];
}

const WHAT: Readonly<Record<string, string>> = {
  time: 'a time',
  mac: 'a MAC address',
  duration: 'a duration',
  flags: 'a number or flags',
};

/** One value, or two with a hyphen between them where values are plain numbers or durations. */
function parseRange(cursor: Cursor, subject: Subject): NumberRange {
  const token = valueToken(
    cursor,
    WHAT[subject.value] ?? 'a number',
    subject.value === 'time' || subject.words.size > 0,
  );
  const parts = token.value.split('-');
  const [low = '', high = ''] = parts;
  if (
    subject.value === 'time' ||
    subject.value === 'mac' ||
    parts.length !== 2 ||
    !/^\d/.test(low) ||
    !/^\d/.test(high)
  ) {
    const value = numberValue(cursor, subject, token, token.value);
    return { from: value, to: value };
  }
  const from = numberValue(cursor, subject, token, low);
  const to = numberValue(cursor, subject, token, high);
  if (from > to) throw filterError(cursor.text, token, `the range ${token.value} ends before it begins`);
  return { from, to };
}

function numberValue(cursor: Cursor, subject: Subject, span: Span, text: string): bigint {
  const value = readNumber(cursor, subject, text);
  if (value === undefined) throw wrongValue(cursor, subject, span, text);
  if (value > subject.max) {
    throw filterError(cursor.text, span, `${text} is too large for ${subject.name}, which is at most ${subject.max}`);
  }
  return value;
}

function readNumber(cursor: Cursor, subject: Subject, text: string): bigint | undefined {
  if (subject.value === 'time') return parseTimeLiteral(text, cursor.zone);
  if (subject.value === 'mac') return parseMac(text);
  if (subject.value === 'duration') return parseDuration(text);
  const word = subject.words.get(text.toLowerCase());
  if (word !== undefined) return BigInt(word);
  if (subject.value === 'flags') {
    const flags = /^\d/.test(text) ? undefined : parseFlags(text);
    if (flags !== undefined) return BigInt(flags);
  }
  return parseNumber(text);
}

function wrongValue(cursor: Cursor, subject: Subject, span: Span, text: string): Error {
  const words = [...subject.words.keys()];
  const suggestion = text === '' ? undefined : nearest(text, words);
  const what = WHAT[subject.value] ?? (words.length > 0 ? `a number or name of ${subject.name}` : 'a number');
  const hints: Readonly<Record<string, string>> = {
    time: 'Write 2026-11-21T09:30:00Z, or "2026-11-21 09:30".',
    mac: 'Write 00:1b:21:3c:4d:5e.',
    duration: 'Write 1500 (milliseconds), 1.5s, 2min, 1h.',
    number:
      words.length > 0 && words.length < 20
        ? `Names: ${words.join(', ')}.`
        : 'Numbers may end in k, M, G, T (powers of 1000).',
  };
  const hint = suggestion === undefined ? hints[subject.value] : `Did you mean '${suggestion}'?`;
  return filterError(cursor.text, span, `${quote(text)} is not ${what}`, {
    ...(words.length > 0 ? { expected: words } : {}),
    ...(suggestion === undefined ? {} : { suggestion }),
    ...(hint === undefined ? {} : { hint }),
  });
}
