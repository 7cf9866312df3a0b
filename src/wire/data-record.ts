import { u16 } from '../util/octets.ts';
import { type FieldSpecifier, VARIABLE } from './template.ts';

/** Where one field of a record lies. */
export interface LocatedField {
  readonly field: FieldSpecifier;
  readonly offset: number;
  readonly length: number;
}

/**
 * The fields of the record at `start`, one by one as the template says: for options data and for showing records as they are. `undefined` when the
 * record goes past `end`. `next` is where the record after it starts.
 */
export function locateFields(
  fields: readonly FieldSpecifier[],
  bytes: Uint8Array,
  start: number,
  end: number,
): { located: LocatedField[]; next: number } | undefined {
  const located: LocatedField[] = [];
  let p = start;
  for (const field of fields) {
    let { length } = field;
    if (length === VARIABLE) {
      const variable = variableLength(bytes, p, end);
      if (variable === undefined) return undefined;
      p += variable.prefix;
      length = variable.length;
    }
    if (p + length > end) return undefined;
    located.push({ field, offset: p, length });
    p += length;
  }
  return { located, next: p };
}

/** Length of a variable-length value whose length stands at `offset`, and how many octets say so (RFC 7011 section 7); `undefined` past `end`. */
export function variableLength(
  bytes: Uint8Array,
  offset: number,
  end: number,
): { length: number; prefix: number } | undefined {
  if (offset >= end) return undefined;
  const first = bytes[offset] as number;
  if (first < 255) return { length: first, prefix: 1 };
  if (offset + 3 > end) return undefined;
  return { length: u16(bytes, offset + 1), prefix: 3 };
}
