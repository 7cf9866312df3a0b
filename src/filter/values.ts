import { parseAddress } from '../util/address.ts';
import { makePrefix, maskWord, type Prefix, parsePrefix, V4_OFFSET } from '../util/prefix.ts';
import type { NumberRange } from './tree.ts';

const MULTIPLIERS: Readonly<Record<string, bigint>> = {
  '': 1n,
  k: 1000n,
  m: 1000n ** 2n,
  g: 1000n ** 3n,
  t: 1000n ** 4n,
  p: 1000n ** 5n,
  ki: 1n << 10n,
  mi: 1n << 20n,
  gi: 1n << 30n,
  ti: 1n << 40n,
  pi: 1n << 50n,
};

/** Units of a duration in µs; without one it is milliseconds, as in nfdump. */
const DURATION_UNITS: Readonly<Record<string, bigint>> = {
  us: 1n,
  µs: 1n,
  ms: 1000n,
  s: 1_000_000n,
  sec: 1_000_000n,
  min: 60_000_000n,
  h: 3_600_000_000n,
  d: 86_400_000_000n,
};

/** Longest number that is read: what follows cannot be in range anyway. */
const MAX_DIGITS = 40;

/** `80`, `1.5M`, `64Ki`, `0x1f`: k, M, G, T, P are powers of 1000, Ki, Mi … of 1024. Undefined for anything else and for fractions that remain. */
export function parseNumber(text: string): bigint | undefined {
  if (text.length > MAX_DIGITS) return undefined;
  if (/^0x[0-9a-f]+$/i.test(text)) return BigInt(text);
  const match = /^(\d+)(?:\.(\d+))?([kmgtp]i?)?$/i.exec(text);
  if (match === null) return undefined;
  return scaled(match[1] as string, match[2], MULTIPLIERS[(match[3] ?? '').toLowerCase()] as bigint);
}

/** A duration in µs: `1500` (ms), `1.5s`, `500us`, `2min`, `1h`, and nfdump's `10k` (ms). */
export function parseDuration(text: string): bigint | undefined {
  if (text.length > MAX_DIGITS) return undefined;
  const match = /^(\d+)(?:\.(\d+))?(us|µs|ms|s|sec|min|h|d)$/i.exec(text);
  if (match !== null)
    return scaled(match[1] as string, match[2], DURATION_UNITS[(match[3] ?? '').toLowerCase()] as bigint);
  const plain = /^(\d+)(?:\.(\d+))?([kmgt])?$/i.exec(text);
  if (plain === null) return undefined;
  return scaled(plain[1] as string, plain[2], (MULTIPLIERS[(plain[3] ?? '').toLowerCase()] as bigint) * 1000n);
}

function scaled(whole: string, fraction: string | undefined, factor: bigint): bigint | undefined {
  if (fraction === undefined) return BigInt(whole) * factor;
  const scale = 10n ** BigInt(fraction.length);
  const value = BigInt(whole + fraction) * factor;
  return value % scale === 0n ? value / scale : undefined;
}

/** `00:1b:21:3c:4d:5e`, `00-1b-21-3c-4d-5e`, `001b.213c.4d5e` or twelve hex digits, as a number of 48 bits. */
export function parseMac(text: string): bigint | undefined {
  if (/^[0-9a-f]{1,2}([:-])[0-9a-f]{1,2}(?:\1[0-9a-f]{1,2}){4}$/i.test(text)) {
    const parts = text.split(/[:-]/).map((part) => part.padStart(2, '0'));
    return BigInt(`0x${parts.join('')}`);
  }
  if (/^(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}$/i.test(text)) return BigInt(`0x${text.replaceAll('.', '')}`);
  return /^[0-9a-f]{12}$/i.test(text) ? BigInt(`0x${text}`) : undefined;
}

export function formatMac(mac: bigint): string {
  const hex = mac.toString(16).padStart(12, '0');
  return (hex.match(/../g) as string[]).join(':');
}

/**
 * An address (a prefix of 128 bits), a network, or nfdump's short form of one: `10/8`, `172.16/12`, `192.168.1/255.255.255.0`.
 * Host bits are dropped.
 */
export function parseNetwork(text: string): Prefix | undefined {
  const found = parsePrefix(text);
  if (found !== undefined) return found;
  const short = /^(\d{1,3}(?:\.\d{1,3}){0,2})\.?\/(\S+)$/.exec(text);
  if (short === null) return undefined;
  const parts = (short[1] as string).split('.');
  while (parts.length < 4) parts.push('0');
  return parsePrefix(`${parts.join('.')}/${short[2] as string}`);
}

/** Length, in the 128-bit form, of a mask that follows a network as a word of its own, or undefined when the word is no mask. */
export function parseMask(text: string): number | undefined {
  const mask = parseAddress(text);
  if (mask === undefined || text.includes(':')) return undefined;
  const length = Math.clz32(~mask[3]);
  return mask[3] === maskWord(length, 0) ? length + V4_OFFSET : undefined;
}

/** The network of `address` (an IPv4 one, given alone) with this mask. */
export function withMask(prefix: Prefix, length: number): Prefix {
  return makePrefix(prefix.address, length);
}

const FLAGS: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, P: 8, A: 16, U: 32, E: 64, C: 128, N: 256 };

/** `SA` → 18. F S R P A U, E (ECE), C (CWR), N (NS, AE), and X for the first six together. Undefined for other letters and repeats. */
export function parseFlags(text: string): number | undefined {
  if (/^x$/i.test(text)) return 63;
  let mask = 0;
  for (const letter of text.toUpperCase()) {
    const bit = FLAGS[letter];
    if (bit === undefined || (mask & bit) !== 0) return undefined;
    mask |= bit;
  }
  return mask === 0 ? undefined : mask;
}

/** The letters of the set bits, highest first; bits without a letter are left out. */
export function formatFlags(mask: number): string {
  return Object.entries(FLAGS)
    .reverse()
    .filter(([, bit]) => (mask & bit) !== 0)
    .map(([letter]) => letter)
    .join('');
}

/** The range that `operator value` stands for. */
export function rangeOf(operator: '=' | '<' | '<=' | '>' | '>=', value: bigint): NumberRange {
  if (operator === '=') return { from: value, to: value };
  if (operator === '<') return { from: undefined, to: value - 1n };
  if (operator === '<=') return { from: undefined, to: value };
  return { from: operator === '>' ? value + 1n : value, to: undefined };
}

/** A text as a filter has it: in double quotes, with a backslash before quotes and backslashes. */
export function quoteText(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}
