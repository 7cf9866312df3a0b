import { u16 } from '../../util/octets.ts';
import { LONGEST_NAME, printableName } from './name-text.ts';

/**
 * Domain names in messages (RFC 1035 sections 3.1 and 4.1.4): labels of a length octet and so many octets, up to one of length 0. A length whose two upper
 * bits are set is a pointer: 14 bits, an offset in the message where the name goes on. The two other kinds of length are not in use.
 */
const POINTER = 0xc0;
const DOT = 0x2e;

/** Where a name ends in the message; -1 where it does not, or is none. Pointers are not followed. */
export function skipDnsName(bytes: Uint8Array, at: number, end: number): number {
  let position = at;
  while (position < end && position - at <= LONGEST_NAME) {
    const length = bytes[position] as number;
    if (length === 0) return position + 1;
    if (length >= POINTER) return position + 2 <= end ? position + 2 : -1;
    if (length >= 0x40) return -1;
    position += 1 + length;
  }
  return -1;
}

/**
 * The name at `at` of the message that begins at `start`, in lower case, without the last dot; `.` is the root. Dots within a label are written `\.`.
 * Undefined for what is no name: cut, longer than 255 octets, or with a pointer that does not lead to an earlier place (so that it ends).
 */
export function readDnsName(bytes: Uint8Array, at: number, start: number, end: number): string | undefined {
  let text = '';
  let octets = 0;
  let position = at;
  /** A pointer leads to before the part of the name it stands in. */
  let partStart = at;
  for (;;) {
    if (position >= end) return undefined;
    const length = bytes[position] as number;
    if (length === 0) return text === '' ? '.' : text;
    if (length >= POINTER) {
      if (position + 2 > end) return undefined;
      position = start + (u16(bytes, position) & 0x3fff);
      if (position >= partStart) return undefined;
      partStart = position;
      continue;
    }
    octets += 1 + length;
    const labelEnd = position + 1 + length;
    if (length >= 0x40 || octets >= LONGEST_NAME || labelEnd > end) return undefined;
    if (text !== '') text += '.';
    text += printableName(bytes, position + 1, labelEnd, DOT);
    position = labelEnd;
  }
}
