import { KeyedHash } from './hash.ts';

/*
 * Words of an entry, behind those of its key (padded to a whole number of 64-bit numbers); 64-bit numbers are doubles.
 *
 *     0  f64 time of the packet that came last       4  state: bits of `STATE`
 *     2  f64 time of the packet that came first      5  tunnel       6  tunnel id
 *
 * and for each direction, or the only one:
 *
 *     0  f64 first packet, µs    8  TCP control bits | smallest TTL × 2¹⁶ | greatest TTL × 2²⁴
 *     2  f64 last packet         9  octets of the smallest packet      10  of the largest
 *     4  f64 octets             11 … 17  as in the first packet: tos, vlans, link, macs, srcMac, dstMac, interface (observation.ts)
 *     6  f64 packets
 */
export const ENTRY = { seen: 0, begun: 2, state: 4, tunnel: 5, tunnelId: 6, words: 8 } as const;

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
  dstMac: 16,
  interface: 17,
  words: 18,
} as const;

/*
 * Words of a node, one for each entry and behind them one for each list: next of those with the same hash, hash, neighbours in the list of its idle class,
 * neighbours in the list of all entries by age, idle class.
 */
const CHAIN = 0;
const HASH = 1;
const IDLE_PREVIOUS = 2;
const IDLE_NEXT = 3;
const AGE_PREVIOUS = 4;
const AGE_NEXT = 5;
const CLASS = 6;
const NODE_WORDS = 8;
/** No entry: for chains and the free list. */
const NONE = 0xffff_ffff;
/** Lists of entries by idle class, least recently active first; and one of all of them, oldest first. */
export const IDLE_CLASSES = 6;
const LISTS = IDLE_CLASSES + 1;

const BUCKET_BYTES = 8;

export interface CacheOptions {
  /** Words of the key. */
  readonly keyWords: number;
  /** 1 when the key has a direction, else 2. */
  readonly sides: 1 | 2;
  readonly maxFlows: number;
  readonly maxBytes: number;
  readonly seed: readonly [number, number];
}

/**
 * Flow cache: entries of one size in one piece of memory, found by a keyed hash, in lists by when they were last active and by when they began. An entry is
 * named by its slot, 0 to `capacity` - 1. Memory is reserved once and taken by the system as slots are used for the first time.
 */
export class FlowCache {
  readonly capacity: number;
  /** Words of one entry, and where its fixed part and its sides begin in it. */
  readonly stride: number;
  readonly headAt: number;
  readonly sideAt: number;
  /** The entries: the same memory as words and as doubles. */
  readonly words: Uint32Array;
  readonly doubles: Float64Array;
  size = 0;
  readonly #keyWords: number;
  readonly #hash: KeyedHash;
  readonly #nodes: Uint32Array;
  readonly #buckets: Uint32Array;
  readonly #mask: number;
  /** Slots below it have been used. */
  #used = 0;
  #free = NONE;

  constructor({ keyWords, sides, maxFlows, maxBytes, seed }: CacheOptions) {
    this.#keyWords = keyWords;
    this.headAt = (keyWords + 1) & ~1;
    this.sideAt = this.headAt + ENTRY.words;
    this.stride = this.sideAt + sides * SIDE.words;
    const entryBytes = (this.stride + NODE_WORDS) * 4 + BUCKET_BYTES;
    this.capacity = Math.max(1, Math.min(maxFlows, Math.floor(maxBytes / entryBytes)));
    const memory = new ArrayBuffer(this.capacity * this.stride * 4);
    this.words = new Uint32Array(memory);
    this.doubles = new Float64Array(memory);
    this.#nodes = new Uint32Array((this.capacity + LISTS) * NODE_WORDS);
    const buckets = 2 ** Math.ceil(Math.log2(Math.max(2, this.capacity)));
    this.#buckets = new Uint32Array(buckets);
    this.#mask = buckets - 1;
    this.#hash = new KeyedHash(seed);
    this.clear();
  }

  /** Throws all entries away. */
  clear(): void {
    this.size = 0;
    this.#used = 0;
    this.#free = NONE;
    this.#buckets.fill(NONE);
    for (let list = this.capacity; list < this.capacity + LISTS; list++) {
      const at = list * NODE_WORDS;
      // A list that is empty is its own neighbour.
      this.#nodes.fill(list, at + IDLE_PREVIOUS, at + AGE_NEXT + 1);
    }
  }

  /** The hash of an observation's key. */
  hashOf(key: Uint32Array): number {
    return this.#hash.of(key, this.#keyWords);
  }

  /** The slot of the entry with this key, or -1. */
  find(key: Uint32Array, hash: number): number {
    const nodes = this.#nodes;
    for (let slot = this.#buckets[hash & this.#mask] as number; slot !== NONE; ) {
      const node = slot * NODE_WORDS;
      if (nodes[node + HASH] === hash && this.#hasKey(slot, key)) return slot;
      slot = nodes[node + CHAIN] as number;
    }
    return -1;
  }

  #hasKey(slot: number, key: Uint32Array): boolean {
    const { words } = this;
    const at = slot * this.stride;
    const length = this.#keyWords;
    for (let i = 0; i < length; i++) if (words[at + i] !== key[i]) return false;
    return true;
  }

  /** A slot with this key, every other word 0, at the end of the lists. There must be room: `size` below `capacity`. */
  insert(key: Uint32Array, hash: number, idleClass: number): number {
    const nodes = this.#nodes;
    let slot = this.#free;
    if (slot === NONE) slot = this.#used++;
    else this.#free = nodes[slot * NODE_WORDS + CHAIN] as number;
    this.size++;
    const at = slot * this.stride;
    const { words } = this;
    const keyWords = this.#keyWords;
    for (let i = 0; i < keyWords; i++) words[at + i] = key[i] as number;
    for (let i = this.headAt; i < this.stride; i++) words[at + i] = 0;
    const node = slot * NODE_WORDS;
    const bucket = hash & this.#mask;
    nodes[node + HASH] = hash;
    nodes[node + CHAIN] = this.#buckets[bucket] as number;
    this.#buckets[bucket] = slot;
    this.#append(slot, idleClass);
    const list = (this.capacity + IDLE_CLASSES) * NODE_WORDS;
    const last = nodes[list + AGE_PREVIOUS] as number;
    nodes[node + AGE_PREVIOUS] = last;
    nodes[node + AGE_NEXT] = this.capacity + IDLE_CLASSES;
    nodes[last * NODE_WORDS + AGE_NEXT] = slot;
    nodes[list + AGE_PREVIOUS] = slot;
    return slot;
  }

  /** Frees a slot; its words stay as they are until it is used again. */
  remove(slot: number): void {
    const nodes = this.#nodes;
    const node = slot * NODE_WORDS;
    const next = nodes[node + CHAIN] as number;
    const bucket = (nodes[node + HASH] as number) & this.#mask;
    let before = this.#buckets[bucket] as number;
    if (before === slot) this.#buckets[bucket] = next;
    else {
      while (nodes[before * NODE_WORDS + CHAIN] !== slot) before = nodes[before * NODE_WORDS + CHAIN] as number;
      nodes[before * NODE_WORDS + CHAIN] = next;
    }
    this.#unlink(slot);
    const older = nodes[node + AGE_PREVIOUS] as number;
    const younger = nodes[node + AGE_NEXT] as number;
    nodes[older * NODE_WORDS + AGE_NEXT] = younger;
    nodes[younger * NODE_WORDS + AGE_PREVIOUS] = older;
    nodes[node + CHAIN] = this.#free;
    this.#free = slot;
    this.size--;
  }

  /** The entry was active: to the end of the list of this class. */
  touch(slot: number, idleClass: number): void {
    const list = this.capacity + idleClass;
    if (this.#nodes[list * NODE_WORDS + IDLE_PREVIOUS] === slot) return;
    this.#unlink(slot);
    this.#append(slot, idleClass);
  }

  /** Class of an entry, as given last. */
  idleClass(slot: number): number {
    return this.#nodes[slot * NODE_WORDS + CLASS] as number;
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
    const slot = this.#nodes[node * NODE_WORDS + link] as number;
    return slot < this.capacity ? slot : -1;
  }

  #append(slot: number, idleClass: number): void {
    const nodes = this.#nodes;
    const node = slot * NODE_WORDS;
    const list = this.capacity + idleClass;
    const last = nodes[list * NODE_WORDS + IDLE_PREVIOUS] as number;
    nodes[node + CLASS] = idleClass;
    nodes[node + IDLE_PREVIOUS] = last;
    nodes[node + IDLE_NEXT] = list;
    nodes[last * NODE_WORDS + IDLE_NEXT] = slot;
    nodes[list * NODE_WORDS + IDLE_PREVIOUS] = slot;
  }

  #unlink(slot: number): void {
    const nodes = this.#nodes;
    const node = slot * NODE_WORDS;
    const previous = nodes[node + IDLE_PREVIOUS] as number;
    const next = nodes[node + IDLE_NEXT] as number;
    nodes[previous * NODE_WORDS + IDLE_NEXT] = next;
    nodes[next * NODE_WORDS + IDLE_PREVIOUS] = previous;
  }
}
