import type { KeyedHash } from './hash.ts';
import { WORD } from './observation.ts';

/*
 * Words of an entry; 64-bit numbers are doubles. Blocks of 16 words are cache lines of the processor, and a packet of a flow that is known touches two of
 * them: time goes into waiting for memory here. Line 0:
 *
 *     0  hash                            8  f64 time (µs) of the packet that came last
 *     1  next entry of the same bucket  10  f64 of the one that came first
 *     2  neighbours in the list of      12  idle class
 *     3    its idle class               13  state: bits of `STATE`
 *     4  words 0 to 3 of the key        14  neighbours in the list of all
 *                                       15    entries by age
 *
 * then a line for each direction, or the only one:
 *
 *     0  f64 first packet, µs    8  TCP control bits + smallest TTL × 2¹⁶ + greatest TTL × 2²⁴
 *     2  f64 last packet         9  octets of the smallest packet      10  of the largest
 *     4  f64 octets             11 … 15  as in the first packet: tos, vlans, link, macs, srcMac (observation.ts)
 *     6  f64 packets
 *
 * and the rest: for both directions dstMac, interface; tunnel, tunnel id; the key from its word 4 on.
 */
const LINE = 16;
const ENTRY_HASH = 0;
const IDLE_PREVIOUS = 2;
const IDLE_NEXT = 3;
const AGE_PREVIOUS = 14;
const AGE_NEXT = 15;
/** Words of the key in line 0. */
const FIRST_KEY_WORDS = 4;

export const ENTRY = {
  chain: 1,
  ports: 4,
  protocol: 5,
  lower: 6,
  higher: 7,
  seen: 8,
  begun: 10,
  idleClass: 12,
  state: 13,
} as const;

/** Bits of an entry's state. */
export const STATE = {
  /** The higher end of the key sent first, or is known to have begun. */
  initiatorIsHigher: 1,
  /** Who has begun is known by SYN, or by SYN and ACK. */
  hasSeenSyn: 2,
} as const;

export const SIDE = {
  start: 0,
  last: 2,
  octets: 4,
  packets: 6,
  flags: 8,
  leastLength: 9,
  mostLength: 10,
  tos: 11,
  vlans: 12,
  link: 13,
  macs: 14,
  srcMac: 15,
} as const;

/** Words of the rest. */
export const REST = {
  dstMac: 0,
  interface: 2,
  tunnel: 4,
  tunnelId: 5,
  lowerUpper: 6,
  higherUpper: 9,
  words: 12,
} as const;

/** Where the sides begin in an entry. */
export const SIDES = LINE;
/** Words of a side. */
export const SIDE_WORDS = LINE;

/** No entry: for chains and the free list. */
const NONE = -1;
/** Lists of entries by idle class, least recently active first; and one of all of them, oldest first. */
export const IDLE_CLASSES = 6;
const LISTS = IDLE_CLASSES + 1;
/** Buckets for each entry, at least: most are empty, so that looking for a flow that is not there ends without a look at an entry. */
const BUCKETS = 4;
const BUCKET_BYTES = 2 * 4 * BUCKETS;
/** Numbers of words are 31 bits. */
const MOST_WORDS = 0x7fff_ffff;

export interface CacheOptions {
  /** Words of the key. */
  readonly keyWords: number;
  /** 1 when the key has a direction, else 2. */
  readonly sides: 1 | 2;
  readonly maxFlows: number;
  readonly maxBytes: number;
  readonly hash: KeyedHash;
}

/**
 * Flow cache: entries of one size in one piece of memory, found by a keyed hash, in lists by when they were last active and by when they began. An entry is
 * named by its slot, 0 to `capacity` - 1; its words begin at slot × `stride`. Memory is reserved once, and taken by the system as slots are used for the
 * first time.
 */
export class FlowCache {
  readonly capacity: number;
  readonly stride: number;
  /** Where the rest begins in an entry. */
  readonly restAt: number;
  /** The entries: the same memory as words and as doubles. Words are signed, so that V8 computes with 32-bit integers. */
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  /** The slot where the entries of a hash begin, by the hash's lower bits; -1 for none. A power of two in number. */
  readonly buckets: Int32Array;
  readonly #mask: number;
  size = 0;
  readonly #keyWords: number;
  readonly #hash: KeyedHash;
  /** Slots below it have been used. */
  #used = 0;
  #free = NONE;

  constructor({ keyWords, sides, maxFlows, maxBytes, hash }: CacheOptions) {
    this.#keyWords = keyWords;
    this.restAt = SIDES + sides * SIDE_WORDS;
    this.stride = Math.ceil((this.restAt + REST.words + keyWords - WORD.further) / LINE) * LINE;
    const room = Math.floor(maxBytes / (this.stride * 4 + BUCKET_BYTES)) - LISTS;
    this.capacity = Math.max(1, Math.min(maxFlows, room, Math.floor(MOST_WORDS / this.stride) - LISTS));
    const memory = new ArrayBuffer((this.capacity + LISTS) * this.stride * 4);
    this.words = new Int32Array(memory);
    this.doubles = new Float64Array(memory);
    const buckets = 2 ** Math.ceil(Math.log2(this.capacity * BUCKETS));
    this.buckets = new Int32Array(buckets);
    this.#mask = buckets - 1;
    this.#hash = hash;
    this.clear();
  }

  /** Throws all entries away. */
  clear(): void {
    this.size = 0;
    this.#used = 0;
    this.#free = NONE;
    this.buckets.fill(NONE);
    for (let list = this.capacity; list < this.capacity + LISTS; list++) {
      // A list that is empty is its own neighbour.
      for (const link of [IDLE_PREVIOUS, IDLE_NEXT, AGE_PREVIOUS, AGE_NEXT])
        this.words[list * this.stride + link] = list;
    }
  }

  /** The hash of an observation's key: 32 bits, signed. */
  hashOf(key: Int32Array): number {
    return this.#hash.of(key, this.#keyWords);
  }

  /** The slot of the entry with this key, or -1. */
  find(key: Int32Array, hash: number): number {
    const { words, stride } = this;
    for (let slot = this.buckets[hash & this.#mask] as number; slot !== NONE; ) {
      const at = Math.imul(slot, stride);
      if (
        words[at + ENTRY_HASH] === hash &&
        words[at + ENTRY.ports] === key[WORD.ports] &&
        words[at + ENTRY.protocol] === key[WORD.protocol] &&
        words[at + ENTRY.lower] === key[WORD.lower] &&
        words[at + ENTRY.higher] === key[WORD.higher] &&
        this.#hasRest(at, key)
      )
        return slot;
      slot = words[at + ENTRY.chain] as number;
    }
    return -1;
  }

  /** Whether the key is that of an entry beyond the words of line 0. Upper words of IPv4 addresses are the same in all of them. */
  #hasRest(at: number, key: Int32Array): boolean {
    const isIpv4 = (key[WORD.protocol] as number) >>> 8 === 4;
    const { words } = this;
    const rest = at + this.restAt + REST.lowerUpper - WORD.lowerUpper;
    const length = this.#keyWords;
    for (let i = isIpv4 ? WORD.further : WORD.lowerUpper; i < length; i++) if (words[rest + i] !== key[i]) return false;
    return true;
  }

  /** A slot with this key, every other word 0, at the end of the lists. There must be room: `size` below `capacity`. */
  insert(key: Int32Array, hash: number, idleClass: number): number {
    const { words, stride } = this;
    let slot = this.#free;
    if (slot === NONE) slot = this.#used++;
    else this.#free = words[slot * stride + ENTRY.chain] as number;
    this.size++;
    const at = slot * stride;
    const rest = at + this.restAt + REST.lowerUpper - WORD.lowerUpper;
    const keyWords = this.#keyWords;
    for (let i = SIDES; i < this.restAt + REST.lowerUpper; i++) words[at + i] = 0;
    for (let i = 0; i < FIRST_KEY_WORDS; i++) words[at + ENTRY.ports + i] = key[i] as number;
    for (let i = FIRST_KEY_WORDS; i < keyWords; i++) words[rest + i] = key[i] as number;
    words[at + ENTRY.state] = 0;
    const bucket = hash & this.#mask;
    words[at + ENTRY_HASH] = hash;
    words[at + ENTRY.chain] = this.buckets[bucket] as number;
    this.buckets[bucket] = slot;
    this.#append(slot, idleClass);
    const all = this.capacity + IDLE_CLASSES;
    const last = words[all * stride + AGE_PREVIOUS] as number;
    words[at + AGE_PREVIOUS] = last;
    words[at + AGE_NEXT] = all;
    words[last * stride + AGE_NEXT] = slot;
    words[all * stride + AGE_PREVIOUS] = slot;
    return slot;
  }

  /** Frees a slot; its words stay as they are until it is used again. */
  remove(slot: number): void {
    const { words, stride } = this;
    const at = slot * stride;
    const next = words[at + ENTRY.chain] as number;
    const bucket = (words[at + ENTRY_HASH] as number) & this.#mask;
    let before = this.buckets[bucket] as number;
    if (before === slot) this.buckets[bucket] = next;
    else {
      while (words[before * stride + ENTRY.chain] !== slot) before = words[before * stride + ENTRY.chain] as number;
      words[before * stride + ENTRY.chain] = next;
    }
    this.#unlink(slot);
    const older = words[at + AGE_PREVIOUS] as number;
    const younger = words[at + AGE_NEXT] as number;
    words[older * stride + AGE_NEXT] = younger;
    words[younger * stride + AGE_PREVIOUS] = older;
    words[at + ENTRY.chain] = this.#free;
    this.#free = slot;
    this.size--;
  }

  /** The entry was active: to the end of the list of this class. */
  touch(slot: number, idleClass: number): void {
    if (this.words[(this.capacity + idleClass) * this.stride + IDLE_PREVIOUS] === slot) return;
    this.#unlink(slot);
    this.#append(slot, idleClass);
  }

  /** The least recently active entry of a class, or -1. */
  leastRecent(idleClass: number): number {
    return this.#first(this.capacity + idleClass, IDLE_NEXT);
  }

  /** The entry that began first, or -1. */
  oldest(): number {
    return this.#first(this.capacity + IDLE_CLASSES, AGE_NEXT);
  }

  /** The entry that began next after this one, or -1. */
  younger(slot: number): number {
    return this.#first(slot, AGE_NEXT);
  }

  #first(node: number, link: number): number {
    const slot = this.words[node * this.stride + link] as number;
    return slot < this.capacity ? slot : -1;
  }

  #append(slot: number, idleClass: number): void {
    const { words, stride } = this;
    const at = slot * stride;
    const list = this.capacity + idleClass;
    const last = words[list * stride + IDLE_PREVIOUS] as number;
    words[at + ENTRY.idleClass] = idleClass;
    words[at + IDLE_PREVIOUS] = last;
    words[at + IDLE_NEXT] = list;
    words[last * stride + IDLE_NEXT] = slot;
    words[list * stride + IDLE_PREVIOUS] = slot;
  }

  #unlink(slot: number): void {
    const { words, stride } = this;
    const at = slot * stride;
    const previous = words[at + IDLE_PREVIOUS] as number;
    const next = words[at + IDLE_NEXT] as number;
    words[previous * stride + IDLE_NEXT] = next;
    words[next * stride + IDLE_PREVIOUS] = previous;
  }
}
