import { WORD } from './observation.ts';

/**
 * Keyed hash of 32-bit words: HalfSipHash-1-3 with a 32-bit result (J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF", section 2.2, in
 * its 32-bit form; the length is fixed by the kind of key and left out). Flow keys come from the network: without knowing the key of the hash
 * nobody can send packets whose flows fall together.
 */
export class KeyedHash {
  readonly #k0: number;
  readonly #k1: number;

  constructor([k0, k1]: readonly [number, number]) {
    this.#k0 = k0 | 0;
    this.#k1 = k1 | 0;
  }

  /**
   * The hash of a flow key (observation.ts) of so many words, 0 to 2³²−1. Of an IPv4 address only the word that differs is taken: the IP version is in
   * the key and tells them apart.
   */
  of(key: Uint32Array, length: number): number {
    const isIpv4 = (key[WORD.protocol] as number) >>> 8 === 4;
    let v0 = this.#k0;
    let v1 = this.#k1;
    let v2 = this.#k0 ^ 0x6c796765;
    let v3 = this.#k1 ^ 0x74656462;
    // One round for each word, three at the end.
    for (let i = isIpv4 ? 3 : 0; i < length + 3; i++) {
      const word = i < length ? (key[i] as number) | 0 : 0;
      v3 ^= word;
      if (i === length) v2 ^= 0xff;
      v0 = (v0 + v1) | 0;
      v1 = (v1 << 5) | (v1 >>> 27);
      v1 ^= v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = (v3 << 8) | (v3 >>> 24);
      v3 ^= v2;
      v0 = (v0 + v3) | 0;
      v3 = (v3 << 7) | (v3 >>> 25);
      v3 ^= v0;
      v2 = (v2 + v1) | 0;
      v1 = (v1 << 13) | (v1 >>> 19);
      v1 ^= v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
      if (isIpv4 && i === 3) i = 6;
    }
    return (v1 ^ v3) >>> 0;
  }
}
