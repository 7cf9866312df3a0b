import { formatAddress } from '../util/address.ts';
import { isoMicros } from '../util/time.ts';
import { ENTRY, type FlowCache, SIDE, STATE } from './cache.ts';
import type { FlowKey } from './key.ts';
import { WORD } from './observation.ts';
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
  const { words, doubles, stride, headAt, sideAt } = cache;
  const at = slot * stride;
  const first = (words[at + headAt + ENTRY.state] as number) & STATE.initiatorIsHigher;
  const word = (offset: number) => words[at + offset] as number;
  const double = (offset: number) => doubles[(at + offset) >> 1] as number;
  const address = (offset: number) => formatAddress(word(offset), word(offset + 1), word(offset + 2), word(offset + 3));
  const sideOf = (direction: number) => sideAt + direction * SIDE.words;
  const hasReverse = !key.isDirectional;
  const side = key.isDirectional ? sideOf(0) : sideOf(first);
  const other = sideOf(1 - first);
  const ports = word(WORD.ports);
  const isLowerFirst = key.isDirectional || first === 0;
  const seen = double(headAt + ENTRY.seen);
  const timeout = NAMES[cache.idleClass(slot)] ?? 'general';
  return {
    src_addr: address(isLowerFirst ? WORD.lower : WORD.higher),
    src_port: isLowerFirst ? ports >>> 16 : ports & 0xffff,
    dst_addr: address(isLowerFirst ? WORD.higher : WORD.lower),
    dst_port: isLowerFirst ? ports & 0xffff : ports >>> 16,
    proto: word(WORD.protocol) & 0xff,
    bytes: double(side + SIDE.octets),
    packets: double(side + SIDE.packets),
    reverse_bytes: hasReverse ? double(other + SIDE.octets) : 0,
    reverse_packets: hasReverse ? double(other + SIDE.packets) : 0,
    tcp_flags: word(side + SIDE.flags) & 0xffff,
    reverse_tcp_flags: hasReverse ? word(other + SIDE.flags) & 0xffff : 0,
    time_start: isoMicros(double(headAt + ENTRY.begun)),
    time_end: isoMicros(seen),
    timeout,
    time_timeout: timeouts[timeout] === 0 ? '' : isoMicros(seen + timeouts[timeout] * 1e6),
  };
}
