import { formatAddress } from '../util/address.ts';
import { isoMicros } from '../util/time.ts';
import { ENTRY, type FlowCache, REST, SIDE, SIDE_WORDS, SIDES, STATE } from './cache.ts';
import type { FlowKey } from './key.ts';
import { IDLE_CLASS, type Timeouts } from './timeouts.ts';

/** A flow of the cache, for people (`dump-flows`). The first end is the one that began, as far as that is known. */
export interface FlowLine {
  readonly src_addr: string;
  readonly src_port: number;
  readonly dst_addr: string;
  readonly dst_port: number;
  readonly proto: number;
  readonly bytes: number;
  readonly packets: number;
  readonly reverse_bytes: number;
  readonly reverse_packets: number;
  readonly tcp_flags: number;
  readonly reverse_tcp_flags: number;
  /** ISO 8601, UTC. */
  readonly time_start: string;
  readonly time_end: string;
  /** The timeout that will end it, and when that is if no further packet comes; empty where that is never. */
  readonly timeout: string;
  readonly time_timeout: string;
}

const NAMES = Object.keys(IDLE_CLASS) as readonly (keyof typeof IDLE_CLASS)[];

/** The flow in `slot`. */
export function flowLine(cache: FlowCache, key: FlowKey, timeouts: Readonly<Timeouts>, slot: number): FlowLine {
  const { words, doubles, stride, restAt } = cache;
  const at = slot * stride;
  const first = (words[at + ENTRY.state] as number) & STATE.initiatorIsHigher;
  const word = (offset: number) => words[at + offset] as number;
  const double = (offset: number) => doubles[(at + offset) >> 1] as number;
  const address = (upper: number, last: number) =>
    formatAddress(word(restAt + upper), word(restAt + upper + 1), word(restAt + upper + 2), word(last));
  const sideOf = (direction: number) => SIDES + direction * SIDE_WORDS;
  const lower = address(REST.lowerUpper, ENTRY.lower);
  const higher = address(REST.higherUpper, ENTRY.higher);
  const hasReverse = !key.isDirectional;
  const side = key.isDirectional ? sideOf(0) : sideOf(first);
  const other = sideOf(1 - first);
  const ports = word(ENTRY.ports);
  const isLowerFirst = key.isDirectional || first === 0;
  const seen = double(ENTRY.seen);
  const timeout = NAMES[word(ENTRY.idleClass)] ?? 'general';
  return {
    src_addr: isLowerFirst ? lower : higher,
    src_port: isLowerFirst ? ports >>> 16 : ports & 0xffff,
    dst_addr: isLowerFirst ? higher : lower,
    dst_port: isLowerFirst ? ports & 0xffff : ports >>> 16,
    proto: word(ENTRY.protocol) & 0xff,
    bytes: double(side + SIDE.octets),
    packets: double(side + SIDE.packets),
    reverse_bytes: hasReverse ? double(other + SIDE.octets) : 0,
    reverse_packets: hasReverse ? double(other + SIDE.packets) : 0,
    tcp_flags: word(side + SIDE.flags) & 0xffff,
    reverse_tcp_flags: hasReverse ? word(other + SIDE.flags) & 0xffff : 0,
    time_start: isoMicros(double(ENTRY.begun)),
    time_end: isoMicros(seen),
    timeout,
    time_timeout: timeouts[timeout] === 0 ? '' : isoMicros(seen + timeouts[timeout] * 1e6),
  };
}
