import { u32 } from '../util/octets.ts';
import type { RecordContext } from '../wire/record-context.ts';
import { createSflowHeader, padded, readSflowHeader } from '../wire/sflow/datagram.ts';
import { readFlowRecords } from '../wire/sflow/flow-records.ts';
import { beginFlowSample, createFlowSample, INTERFACE_FORMAT } from '../wire/sflow/flow-sample.ts';
import { LEGACY_COUNTERS, LEGACY_SAMPLE, readLegacyFlowSample } from '../wire/sflow/legacy-sample.ts';
import {
  type CounterSample,
  readCounterSample,
  readDiscardedPacket,
  readExpandedFlowSample,
  readFlowSample,
  SAMPLE,
} from '../wire/sflow/sample-v5.ts';
import { countMessage, describeDomain } from './begin-message.ts';
import type { CounterSink } from './counter-row.ts';
import type { BatchSink } from './data-decoder.ts';
import type { DomainTable } from './domain-table.ts';
import { SAMPLING } from './sampling-source.ts';
import { type SflowAgent, SflowAgents, sampleWeight } from './sflow-agents.ts';
import { counterRow } from './sflow-counters.ts';
import { groupsOf, SflowLayouts } from './sflow-layout.ts';
import { writeSample } from './sflow-row.ts';
import type { DatagramSource } from './stream-table.ts';

export interface SflowDecoderParts {
  readonly context: RecordContext;
  readonly domains: DomainTable;
  readonly sink: BatchSink;
  /** Where counters go; nowhere when not given. */
  readonly counters: CounterSink | undefined;
}

/** Turns sFlow datagrams of versions 2, 4 and 5 into rows of batches (a sample, a row) and counter rows. */
export class SflowDecoder {
  readonly #context: RecordContext;
  readonly #sink: BatchSink;
  readonly #counters: CounterSink | undefined;
  readonly #agents: SflowAgents;
  readonly #layouts = new SflowLayouts([]);
  readonly #relayedLayouts = new SflowLayouts(['sender']);
  readonly #header = createSflowHeader();
  readonly #sample = createFlowSample();
  readonly #counterSample: CounterSample = { sequence: 0, sourceClass: 0, sourceIndex: 0, records: 0 };

  constructor({ context, domains, sink, counters }: SflowDecoderParts) {
    this.#context = context;
    this.#sink = sink;
    this.#counters = counters;
    this.#agents = new SflowAgents(domains);
  }

  /** Decodes a datagram for which `isSflow` holds. Returns how many rows it gave, −1 when it is shorter than its header. */
  decode(bytes: Uint8Array, source: DatagramSource): number {
    const header = this.#header;
    const start = readSflowHeader(bytes, header);
    if (start < 0) return -1;
    const agent = this.#agents.open(source, header);
    const { domain, sequence } = agent;
    const { counters } = domain;
    countMessage(this.#context, domain, bytes.length);
    sequence.update(header.sequence, 1, header.uptime, counters);
    describeDomain(this.#context, domain);
    const rows =
      header.version === 5 ? this.#decodeSamples(bytes, start, agent) : this.#decodeLegacy(bytes, start, agent);
    counters.records += rows;
    return rows;
  }

  #decodeSamples(bytes: Uint8Array, start: number, agent: SflowAgent): number {
    let rows = 0;
    let p = start;
    for (let i = this.#header.samples; i > 0; i--) {
      if (p + 8 > bytes.length) {
        agent.domain.fault('sflow_count');
        break;
      }
      const format = u32(bytes, p);
      const length = u32(bytes, p + 4);
      p += 8;
      const isCut = length > bytes.length - p;
      if (isCut) agent.domain.fault('sflow_truncated');
      rows += this.#decodeSample(bytes, p, isCut ? bytes.length : p + length, format, agent, isCut);
      if (isCut) break;
      p += padded(length);
    }
    return rows;
  }

  /** Decodes the sample between `start` and `end`. Returns the number of rows. */
  #decodeSample(
    bytes: Uint8Array,
    start: number,
    end: number,
    format: number,
    agent: SflowAgent,
    isCut: boolean,
  ): number {
    const sample = this.#sample;
    let p: number;
    switch (format) {
      case SAMPLE.flow:
        beginFlowSample(sample);
        p = readFlowSample(bytes, start, end, sample);
        break;
      case SAMPLE.expandedFlow:
        beginFlowSample(sample);
        p = readExpandedFlowSample(bytes, start, end, sample);
        break;
      case SAMPLE.discardedPacket:
        beginFlowSample(sample);
        p = readDiscardedPacket(bytes, start, end, sample);
        break;
      case SAMPLE.counters:
      case SAMPLE.expandedCounters:
        this.#decodeCounters(bytes, start, end, format === SAMPLE.expandedCounters, agent, isCut);
        return 0;
      default:
        agent.domain.fault('sflow_unknown_sample');
        return 0;
    }
    const isWhole = p >= 0 && readFlowRecords(bytes, p, end, sample);
    if (!isWhole && !isCut) agent.domain.fault('sflow_truncated');
    return p < 0 ? 0 : this.#emit(agent);
  }

  #decodeLegacy(bytes: Uint8Array, start: number, agent: SflowAgent): number {
    const sample = this.#sample;
    let rows = 0;
    let p = start;
    for (let i = this.#header.samples; i > 0; i--) {
      if (p + 4 > bytes.length) {
        agent.domain.fault('sflow_count');
        break;
      }
      const type = u32(bytes, p);
      if (type === LEGACY_SAMPLE.flow) {
        beginFlowSample(sample);
        p = readLegacyFlowSample(bytes, p + 4, this.#header.version, sample);
        rows += this.#emit(agent);
      } else if (type === LEGACY_SAMPLE.counters) p = this.#decodeLegacyCounters(bytes, p + 4, agent);
      else {
        agent.domain.fault('sflow_unknown_sample');
        break;
      }
      if (p < 0) {
        agent.domain.fault('sflow_truncated');
        break;
      }
    }
    return rows;
  }

  /** Writes the sample that was read as a row, when any of its records could be used. */
  #emit(agent: SflowAgent): number {
    const sample = this.#sample;
    const context = this.#context;
    if (sample.has === 0 && sample.extras.length === 0) return 0;
    const weight = sampleWeight(agent, sample);
    this.#rate(agent, sample.rate, weight);
    if (sample.outFormat === INTERFACE_FORMAT.multiple) this.#keepOutputs(sample.output);
    const batch = this.#sink.batch();
    const { rows } = batch;
    const mask = groupsOf(sample);
    const { isRelayed, address } = agent.domain;
    batch.beginRun((isRelayed ? this.#relayedLayouts : this.#layouts).find(mask, sample.extras));
    batch.shared.note(rows, context);
    if (isRelayed) batch.shared.noteSender(rows, address);
    writeSample(batch, rows, mask, sample, context, agent.address);
    batch.rows = rows + 1;
    return 1;
  }

  /** The rate that holds for a sample: the configured override, its own times what it stands for, the configured default. */
  #rate({ domain }: SflowAgent, rate: number, weight: number): void {
    const context = this.#context;
    if (rate > 0 && domain.rateSource !== SAMPLING.override) {
      context.samplingRate = weight === 1 ? rate : Math.min(Math.round(rate * weight), 0xffff_ffff);
      context.samplingSource = SAMPLING.record;
    } else {
      context.samplingRate = domain.rate;
      context.samplingSource = domain.rateSource;
    }
    domain.noteRate(context.samplingRate);
  }

  /** A packet that left by several interfaces: how many, 0 when the agent does not know. */
  #keepOutputs(count: number): void {
    const bytes = Uint8Array.of(count >>> 24, count >>> 16, count >>> 8, count);
    this.#sample.extras.push({ name: 'outInterfaceCount', type: 'unsigned32', bytes, start: 0, length: 4 });
  }

  #decodeCounters(
    bytes: Uint8Array,
    start: number,
    end: number,
    isExpanded: boolean,
    agent: SflowAgent,
    isCut: boolean,
  ): void {
    const sample = this.#counterSample;
    let p = readCounterSample(bytes, start, end, isExpanded, sample);
    let isWhole = p >= 0;
    for (let i = isWhole ? sample.records : 0; i > 0; i--) {
      const length = p + 8 > end ? -1 : u32(bytes, p + 4);
      if (length < 0 || length > end - p - 8) {
        isWhole = false;
        break;
      }
      this.#count(agent, bytes, p + 8, p + 8 + length, u32(bytes, p));
      p += 8 + padded(length);
    }
    if (!isWhole && !isCut) agent.domain.fault('sflow_truncated');
  }

  /** Reads a counters sample of version 2 or 4. Returns the offset behind it, −1 when it is cut off or of an unknown type. */
  #decodeLegacyCounters(bytes: Uint8Array, start: number, agent: SflowAgent): number {
    const structures = start + 16 > bytes.length ? undefined : LEGACY_COUNTERS[u32(bytes, start + 12)];
    if (structures === undefined) return -1;
    const sample = this.#counterSample;
    readCounterSample(bytes, start, bytes.length, false, sample);
    let p = start + 16;
    for (const format of structures) {
      if (p >= bytes.length) return -1;
      p = this.#count(agent, bytes, p, bytes.length, format);
    }
    return p;
  }

  #count(agent: SflowAgent, bytes: Uint8Array, start: number, end: number, format: number): number {
    const origin = {
      agent,
      sample: this.#counterSample,
      receivedMicros: this.#context.receivedMicros,
      uptime: this.#header.uptime,
    };
    const { row, next } = counterRow(origin, bytes, start, end, format);
    agent.domain.counters.counterRecords++;
    this.#counters?.counters(row);
    return next;
  }
}
