import { nearest } from '../elements/nearest.ts';
import type { Prefix } from '../util/prefix.ts';
import type { Cursor } from './cursor.ts';
import { filterError, quote, type Span } from './fault.ts';
import type { Subject } from './fields.ts';
import type { Token } from './lexer.ts';
import { parseTimeLiteral } from './time-literal.ts';
import type { NumberRange } from './tree.ts';
import { parseDuration, parseFlags, parseMac, parseMask, parseNetwork, parseNumber, withMask } from './values.ts';

/** What the values of a kind are called in messages. */
export const WHAT: Readonly<Record<string, string>> = {
  time: 'a time',
  mac: 'a MAC address',
  duration: 'a duration',
  flags: 'a number or flags',
};

/** Takes the next token as a value. */
export function valueToken(cursor: Cursor, what: string, texts = false): Token {
  const token = cursor.peek();
  if (token.kind === 'word' || (token.kind === 'text' && texts)) return cursor.next();
  throw cursor.unexpected([what]);
}

/** Takes an address or a network, after the word `net` also with its mask as a second word. */
export function parsePrefix(cursor: Cursor, isNet: boolean): Prefix {
  const token = valueToken(cursor, 'an address or a network', true);
  const prefix = parseNetwork(token.value);
  if (prefix === undefined) throw noNetwork(cursor, token);
  const next = cursor.peek();
  if (!isNet || next.kind !== 'word' || !/^\d+\.\d+\.\d+\.\d+$/.test(next.value)) return prefix;
  const length = parseMask(next.value);
  if (length === undefined) {
    throw filterError(cursor.text, next, `${quote(next.value)} is no network mask`, {
      hint: 'Write 255.255.255.0, or /24.',
    });
  }
  cursor.next();
  return withMask(prefix, length);
}

function noNetwork(cursor: Cursor, token: Token): Error {
  const { names } = cursor.around.names;
  const suggestion = nearest(token.value, names);
  const isName = /^[a-z_][\w.-]*$/i.test(token.value);
  const message = `${quote(token.value)} is no address and no network`;
  const hint = 'Write 192.0.2.1, 192.0.2.0/24, 2001:db8::1 or 2001:db8::/32.';
  return filterError(cursor.text, token, isName ? `${message}, and no list has this name` : message, {
    expected: ['address', 'network', ...names],
    ...(suggestion === undefined ? {} : { suggestion }),
    hint:
      suggestion === undefined
        ? `${hint}${isName ? ' Host names are not looked up.' : ''}`
        : `Did you mean '${suggestion}'?`,
  });
}

/** Takes a text, quoted or not. */
export function parseText(cursor: Cursor): string {
  const token = valueToken(cursor, 'a text', true);
  if (token.value.includes('\0')) throw filterError(cursor.text, token, 'a text cannot hold a zero character');
  if (/\p{Surrogate}/u.test(token.value)) throw filterError(cursor.text, token, 'half a character is no text');
  return token.value;
}

/** Takes one value, or two with a hyphen between them where values are plain numbers or durations. */
export function parseRange(cursor: Cursor, subject: Subject): NumberRange {
  const what = WHAT[subject.value] ?? 'a number';
  const token = valueToken(cursor, what, subject.value === 'time' || subject.words.size > 0);
  const named = rangeWord(subject, token.value);
  if (named !== undefined) return named;
  const parts = token.value.split('-');
  const [low = '', high = ''] = parts;
  const single = subject.value === 'time' || subject.value === 'mac' || parts.length !== 2;
  if (single || !/^\d/.test(low) || !/^\d/.test(high)) {
    const value = numberOf(cursor, subject, token, token.value);
    return { from: value, to: value };
  }
  const from = numberOf(cursor, subject, token, low);
  const to = numberOf(cursor, subject, token, high);
  if (from > to) throw filterError(cursor.text, token, `the range ${token.value} ends before it begins`);
  return { from, to };
}

/** The range of numbers that a word stands for, such as `forwarded`. */
export function rangeWord(subject: Subject, word: string): NumberRange | undefined {
  return subject.ranges.get(word.toLowerCase());
}

/** Whether a word stands for a number or numbers of the subject. */
export function isNumberWord(subject: Subject, word: string): boolean {
  return subject.words.has(word.toLowerCase()) || rangeWord(subject, word) !== undefined;
}

/** What `text` means for the subject; throws WEIR_FILTER, pointing at `span`, when it means nothing or is too large. */
export function numberOf(cursor: Cursor, subject: Subject, span: Span, text: string): bigint {
  const value = readNumber(cursor, subject, text);
  if (value === undefined) throw wrongValue(cursor, subject, span, text);
  if (value > subject.max) {
    throw filterError(cursor.text, span, `${text} is too large for ${subject.name}, which is at most ${subject.max}`);
  }
  return value;
}

function readNumber(cursor: Cursor, subject: Subject, text: string): bigint | undefined {
  if (subject.value === 'time') return parseTimeLiteral(text, cursor.around.zone);
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

/** How many names an error lists. */
const FEW = 20;

function wrongValue(cursor: Cursor, subject: Subject, span: Span, text: string): Error {
  const words = [...subject.words.keys(), ...subject.ranges.keys()];
  const candidates = [...words, ...cursor.around.names.names];
  const suggestion = text === '' ? undefined : nearest(text, candidates);
  const what = WHAT[subject.value] ?? (words.length > 0 ? `a number or name of ${subject.name}` : 'a number');
  const hints: Readonly<Record<string, string>> = {
    time: 'Write 2026-11-21T09:30:00Z, or "2026-11-21 09:30".',
    mac: 'Write 00:1b:21:3c:4d:5e.',
    duration: 'Write 1500 (milliseconds), 1.5s, 2min, 1h.',
    number:
      words.length > 0 && words.length < FEW
        ? `Names: ${words.join(', ')}.`
        : 'Numbers may end in k, M, G, T (powers of 1000).',
  };
  const hint = suggestion === undefined ? hints[subject.value] : `Did you mean '${suggestion}'?`;
  return filterError(cursor.text, span, `${quote(text)} is not ${what}`, {
    ...(candidates.length > 0 ? { expected: candidates } : {}),
    ...(suggestion === undefined ? {} : { suggestion }),
    ...(hint === undefined ? {} : { hint }),
  });
}
