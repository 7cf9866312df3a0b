import { type FlowBatch, forEachRun } from '../flow/batch.ts';
import type { Layout } from '../flow/layout.ts';
import { COLUMNS } from '../flow/schema.ts';
import { slotOf } from '../flow/slots.ts';
import { parseAddress } from '../util/address.ts';
import { WeirError } from '../util/errors.ts';
import type { MessageClock } from './field-writers.ts';
import { COLLECTOR_COLUMNS, type EncoderCounters } from './losses.ts';
import { MessageMemory } from './message-memory.ts';
import { createPacketHead, ETHERNET } from './packet-header.ts';
import { fillPacketHead, isMapped } from './packet-of-row.ts';
import { RowReader } from './row-reader.ts';
import {
  type Gateway,
  writeAddress,
  writeGateway,
  writeRouter,
  writeSampledHeader,
  writeSampledIp,
  writeSwitch,
} from './sflow-structures.ts';
import type { Emit } from './template-message.ts';

export interface SflowOptions {
  readonly longest: number;
  /** Address of the agent; undefined for the record's own. */
  readonly agent: string | undefined;
  readonly sample: 'header' | 'ip';
  readonly clock: MessageClock;
  readonly counters: EncoderCounters;
}

/** An agent's sub-agent: datagrams with a sequence of their own. */
interface Stream {
  readonly agent: readonly number[];
  readonly subAgent: number;
  sequence: number;
  /** By source (ingress interface): samples sent, and packets they were chosen from. */
  readonly sources: Map<number, { samples: number; pool: number }>;
}

const KIND = slotOf('record_kind');
const DOMAIN = slotOf('observation_domain');
const RATE = slotOf('sampling_rate');
const BYTES = slotOf('bytes');
const PACKETS = slotOf('packets');
const IN_IF = slotOf('in_if');
const OUT_IF = slotOf('out_if');
const SRC_ADDR = slotOf('src_addr');
const EXPORTER = slotOf('exporter');
const AGENT = slotOf('agent_addr');
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
/** Columns that a flow sample carries, beside what the collector knows. */
const CARRIED: ReadonlySet<string> = new Set(
  (
    'src_addr dst_addr src_port dst_port proto tcp_flags tos bytes packets in_if out_if src_mac dst_mac src_vlan dst_vlan src_vlan_priority ' +
    'dst_vlan_priority next_hop src_mask dst_mask src_as dst_as next_as prev_as as_path bgp_next_hop bgp_communities bgp_local_pref ttl flow_label ' +
    'fragment_id fragment_offset tcp_sequence icmp_type icmp_code ip_version ethernet_type ip_total_length ipv6_options agent_addr direction'
  ).split(' '),
);

const TRAFFIC: readonly boolean[] = [true, true, false, false, true];
/** Code of RECORD_KINDS. */
const SAMPLE = 4;
const LARGEST = 0xffff_ffff;
/** Interfaces from here on need an expanded sample: the others have 24 bits for the source and 30 for the interface. */
const EXPANDED_FROM = 1 << 24;
/** Formats of samples (sFlow Version 5, section 5.3). */
const FLOW_SAMPLE = 1;
const EXPANDED_FLOW_SAMPLE = 3;
/** Octets of a sample at most: all records, with the longest path and communities. A datagram shorter than that is exceeded by such a sample. */
const LONGEST_SAMPLE = 1_024;
const MOST_STREAMS = 4_096;
const MOST_SOURCES = 4_096;

/**
 * Batches to datagrams of sFlow version 5. A record of kind `sample` becomes a flow sample again. A flow, which stands for many packets, becomes one sample of a
 * packet of mean length with a sampling rate as many times larger: the collector's estimate is the flow's packets and octets.
 */
export class SflowEncoder {
  readonly #options: SflowOptions;
  readonly #memory = new MessageMemory();
  readonly #omitted = new WeakMap<Layout, readonly string[]>();
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
  readonly #agent: readonly number[] | undefined;
  readonly #streams = new Map<string, Stream>();
  #emit: Emit = () => {};
  readonly #row = new RowReader();
  // The open datagram.
  #stream: Stream | undefined;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #at = 0;
  #samples = 0;

  constructor(options: SflowOptions) {
    this.#options = options;
    if (options.agent === undefined) return;
    this.#agent = parseAddress(options.agent);
    if (this.#agent === undefined) {
      throw new WeirError('WEIR_USAGE', `the agent '${options.agent}' is not an IP address`);
    }
  }

  /** Encodes all rows; every datagram is closed at the end. */
  encode(batch: FlowBatch, emit: Emit): void {
    this.#emit = emit;
    forEachRun(batch, (layout, first, end) => {
      this.#row.bind(batch, layout);
      const omitted = this.#omittedOf(layout);
      for (let row = first; row < end; row++) this.#encodeRow(row, omitted);
    });
    this.#close();
    this.#row.release();
  }

  reset(): void {
    this.#streams.clear();
  }

  #omittedOf(layout: Layout): readonly string[] {
    let omitted = this.#omitted.get(layout);
    if (omitted === undefined) {
      const names = layout.columns.map((column) => COLUMNS[column]?.name ?? '');
      omitted = names.filter((name) => !COLLECTOR_COLUMNS.has(name) && !CARRIED.has(name));
      this.#omitted.set(layout, omitted);
    }
    return omitted;
  }

  #encodeRow(row: number, omitted: readonly string[]): void {
    const { counters } = this.#options;
    const kind = this.#row.number(KIND, row);
    if (TRAFFIC[kind] !== true) {
      counters.refused.record_kind++;
      return;
    }
    if (!this.#row.has(SRC_ADDR)) {
      counters.refused.no_address++;
      return;
    }
    for (const name of omitted) counters.omitted[name] = (counters.omitted[name] ?? 0) + 1;
    const packets = kind === SAMPLE ? 1 : Math.max(1, this.#row.wide(PACKETS, row));
    if (packets > 1) counters.changed.flow_as_sample++;
    const length = Math.min(LARGEST, Math.round(this.#row.wide(BYTES, row) / packets));
    // The octets of a sample are those of the frame, those of a flow are the IP packets'.
    const frameLength = kind === SAMPLE ? length : length + ETHERNET;
    let rate = Math.max(1, this.#row.number(RATE, row)) * packets;
    if (rate > LARGEST) {
      rate = LARGEST;
      counters.changed.counter_clamped++;
    }
    fillPacketHead(this.#head, this.#row, row, kind === SAMPLE ? Math.max(0, length - ETHERNET) : length);
    this.#open(this.#streamOf(row));
    const start = this.#at;
    this.#writeSample(row, rate, frameLength);
    this.#settle(start);
    counters.records++;
  }

  #writeSample(row: number, rate: number, frameLength: number): void {
    const view = this.#view;
    const stream = this.#stream as Stream;
    const input = this.#row.number(IN_IF, row);
    const output = this.#row.number(OUT_IF, row);
    const isExpanded = input >= EXPANDED_FROM || output >= EXPANDED_FROM;
    const source = sourceOf(stream, input);
    source.pool = (source.pool + rate) >>> 0;
    const start = this.#at;
    view.setUint32(start, isExpanded ? EXPANDED_FLOW_SAMPLE : FLOW_SAMPLE);
    view.setUint32(start + 8, source.samples++);
    let p = start + 12;
    // Interface formats and source classes are 0: an ifIndex.
    p = this.#put(p, isExpanded, input);
    view.setUint32(p, rate);
    view.setUint32(p + 4, source.pool);
    p = this.#put(p + 12, isExpanded, input);
    p = this.#put(p, isExpanded, output);
    const count = p;
    p = this.#writeRecords(p + 4, row, frameLength);
    view.setUint32(count, this.#records);
    view.setUint32(start + 4, p - start - 8);
    this.#at = p;
    this.#samples++;
  }

  /** An interface or source: one word, or format and value in a word each. */
  #put(at: number, isExpanded: boolean, value: number): number {
    this.#view.setUint32(isExpanded ? at + 4 : at, value);
    return isExpanded ? at + 8 : at + 4;
  }

  /** Number of flow records that `#writeRecords` wrote last. */
  #records = 0;

  #writeRecords(at: number, row: number, frameLength: number): number {
    const view = this.#view;
    const has = (its: number): boolean => this.#row.has(its);
    const number = (its: number): number => this.#row.number(its, row);
    let p =
      this.#options.sample === 'header'
        ? writeSampledHeader(view, at, this.#head, frameLength)
        : writeSampledIp(view, at, this.#head);
    this.#records = 1;
    if (has(SRC_VLAN) || has(DST_VLAN)) {
      const [source, destination] = [number(SRC_VLAN), number(DST_VLAN)];
      p = writeSwitch(view, p, source, number(SRC_PRIORITY), destination, number(DST_PRIORITY));
      this.#records++;
    }
    if (has(NEXT_HOP) || has(SRC_MASK) || has(DST_MASK)) {
      this.#row.address(NEXT_HOP, row, this.#words);
      p = writeRouter(view, p, this.#words, number(SRC_MASK), number(DST_MASK));
      this.#records++;
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
      this.#records++;
    }
    return p;
  }

  #streamOf(row: number): Stream {
    const words = this.#words;
    if (this.#agent === undefined) this.#row.address(this.#row.has(AGENT) ? AGENT : EXPORTER, row, words);
    else words.set(this.#agent);
    const subAgent = this.#row.number(DOMAIN, row);
    const open = this.#stream;
    if (open?.subAgent === subAgent && open.agent.every((word, i) => word === words[i])) return open;
    const key = `${words.join(' ')} ${subAgent}`;
    let stream = this.#streams.get(key);
    if (stream === undefined) {
      if (this.#streams.size >= MOST_STREAMS) this.#streams.clear();
      stream = { agent: [...words], subAgent, sequence: 0, sources: new Map() };
      this.#streams.set(key, stream);
    }
    return stream;
  }

  /** Makes sure that a datagram of the stream is open. */
  #open(stream: Stream): void {
    if (this.#stream === stream) return;
    this.#close();
    this.#stream = stream;
    this.#view = this.#memory.open(this.#options.longest + LONGEST_SAMPLE);
    // Sub-agent, sequence, uptime and count follow the address.
    this.#at = writeAddress(this.#view, this.#memory.start + 4, stream.agent) + 16;
    this.#samples = 0;
  }

  /** How long a sample is, is known when it is written: one that is too much for the datagram is moved to the next one. */
  #settle(start: number): void {
    const stream = this.#stream;
    if (stream === undefined || this.#samples === 1 || this.#at - this.#memory.start <= this.#options.longest) return;
    const { bytes } = this.#memory;
    const sample = bytes.slice(start, this.#at);
    bytes.fill(0, start, this.#at);
    this.#at = start;
    this.#samples--;
    this.#close();
    this.#open(stream);
    this.#memory.bytes.set(sample, this.#at);
    this.#at += sample.length;
    this.#samples++;
  }

  #close(): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    const view = this.#view;
    const { start } = this.#memory;
    const tail = start + 4 + (isMapped(stream.agent) ? 8 : 20);
    view.setUint32(start, 5);
    view.setUint32(tail, stream.subAgent);
    view.setUint32(tail + 4, stream.sequence);
    view.setUint32(tail + 8, this.#options.clock.uptime);
    view.setUint32(tail + 12, this.#samples);
    stream.sequence = (stream.sequence + 1) >>> 0;
    this.#stream = undefined;
    this.#options.counters.messages++;
    this.#options.counters.octets += this.#at - start;
    this.#emit(this.#memory.close(this.#at));
  }
}

/** Counters of a data source; when there are too many, all begin anew. */
function sourceOf({ sources }: Stream, index: number): { samples: number; pool: number } {
  let source = sources.get(index);
  if (source === undefined) {
    if (sources.size >= MOST_SOURCES) sources.clear();
    source = { samples: 0, pool: 0 };
    sources.set(index, source);
  }
  return source;
}
