import { WORD } from './observation.ts';

const IPV4 = 4;
const TABLE = 256;
/** Octets that are hashed at once, each with a table of its own. */
const OCTETS = 16;
const TABLES = OCTETS * TABLE;

/**
 * Keyed hash of flow keys: simple tabulation (M. Pătraşcu and M. Thorup, "The Power of Simple Tabulation Hashing", 2012): the exclusive or of a
 * random word for each octet. Flow keys come from the network: who does not know the words cannot send packets whose flows fall together, and chains of a
 * hash table are as short as if they were put there by chance. HalfSipHash makes the words of the seed.
 */
export class KeyedHash {
  readonly #words = new Int32Array(TABLES);

  /** `seed`: two times 32 bits at random. */
  constructor(seed: readonly [number, number]) {
    for (let i = 0; i < TABLES; i++) this.#words[i] = halfSipHash(seed, i);
  }

  /**
   * The hash of an observation's first `length` words: 32 bits, signed. The upper words of IPv4 addresses are the same in all of them and are left out:
   * the IP version is in the key.
   */
  of(key: Int32Array, length: number): number {
    const protocol = key[WORD.protocol] as number;
    let hash = this.#four(key[WORD.ports] as number, protocol, key[WORD.lower] as number, key[WORD.higher] as number);
    if (protocol >>> 8 !== IPV4) {
      hash = this.#four(hash, key[4] as number, key[5] as number, key[6] as number);
      hash = this.#four(hash, key[7] as number, key[8] as number, key[9] as number);
    }
    for (let i: number = WORD.further; i < length; i++) hash = this.#four(hash, key[i] as number, 0, 0);
    return hash;
  }

  /** The same of an IPv4 key with nothing further in it. */
  ofIpv4(ports: number, protocol: number, lower: number, higher: number): number {
    return this.#four(ports, protocol, lower, higher);
  }

  #four(a: number, b: number, c: number, d: number): number {
    const words = this.#words;
    return (
      (words[a & 255] as number) ^
      (words[256 + ((a >>> 8) & 255)] as number) ^
      (words[512 + ((a >>> 16) & 255)] as number) ^
      (words[768 + (a >>> 24)] as number) ^
      (words[1024 + (b & 255)] as number) ^
      (words[1280 + ((b >>> 8) & 255)] as number) ^
      (words[1536 + ((b >>> 16) & 255)] as number) ^
      (words[1792 + (b >>> 24)] as number) ^
      (words[2048 + (c & 255)] as number) ^
      (words[2304 + ((c >>> 8) & 255)] as number) ^
      (words[2560 + ((c >>> 16) & 255)] as number) ^
      (words[2816 + (c >>> 24)] as number) ^
      (words[3072 + (d & 255)] as number) ^
      (words[3328 + ((d >>> 8) & 255)] as number) ^
      (words[3584 + ((d >>> 16) & 255)] as number) ^
      (words[3840 + (d >>> 24)] as number)
    );
  }
}

/** HalfSipHash-2-4 of one word (J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF", in its form for 32-bit words), without its length. */
function halfSipHash([k0, k1]: readonly [number, number], word: number): number {
  let v0 = k0 | 0;
  let v1 = k1 | 0;
  let v2 = k0 ^ 0x6c79_6765;
  let v3 = k1 ^ 0x7465_6462 ^ word;
  for (let round = 0; round < 6; round++) {
    if (round === 2) {
      v0 ^= word;
      v2 ^= 0xff;
    }
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
