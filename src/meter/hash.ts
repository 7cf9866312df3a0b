import { WORD } from './observation.ts';

/**
 * Keyed hash of flow keys: HalfSipHash-1-3 with a 32-bit result (J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF", in its form for 32-bit
 * words; the length, which the kind of key fixes, is left out). Flow keys come from the network: who does not know the key of the hash cannot send
 * packets whose flows fall together.
 */
export class KeyedHash {
  readonly #k0: number;
  readonly #k1: number;

  constructor([k0, k1]: readonly [number, number]) {
    this.#k0 = k0 | 0;
    this.#k1 = k1 | 0;
  }

  /**
   * The hash of an observation's first `length` words: 32 bits, signed. The upper words of IPv4 addresses are the same in all of them and are left out: the
   * IP version is in the key.
   */
  of(key: Int32Array, length: number): number {
    const isIpv4 = (key[WORD.protocol] as number) >>> 8 === 4;
    let v0 = this.#k0;
    let v1 = this.#k1;
    let v2 = this.#k0 ^ 0x6c79_6765;
    let v3 = this.#k1 ^ 0x7465_6462;
    for (let i = 0; i < length; i++) {
      const word = key[i] as number;
      v3 ^= word;
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
      if (isIpv4 && i === WORD.lowerUpper - 1) i = WORD.further - 1;
    }
    v2 ^= 0xff;
    for (let i = 0; i < 3; i++) {
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
    }
    return v1 ^ v3;
  }
}
