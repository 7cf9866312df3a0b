import { type Address, compareAddress, formatAddress, isV4, parseAddress } from './address.ts';

/**
 * A network: the address with all host bits zero and a length of 0–128 bits. Lengths always count in the 128-bit form, so 10.0.0.0/8 has
 * length 104 (see `Address`). Made by `makePrefix` or `parsePrefix`, which keep the host bits zero.
 */
export interface Prefix {
  readonly address: Address;
  readonly length: number;
}

/** The bits by which IPv4 lengths are shorter than those of the 128-bit form. */
export const V4_OFFSET = 96;

/** The 32 bits of the mask of a prefix of `length` (0–128) that fall into word `index` (0–3), unsigned. */
export function maskWord(length: number, index: number): number {
  const bits = length - index * 32;
  if (bits <= 0) return 0;
  return bits >= 32 ? 0xffffffff : (0xffffffff << (32 - bits)) >>> 0;
}

/** The network of `length` bits (0–128, of the 128-bit form) that `address` is in. */
export function makePrefix(address: Address, length: number): Prefix {
  return {
    address: [
      (address[0] & maskWord(length, 0)) >>> 0,
      (address[1] & maskWord(length, 1)) >>> 0,
      (address[2] & maskWord(length, 2)) >>> 0,
      (address[3] & maskWord(length, 3)) >>> 0,
    ],
    length,
  };
}

/**
 * Reads `10.0.0.0/8`, `10.0.0.0/255.0.0.0` (the mask contiguous), `2001:db8::/32`, or an address alone, which is the network of that one
 * host. Host bits are dropped: `10.1.2.3/8` is 10.0.0.0/8. The length after a dotted quad counts to 32, after an IPv6 text to 128
 * (`::ffff:10.0.0.0/104` is 10.0.0.0/8). Returns undefined for anything else.
 */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/');
  const addressText = slash < 0 ? text : text.slice(0, slash);
  const address = parseAddress(addressText);
  if (address === undefined) return undefined;
  if (slash < 0) return { address, length: 128 };
  const v6 = addressText.includes(':');
  const lengthText = text.slice(slash + 1);
  if (!v6 && lengthText.includes('.')) {
    const length = maskLength(lengthText);
    return length < 0 ? undefined : makePrefix(address, length + V4_OFFSET);
  }
  if (!/^(?:0|[1-9]\d{0,2})$/.test(lengthText)) return undefined;
  const length = Number(lengthText);
  if (length > (v6 ? 128 : 32)) return undefined;
  return makePrefix(address, v6 ? length : length + V4_OFFSET);
}

/** The number of leading ones of a dotted-quad mask, or -1 when it is not one or has a hole. */
function maskLength(text: string): number {
  const mask = parseAddress(text);
  if (mask === undefined) return -1;
  const length = Math.clz32(~mask[3]);
  return mask[3] === maskWord(length, 0) ? length : -1;
}

/** The text of a prefix: `10.0.0.0/8`, `2001:db8::/32`; always with its length, so a host is `10.0.0.1/32`. */
export function formatPrefix(prefix: Prefix): string {
  const [w0, w1, w2, w3] = prefix.address;
  // A network shorter than /96 cannot keep all the ones of ::ffff:0:0, so an IPv4 address here means an IPv4 network.
  const length = isV4(w0, w1, w2) ? prefix.length - V4_OFFSET : prefix.length;
  return `${formatAddress(w0, w1, w2, w3)}/${length}`;
}

/** The first and last address of the network, both in it: what a filter on ordered columns compares with. */
export function prefixRange(prefix: Prefix): { readonly first: Address; readonly last: Address } {
  const { address, length } = prefix;
  const last: Address = [
    (address[0] | ~maskWord(length, 0)) >>> 0,
    (address[1] | ~maskWord(length, 1)) >>> 0,
    (address[2] | ~maskWord(length, 2)) >>> 0,
    (address[3] | ~maskWord(length, 3)) >>> 0,
  ];
  return { first: address, last };
}

/** The fewest networks that together hold the addresses from `first` to `last` (not before `first`), both in them, in order: 254 at most. */
export function prefixesBetween(first: Address, last: Address): Prefix[] {
  const prefixes: Prefix[] = [];
  for (let address: Address | undefined = first; address !== undefined; ) {
    let prefix = makePrefix(address, 128);
    while (prefix.length > 0) {
      const wider = makePrefix(address, prefix.length - 1);
      const fits = compareAddress(wider.address, address) === 0 && compareAddress(prefixRange(wider).last, last) <= 0;
      if (!fits) break;
      prefix = wider;
    }
    prefixes.push(prefix);
    const end = prefixRange(prefix).last;
    address = compareAddress(end, last) < 0 ? next(end) : undefined;
  }
  return prefixes;
}

/** The address behind another, which is not the last. */
function next([w0, w1, w2, w3]: Address): Address {
  if (w3 < 0xffffffff) return [w0, w1, w2, w3 + 1];
  if (w2 < 0xffffffff) return [w0, w1, w2 + 1, 0];
  return w1 < 0xffffffff ? [w0, w1 + 1, 0, 0] : [w0 + 1, 0, 0, 0];
}
