import { ETHER_TYPE, PROTOCOL } from '../wire/packet/layers.ts';
import type { PacketColumns } from '../wire/pcap/packet.ts';
import { ENTRY, SIDE, SIDE_WORDS, SIDES } from './cache.ts';
import type { FlowTable } from './flow-table.ts';
import type { KeyedHash } from './hash.ts';

/** Offsets in an Ethernet frame and behind the beginning of an IPv4 header; see `wire/packet`. */
const ETHERNET_HEADER = 14;
const TAG = 4;
const IPV4_HEADER = 20;
const IPV4_AND_TCP_START = IPV4_HEADER + 14;
const IPV4_AND_UDP = IPV4_HEADER + 8;
/** Version 4, header of 5 words. */
const PLAIN_IPV4 = 0x45;
const FRAGMENT = 0x3fff;
const IPV4 = 4 << 8;

/** Packets whose entries are fetched together. */
const BLOCK = 64;

const CONTROL_BITS = 0x0fff;

/** Instead of a direction: the packet is none of those that are read here. */
const OTHER = -1;

/** Places of doubles in an entry and in a side of it. */
const SEEN = ENTRY.seen / 2;
const BEGUN = ENTRY.begun / 2;
const LAST = SIDE.last / 2;
const OCTETS = SIDE.octets / 2;
const PACKETS = SIDE.packets / 2;

/**
 * The way of most packets: TCP and UDP over IPv4 and Ethernet, whole headers, of a flow that is in the cache and goes on without anything new but its counters.
 * Everything happens in loops over columns without a call, and does no more than `FlowTable.add` would do with the same packet. Only for keys of both
 * addresses, both ports and the protocol.
 */
export class KnownPackets {
  /** Packets and octets that it has put to their flows. */
  packets = 0;
  octets = 0;
  /** Has no meaning: what was fetched ahead has to go somewhere, or V8 would leave the fetching out. */
  fetched = 0;
  readonly #table: FlowTable;
  readonly #hash: KeyedHash;
  readonly #isByTime: boolean;
  // What was read of the packets of a block: those from `#readFrom` to `#readTo` of the columns.
  readonly #directions = new Int32Array(BLOCK);
  /** Four words each: the key of an IPv4 flow (observation.ts). */
  readonly #keys = new Int32Array(BLOCK * 4);
  /** Four words each: TCP control bits + TTL × 65536, IP total length, first slot of the bucket when it was read, hash. */
  readonly #facts = new Int32Array(BLOCK * 4);
  #readFrom = 0;
  #readTo = 0;

  constructor(table: FlowTable, hash: KeyedHash, isByTime: boolean) {
    this.#table = table;
    this.#hash = hash;
    this.#isByTime = isByTime;
  }

  /** Other columns come. */
  begin(): void {
    this.#readTo = 0;
  }

  /**
   * Meters packets from the one at `from` on; returns the place of the first that it leaves to others, or the count.
   *
   * @param until µs: a packet of this time or later is left to others
   * @param clock µs: time of the packet before
   * @param lateness µs: a packet that is more than this before the one before it is left to others
   */
  meter(
    bytes: Uint8Array,
    columns: PacketColumns,
    from: number,
    until: number,
    clock: number,
    lateness: number,
  ): number {
    let at = from;
    while (at < columns.count) {
      if (at >= this.#readTo) this.#read(bytes, columns, at);
      const stop = this.#readTo;
      const before = at === from ? clock : (columns.times[at - 1] as number);
      at = this.#count(columns, at, stop, until, before, lateness);
      if (at < stop) break;
    }
    return at;
  }

  /** Reads the headers of a block, and has the entries of their flows fetched: all at the same time instead of one after the other. */
  #read(bytes: Uint8Array, columns: PacketColumns, from: number): void {
    const { starts, ends } = columns;
    const to = Math.min(columns.count, from + BLOCK);
    this.#readFrom = from;
    this.#readTo = to;
    const directions = this.#directions;
    const keys = this.#keys;
    const facts = this.#facts;
    directions.fill(OTHER);
    for (let i = from; i < to; i++) {
      const start = starts[i] as number;
      const end = ends[i] as number;
      let at = start + ETHERNET_HEADER;
      if (at + TAG + IPV4_AND_UDP > end) continue;
      let type = ((bytes[start + 12] as number) << 8) | (bytes[start + 13] as number);
      if (type === ETHER_TYPE.vlan) {
        type = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
        at += TAG;
      }
      const fragment = ((bytes[at + 6] as number) << 8) | (bytes[at + 7] as number);
      if (type !== ETHER_TYPE.ipv4 || bytes[at] !== PLAIN_IPV4 || (fragment & FRAGMENT) !== 0) continue;
      const length = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
      const known = Math.min(end, at + length);
      const protocol = (bytes[at + 9] as number) | IPV4;
      let flags = (bytes[at + 8] as number) << 16;
      if (protocol === (PROTOCOL.tcp | IPV4)) {
        if (at + IPV4_AND_TCP_START > known) continue;
        flags |= (((bytes[at + 32] as number) << 8) | (bytes[at + 33] as number)) & CONTROL_BITS;
      } else if (protocol !== (PROTOCOL.udp | IPV4) || at + IPV4_AND_UDP > known) continue;
      const source = word(bytes, at + 12);
      const destination = word(bytes, at + 16);
      const ports = word(bytes, at + 20);
      // What an address sends to itself is sorted by port: not here.
      if (source === destination) continue;
      const isSwapped = (source ^ 0x8000_0000) > (destination ^ 0x8000_0000);
      const place = (i - from) << 2;
      directions[i - from] = isSwapped ? 1 : 0;
      keys[place] = isSwapped ? (ports << 16) | (ports >>> 16) : ports;
      keys[place + 1] = protocol;
      keys[place + 2] = isSwapped ? destination : source;
      keys[place + 3] = isSwapped ? source : destination;
      facts[place] = flags;
      facts[place + 1] = length;
    }
    this.#fetch(to - from);
  }

  #fetch(count: number): void {
    const { words, buckets, stride } = this.#table.cache;
    const mask = buckets.length - 1;
    const directions = this.#directions;
    const keys = this.#keys;
    const facts = this.#facts;
    const hash = this.#hash;
    for (let i = 0; i < count; i++) {
      const place = i << 2;
      const value = hash.ofIpv4(
        keys[place] as number,
        keys[place + 1] as number,
        keys[place + 2] as number,
        keys[place + 3] as number,
      );
      facts[place + 2] = buckets[value & mask] as number;
      facts[place + 3] = value;
    }
    let fetched = 0;
    for (let i = 0; i < count; i++) {
      const slot = facts[(i << 2) + 2] as number;
      if (slot < 0) continue;
      const entry = Math.imul(slot, stride);
      fetched ^= (words[entry] as number) ^ (words[entry + SIDES + (directions[i] as number) * SIDE_WORDS] as number);
    }
    this.fetched = fetched;
  }

  /** Counts packets of the block that was read; the arguments are those of `meter`. */
  #count(columns: PacketColumns, from: number, to: number, until: number, clock: number, lateness: number): number {
    const cache = this.#table.cache;
    const { words, doubles, buckets, stride } = cache;
    const { idle, maxlife } = this.#table.timeouts;
    const isByTime = this.#isByTime;
    const { times } = columns;
    const mask = buckets.length - 1;
    const directions = this.#directions;
    const keys = this.#keys;
    const facts = this.#facts;
    const readFrom = this.#readFrom;
    let before = clock;
    let octets = 0;
    let at = from;
    for (; at < to; at++) {
      const i = at - readFrom;
      const place = i << 2;
      const time = times[at] as number;
      const direction = directions[i] as number;
      if (direction === OTHER || time >= until || time < before - lateness || time <= 0) break;
      const ports = keys[place] as number;
      const protocol = keys[place + 1] as number;
      const lower = keys[place + 2] as number;
      const higher = keys[place + 3] as number;
      let slot = buckets[(facts[place + 3] as number) & mask] as number;
      let entry = 0;
      for (; slot >= 0; slot = words[entry + ENTRY.chain] as number) {
        entry = Math.imul(slot, stride);
        if (
          words[entry + ENTRY.ports] === ports &&
          words[entry + ENTRY.lower] === lower &&
          words[entry + ENTRY.higher] === higher &&
          words[entry + ENTRY.protocol] === protocol
        )
          break;
      }
      if (slot < 0) break;
      const side = entry + SIDES + direction * SIDE_WORDS;
      const head = entry >> 1;
      const sums = side >> 1;
      const flags = facts[place] as number;
      const ttl = flags >>> 16;
      const noted = words[side + SIDE.flags] as number;
      const count = doubles[sums + PACKETS] as number;
      // A new direction, a TTL beyond those before, an earlier packet than the last: there is more to do.
      if (count === 0 || ttl < ((noted >>> 16) & 0xff) || ttl > noted >>> 24 || time < (doubles[sums + LAST] as number))
        break;
      let idleClass = words[entry + ENTRY.idleClass] as number;
      if (
        isByTime &&
        (time - (doubles[head + SEEN] as number) > (idle[idleClass] as number) ||
          time - (doubles[head + BEGUN] as number) > maxlife)
      )
        break;
      const length = facts[place + 1] as number;
      doubles[sums + LAST] = time;
      doubles[sums + OCTETS] = (doubles[sums + OCTETS] as number) + length;
      doubles[sums + PACKETS] = count + 1;
      doubles[head + SEEN] = time;
      if (length < (words[side + SIDE.leastLength] as number)) words[side + SIDE.leastLength] = length;
      else if (length > (words[side + SIDE.mostLength] as number)) words[side + SIDE.mostLength] = length;
      const bits = flags & CONTROL_BITS;
      if ((bits & ~noted) !== 0) idleClass = this.#table.noteFlags(entry, direction, bits, idleClass);
      cache.touch(slot, idleClass);
      octets += length;
      before = time;
    }
    this.packets += at - from;
    this.octets += octets;
    return at;
  }
}

/** 32 bits at `at`, signed. */
function word(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}
