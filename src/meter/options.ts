import type { FlowBatch } from '../flow/batch.ts';
import type { Address } from '../util/address.ts';
import type { PacketHeaders } from '../wire/packet/packet-fields.ts';
import type { NameStatistics } from './statistics.ts';
import type { Timeouts } from './timeouts.ts';

const FIVE_TUPLE = ['src_addr', 'dst_addr', 'proto', 'src_port', 'dst_port'] as const;

/** Levels of tracking, with softflowd's meaning (`port` is another word for `full`): which columns make the flow key. */
export const TRACKING_LEVELS = {
  ip: ['src_addr', 'dst_addr'],
  proto: ['src_addr', 'dst_addr', 'proto'],
  port: FIVE_TUPLE,
  full: FIVE_TUPLE,
  vlan: [...FIVE_TUPLE, 'src_vlan'],
  ether: [...FIVE_TUPLE, 'src_vlan', 'src_mac', 'dst_mac'],
} as const satisfies Readonly<Record<string, readonly string[]>>;
export type TrackingLevel = keyof typeof TRACKING_LEVELS;

/** 1-in-N packet sampling (RFC 5475 sections 5.1 and 5.2): each N-th packet, or one chosen at random of each N. */
export interface Sampling {
  readonly rate: number;
  readonly method: 'count' | 'random';
}

/** Names read out of the first packets of flows: DNS, TLS, HTTP, QUIC. `flow` is a slot of the cache, 0 to `maxFlows` - 1. See `src/meter/names`. */
export interface FlowNames {
  /** The columns it may fill, besides those of the meter. */
  readonly columns: readonly string[];
  /** A new flow is in this slot; what was kept of an earlier one there is forgotten. */
  begin(flow: number): void;
  /** Whether more packets of the flow are to be shown. Asked with each packet: one look into an array. */
  wants(flow: number): boolean;
  /**
   * Looks into a packet: `bytes[start, end)` is its transport payload as far as captured, without padding of the link layer, `fields` its headers (those of
   * the metered packet, of tunnels too). Packets without payload are shown too (`start` = `end`): the first packet of a flow tells its addresses.
   * `timeMicros` is that of the packet.
   */
  look(bytes: Uint8Array, start: number, end: number, flow: number, fields: PacketHeaders, timeMicros: number): void;
  /** The flow's records have been written, and the slot is free. `goesOn`: they had to be, but more packets may come, for a flow that begins anew. */
  end(flow: number, goesOn: boolean): void;
  /** Writes the columns of the flow into a row whose layout has all of `columns`; called once for each record of the flow. */
  write(batch: FlowBatch, row: number, flow: number): void;
  statistics(): NameStatistics;
}

export interface MeterOptions {
  /** A level, or the columns of the flow key by name (`KEY_COLUMNS`). */
  readonly keys: TrackingLevel | readonly string[];
  /** Both directions of a conversation as one record (RFC 5103), instead of two. */
  readonly isBiflow: boolean;
  readonly timeouts: Readonly<Timeouts>;
  /** Whether flows end by their timeouts, or only when the cache is full and at the end (what softflowd does with files unless -a is given). */
  readonly expiry: 'by-time' | 'when-full';
  /** Entries of the flow cache at most; the least recently active one leaves when another is needed. */
  readonly maxFlows: number;
  /** Octets that the flow cache may take; where `maxFlows` entries need more, there are fewer. */
  readonly maxBytes: number;
  /** Which packet of a tunnel is metered: the one outside, the one innermost, or both, each in a flow of its own. */
  readonly tunnels: 'outer' | 'inner' | 'both';
  readonly sampling: Sampling | undefined;
  readonly names: FlowNames | undefined;
  /** Who the records say that they are from. */
  readonly exporter: Address;
  readonly observationDomain: number;
  /** Two times 32 bits at random, for the hash of the cache: who sends packets cannot know which flows fall together. */
  readonly seed: readonly [number, number];
  /** Numbers from 0 to below 1, for random sampling. */
  readonly random: () => number;
}
