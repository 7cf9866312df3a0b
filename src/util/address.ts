/**
 * An IPv4 or IPv6 address as four unsigned 32-bit words in network order, the first the most significant. IPv4 a.b.c.d is the
 * IPv4-mapped ::ffff:a.b.c.d (RFC 4291, 2.5.5.2), `[0, 0, 0xffff, v4]`, so that both families have one order and one key.
 */
export type Address = readonly [w0: number, w1: number, w2: number, w3: number];

const COLON = 0x3a;
const DOT = 0x2e;
const MAPPED = 0xffff;

/**
 * Reads a dotted quad or any IPv6 form of RFC 4291, 2.2 (`::`, embedded IPv4, either case). Strict: four decimal parts without leading
 * zeros, no spaces, no brackets, no port. A zone (`fe80::1%eth0`) is refused unless `zone` is `'strip'`, which is for addresses that
 * come from the system's own sockets. Returns undefined when `text` is not an address.
 */
export function parseAddress(text: string, options?: { readonly zone?: 'strip' }): Address | undefined {
  let end = text.length;
  if (options?.zone === 'strip') {
    const percent = text.indexOf('%');
    // A zone belongs to an IPv6 address and is not empty (RFC 4007, 11).
    if (percent >= 0) {
      if (percent === end - 1 || !text.includes(':')) return undefined;
      end = percent;
    }
  }
  if (text.includes(':')) return parseV6(text, end);
  const v4 = parseV4(text, 0, end);
  return v4 < 0 ? undefined : [0, 0, MAPPED, v4];
}

/** The dotted quad in `text[start, end)` as an unsigned number, or -1. */
function parseV4(text: string, start: number, end: number): number {
  let value = 0;
  let parts = 0;
  let at = start;
  while (parts < 4) {
    const first = at;
    let part = 0;
    while (at < end && at - first < 3) {
      const digit = text.charCodeAt(at) - 0x30;
      if (digit < 0 || digit > 9) break;
      part = part * 10 + digit;
      at++;
    }
    // A leading zero is octal to some programs and decimal to others, so it is neither here.
    if (at === first || part > 255 || (at - first > 1 && text.charCodeAt(first) === 0x30)) return -1;
    value = value * 256 + part;
    parts++;
    if (parts < 4 && (at >= end || text.charCodeAt(at++) !== DOT)) return -1;
  }
  return at === end ? value : -1;
}

function parseV6(text: string, end: number): Address | undefined {
  const groups: number[] = [];
  let gap = -1;
  let at = 0;
  if (end >= 2 && text.charCodeAt(0) === COLON && text.charCodeAt(1) === COLON) {
    gap = 0;
    at = 2;
  }
  while (at < end) {
    if (groups.length === 8) return undefined;
    const first = at;
    let group = 0;
    while (at < end && at - first < 4) {
      const digit = hexDigit(text.charCodeAt(at));
      if (digit < 0) break;
      group = group * 16 + digit;
      at++;
    }
    if (at < end && text.charCodeAt(at) === DOT) {
      const v4 = parseV4(text, first, end);
      if (v4 < 0 || groups.length > 6) return undefined;
      groups.push(v4 >>> 16, v4 & 0xffff);
      at = end;
      break;
    }
    if (at === first) return undefined;
    groups.push(group);
    if (at === end) break;
    if (text.charCodeAt(at++) !== COLON) return undefined;
    if (at < end && text.charCodeAt(at) === COLON) {
      if (gap >= 0) return undefined;
      gap = groups.length;
      at++;
    } else if (at === end) {
      return undefined;
    }
  }
  // `::` stands for at least one group of zeros.
  if (gap < 0 ? groups.length !== 8 : groups.length > 7) return undefined;
  if (gap >= 0) groups.splice(gap, 0, ...Array.from({ length: 8 - groups.length }, () => 0));
  return [word(groups, 0), word(groups, 2), word(groups, 4), word(groups, 6)];
}

function word(groups: readonly number[], at: number): number {
  return (((groups[at] as number) << 16) | (groups[at + 1] as number)) >>> 0;
}

function hexDigit(char: number): number {
  if (char >= 0x30 && char <= 0x39) return char - 0x30;
  const lower = char | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/**
 * The text of an address: RFC 5952 for IPv6 (lower case, the longest run of two or more zero groups as `::`, the first of equals), and
 * a plain dotted quad for IPv4. Words may be signed or unsigned. `parseAddress` reads it back to the same words.
 */
export function formatAddress(w0: number, w1: number, w2: number, w3: number): string {
  if (isV4(w0, w1, w2)) return `${w3 >>> 24}.${(w3 >>> 16) & 255}.${(w3 >>> 8) & 255}.${w3 & 255}`;
  const groups = [
    w0 >>> 16,
    w0 & 0xffff,
    w1 >>> 16,
    w1 & 0xffff,
    w2 >>> 16,
    w2 & 0xffff,
    w3 >>> 16,
    w3 & 0xffff,
  ] as const;
  let runStart = -1;
  let runLength = 1;
  for (let i = 0; i < 8; i++) {
    let j = i;
    while (j < 8 && groups[j] === 0) j++;
    if (j - i > runLength) {
      runStart = i;
      runLength = j - i;
    }
    if (j > i) i = j;
  }
  let text = '';
  for (let i = 0; i < 8; i++) {
    if (i === runStart) {
      text += '::';
      i += runLength - 1;
    } else {
      if (i > 0 && !text.endsWith(':')) text += ':';
      text += (groups[i] as number).toString(16);
    }
  }
  return text;
}

/** Whether the address with these first three words is an IPv4 address (::ffff:0:0/96). */
export function isV4(w0: number, w1: number, w2: number): boolean {
  return w2 === MAPPED && w0 === 0 && w1 === 0;
}

/** Order of two addresses as 128-bit unsigned numbers: negative, zero or positive. */
export function compareAddress(a: Address, b: Address): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || a[3] - b[3];
}

/**
 * A key for a `Map`, equal exactly for equal addresses. IPv4 gives a number, which costs no string; IPv6 gives a short string that is
 * not meant to be read. Words are unsigned.
 */
export function addressKey(w0: number, w1: number, w2: number, w3: number): number | string {
  return isV4(w0, w1, w2) ? w3 : `${w0},${w1},${w2},${w3}`;
}
