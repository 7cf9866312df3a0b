import type { FlowBatch } from '../flow/batch.ts';
import { slotOf } from '../flow/slots.ts';
import type { BatchSink } from '../session/message-decoder.ts';
import { hasPorts } from './any-packet.ts';
import { ENTRY, type FlowCache, REST, SIDE, SIDE_WORDS, SIDES, STATE } from './cache.ts';
import type { FlowKey } from './key.ts';
import type { MplsStacks } from './mpls-stacks.ts';
import { HAS_ETHER_TYPE, HAS_MACS, HAS_MPLS, TAGGED } from './observation.ts';
import type { MeterOptions } from './options.ts';
import { PART, RecordLayouts } from './record-layouts.ts';

const TIME_START = slotOf('time_start');
const TIME_END = slotOf('time_end');
const SRC_ADDR = slotOf('src_addr');
const DST_ADDR = slotOf('dst_addr');
const SRC_PORT = slotOf('src_port');
const DST_PORT = slotOf('dst_port');
const PROTO = slotOf('proto');
const TCP_FLAGS = slotOf('tcp_flags');
const TOS = slotOf('tos');
const BYTES = slotOf('bytes');
const PACKETS = slotOf('packets');
const REVERSE_BYTES = slotOf('reverse_bytes');
const REVERSE_PACKETS = slotOf('reverse_packets');
const REVERSE_TCP_FLAGS = slotOf('reverse_tcp_flags');
const REVERSE_TOS = slotOf('reverse_tos');
const REVERSE_TIME_START = slotOf('reverse_time_start');
const REVERSE_TIME_END = slotOf('reverse_time_end');
const BIFLOW_DIRECTION = slotOf('biflow_direction');
const IN_IF = slotOf('in_if');
const FLOW_END_REASON = slotOf('flow_end_reason');
const SRC_MAC = slotOf('src_mac');
const DST_MAC = slotOf('dst_mac');
const SRC_VLAN = slotOf('src_vlan');
const CUSTOMER_VLAN = slotOf('customer_vlan');
const ETHERNET_TYPE = slotOf('ethernet_type');
const ICMP_TYPE = slotOf('icmp_type');
const ICMP_CODE = slotOf('icmp_code');
const FLOW_LABEL = slotOf('flow_label');
const MIN_TTL = slotOf('min_ttl');
const MAX_TTL = slotOf('max_ttl');
const MIN_LENGTH = slotOf('min_packet_length');
const MAX_LENGTH = slotOf('max_packet_length');
const MPLS_LABELS = slotOf('mpls_labels');
const TUNNEL = slotOf('tunnel');
const TUNNEL_ID = slotOf('tunnel_id');

/** Code of `flow_type`. */
const METER = 21;
/** Codes of `biflow_direction` (RFC 5103 section 6.3). */
const DIRECTION = { arbitrary: 0, initiator: 1 } as const;
const ICMP = 1;
const ICMPV6 = 58;
const TCP = 6;

type Arrays = FlowBatch['arrays'];

/** Writes the entries of a flow cache into batches: a record for each direction that had packets, or one for both (RFC 5103). */
export class RecordWriter {
  /** Records written. */
  records = 0;
  /** When the records are told of, µs since the epoch. */
  nowMicros = 0;
  readonly #cache: FlowCache;
  readonly #sink: BatchSink;
  readonly #mpls: MplsStacks;
  readonly #names: MeterOptions['names'];
  readonly #layouts: RecordLayouts;
  readonly #isDirectional: boolean;
  readonly #isBiflow: boolean;
  readonly #hasPorts: boolean;
  readonly #hasDestinationPort: boolean;
  readonly #hasProtocol: boolean;
  readonly #shared: Parameters<FlowBatch['shared']['note']>[1] & { receivedMicros: number };

  constructor(cache: FlowCache, key: FlowKey, mpls: MplsStacks, options: MeterOptions, sink: BatchSink) {
    this.#cache = cache;
    this.#sink = sink;
    this.#mpls = mpls;
    this.#names = options.names;
    this.#layouts = new RecordLayouts(key.columns, options.names?.columns ?? [], options.sampling?.rate ?? 1);
    this.#isDirectional = key.isDirectional;
    this.#isBiflow = options.isBiflow;
    this.#hasDestinationPort = key.columns.has('dst_port');
    this.#hasPorts = this.#hasDestinationPort || key.columns.has('src_port');
    this.#hasProtocol = key.columns.has('proto');
    const [exporter0, exporter1, exporter2, exporter3] = options.exporter;
    this.#shared = {
      exporter0,
      exporter1,
      exporter2,
      exporter3,
      observationDomain: options.observationDomain,
      flowType: METER,
      receivedMicros: 0,
    };
  }

  /** Writes the entry in `slot`; `reason` is a flowEndReason (IE 136). */
  write(slot: number, reason: number): void {
    const cache = this.#cache;
    const at = slot * cache.stride;
    const state = cache.words[at + ENTRY.state] as number;
    const first = this.#isDirectional ? 0 : state & STATE.initiatorIsHigher;
    const sides = at + SIDES;
    const hasFirst = (cache.doubles[(sides + first * SIDE_WORDS + SIDE.packets) >> 1] as number) > 0;
    if (this.#isDirectional) {
      this.#writeSide(slot, 0, reason, 0);
      return;
    }
    const hasSecond = (cache.doubles[(sides + (1 - first) * SIDE_WORDS + SIDE.packets) >> 1] as number) > 0;
    if (this.#isBiflow && hasFirst && hasSecond) {
      const row = this.#writeSide(slot, first, reason, PART.reverse);
      this.#writeReverse(slot, 1 - first, row);
      return;
    }
    if (hasFirst) this.#writeSide(slot, first, reason, 0);
    if (hasSecond) this.#writeSide(slot, 1 - first, reason, 0);
  }

  #batch: FlowBatch | undefined;

  /** Writes the record of one direction and gives its row in `#batch`. */
  #writeSide(slot: number, direction: number, reason: number, reverse: number): number {
    const { words, doubles, stride, restAt } = this.#cache;
    const at = slot * stride;
    const side = at + SIDES + direction * SIDE_WORDS;
    const rest = at + restAt + direction;
    const parts = this.#partsOf(at, side, rest) | reverse;
    const batch = this.#sink.batch();
    this.#batch = batch;
    batch.beginRun(this.#layouts.of(parts));
    const row = batch.rows++;
    this.#shared.receivedMicros = this.nowMicros;
    batch.shared.note(row, this.#shared);
    this.records++;
    const { arrays } = batch;
    setAddress(
      arrays,
      direction === 0 ? SRC_ADDR : DST_ADDR,
      row,
      words,
      at + restAt + REST.lowerUpper,
      at + ENTRY.lower,
    );
    setAddress(
      arrays,
      direction === 0 ? DST_ADDR : SRC_ADDR,
      row,
      words,
      at + restAt + REST.higherUpper,
      at + ENTRY.higher,
    );
    setDouble(arrays, TIME_START, row, doubles[(side + SIDE.start) >> 1] as number);
    setDouble(arrays, TIME_END, row, doubles[(side + SIDE.last) >> 1] as number);
    setDouble(arrays, BYTES, row, doubles[(side + SIDE.octets) >> 1] as number);
    setDouble(arrays, PACKETS, row, doubles[(side + SIDE.packets) >> 1] as number);
    set8(arrays, PROTO, row, words[at + ENTRY.protocol] as number);
    const flags = words[side + SIDE.flags] as number;
    const tos = words[side + SIDE.tos] as number;
    set8(arrays, TOS, row, tos);
    set8(arrays, MIN_TTL, row, flags >>> 16);
    set8(arrays, MAX_TTL, row, flags >>> 24);
    set32(arrays, MIN_LENGTH, row, words[side + SIDE.leastLength] as number);
    set32(arrays, MAX_LENGTH, row, words[side + SIDE.mostLength] as number);
    set8(arrays, FLOW_END_REASON, row, reason);
    const ports = words[at + ENTRY.ports] as number;
    const source16 = direction === 0 ? ports >>> 16 : ports & 0xffff;
    const destination16 = direction === 0 ? ports & 0xffff : ports >>> 16;
    if ((parts & PART.ports) !== 0) {
      set16(arrays, SRC_PORT, row, source16);
      set16(arrays, DST_PORT, row, destination16);
      set16(arrays, TCP_FLAGS, row, flags & 0xffff);
    } else if ((parts & PART.icmp) !== 0) {
      set8(arrays, ICMP_TYPE, row, destination16 >>> 8);
      set8(arrays, ICMP_CODE, row, destination16);
    }
    if ((parts & PART.ipv6) !== 0) set32(arrays, FLOW_LABEL, row, tos >>> 8);
    if ((parts & LINK_PARTS) !== 0) this.#writeLinkLayer(arrays, row, side, rest, parts);
    if ((parts & PART.interface) !== 0) set32(arrays, IN_IF, row, words[rest + REST.interface] as number);
    if ((parts & PART.mpls) !== 0) set32(arrays, MPLS_LABELS, row, batch.textCode(this.#mpls.text(slot, direction)));
    if ((parts & PART.tunnel) !== 0) {
      set8(arrays, TUNNEL, row, words[at + restAt + REST.tunnel] as number);
      set32(arrays, TUNNEL_ID, row, words[at + restAt + REST.tunnelId] as number);
    }
    this.#names?.write(batch, row, slot);
    return row;
  }

  /** `at`, `side`, `rest`: where in the cache's words the entry, the side and what the rest has of it are. */
  #partsOf(at: number, side: number, rest: number): number {
    const { words, restAt } = this.#cache;
    const protocol = words[at + ENTRY.protocol] as number;
    const proto = protocol & 0xff;
    const link = words[side + SIDE.link] as number;
    const vlans = words[side + SIDE.vlans] as number;
    let parts = protocol >>> 8 === 6 ? PART.ipv6 : 0;
    if (proto === ICMP || proto === ICMPV6) parts |= this.#hasDestinationPort ? PART.icmp : 0;
    else if (this.#hasPorts && (!this.#hasProtocol || hasPorts(proto))) parts |= PART.ports;
    if ((vlans & TAGGED) !== 0) parts |= PART.vlan;
    if (vlans >>> 16 !== 0) parts |= PART.customerVlan;
    if ((link & HAS_MACS) !== 0) parts |= PART.macs;
    if ((link & HAS_ETHER_TYPE) !== 0) parts |= PART.etherType;
    if ((link & HAS_MPLS) !== 0) parts |= PART.mpls;
    if (words[rest + REST.interface] !== 0) parts |= PART.interface;
    if (words[at + restAt + REST.tunnel] !== 0) parts |= PART.tunnel;
    return parts;
  }

  #writeLinkLayer(arrays: Arrays, row: number, side: number, rest: number, parts: number): void {
    const { words } = this.#cache;
    const vlans = words[side + SIDE.vlans] as number;
    if ((parts & PART.vlan) !== 0) set16(arrays, SRC_VLAN, row, vlans & 0x0fff);
    if ((parts & PART.customerVlan) !== 0) set16(arrays, CUSTOMER_VLAN, row, (vlans >>> 16) & 0x0fff);
    if ((parts & PART.etherType) !== 0) set16(arrays, ETHERNET_TYPE, row, words[side + SIDE.link] as number);
    if ((parts & PART.macs) === 0) return;
    const upper = words[side + SIDE.macs] as number;
    set64(arrays, SRC_MAC, row, upper >>> 16, words[side + SIDE.srcMac] as number);
    set64(arrays, DST_MAC, row, upper & 0xffff, words[rest + REST.dstMac] as number);
  }

  #writeReverse(slot: number, direction: number, row: number): void {
    const { words, doubles, stride } = this.#cache;
    const arrays = (this.#batch as FlowBatch).arrays;
    const at = slot * stride;
    const side = at + SIDES + direction * SIDE_WORDS;
    setDouble(arrays, REVERSE_BYTES, row, doubles[(side + SIDE.octets) >> 1] as number);
    setDouble(arrays, REVERSE_PACKETS, row, doubles[(side + SIDE.packets) >> 1] as number);
    setDouble(arrays, REVERSE_TIME_START, row, doubles[(side + SIDE.start) >> 1] as number);
    setDouble(arrays, REVERSE_TIME_END, row, doubles[(side + SIDE.last) >> 1] as number);
    set16(arrays, REVERSE_TCP_FLAGS, row, (words[side + SIDE.flags] as number) & 0xffff);
    set8(arrays, REVERSE_TOS, row, words[side + SIDE.tos] as number);
    // Who begins a TCP connection is known by SYN only: the meter may have come in later. Elsewhere it is who sends first.
    const isTcp = ((words[at + ENTRY.protocol] as number) & 0xff) === TCP;
    const isKnown = !isTcp || ((words[at + ENTRY.state] as number) & STATE.hasSeenSyn) !== 0;
    set8(arrays, BIFLOW_DIRECTION, row, isKnown ? DIRECTION.initiator : DIRECTION.arbitrary);
  }
}

const LINK_PARTS = PART.vlan | PART.customerVlan | PART.etherType | PART.macs;

// A helper for each width: one for all would see arrays of three kinds at one place.

function set8(arrays: Arrays, slot: number, row: number, value: number): void {
  const array = arrays[slot];
  if (array !== undefined) array[row] = value;
}

function set16(arrays: Arrays, slot: number, row: number, value: number): void {
  const array = arrays[slot];
  if (array !== undefined) array[row] = value;
}

function set32(arrays: Arrays, slot: number, row: number, value: number): void {
  const array = arrays[slot];
  if (array !== undefined) array[row] = value;
}

function set64(arrays: Arrays, slot: number, row: number, high: number, low: number): void {
  const array = arrays[slot];
  if (array === undefined) return;
  array[row * 2] = low;
  array[row * 2 + 1] = high;
}

function setDouble(arrays: Arrays, slot: number, row: number, value: number): void {
  set64(arrays, slot, row, Math.floor(value / 4_294_967_296), value >>> 0);
}

/** The address whose first 96 bits are at `upper`, its last 32 at `last`. */
function setAddress(arrays: Arrays, slot: number, row: number, words: Int32Array, upper: number, last: number): void {
  set64(arrays, slot, row, words[upper] as number, words[upper + 1] as number);
  set64(arrays, slot + 1, row, words[upper + 2] as number, words[last] as number);
}
