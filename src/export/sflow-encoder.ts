import { type FlowBatch, forEachRun } from '../flow/batch.ts';
import type { Layout } from '../flow/layout.ts';
import { COLUMNS } from '../flow/schema.ts';
import { slotOf } from '../flow/slots.ts';
import { parseAddress } from '../util/address.ts';
import { WeirError } from '../util/errors.ts';
import { SAMPLE } from '../wire/sflow/sample-v5.ts';
import type { MessageClock } from './field-writers.ts';
import { COLLECTOR_COLUMNS, type EncoderCounters, isTraffic } from './losses.ts';
import { ETHERNET } from './packet-header.ts';
import { RowReader } from './row-reader.ts';
import { SflowDatagrams, type SflowStream, sourceOf } from './sflow-datagrams.ts';
import { FlowRecordWriter, RECORD_COLUMNS } from './sflow-flow-records.ts';
import type { Emit } from './template-message.ts';

export interface SflowOptions {
  readonly longest: number;
  /** Address of the agent; undefined for the record's own. */
  readonly agent: string | undefined;
  readonly sample: 'header' | 'ip';
  readonly clock: MessageClock;
  readonly counters: EncoderCounters;
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
const DROPPED_BYTES = slotOf('dropped_bytes');
const DROPPED_PACKETS = slotOf('dropped_packets');
const DROP_REASON = slotOf('drop_reason');
const COMMON = [...RECORD_COLUMNS, 'in_if', 'out_if', 'agent_addr', 'direction'];
/** Columns that a flow sample carries, beside what the collector knows, and those that a discarded-packet notification does. */
const CARRIED: ReadonlySet<string> = new Set([...COMMON, 'bytes', 'packets']);
const CARRIED_BY_DISCARDS: ReadonlySet<string> = new Set([
  ...COMMON,
  'dropped_bytes',
  'dropped_packets',
  'drop_reason',
  'forwarding_status',
]);

/** Codes of RECORD_KINDS. */
const SAMPLE_KIND = 4;
const DISCARD_KIND = 6;
const LARGEST = 0xffff_ffff;
/** Interfaces from here on need an expanded sample: the others have 24 bits for the source and 30 for the interface. */
const EXPANDED_FROM = 1 << 24;

/** Columns that are not sent. */
interface Omitted {
  readonly traffic: readonly string[];
  readonly discard: readonly string[];
}

/**
 * Batches to datagrams of sFlow version 5. A record of kind `sample` becomes a flow sample again. A flow, which stands for many packets, becomes one sample of a
 * packet of mean length with a sampling rate as many times larger: the collector's estimate is the flow's packets and octets. A discarded packet is a
 * notification again.
 */
export class SflowEncoder {
  readonly #options: SflowOptions;
  readonly #datagrams: SflowDatagrams;
  readonly #omitted = new WeakMap<Layout, Omitted>();
  readonly #row = new RowReader();
  readonly #records: FlowRecordWriter;
  readonly #words = new Uint32Array(4);
  readonly #agent: readonly number[] | undefined;

  constructor(options: SflowOptions) {
    const { longest, agent, sample, clock, counters } = options;
    this.#options = options;
    this.#datagrams = new SflowDatagrams(longest, clock, counters);
    this.#records = new FlowRecordWriter(sample, this.#row, counters);
    if (agent === undefined) return;
    this.#agent = parseAddress(agent);
    if (this.#agent === undefined) throw new WeirError('WEIR_USAGE', `the agent '${agent}' is not an IP address`);
  }

  /** Encodes all rows; every datagram is closed at the end. */
  encode(batch: FlowBatch, emit: Emit): void {
    this.#datagrams.to(emit);
    forEachRun(batch, (layout, first, end) => {
      this.#row.bind(batch, layout);
      const omitted = this.#omittedOf(layout);
      for (let row = first; row < end; row++) this.#encodeRow(row, omitted);
    });
    this.#datagrams.close();
    this.#row.release();
  }

  reset(): void {
    this.#datagrams.reset();
  }

  #omittedOf(layout: Layout): Omitted {
    let omitted = this.#omitted.get(layout);
    if (omitted === undefined) {
      const names = layout.columns.map((column) => COLUMNS[column]?.name ?? '');
      const without = (carried: ReadonlySet<string>) =>
        names.filter((name) => !COLLECTOR_COLUMNS.has(name) && !carried.has(name));
      omitted = { traffic: without(CARRIED), discard: without(CARRIED_BY_DISCARDS) };
      this.#omitted.set(layout, omitted);
    }
    return omitted;
  }

  #encodeRow(row: number, omitted: Omitted): void {
    const { counters } = this.#options;
    const kind = this.#row.number(KIND, row);
    // A notification tells of one packet.
    const isDiscard = kind === DISCARD_KIND && this.#row.wide(DROPPED_PACKETS, row) === 1;
    if (!isTraffic(kind) && !isDiscard) {
      counters.refused.record_kind++;
      return;
    }
    if (!this.#row.has(SRC_ADDR)) {
      counters.refused.no_address++;
      return;
    }
    const isSent = isDiscard ? this.#encodeDiscard(row) : this.#encodeTraffic(row, kind);
    if (!isSent) {
      counters.refused.too_long++;
      return;
    }
    for (const name of isDiscard ? omitted.discard : omitted.traffic)
      counters.omitted[name] = (counters.omitted[name] ?? 0) + 1;
    counters.records++;
  }

  #encodeTraffic(row: number, kind: number): boolean {
    const { changed } = this.#options.counters;
    const packets = kind === SAMPLE_KIND ? 1 : Math.max(1, this.#row.wide(PACKETS, row));
    if (packets > 1) changed.flow_as_sample++;
    const length = Math.min(LARGEST, Math.round(this.#row.wide(BYTES, row) / packets));
    let rate = Math.max(1, this.#row.number(RATE, row)) * packets;
    if (rate > LARGEST) {
      rate = LARGEST;
      changed.counter_clamped++;
    }
    // The octets of a sample are those of the frame, those of a flow are the IP packets'.
    return this.#writeSample(row, rate, kind === SAMPLE_KIND ? length : length + ETHERNET);
  }

  #encodeDiscard(row: number): boolean {
    const stream = this.#open(row);
    const { view, at: start } = this.#datagrams;
    const input = this.#row.number(IN_IF, row);
    const source = sourceOf(stream, input);
    view.setUint32(start, SAMPLE.discardedPacket);
    view.setUint32(start + 8, source.discards);
    // The source's class is 0, an ifIndex, and no notification was lost here.
    view.setUint32(start + 16, input);
    view.setUint32(start + 24, input);
    view.setUint32(start + 28, this.#row.number(OUT_IF, row));
    view.setUint32(start + 32, this.#row.number(DROP_REASON, row));
    const frameLength = Math.min(LARGEST, this.#row.wide(DROPPED_BYTES, row));
    const isSent = this.#writeRecords(start, start + 36, row, frameLength);
    if (isSent) source.discards++;
    return isSent;
  }

  #open(row: number): SflowStream {
    const words = this.#words;
    if (this.#agent === undefined) this.#row.address(this.#row.has(AGENT) ? AGENT : EXPORTER, row, words);
    else words.set(this.#agent);
    return this.#datagrams.open(words, this.#row.number(DOMAIN, row));
  }

  #writeSample(row: number, rate: number, frameLength: number): boolean {
    const stream = this.#open(row);
    const { view, at: start } = this.#datagrams;
    const input = this.#row.number(IN_IF, row);
    const output = this.#row.number(OUT_IF, row);
    const isExpanded = input >= EXPANDED_FROM || output >= EXPANDED_FROM;
    const source = sourceOf(stream, input);
    source.pool = (source.pool + rate) >>> 0;
    view.setUint32(start, isExpanded ? SAMPLE.expandedFlow : SAMPLE.flow);
    view.setUint32(start + 8, source.samples);
    let p = start + 12;
    // Interface formats and source classes are 0: an ifIndex.
    p = putInterface(view, p, isExpanded, input);
    view.setUint32(p, rate);
    view.setUint32(p + 4, source.pool);
    p = putInterface(view, p + 12, isExpanded, input);
    p = putInterface(view, p, isExpanded, output);
    const isSent = this.#writeRecords(start, p, row, frameLength);
    if (isSent) source.samples++;
    return isSent;
  }

  /** Ends the sample that begins at `start` with its flow records, their number at `count`. False when it is too long for any datagram. */
  #writeRecords(start: number, count: number, row: number, frameLength: number): boolean {
    const { view } = this.#datagrams;
    const ipLength = Math.max(0, frameLength - ETHERNET);
    const end = this.#records.write(view, count + 4, row, frameLength, ipLength);
    view.setUint32(count, this.#records.count);
    view.setUint32(start + 4, end - start - 8);
    return this.#datagrams.wrote(end);
  }
}

/** An interface or source: one word, or format and value in a word each. */
function putInterface(view: DataView, at: number, isExpanded: boolean, value: number): number {
  view.setUint32(isExpanded ? at + 4 : at, value);
  return isExpanded ? at + 8 : at + 4;
}
