import type { BatchSink } from '../session/message-decoder.ts';
import { ENTRY, FlowCache, IDLE_CLASSES, REST, SIDE, SIDE_WORDS, SIDES, STATE } from './cache.ts';
import type { HeldFragments } from './fragments.ts';
import type { KeyedHash } from './hash.ts';
import type { FlowKey } from './key.ts';
import { MplsStacks } from './mpls-stacks.ts';
import { HAS_MPLS, WORD } from './observation.ts';
import type { MeterOptions } from './options.ts';
import { RecordWriter } from './record-writer.ts';
import { END_CAUSES, EndTally } from './statistics.ts';
import { IdleTimeouts } from './timeouts.ts';

/** Indexes into `END_CAUSES`; those before are the idle classes. */
const MAXLIFE = END_CAUSES.indexOf('maxlife');
const MAXFLOWS = END_CAUSES.indexOf('maxflows');
const FLUSHED = END_CAUSES.indexOf('flushed');
/** flowEndReason (IE 136) of each cause: 1 idle, 2 active, 3 end of flow detected, 4 forced, 5 lack of resources. */
const REASONS = [1, 3, 3, 1, 1, 1, 2, 5, 4] as const;

const TCP = 6;
const SYN = 0x02;
const ACK = 0x10;
const FLAGS = 0xffff;
/** Doubles of a side. */
const START = SIDE.start / 2;
const LAST = SIDE.last / 2;
const OCTETS = SIDE.octets / 2;
const PACKETS = SIDE.packets / 2;

/** Flows as they go on: observations of packets are put to entries of the cache, entries that end become records. */
export class FlowTable {
  readonly cache: FlowCache;
  readonly tally = new EndTally();
  readonly records: RecordWriter;
  deleted = 0;
  readonly #key: FlowKey;
  readonly timeouts: IdleTimeouts;
  readonly #isByTime: boolean;
  readonly #mpls: MplsStacks;
  readonly #names: MeterOptions['names'];
  /** Labels of the packet that is put to a flow next. */
  #labels: Uint32Array = new Uint32Array(0);
  #labelCount = 0;

  constructor(key: FlowKey, hash: KeyedHash, options: MeterOptions, sink: BatchSink) {
    const { maxFlows, maxBytes } = options;
    const sides = key.isDirectional ? 1 : 2;
    this.cache = new FlowCache({ keyWords: key.words, sides, maxFlows, maxBytes, hash });
    this.#key = key;
    this.timeouts = new IdleTimeouts(options.timeouts);
    this.#isByTime = options.expiry === 'by-time';
    this.#mpls = new MplsStacks(this.cache.capacity);
    this.#names = options.names;
    this.records = new RecordWriter(this.cache, key, this.#mpls, options, sink);
  }

  /** The MPLS labels of the packets that are added next, where their observation has `HAS_MPLS`. */
  setLabels(labels: Uint32Array, count: number): void {
    this.#labels = labels;
    this.#labelCount = count;
  }

  /** Puts a packet that came at `time` (µs) to its flow. `key.apply` is done here. Returns the slot of the flow. */
  add(observation: Int32Array, time: number): number {
    this.#key.apply?.(observation);
    const slot = this.#entryOf(observation, this.cache.hashOf(observation), time);
    const { cache } = this;
    const { words, doubles } = cache;
    const entry = Math.imul(slot, cache.stride);
    const direction = observation[WORD.direction] as number;
    const at = entry + SIDES + direction * SIDE_WORDS;
    const side = at >> 1;
    const length = observation[WORD.length] as number;
    const flags = observation[WORD.flags] as number;
    const ttl = observation[WORD.ttl] as number;
    const packets = doubles[side + PACKETS] as number;
    let idleClass = words[entry + ENTRY.idleClass] as number;
    let before = 0;
    if (packets === 0) {
      doubles[side + START] = time;
      doubles[side + LAST] = time;
      words[at + SIDE.flags] = flags | (ttl << 16) | (ttl << 24);
      words[at + SIDE.leastLength] = length;
      words[at + SIDE.mostLength] = length;
      this.#note(observation, slot, direction);
    } else {
      before = words[at + SIDE.flags] as number;
      if (time > (doubles[side + LAST] as number)) doubles[side + LAST] = time;
      else if (time < (doubles[side + START] as number)) doubles[side + START] = time;
      if (ttl < ((before >>> 16) & 0xff) || ttl > before >>> 24) this.#noteTtl(at, ttl, ttl);
      if (length < (words[at + SIDE.leastLength] as number)) words[at + SIDE.leastLength] = length;
      else if (length > (words[at + SIDE.mostLength] as number)) words[at + SIDE.mostLength] = length;
    }
    doubles[side + OCTETS] = (doubles[side + OCTETS] as number) + length;
    doubles[side + PACKETS] = packets + 1;
    doubles[(entry + ENTRY.seen) >> 1] = time;
    if ((flags & ~before) !== 0) idleClass = this.noteFlags(entry, direction, flags, idleClass);
    cache.touch(slot, idleClass);
    return slot;
  }

  /** Puts fragments that were held until `now` to their flow. */
  addHeld(observation: Int32Array, held: HeldFragments, now: number): void {
    this.#key.apply?.(observation);
    const slot = this.#entryOf(observation, this.cache.hashOf(observation), now);
    const { cache } = this;
    const { words, doubles } = cache;
    const entry = Math.imul(slot, cache.stride);
    const direction = observation[WORD.direction] as number;
    const at = entry + SIDES + direction * SIDE_WORDS;
    const side = at >> 1;
    if (doubles[side + PACKETS] === 0) {
      doubles[side + START] = held.first;
      doubles[side + LAST] = held.last;
      words[at + SIDE.flags] = (held.leastTtl << 16) | (held.leastTtl << 24);
      words[at + SIDE.leastLength] = held.leastLength;
      this.#note(observation, slot, direction);
    }
    doubles[side + START] = Math.min(doubles[side + START] as number, held.first);
    doubles[side + LAST] = Math.max(doubles[side + LAST] as number, held.last);
    doubles[side + OCTETS] = (doubles[side + OCTETS] as number) + held.octets;
    doubles[side + PACKETS] = (doubles[side + PACKETS] as number) + held.packets;
    this.#noteTtl(at, held.leastTtl, held.mostTtl);
    words[at + SIDE.leastLength] = Math.min(words[at + SIDE.leastLength] as number, held.leastLength);
    words[at + SIDE.mostLength] = Math.max(words[at + SIDE.mostLength] as number, held.mostLength);
    doubles[(entry + ENTRY.seen) >> 1] = now;
    cache.touch(slot, words[entry + ENTRY.idleClass] as number);
  }

  /** A packet of an entry has these control bits, of which some are new in its direction. Returns the idle class, which was `idleClass`. */
  noteFlags(entry: number, direction: number, flags: number, idleClass: number): number {
    const { words } = this.cache;
    const at = entry + SIDES + direction * SIDE_WORDS + SIDE.flags;
    words[at] = (words[at] as number) | flags;
    if ((flags & SYN) !== 0) this.#noteSyn(entry, direction, flags);
    return this.#classOf(entry, idleClass);
  }

  /** Ends the flows whose timeouts are over at `now` (µs). */
  expire(now: number): void {
    const { cache } = this;
    const { idle, maxlife } = this.timeouts;
    for (let idleClass = 0; idleClass < IDLE_CLASSES; idleClass++) {
      const limit = now - (idle[idleClass] as number);
      for (let slot = cache.leastRecent(idleClass); slot >= 0; slot = cache.leastRecent(idleClass)) {
        if (this.#time(slot, ENTRY.seen) >= limit) break;
        this.#end(slot, idleClass);
      }
    }
    for (let slot = cache.oldest(); slot >= 0; slot = cache.oldest()) {
      if (this.#time(slot, ENTRY.begun) >= now - maxlife) break;
      this.#end(slot, MAXLIFE);
    }
  }

  /** Ends all flows. Returns how many. */
  endAll(): number {
    const { size } = this.cache;
    for (let slot = this.cache.oldest(); slot >= 0; slot = this.cache.oldest()) this.#end(slot, FLUSHED);
    return size;
  }

  /** Throws all flows away. Returns how many. */
  deleteAll(): number {
    const { size } = this.cache;
    this.cache.clear();
    this.deleted += size;
    return size;
  }

  /** The entry that an observation belongs to: one whose time is over ends before, and one begins where there is none. */
  #entryOf(observation: Int32Array, hash: number, time: number): number {
    const { cache } = this;
    const slot = cache.find(observation, hash);
    if (slot < 0) return this.#begin(observation, hash, time);
    if (!this.#isByTime) return slot;
    // Flows do not depend on when the table is looked through.
    const entry = Math.imul(slot, cache.stride);
    const idleClass = cache.words[entry + ENTRY.idleClass] as number;
    const idle = time - (cache.doubles[(entry + ENTRY.seen) >> 1] as number);
    const life = time - (cache.doubles[(entry + ENTRY.begun) >> 1] as number);
    if (idle > (this.timeouts.idle[idleClass] as number)) this.#end(slot, idleClass);
    else if (life > this.timeouts.maxlife) this.#end(slot, MAXLIFE);
    else return slot;
    return this.#begin(observation, hash, time);
  }

  #begin(observation: Int32Array, hash: number, time: number): number {
    const { cache } = this;
    if (cache.size === cache.capacity) this.#end(this.#leastRecent(), MAXFLOWS);
    const protocol = observation[WORD.protocol] as number;
    const slot = cache.insert(observation, hash, this.timeouts.classOf(protocol, 0, 0));
    const entry = Math.imul(slot, cache.stride);
    cache.doubles[(entry + ENTRY.seen) >> 1] = time;
    cache.doubles[(entry + ENTRY.begun) >> 1] = time;
    cache.words[entry + ENTRY.state] = observation[WORD.direction] === 0 ? 0 : STATE.initiatorIsHigher;
    cache.words[entry + cache.restAt + REST.tunnel] = observation[WORD.tunnel] as number;
    cache.words[entry + cache.restAt + REST.tunnelId] = observation[WORD.tunnelId] as number;
    this.#names?.begin(slot);
    return slot;
  }

  /** The entry that was active the longest time ago; there is one. */
  #leastRecent(): number {
    const { cache } = this;
    let least = -1;
    let seen = Infinity;
    for (let idleClass = 0; idleClass < IDLE_CLASSES; idleClass++) {
      const slot = cache.leastRecent(idleClass);
      if (slot < 0 || this.#time(slot, ENTRY.seen) >= seen) continue;
      seen = this.#time(slot, ENTRY.seen);
      least = slot;
    }
    return least;
  }

  #time(slot: number, word: number): number {
    const { cache } = this;
    return cache.doubles[(slot * cache.stride + word) >> 1] as number;
  }

  /** What is taken from the first packet of a direction. */
  #note(observation: Int32Array, slot: number, direction: number): void {
    const { words, stride, restAt } = this.cache;
    const at = slot * stride + SIDES + direction * SIDE_WORDS;
    for (let i = SIDE.tos; i < SIDE_WORDS; i++) words[at + i] = observation[WORD.tos - SIDE.tos + i] as number;
    const rest = slot * stride + restAt + direction;
    words[rest + REST.dstMac] = observation[WORD.dstMac] as number;
    words[rest + REST.interface] = observation[WORD.interface] as number;
    if (((observation[WORD.link] as number) & HAS_MPLS) !== 0)
      this.#mpls.set(slot, direction, this.#labels, this.#labelCount);
  }

  #noteTtl(at: number, least: number, most: number): void {
    const { words } = this.cache;
    const before = words[at + SIDE.flags] as number;
    const low = Math.min(least, (before >>> 16) & 0xff);
    const high = Math.max(most, before >>> 24);
    words[at + SIDE.flags] = (before & FLAGS) | (low << 16) | (high << 24);
  }

  /** SYN tells who begins: its sender, or with ACK its receiver. */
  #noteSyn(entry: number, direction: number, flags: number): void {
    const { words } = this.cache;
    if (((words[entry + ENTRY.state] as number) & STATE.hasSeenSyn) !== 0) return;
    const initiator = (flags & ACK) === 0 ? direction : 1 - direction;
    words[entry + ENTRY.state] = STATE.hasSeenSyn | (initiator === 0 ? 0 : STATE.initiatorIsHigher);
  }

  /** The idle class of an entry whose TCP control bits have changed. */
  #classOf(entry: number, before: number): number {
    const { words } = this.cache;
    const protocol = words[entry + ENTRY.protocol] as number;
    if ((protocol & 0xff) !== TCP) return before;
    const lower = words[entry + SIDES + SIDE.flags] as number;
    const higher = this.#key.isDirectional ? lower : (words[entry + SIDES + SIDE_WORDS + SIDE.flags] as number);
    return this.timeouts.classOf(protocol, lower, higher);
  }

  #end(slot: number, cause: number): void {
    const { cache } = this;
    const { doubles } = cache;
    const entry = Math.imul(slot, cache.stride);
    const lower = (entry + SIDES) >> 1;
    let bytes = doubles[lower + OCTETS] as number;
    let packets = doubles[lower + PACKETS] as number;
    let start = packets > 0 ? (doubles[lower + START] as number) : Infinity;
    let last = doubles[lower + LAST] as number;
    const higher = lower + SIDE_WORDS / 2;
    if (!this.#key.isDirectional && (doubles[higher + PACKETS] as number) > 0) {
      bytes += doubles[higher + OCTETS] as number;
      packets += doubles[higher + PACKETS] as number;
      start = Math.min(start, doubles[higher + START] as number);
      last = Math.max(last, doubles[higher + LAST] as number);
    }
    this.tally.add(cause, (cache.words[entry + ENTRY.protocol] as number) & 0xff, bytes, packets, last - start);
    this.records.write(slot, REASONS[cause] as number);
    // Every cause but the timeouts of idle flows.
    this.#names?.end(slot, cause >= MAXLIFE);
    cache.remove(slot);
  }
}
