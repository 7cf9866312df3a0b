/*
 * Structures of sFlow as tables of fields, for all that is only carried through: XDR (RFC 4506), 32-bit words in network order.
 *
 * u32, i32, f32 one word · u64 two words · mac 6 octets and 2 of padding · ipv4 4, ipv6 and uuid 16 octets
 * string and octets: u32 length, then so many octets, filled up to whole words · address: u32 type, then 0, 4 or 16 octets
 */
import { u32 } from '../../util/octets.ts';
import { addressLength, padded } from './datagram.ts';

export type FieldKind =
  | 'u32'
  | 'i32'
  | 'f32'
  | 'u64'
  | 'mac'
  | 'ipv4'
  | 'ipv6'
  | 'uuid'
  | 'string'
  | 'octets'
  | 'address';

export type StructureField = readonly [name: string, kind: FieldKind];

/** A structure by its name, and the fields in order. */
export interface Structure {
  readonly name: string;
  readonly fields: readonly StructureField[];
}

const WIDTH: Readonly<Partial<Record<FieldKind, number>>> = {
  u32: 4,
  i32: 4,
  f32: 4,
  u64: 8,
  mac: 8,
  ipv4: 4,
  ipv6: 16,
  uuid: 16,
};

/** Called for a field with where its value lies, padding and length word left out. */
export type FieldVisitor = (name: string, kind: FieldKind, offset: number, length: number) => void;

/**
 * Goes through the fields of a structure between `start` and `end`, which is as long as its record says. A structure that ends early gives the
 * fields that are whole: structures have grown at their end over time. Returns the offset behind the last field that was visited.
 */
export function walkFields(
  fields: readonly StructureField[],
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: FieldVisitor,
): number {
  let p = start;
  for (const [name, kind] of fields) {
    let width = WIDTH[kind];
    let prefix = 0;
    let length = width ?? 0;
    if (width === undefined) {
      if (p + 4 > end) return p;
      prefix = 4;
      length = kind === 'address' ? addressLength(u32(bytes, p)) : u32(bytes, p);
      if (length < 0) return p;
      width = 4 + (kind === 'address' ? length : Math.ceil(length / 4) * 4);
    } else if (kind === 'mac') length = 6;
    // The last text of a record may come without its padding.
    if (p + prefix + length > end) return p;
    visit(name, kind, p + prefix, length);
    p = Math.min(p + width, end);
  }
  return p;
}

/** Length of text at `offset` and where its octets begin; −1 when it does not fit. `next` is behind its padding. */
export function textAt(
  bytes: Uint8Array,
  offset: number,
  end: number,
): { start: number; length: number; next: number } {
  if (offset + 4 > end) return { start: offset, length: -1, next: end };
  const length = u32(bytes, offset);
  if (length > end - offset - 4) return { start: offset, length: -1, next: end };
  return { start: offset + 4, length, next: Math.min(offset + 4 + padded(length), end) };
}
