import { slotOf } from '../flow/slots.ts';
import type { EncoderCounters } from './losses.ts';
import { createPacketHead } from './packet-header.ts';
import { fillPacketHead } from './packet-of-row.ts';
import type { RowReader } from './row-reader.ts';
import {
  type Gateway,
  writeGateway,
  writeMpls,
  writeNat,
  writeNatPort,
  writeRouter,
  writeSampledHeader,
  writeSampledIp,
  writeSwitch,
  writeUrl,
  writeUser,
  writeVni,
} from './sflow-structures.ts';
import { cutText, labelEntries } from './text-fields.ts';

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

const SRC_ADDR = slotOf('src_addr');
const DST_ADDR = slotOf('dst_addr');
const SRC_PORT = slotOf('src_port');
const DST_PORT = slotOf('dst_port');
const NAT_SRC = slotOf('post_nat_src_addr');
const NAT_DST = slotOf('post_nat_dst_addr');
const NAT_SRC_PORT = slotOf('post_nat_src_port');
const NAT_DST_PORT = slotOf('post_nat_dst_port');
const SEGMENT = slotOf('l2_segment');
const LABELS = slotOf('mpls_labels');
const USER = slotOf('user_name');
const URL = slotOf('http_target');
const HOST = slotOf('http_host');
/** Octets of a text at most. */
const LONGEST_TEXT = 255;

/** Columns that go into flow records. */
export const RECORD_COLUMNS: readonly string[] = (
  'src_addr dst_addr src_port dst_port proto tcp_flags tos src_mac dst_mac src_vlan dst_vlan src_vlan_priority ' +
  'dst_vlan_priority next_hop src_mask dst_mask src_as dst_as next_as prev_as as_path bgp_next_hop bgp_communities bgp_local_pref ttl flow_label ' +
  'fragment_id fragment_offset fragment_flags tcp_sequence icmp_type icmp_code ip_version ethernet_type ip_total_length ipv6_options post_nat_src_addr ' +
  'post_nat_dst_addr post_nat_src_port post_nat_dst_port l2_segment mpls_labels user_name http_target http_host'
).split(' ');

/** Writes the flow records of one row after another. */
export class FlowRecordWriter {
  readonly #sample: 'header' | 'ip';
  readonly #row: RowReader;
  readonly #counters: EncoderCounters;
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
  readonly #other = new Uint32Array(4);
  /** How many records the last row gave. */
  count = 0;

  /** `sample`: what describes the packet. Rows are read from what `row` is bound to. */
  constructor(sample: 'header' | 'ip', row: RowReader, counters: EncoderCounters) {
    this.#sample = sample;
    this.#row = row;
    this.#counters = counters;
  }

  /** Writes all records of a row at `at`, for a frame of `frameLength` octets whose IP packet has `ipLength`. Returns the offset behind them. */
  write(view: DataView, at: number, row: number, frameLength: number, ipLength: number): number {
    const head = this.#head;
    fillPacketHead(head, this.#row, row, ipLength);
    this.count = 1;
    let p =
      this.#sample === 'header' ? writeSampledHeader(view, at, head, frameLength) : writeSampledIp(view, at, head);
    p = this.#writeRoute(view, p, row);
    p = this.#writeTranslation(view, p, row);
    p = this.#writeTexts(view, p, row);
    return this.#writeLast(view, p, row);
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

  #writeTranslation(view: DataView, at: number, row: number): number {
    const reader = this.#row;
    let p = at;
    if (reader.has(NAT_SRC) || reader.has(NAT_DST)) {
      // What was not translated is after translation what it was before.
      reader.address(reader.has(NAT_SRC) ? NAT_SRC : SRC_ADDR, row, this.#words);
      reader.address(reader.has(NAT_DST) ? NAT_DST : DST_ADDR, row, this.#other);
      p = writeNat(view, p, this.#words, this.#other);
      this.count++;
    }
    return p;
  }

  #writeTexts(view: DataView, at: number, row: number): number {
    const octets = (its: number): Uint8Array => cutText(this.#row.text(its, row), LONGEST_TEXT, this.#counters);
    let p = at;
    if (this.#row.number(LABELS, row) !== 0) {
      p = writeMpls(view, p, labelEntries(this.#row.text(LABELS, row)));
      this.count++;
    }
    if (this.#row.number(USER, row) !== 0) {
      p = writeUser(view, p, octets(USER));
      this.count++;
    }
    if (this.#row.number(URL, row) !== 0 || this.#row.number(HOST, row) !== 0) {
      p = writeUrl(view, p, octets(URL), octets(HOST));
      this.count++;
    }
    return p;
  }

  /** Structures that Wireshark does not know; it does not skip such, and mistakes what follows. */
  #writeLast(view: DataView, at: number, row: number): number {
    const reader = this.#row;
    let p = at;
    if (reader.has(NAT_SRC_PORT) || reader.has(NAT_DST_PORT)) {
      const source = reader.number(reader.has(NAT_SRC_PORT) ? NAT_SRC_PORT : SRC_PORT, row);
      const destination = reader.number(reader.has(NAT_DST_PORT) ? NAT_DST_PORT : DST_PORT, row);
      p = writeNatPort(view, p, source, destination);
      this.count++;
    }
    const segment = reader.lower(SEGMENT, row);
    if (segment !== 0) {
      // Whether it is of VXLAN or NVGRE has no place.
      if (reader.upper(SEGMENT, row) !== 0) this.#counters.changed.value_left_out++;
      p = writeVni(view, p, segment & 0xff_ffff);
      this.count++;
    }
    return p;
  }
}
