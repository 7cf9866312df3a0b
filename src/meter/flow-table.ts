import type { BatchSink } from '../session/message-decoder.ts';
import { ENTRY, FlowCache, IDLE_CLASSES, SIDE, STATE } from './cache.ts';
import type { HeldFragments } from './fragments.ts';
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
/** Words of a side that are taken from its first packet: tos to interface, in the order of an observation. */
const NOTED_WORDS = SIDE.words - SIDE.tos;

/** Flows as they go on: observations of packets are put to entries of the cache, entries that end become records. */
export class FlowTable {
  readonly cache: FlowCache;
  readonly tally = new EndTally();
  readonly records: RecordWriter;
  deleted = 0;
  readonly #key: FlowKey;
  readonly #timeouts: IdleTimeouts;
  readonly #isByTime: boolean;
  readonly #mpls: MplsStacks;
  readonly #names: MeterOptions['names'];
  /** Labels of the packet that is being put to a flow. */
  #labels: Uint32Array = new Uint32Array(0);
  #labelCount = 0;

  constructor(key: FlowKey, options: MeterOptions, sink: BatchSink) {
    const { maxFlows, maxBytes, seed } = options;
    const sides = key.isDirectional ? 1 : 2;
    this.cache = new FlowCache({ keyWords: key.words, sides, maxFlows, maxBytes, seed });
    this.#key = key;
    this.#timeouts = new IdleTimeouts(options.timeouts);
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
  add(observation: Uint32Array, time: number): number {
    this.#key.apply?.(observation);
    const slot = this.#entryOf(observation, time);
    const { cache } = this;
    const { words, doubles } = cache;
    const direction = observation[WORD.direction] as number;
    const at = slot * cache.stride + cache.sideAt + direction * SIDE.words;
    const length = observation[WORD.length] as number;
    const flags = observation[WORD.flags] as number;
    const ttl = observation[WORD.ttl] as number;
    const start = (at + SIDE.start) >> 1;
    const packets = doubles[start + 3] as number;
    let hasNewFlags = false;
    if (packets === 0) {
      doubles[start] = time;
      doubles[start + 1] = time;
      doubles[start + 2] = length;
      words[at + SIDE.flags] = flags | (ttl << 16) | (ttl << 24);
      words[at + SIDE.leastLength] = length;
      words[at + SIDE.mostLength] = length;
      this.#note(observation, at, slot, direction);
      hasNewFlags = flags !== 0;
    } else {
      if (time > (doubles[start + 1] as number)) doubles[start + 1] = time;
      else if (time < (doubles[start] as number)) doubles[start] = time;
      doubles[start + 2] = (doubles[start + 2] as number) + length;
      const before = words[at + SIDE.flags] as number;
      hasNewFlags = (before | flags) !== (before | 0);
      if (hasNewFlags) words[at + SIDE.flags] = before | flags;
      if (ttl < ((before >>> 16) & 0xff) || ttl > before >>> 24) this.#noteTtl(at, ttl, ttl);
      if (length < (words[at + SIDE.leastLength] as number)) words[at + SIDE.leastLength] = length;
      else if (length > (words[at + SIDE.mostLength] as number)) words[at + SIDE.mostLength] = length;
    }
    doubles[start + 3] = packets + 1;
    doubles[(slot * cache.stride + cache.headAt + ENTRY.seen) >> 1] = time;
    if (hasNewFlags) {
      if ((flags & SYN) !== 0) this.#noteSyn(slot, direction, flags);
      cache.touch(slot, this.#classOf(slot));
    } else cache.touch(slot, cache.idleClass(slot));
    return slot;
  }

  /** Puts fragments that were held until `now` to their flow. */
  addHeld(observation: Uint32Array, held: HeldFragments, now: number): void {
    this.#key.apply?.(observation);
    const slot = this.#entryOf(observation, now);
    const { cache } = this;
    const { words, doubles } = cache;
    const direction = observation[WORD.direction] as number;
    const at = slot * cache.stride + cache.sideAt + direction * SIDE.words;
    const start = (at + SIDE.start) >> 1;
    if (doubles[start + 3] === 0) {
      doubles[start] = held.first;
      doubles[start + 1] = held.last;
      words[at + SIDE.flags] = (held.leastTtl << 16) | (held.leastTtl << 24);
      words[at + SIDE.leastLength] = held.leastLength;
      this.#note(observation, at, slot, direction);
    }
    doubles[start] = Math.min(doubles[start] as number, held.first);
    doubles[start + 1] = Math.max(doubles[start + 1] as number, held.last);
    doubles[start + 2] = (doubles[start + 2] as number) + held.octets;
    doubles[start + 3] = (doubles[start + 3] as number) + held.packets;
    this.#noteTtl(at, held.leastTtl, held.mostTtl);
    words[at + SIDE.leastLength] = Math.min(words[at + SIDE.leastLength] as number, held.leastLength);
    words[at + SIDE.mostLength] = Math.max(words[at + SIDE.mostLength] as number, held.mostLength);
    doubles[(slot * cache.stride + cache.headAt + ENTRY.seen) >> 1] = now;
    cache.touch(slot, cache.idleClass(slot));
  }

  /** Ends the flows whose timeouts are over at `now` (µs). */
  expire(now: number): void {
    const { cache } = this;
    const { idle, maxlife } = this.#timeouts;
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
  #entryOf(observation: Uint32Array, time: number): number {
    const { cache } = this;
    const hash = cache.hashOf(observation);
    const slot = cache.find(observation, hash);
    if (slot < 0) return this.#begin(observation, hash, time);
    if (!this.#isByTime) return slot;
    // Flows do not depend on when the table is looked through.
    const idleClass = cache.idleClass(slot);
    if (time - this.#time(slot, ENTRY.seen) > (this.#timeouts.idle[idleClass] as number)) this.#end(slot, idleClass);
    else if (time - this.#time(slot, ENTRY.begun) > this.#timeouts.maxlife) this.#end(slot, MAXLIFE);
    else return slot;
    return this.#begin(observation, hash, time);
  }

  #begin(observation: Uint32Array, hash: number, time: number): number {
    const { cache } = this;
    if (cache.size === cache.capacity) this.#end(this.#leastRecent(), MAXFLOWS);
    const protocol = observation[WORD.protocol] as number;
    const slot = cache.insert(observation, hash, this.#timeouts.classOf(protocol, 0, 0));
    const head = slot * cache.stride + cache.headAt;
    cache.doubles[(head + ENTRY.seen) >> 1] = time;
    cache.doubles[(head + ENTRY.begun) >> 1] = time;
    cache.words[head + ENTRY.state] = observation[WORD.direction] === 0 ? 0 : STATE.initiatorIsHigher;
    cache.words[head + ENTRY.tunnel] = observation[WORD.tunnel] as number;
    cache.words[head + ENTRY.tunnelId] = observation[WORD.tunnelId] as number;
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
    return cache.doubles[(slot * cache.stride + cache.headAt + word) >> 1] as number;
  }

  #note(observation: Uint32Array, at: number, slot: number, direction: number): void {
    const { words } = this.cache;
    for (let i = 0; i < NOTED_WORDS; i++) words[at + SIDE.tos + i] = observation[WORD.tos + i] as number;
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
  #noteSyn(slot: number, direction: number, flags: number): void {
    const { cache } = this;
    const at = slot * cache.stride + cache.headAt + ENTRY.state;
    if (((cache.words[at] as number) & STATE.hasSeenSyn) !== 0) return;
    const initiator = (flags & ACK) === 0 ? direction : 1 - direction;
    cache.words[at] = STATE.hasSeenSyn | (initiator === 0 ? 0 : STATE.initiatorIsHigher);
  }

  #classOf(slot: number): number {
    const { words, stride, sideAt } = this.cache;
    const at = slot * stride;
    const protocol = words[at + WORD.protocol] as number;
    if ((protocol & 0xff) !== TCP) return this.cache.idleClass(slot);
    const lower = words[at + sideAt + SIDE.flags] as number;
    const higher = this.#key.isDirectional ? lower : (words[at + sideAt + SIDE.words + SIDE.flags] as number);
    return this.#timeouts.classOf(protocol, lower, higher);
  }

  #end(slot: number, cause: number): void {
    const { cache } = this;
    const { doubles } = cache;
    const at = slot * cache.stride;
    const lower = (at + cache.sideAt) >> 1;
    let bytes = doubles[lower + 2] as number;
    let packets = doubles[lower + 3] as number;
    let start = packets > 0 ? (doubles[lower] as number) : Infinity;
    let last = doubles[lower + 1] as number;
    const higher = lower + SIDE.words / 2;
    if (!this.#key.isDirectional && (doubles[higher + 3] as number) > 0) {
      bytes += doubles[higher + 2] as number;
      packets += doubles[higher + 3] as number;
      start = Math.min(start, doubles[higher] as number);
      last = Math.max(last, doubles[higher + 1] as number);
    }
    this.tally.add(cause, (cache.words[at + WORD.protocol] as number) & 0xff, bytes, packets, last - start);
    this.records.write(slot, REASONS[cause] as number);
    // Every cause but the timeouts of idle flows.
    this.#names?.end(slot, cause >= MAXLIFE);
    cache.remove(slot);
  }
}
