import { messageOf, WeirError } from '../util/errors.ts';
import { Cursor } from './cursor.ts';
import { filterError, quote } from './fault.ts';
import type { Token } from './lexer.ts';

/** Longest file that a filter may name, in UTF-16 units: 100,000 IPv6 addresses and comments. */
const MAX_FILE_LENGTH = 8 << 20;

/** Reads what a file that the filter names holds with `read`. Errors inside say which file they are in. Throws WEIR_FILTER. */
export function readText<T>(cursor: Cursor, { value: path, start, end }: Token, read: (text: string) => T): T {
  const { readFile } = cursor.around;
  const fail = (message: string, hint?: string) =>
    filterError(cursor.text, { start, end }, message, hint === undefined ? {} : { hint });
  if (readFile === undefined) {
    throw fail(
      `the file ${quote(path)} is not read here`,
      'Only the commands read files; put the values into the filter.',
    );
  }
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    throw fail(`the file ${quote(path)} could not be read: ${messageOf(error)}`);
  }
  if (text.length > MAX_FILE_LENGTH) {
    throw fail(`the file ${quote(path)} has ${text.length} characters, more than ${MAX_FILE_LENGTH}`);
  }
  try {
    return read(text);
  } catch (error) {
    // The innermost file is the one to look at.
    if (!(error instanceof WeirError) || error.details['file'] !== undefined) throw error;
    const message = `in the file ${quote(path)}: ${error.message}`;
    throw new WeirError(error.code, message, { hint: error.hint, details: { ...error.details, file: path } });
  }
}

/** A list in a file: values separated by spaces, commas or lines, with comments. */
export function readList<T>(cursor: Cursor, file: Token, parseOne: (inside: Cursor) => T[]): T[] {
  return readText(cursor, file, (text) => readValues(text, cursor, parseOne));
}

/** The values of a text, each read by `parseOne`. */
export function readValues<T>(text: string, { around }: Cursor, parseOne: (inside: Cursor) => T[]): T[] {
  const inside = new Cursor(text, { ...around, offer: undefined });
  const values: T[] = [];
  while (inside.peek().kind !== 'end') {
    for (const value of parseOne(inside)) values.push(value);
    inside.takes(',');
  }
  return values;
}
