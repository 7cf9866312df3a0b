import { type Cipher, createCipheriv } from 'node:crypto';
import { isV4 } from './address.ts';

/** Octets of a key: AES-128's, then what the padding is made of. */
export const CRYPTO_PAN_KEY = 32;

/** IPv4 networks (/24) whose 256 answers are kept, and IPv6 addresses; powers of two. 17 MB and 2 MB. */
const V4_NETWORKS = 65_536;
const V6_ADDRESSES = 65_536;
const BLOCK = 16;
/** Blocks for a whole /24: one for each of the first 24 bits, then one for each node of the tree of the last eight. */
const V4_BLOCKS = 24 + 255;
const V6_BLOCKS = 128;

/**
 * Crypto-PAn: a one-to-one, prefix-preserving mapping of addresses that depends on a key (Xu, Fan, Ammar, Moon, "Prefix-Preserving IP Address
 * Anonymization", ICNP 2002, section 4). Two addresses with their first n bits in common, and no more, have just as many in common afterwards. IPv4
 * addresses become IPv4 addresses, as 32 bits; IPv6 ones are 128 bits. Answers are kept in tables of fixed size.
 */
export class CryptoPan {
  readonly #cipher: Cipher;
  readonly #pad: Uint32Array;
  /** Network + 1 of each place, 0 for none; its first 24 bits anonymized; and the last octet of each of its addresses. */
  readonly #v4Tags = new Uint32Array(V4_NETWORKS);
  readonly #v4Networks = new Uint32Array(V4_NETWORKS);
  readonly #v4Hosts = new Uint8Array(V4_NETWORKS * 256);
  readonly #v4Blocks = new Uint8Array(V4_BLOCKS * BLOCK);
  readonly #turned = new Uint8Array(256);
  /** The address and its answer, four words each. */
  readonly #v6 = new Uint32Array(V6_ADDRESSES * 8);
  readonly #v6Filled = new Uint8Array(V6_ADDRESSES);
  readonly #v6Blocks = new Uint8Array(V6_BLOCKS * BLOCK);

  /** Throws RangeError for a key that has not 32 octets. */
  constructor(key: Uint8Array) {
    if (key.length !== CRYPTO_PAN_KEY) throw new RangeError(`a key has ${CRYPTO_PAN_KEY} octets, not ${key.length}`);
    // One block at a time without chaining: AES is used as a pseudorandom function here, nothing is hidden by it.
    this.#cipher = createCipheriv('aes-128-ecb', key.subarray(0, BLOCK), null).setAutoPadding(false);
    const pad = this.#cipher.update(key.subarray(BLOCK));
    this.#pad = Uint32Array.from({ length: 4 }, (_, index) => pad.readUInt32BE(index * 4));
    for (let at = 0; at < this.#v4Blocks.length; at += BLOCK) this.#v4Blocks.set(pad, at);
  }

  /** Replaces an address, four words in network order at `at`, IPv4 as ::ffff:a.b.c.d. */
  replace(words: Uint32Array, at = 0): void {
    const [w0, w1, w2, w3] = [words[at], words[at + 1], words[at + 2], words[at + 3]] as [
      number,
      number,
      number,
      number,
    ];
    if (isV4(w0, w1, w2)) {
      words[at + 3] = this.v4(w3);
      return;
    }
    const place = this.#v6Place(w0, w1, w2, w3) * 8 + 4;
    for (let i = 0; i < 4; i++) words[at + i] = this.#v6[place + i] as number;
  }

  /** The IPv4 address that stands for `address`, both unsigned. */
  v4(address: number): number {
    const network = address >>> 8;
    const place = (Math.imul(network, 0x9e3779b1) >>> 16) & (V4_NETWORKS - 1);
    if (this.#v4Tags[place] !== network + 1) this.#fillV4(network, place);
    return ((this.#v4Networks[place] as number) | (this.#v4Hosts[place * 256 + (address & 255)] as number)) >>> 0;
  }

  /** Answers for all addresses of a /24, for the price of about one: they share 24 blocks, and one call encrypts all. */
  #fillV4(network: number, place: number): void {
    const blocks = this.#v4Blocks;
    const pad = this.#pad[0] as number;
    const base = network << 8;
    for (let length = 0; length < 24; length++) {
      const open = 0xffffffff >>> length;
      writeWord(blocks, length * BLOCK, (base & ~open) | (pad & open));
    }
    // The nodes of a depth begin after the 2^depth − 1 of those above.
    for (let node = 0; node < 255; node++) {
      const depth = 31 - Math.clz32(node + 1);
      const open = 255 >> depth;
      const path = (node + 1 - (1 << depth)) << (8 - depth);
      writeWord(blocks, (24 + node) * BLOCK, base | path | (pad & open));
    }
    const bits = this.#cipher.update(blocks);
    let head = 0;
    for (let i = 0; i < 24; i++) head = (head << 1) | ((bits[i * BLOCK] as number) >> 7);
    this.#v4Tags[place] = network + 1;
    this.#v4Networks[place] = ((network ^ head) << 8) >>> 0;
    const turned = this.#turned;
    turned[0] = 0;
    // Bit by bit from the first, each value of the bits before makes two.
    for (let depth = 0; depth < 8; depth++) {
      for (let path = (1 << depth) - 1; path >= 0; path--) {
        const bit = (bits[(24 + (1 << depth) - 1 + path) * BLOCK] as number) >> 7;
        const value = ((turned[path] as number) << 1) | bit;
        turned[path * 2] = value;
        turned[path * 2 + 1] = value;
      }
    }
    const first = place * 256;
    for (let host = 0; host < 256; host++) this.#v4Hosts[first + host] = host ^ (turned[host] as number);
  }

  #v6Place(w0: number, w1: number, w2: number, w3: number): number {
    const mixed = Math.imul(Math.imul(Math.imul(w0 ^ 0x9e3779b1, 31) ^ w1, 0x85ebca6b) ^ w2, 0xc2b2ae35) ^ w3;
    const place = (Math.imul(mixed, 0x9e3779b1) >>> 16) & (V6_ADDRESSES - 1);
    const table = this.#v6;
    const at = place * 8;
    const isKnown =
      this.#v6Filled[place] === 1 &&
      table[at] === w0 &&
      table[at + 1] === w1 &&
      table[at + 2] === w2 &&
      table[at + 3] === w3;
    if (!isKnown) this.#fillV6([w0, w1, w2, w3], place);
    return place;
  }

  #fillV6(address: readonly number[], place: number): void {
    const blocks = this.#v6Blocks;
    for (let length = 0; length < V6_BLOCKS; length++) {
      for (let i = 0; i < 4; i++) {
        const fixed = length - i * 32;
        const open = fixed <= 0 ? 0xffffffff : fixed >= 32 ? 0 : 0xffffffff >>> fixed;
        const word = ((address[i] as number) & ~open) | ((this.#pad[i] as number) & open);
        writeWord(blocks, length * BLOCK + i * 4, word);
      }
    }
    const bits = this.#cipher.update(blocks);
    const at = place * 8;
    for (let i = 0; i < 4; i++) {
      let turned = 0;
      for (let bit = 0; bit < 32; bit++) turned = (turned << 1) | ((bits[(i * 32 + bit) * BLOCK] as number) >> 7);
      this.#v6[at + i] = address[i] as number;
      this.#v6[at + 4 + i] = (address[i] as number) ^ turned;
    }
    this.#v6Filled[place] = 1;
  }
}

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}
