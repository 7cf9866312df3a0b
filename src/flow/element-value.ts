import { formatAddress } from '../util/address.ts';
import { float, hex, ntpMicros, text, u32, unsigned } from '../util/octets.ts';
import { isoMicros } from '../util/time.ts';

/**
 * A value of an information element as JSON has it; integers above 2⁵³ are bigint, octets are hexadecimal text. Structured data (RFC 6313) are
 * objects, see wire/structured-data.ts.
 */
export type ElementValue = number | bigint | string | boolean | ElementObject | ElementValue[];

/** Values by the names of their elements. */
export interface ElementObject {
  [name: string]: ElementValue;
}

/** Puts a value under a name; a name that comes twice gets a list of its values. */
export function addMember(fields: ElementObject, name: string, value: ElementValue): void {
  const present = fields[name];
  if (present === undefined) fields[name] = value;
  else if (Array.isArray(present)) present.push(value);
  else fields[name] = [present, value];
}

/**
 * The value of a field of abstract type `type` (RFC 7011 section 6.1), at `offset`, `length` octets. Integers and floats may be shorter than
 * their type (section 6.2). Octets whose length does not fit the type come as hexadecimal text; nothing is lost and nothing throws.
 */
export function elementValue(type: string, bytes: Uint8Array, offset: number, length: number): ElementValue {
  switch (type) {
    case 'ipv4Address':
    case 'ipv6Address':
      return addressValue(bytes, offset, length);
    case 'macAddress':
      return length === 6 ? (hex(bytes, offset, 6).match(/../g)?.join(':') ?? '') : hex(bytes, offset, length);
    case 'string':
      return text(bytes, offset, length);
    case 'boolean':
      return length === 1 ? bytes[offset] === 1 : hex(bytes, offset, length);
    case 'float32':
    case 'float64':
      return length === 4 || length === 8 ? float(bytes, offset, length) : hex(bytes, offset, length);
    case 'dateTimeSeconds':
      return length <= 8 ? isoMicros(unsigned(bytes, offset, length) * 1e6) : hex(bytes, offset, length);
    case 'dateTimeMilliseconds':
      return length <= 8 ? isoMicros(unsigned(bytes, offset, length) * 1000) : hex(bytes, offset, length);
    case 'dateTimeMicroseconds':
    case 'dateTimeNanoseconds':
      return length === 8
        ? isoMicros(ntpMicros(u32(bytes, offset), u32(bytes, offset + 4)))
        : hex(bytes, offset, length);
    default:
      if (length === 0 || length > 8) return hex(bytes, offset, length);
      if (type.startsWith('unsigned')) return integer(bytes, offset, length);
      if (type.startsWith('signed')) return signed(bytes, offset, length);
      return hex(bytes, offset, length);
  }
}

function addressValue(bytes: Uint8Array, offset: number, length: number): string {
  if (length === 4) return formatAddress(0, 0, 0xffff, u32(bytes, offset));
  if (length !== 16) return hex(bytes, offset, length);
  return formatAddress(u32(bytes, offset), u32(bytes, offset + 4), u32(bytes, offset + 8), u32(bytes, offset + 12));
}

function integer(bytes: Uint8Array, offset: number, length: number): number | bigint {
  const value = unsigned(bytes, offset, length);
  return value <= Number.MAX_SAFE_INTEGER ? value : BigInt(`0x${hex(bytes, offset, length)}`);
}

function signed(bytes: Uint8Array, offset: number, length: number): number | bigint {
  const value = BigInt.asIntN(length * 8, BigInt(`0x${hex(bytes, offset, length)}`));
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}
