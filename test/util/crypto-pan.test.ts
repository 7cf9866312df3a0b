import { createCipheriv } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '#weir/util/address.js';
import { CryptoPan } from '#weir/util/crypto-pan.js';

/** The key and the trace of the authors' own distribution. */
const KEY = Uint8Array.from([
  21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16, 216, 152, 143, 131, 121, 121, 101, 39, 98, 87,
  76, 45, 42, 132, 34, 2,
]);
const PUBLISHED = [
  ['128.11.68.132', '135.242.180.132'],
  ['129.118.74.4', '134.136.186.123'],
  ['130.132.252.244', '133.68.164.234'],
  ['141.223.7.43', '141.167.8.160'],
  ['141.233.145.108', '141.129.237.235'],
  ['152.163.225.39', '151.140.114.167'],
  ['156.29.3.236', '147.225.12.42'],
  ['165.247.96.84', '162.9.99.234'],
  ['166.107.77.190', '160.132.178.185'],
  ['192.102.249.13', '252.138.62.131'],
  ['192.215.32.125', '252.43.47.189'],
  ['192.233.80.103', '252.25.108.8'],
  ['192.41.57.43', '252.222.221.184'],
  ['193.150.244.223', '253.169.52.216'],
  ['195.205.63.100', '255.186.223.5'],
] as const;

function replaced(pan: CryptoPan, address: readonly number[]): number[] {
  const words = Uint32Array.from(address);
  pan.replace(words);
  return [...words];
}

/** The definition, bit by bit: nothing is shared with the code under test. */
function defined(key: Uint8Array, bits: string): string {
  const aes = (block: Uint8Array) =>
    createCipheriv('aes-128-ecb', key.subarray(0, 16), null).setAutoPadding(false).update(block);
  const binary = (octets: Uint8Array) => [...octets].map((octet) => octet.toString(2).padStart(8, '0')).join('');
  const pad = binary(aes(key.subarray(16)));
  return Array.from(bits)
    .map((bit, length) => {
      const block = bits.slice(0, length) + pad.slice(length);
      const octets = Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(block.slice(i * 8, i * 8 + 8), 2));
      return Number(bit) ^ ((aes(octets)[0] as number) >> 7);
    })
    .join('');
}

const bitsOf = (words: readonly number[]) => words.map((word) => word.toString(2).padStart(32, '0')).join('');
const word = fc.oneof(fc.constantFrom(0, 0xffff, 0xffffffff, 0x80000000), fc.nat(0xffffffff));
const v4 = word.map((w3) => [0, 0, 0xffff, w3]);
const v6 = fc.tuple(fc.integer({ min: 1, max: 0xffffffff }), word, word, word).map((words) => [...words]);

describe('Crypto-PAn', () => {
  it('answers as its authors publish', () => {
    const pan = new CryptoPan(KEY);
    const found = PUBLISHED.map(([address]) => {
      const [a, b, c, d] = replaced(pan, parseAddress(address) ?? []) as [number, number, number, number];
      return [address, formatAddress(a, b, c, d)];
    });
    expect(found).toEqual(PUBLISHED);
  });

  it('is its definition, for both families and any key', () => {
    const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(key, fc.array(v4, { maxLength: 4 }), fc.array(v6, { maxLength: 2 }), (octets, fours, sixes) => {
        const pan = new CryptoPan(octets);
        for (const words of fours)
          expect(bitsOf(replaced(pan, words).slice(3))).toBe(defined(octets, bitsOf(words.slice(3))));
        for (const words of sixes) expect(bitsOf(replaced(pan, words))).toBe(defined(octets, bitsOf(words)));
      }),
      { numRuns: 30 },
    );
  });

  it('keeps as many first bits in common as there were, no more and no fewer', () => {
    const pan = new CryptoPan(KEY);
    const common = (a: string, b: string) => Array.from(a).findIndex((bit, i) => bit !== b[i]);
    const pair = fc.tuple(fc.oneof(v4, v6), fc.nat(127)).filter(([words, bit]) => bit > 95 || words[2] !== 0xffff);
    fc.assert(
      fc.property(pair, ([words, bit]) => {
        const other = [...words];
        other[bit >> 5] = ((other[bit >> 5] as number) ^ (0x80000000 >>> (bit & 31))) >>> 0;
        expect(common(bitsOf(replaced(pan, words)), bitsOf(replaced(pan, other)))).toBe(bit);
      }),
    );
  });

  it('answers the same again, also when other addresses took the places in its tables', () => {
    const [pan, fresh] = [new CryptoPan(KEY), new CryptoPan(KEY)];
    for (let i = 0; i < 150_000; i++) pan.v4((i * 0x10001) >>> 0);
    for (let i = 0; i < 2000; i++) expect(pan.v4((i * 0x300007) >>> 0)).toBe(fresh.v4((i * 0x300007) >>> 0));
  });

  it('takes no key of another length', () => {
    expect(() => new CryptoPan(KEY.subarray(1))).toThrow(RangeError);
  });
});
