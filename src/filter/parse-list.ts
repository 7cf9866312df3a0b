import type { Cursor } from './cursor.ts';
import { filterError, quote } from './fault.ts';
import type { Subject } from './fields.ts';
import type { Token } from './lexer.ts';
import { readList, readValues } from './parse-file.ts';
import { quoteText } from './values.ts';

/** How the values of a subject are read. */
export interface ValueReader<T> {
  readonly subject: Subject;
  /** Takes one value. */
  readonly one: (at: Cursor) => T;
  /** Whether a word is a value of its own, and so cannot be the name of a list. */
  readonly isValue: (word: string) => boolean;
}

/**
 * One value, or with `isList` a list in brackets, separated by spaces or commas. In place of a value there may be a file (`@path`), or the name of a list
 * of the configuration. Throws WEIR_FILTER.
 */
export function parseList<T>(cursor: Cursor, isList: boolean, reader: ValueReader<T>): T[] {
  if (!isList || !cursor.sees('[')) return parseItem(cursor, reader);
  cursor.next();
  const values: T[] = [];
  while (!cursor.sees(']')) {
    cursor.offer({ kind: 'value', subject: reader.subject, several: true });
    if (values.length > 0) cursor.offer({ kind: 'keyword', words: [']'] });
    if (cursor.peek().kind === 'end') throw cursor.unexpected(['a value', ']']);
    for (const value of parseItem(cursor, reader)) values.push(value);
    cursor.takes(',');
  }
  if (values.length === 0) throw filterError(cursor.text, cursor.peek(), 'the list is empty');
  cursor.next();
  return values;
}

/** A value, or all values of a file or of a named list. */
function parseItem<T>(cursor: Cursor, { one, isValue, subject }: ValueReader<T>): T[] {
  const token = cursor.peek();
  // Lists hold values only, so that none can name itself.
  const counted = (at: Cursor): T[] => {
    at.count('values', at.peek());
    return [one(at)];
  };
  if (token.kind === 'file') {
    cursor.next();
    return nonEmpty(cursor, token, readList(cursor, token, counted));
  }
  const named = token.kind === 'word' && !isValue(token.value) ? cursor.around.names.lookup(token.value) : undefined;
  if (named === undefined) return counted(cursor);
  cursor.next();
  const entries = subject.value === 'text' ? named.map(quoteText) : named;
  return nonEmpty(cursor, token, readValues(entries.join(' '), cursor, counted));
}

function nonEmpty<T>(cursor: Cursor, token: Token, values: T[]): T[] {
  if (values.length === 0) throw filterError(cursor.text, token, `the list ${quote(token.value)} is empty`);
  return values;
}
