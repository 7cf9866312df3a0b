/*
 * Addresses in text, octets in, words out: nothing is allocated. util/address reads strings.
 */

const DOT = 0x2e;
const COLON = 0x3a;

/**
 * Reads an IPv4 or IPv6 address between `start` and `end` into four words at `at`, IPv4 as ::ffff:a.b.c.d. Returns whether it is one; what is in
 * `words` does not matter otherwise.
 */
export function readAddress(bytes: Uint8Array, start: number, end: number, words: Uint32Array, at: number): boolean {
  for (let p = start; p < end && p < start + 5; p++) {
    if (bytes[p] === COLON) return readIpv6(bytes, start, end, words, at);
  }
  const value = readIpv4(bytes, start, end);
  words[at] = 0;
  words[at + 1] = 0;
  words[at + 2] = 0xffff;
  words[at + 3] = value;
  return value >= 0;
}

/** An IPv4 address as a number, -1 when it is none. */
function readIpv4(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  let octet = 0;
  let digits = 0;
  let dots = 0;
  for (let p = start; p < end; p++) {
    const byte = bytes[p] as number;
    if (byte === DOT) {
      if (digits === 0 || dots === 3) return -1;
      dots++;
      value = value * 256 + octet;
      octet = 0;
      digits = 0;
    } else {
      const digit = byte - 0x30;
      octet = octet * 10 + digit;
      if (digit < 0 || digit > 9 || ++digits > 3 || octet > 255) return -1;
    }
  }
  return dots === 3 && digits > 0 ? value * 256 + octet : -1;
}

/** RFC 4291 section 2.2: eight groups, `::` once for groups of zeros, the last two perhaps as an IPv4 address. */
function readIpv6(bytes: Uint8Array, start: number, end: number, words: Uint32Array, at: number): boolean {
  words.fill(0, at, at + 4);
  let group = 0;
  /** Where `::` stands, in groups. */
  let gap = -1;
  let p = start;
  if (end - start >= 2 && bytes[p] === COLON && bytes[p + 1] === COLON) {
    gap = 0;
    p += 2;
  }
  while (p < end) {
    if (group > 7) return false;
    let value = 0;
    let digits = 0;
    const first = p;
    for (; p < end; p++, digits++) {
      const digit = hexDigit(bytes[p] as number);
      if (digit < 0) break;
      value = value * 16 + digit;
    }
    if (p < end && bytes[p] === DOT) {
      const ipv4 = readIpv4(bytes, first, end);
      if (ipv4 < 0 || group > 6) return false;
      putGroup(words, at, group++, ipv4 >>> 16);
      putGroup(words, at, group++, ipv4 & 0xffff);
      p = end;
      break;
    }
    if (digits === 0 || digits > 4) return false;
    putGroup(words, at, group++, value);
    if (p === end) break;
    if (bytes[p] !== COLON || ++p === end) return false;
    if (bytes[p] === COLON) {
      if (gap >= 0) return false;
      gap = group;
      p++;
    }
  }
  if (gap < 0) return group === 8;
  if (group > 7) return false;
  // The groups after `::` go to the end.
  for (let from = group - 1, to = 7; from >= gap; from--, to--) {
    putGroup(words, at, to, getGroup(words, at, from));
    putGroup(words, at, from, 0);
  }
  return true;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function getGroup(words: Uint32Array, at: number, group: number): number {
  const word = words[at + (group >> 1)] as number;
  return (group & 1) === 0 ? word >>> 16 : word & 0xffff;
}

function putGroup(words: Uint32Array, at: number, group: number, value: number): void {
  const i = at + (group >> 1);
  const word = words[i] as number;
  words[i] = (group & 1) === 0 ? value * 65_536 + (word & 0xffff) : (word & 0xffff_0000) + value;
}
