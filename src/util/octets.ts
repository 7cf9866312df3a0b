/** Reading numbers in network order. Callers have checked that the octets are there; a read past the end gives 0 bits, never an exception. */

/** 16 bits at `offset`. */
export function u16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] as number) << 8) | (bytes[offset + 1] as number);
}

/** 32 bits at `offset`, 0 to 2³²−1. */
export function u32(bytes: Uint8Array, offset: number): number {
  return (
    (((bytes[offset] as number) << 24) |
      ((bytes[offset + 1] as number) << 16) |
      ((bytes[offset + 2] as number) << 8) |
      (bytes[offset + 3] as number)) >>>
    0
  );
}

/**
 * An unsigned integer of 1 to 8 octets as a number: exact up to 2⁵³, the nearest double above (RFC 7011 section 6.2, reduced-size encoding).
 * `length` 0 gives 0.
 */
export function unsigned(bytes: Uint8Array, offset: number, length: number): number {
  let value = 0;
  for (let i = 0; i < length; i++) value = value * 256 + (bytes[offset + i] as number);
  return value;
}

/** An IEEE 754 number of 4 or 8 octets. */
export function float(bytes: Uint8Array, offset: number, length: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, length);
  return length === 4 ? view.getFloat32(0) : view.getFloat64(0);
}

/** The view that reads and writes numbers in `bytes`. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const decoder = new TextDecoder('utf-8');

/** UTF-8 text; what follows a NUL is padding. */
export function text(bytes: Uint8Array, offset: number, length: number): string {
  let end = offset;
  const limit = offset + length;
  while (end < limit && bytes[end] !== 0) end++;
  return decoder.decode(bytes.subarray(offset, end));
}

/** Lower-case hexadecimal digits of `length` octets. */
export function hex(bytes: Uint8Array, offset: number, length: number): string {
  let out = '';
  for (let i = 0; i < length; i++) out += (bytes[offset + i] as number).toString(16).padStart(2, '0');
  return out;
}

/** Seconds from 1900 (NTP era 0) to 1970. */
const NTP_TO_UNIX = 2_208_988_800;

/**
 * dateTimeMicroseconds and dateTimeNanoseconds (RFC 7011 sections 6.1.9 and 6.1.10: NTP format) as µs since the epoch. Exporters exist that send a
 * plain count of µs or ns since 1970 instead; the upper word tells: as NTP seconds it would lie before 1970.
 */
export function ntpMicros(upper: number, lower: number): number {
  if (upper >= NTP_TO_UNIX) return (upper - NTP_TO_UNIX) * 1e6 + Math.floor((lower * 1e6) / 4_294_967_296);
  const count = upper * 4_294_967_296 + lower;
  // µs since 1970 between 2000 and 2106, ns since 1970 between 2000 and 2106.
  if (count >= 9.46e14 && count < 4.3e15) return count;
  if (count >= 9.46e17 && count < 4.3e18) return Math.floor(count / 1000);
  if (count === 0) return 0;
  // NTP era 1, from 2036 on.
  return (upper + 4_294_967_296 - NTP_TO_UNIX) * 1e6 + Math.floor((lower * 1e6) / 4_294_967_296);
}
