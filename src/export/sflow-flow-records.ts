import { slotOf } from '../flow/slots.ts';
import { createPacketHead } from './packet-header.ts';
import { fillPacketHead } from './packet-of-row.ts';
import type { RowReader } from './row-reader.ts';
import {
  type Gateway,
  writeGateway,
  writeRouter,
  writeSampledHeader,
  writeSampledIp,
  writeSwitch,
} from './sflow-structures.ts';

const SRC_VLAN = slotOf('src_vlan');
const DST_VLAN = slotOf('dst_vlan');
const SRC_PRIORITY = slotOf('src_vlan_priority');
const DST_PRIORITY = slotOf('dst_vlan_priority');
const NEXT_HOP = slotOf('next_hop');
const SRC_MASK = slotOf('src_mask');
const DST_MASK = slotOf('dst_mask');
const SRC_AS = slotOf('src_as');
const DST_AS = slotOf('dst_as');
const NEXT_AS = slotOf('next_as');
const PREV_AS = slotOf('prev_as');
const BGP_NEXT_HOP = slotOf('bgp_next_hop');
const LOCAL_PREF = slotOf('bgp_local_pref');
const TEXTS = { path: slotOf('as_path'), communities: slotOf('bgp_communities') } as const;

/** Columns that go into flow records. */
export const RECORD_COLUMNS: readonly string[] = (
  'src_addr dst_addr src_port dst_port proto tcp_flags tos src_mac dst_mac src_vlan dst_vlan src_vlan_priority ' +
  'dst_vlan_priority next_hop src_mask dst_mask src_as dst_as next_as prev_as as_path bgp_next_hop bgp_communities bgp_local_pref ttl flow_label ' +
  'fragment_id fragment_offset tcp_sequence icmp_type icmp_code ip_version ethernet_type ip_total_length ipv6_options'
).split(' ');

/** Writes the flow records of one row after another. */
export class FlowRecordWriter {
  readonly #sample: 'header' | 'ip';
  readonly #row: RowReader;
  readonly #head = createPacketHead();
  readonly #gateway: Gateway = {
    nextHop: new Uint32Array(4),
    srcAs: 0,
    srcPeerAs: 0,
    nextAs: 0,
    dstAs: 0,
    path: '',
    communities: '',
    localPref: 0,
  };
  readonly #words = new Uint32Array(4);
  /** How many records the last row gave. */
  count = 0;

  /** `sample`: what describes the packet. Rows are read from what `row` is bound to. */
  constructor(sample: 'header' | 'ip', row: RowReader) {
    this.#sample = sample;
    this.#row = row;
  }

  /** Writes all records of a row at `at`, for a frame of `frameLength` octets whose IP packet has `ipLength`. Returns the offset behind them. */
  write(view: DataView, at: number, row: number, frameLength: number, ipLength: number): number {
    const head = this.#head;
    fillPacketHead(head, this.#row, row, ipLength);
    this.count = 1;
    const p =
      this.#sample === 'header' ? writeSampledHeader(view, at, head, frameLength) : writeSampledIp(view, at, head);
    return this.#writeRoute(view, p, row);
  }

  #writeRoute(view: DataView, at: number, row: number): number {
    const has = (its: number): boolean => this.#row.has(its);
    const number = (its: number): number => this.#row.number(its, row);
    let p = at;
    if (has(SRC_VLAN) || has(DST_VLAN)) {
      const [source, destination] = [number(SRC_VLAN), number(DST_VLAN)];
      p = writeSwitch(view, p, source, number(SRC_PRIORITY), destination, number(DST_PRIORITY));
      this.count++;
    }
    if (has(NEXT_HOP) || has(SRC_MASK) || has(DST_MASK)) {
      this.#row.address(NEXT_HOP, row, this.#words);
      p = writeRouter(view, p, this.#words, number(SRC_MASK), number(DST_MASK));
      this.count++;
    }
    if (has(SRC_AS) || has(DST_AS) || has(TEXTS.path) || has(BGP_NEXT_HOP)) {
      const gateway = this.#gateway;
      this.#row.address(BGP_NEXT_HOP, row, this.#words);
      gateway.nextHop = this.#words;
      gateway.srcAs = number(SRC_AS);
      gateway.srcPeerAs = number(PREV_AS);
      gateway.nextAs = number(NEXT_AS);
      gateway.dstAs = number(DST_AS);
      gateway.path = this.#row.text(TEXTS.path, row);
      gateway.communities = this.#row.text(TEXTS.communities, row);
      gateway.localPref = number(LOCAL_PREF);
      p = writeGateway(view, p, gateway);
      this.count++;
    }
    return p;
  }
}
