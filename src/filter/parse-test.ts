import { compareAddress, isV4 } from '../util/address.ts';
import { type Prefix, prefixesBetween, prefixRange } from '../util/prefix.ts';
import type { Cursor } from './cursor.ts';
import { filterError, quote } from './fault.ts';
import { NET_PHRASE, type Subject } from './fields.ts';
import { parseComparedColumn } from './parse-compare.ts';
import { parseList, type ValueReader } from './parse-list.ts';
import { type Operator, parseOperator } from './parse-operator.ts';
import {
  isNumberWord,
  numberOf,
  parsePrefix,
  parseRange,
  parseText,
  rangeWord,
  valueToken,
  WHAT,
} from './parse-value.ts';
import { ACL_PARTS, IMPLIED_PROTOCOLS } from './phrases.ts';
import { parseRegex } from './regex-parse.ts';
import {
  addressTest,
  and,
  type FilterLeaf,
  type FilterNode,
  flagsTest,
  type NumberRange,
  not,
  numberTest,
  type TextMode,
  textTest,
} from './tree.ts';
import { parseFlags, parseNetwork, rangeOf } from './values.ts';

/**
 * Reads operator and value after a subject. `negated`: an odd number of `not` stands before it, since nfdump takes `not flags XY`, and XY in brackets
 * after `not`, as "neither X nor Y".
 */
export function parseTest(cursor: Cursor, subject: Subject, phrase: string, negated: boolean): FilterNode {
  const flags = subject.value === 'flags' ? parseFlagsTest(cursor, subject, negated) : undefined;
  if (flags !== undefined) return ofProtocols(phrase, flags);
  const operator = parseOperator(cursor, subject);
  const hasLists = !['text', 'flags', 'acl'].includes(subject.value);
  cursor.offer({ kind: 'value', subject, several: operator.kind === 'in' || (operator.kind === '=' && hasLists) });
  const test = parseComparedColumn(cursor, subject, operator.kind) ?? parseLeaf(cursor, subject, phrase, operator);
  // `ip != X` is the opposite of `ip = X`, also for rows without an address.
  return operator.isOpposite ? not(ofProtocols(phrase, test)) : ofProtocols(phrase, test);
}

/** The test, of flows of the protocols that the phrase is about. */
function ofProtocols(phrase: string, test: FilterLeaf): FilterNode {
  const protocols = IMPLIED_PROTOCOLS.get(phrase);
  if (protocols === undefined) return test;
  const ranges = protocols.map((number) => ({ from: BigInt(number), to: BigInt(number) }));
  return and([numberTest('proto', ['proto'], ranges), test]);
}

function parseLeaf(cursor: Cursor, subject: Subject, phrase: string, { kind }: Operator): FilterLeaf {
  const { name, columns } = subject;
  switch (subject.value) {
    case 'address': {
      // In a list, two addresses are two addresses.
      const mayMask = NET_PHRASE.test(phrase) && kind !== 'in';
      const one = (at: Cursor) => parsePrefix(at, mayMask && at === cursor);
      const isValue = (word: string) => parseNetwork(word) !== undefined;
      if (kind === 'between') return addressTest(name, columns, parseBetween(cursor, subject));
      return addressTest(name, columns, parseList(cursor, kind === 'in', { subject, one, isValue }));
    }
    case 'text':
      return parseTextTest(cursor, subject, kind);
    case 'acl':
      return parseAcl(cursor, subject, phrase);
    default:
      return numberTest(name, columns, parseRanges(cursor, subject, kind));
  }
}

/** `10.0.0.5 and 10.0.0.20`, as the networks that hold all from the first to the last. */
function parseBetween(cursor: Cursor, subject: Subject): Prefix[] {
  const { start } = cursor.peek();
  const { first } = prefixRange(parsePrefix(cursor, false));
  if (!cursor.takes('and')) throw cursor.unexpected(['and']);
  cursor.offer({ kind: 'value', subject, several: false });
  const { end } = cursor.peek();
  const { last } = prefixRange(parsePrefix(cursor, false));
  const isV4Range = isV4(first[0], first[1], first[2]);
  if (isV4Range !== isV4(last[0], last[1], last[2]))
    throw filterError(cursor.text, { start, end }, 'one end of the range is IPv4, the other is IPv6');
  if (compareAddress(first, last) > 0)
    throw filterError(cursor.text, { start, end }, 'the range ends before it begins');
  return prefixesBetween(first, last);
}

function parseTextTest(cursor: Cursor, subject: Subject, kind: Operator['kind']): FilterLeaf {
  const mode: TextMode = kind === 'contains' || kind === 'prefix' || kind === 'regex' ? kind : 'is';
  const one = (at: Cursor): string => {
    const token = at.peek();
    const text = parseText(at);
    if (mode === 'regex') parseRegex(text, (message, hint) => filterError(at.text, token, message, { hint }));
    // Countries are two capital letters.
    return mode === 'is' && subject.columns.every((column) => column.endsWith('_country')) ? text.toUpperCase() : text;
  };
  // A bare word may be the name of a list only after `in`: after `=` it is the text that it looks like.
  const reader: ValueReader<string> = { subject, one, isValue: () => kind !== 'in' };
  return textTest(subject.name, subject.columns, parseList(cursor, mode !== 'is' || kind === 'in', reader), mode);
}

/** One of the three numbers of an access list's identifier, which is stored as 24 hexadecimal digits. */
function parseAcl(cursor: Cursor, subject: Subject, phrase: string): FilterLeaf {
  const [column, part] = ACL_PARTS.get(phrase) as readonly [string, number];
  const token = valueToken(cursor, 'a number');
  const digits = numberOf(cursor, subject, token, token.value).toString(16).padStart(8, '0');
  return part === 0
    ? textTest(column, [column], [digits], 'prefix')
    : textTest(column, [column], [`^.{${part * 8}}${digits}`], 'regex');
}

/** `flags SA`, `flags any SA`, `flags all SA`; undefined when a comparison follows. */
function parseFlagsTest(cursor: Cursor, subject: Subject, negated: boolean): FilterLeaf | undefined {
  cursor.offer({ kind: 'flags' });
  const first = cursor.peek();
  const ahead = cursor.peek(1);
  const isMode = first.kind === 'word' && /^(?:any|all)$/i.test(first.value);
  if (isMode && ahead.kind === 'end') {
    cursor.next();
    throw cursor.unexpected(['flags']);
  }
  const named = isMode && ahead.kind === 'word' && parseFlags(ahead.value) !== undefined;
  const token = named ? ahead : first;
  const mask = token.kind === 'word' && !/^\d/.test(token.value) ? parseFlags(token.value) : undefined;
  if (mask === undefined) {
    if (first.kind !== 'word' || /^(?:\d|(?:in|not|between|eq|lt|le|gt|ge)$)/i.test(first.value)) return undefined;
    throw filterError(cursor.text, first, `${quote(first.value)} are no TCP flags`, {
      hint: 'Letters: U A P R S F, E (ECE), C (CWR), N (NS); X for the first six: flags SA.',
    });
  }
  cursor.next();
  if (named) cursor.next();
  const any = named ? first.value.toLowerCase() === 'any' : negated;
  return flagsTest(subject.name, subject.columns, mask, any ? 'any' : 'all');
}

function parseRanges(cursor: Cursor, subject: Subject, kind: Operator['kind']): NumberRange[] {
  if (kind === 'in' || kind === '=') {
    const one = (at: Cursor) => parseRange(at, subject);
    const isValue = (word: string) => /^\d/.test(word) || isNumberWord(subject, word);
    return parseList(cursor, kind === 'in', { subject, one, isValue });
  }
  const first = parseBound(cursor, subject);
  if (kind === 'between') {
    if (!cursor.takes('and')) throw cursor.unexpected(['and']);
    cursor.offer({ kind: 'value', subject, several: false });
    const last = parseBound(cursor, subject);
    if (first.value <= last.value) return [{ from: first.value, to: last.value }];
    throw filterError(cursor.text, { start: first.start, end: last.end }, 'the range ends before it begins');
  }
  const range = rangeOf(kind as '<', first.value);
  const empty = (range.to !== undefined && range.to < 0n) || (range.from !== undefined && range.from > subject.max);
  if (empty && subject.value !== 'time')
    throw filterError(cursor.text, first, `no ${subject.name} is ${kind} ${first.text}`);
  return [range];
}

function parseBound(cursor: Cursor, subject: Subject): { value: bigint; text: string; start: number; end: number } {
  const token = valueToken(cursor, WHAT[subject.value] ?? 'a number', subject.value === 'time');
  const range = rangeWord(subject, token.value);
  if (range !== undefined) {
    throw filterError(cursor.text, token, `${quote(token.value)} is a range of ${subject.name}, and has no order`);
  }
  const { start, end, value: text } = token;
  return { value: numberOf(cursor, subject, token, text), text, start, end };
}
