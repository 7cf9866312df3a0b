import { type FlowBatch, forEachRun } from '../flow/batch.ts';
import type { Layout } from '../flow/layout.ts';
import { columnIndex } from '../flow/schema.ts';
import { slotOf } from '../flow/slots.ts';
import { addressArrays, ipv6Bits } from './export-templates.ts';
import type { MessageClock } from './field-writers.ts';
import {
  FIXED_FORMATS,
  type FixedFormat,
  type FixedVersion,
  omittedColumns,
  type PlacedField,
  placeFields,
} from './fixed-format.ts';
import { type EncoderCounters, isTraffic, SAMPLE } from './losses.ts';
import { MessageMemory } from './message-memory.ts';
import { MOST_ROWS, RowSelection } from './row-selection.ts';
import type { Emit } from './template-message.ts';

export interface FixedOptions {
  readonly version: FixedVersion;
  /** Octets of a datagram at most. */
  readonly longest: number;
  readonly clock: MessageClock;
  readonly counters: EncoderCounters;
}

/** One engine: datagrams with a sequence of their own. */
interface Stream {
  readonly index: number;
  readonly engine: number;
  /** Flows sent before, modulo 2³². */
  sequence: number;
}

interface CompiledLayout {
  readonly fields: readonly PlacedField[];
  readonly omitted: readonly string[];
  readonly hasCounters: { readonly bytes: boolean; readonly packets: boolean };
  readonly addresses: readonly number[];
}

const DOMAIN = slotOf('observation_domain');
const RATE = slotOf('sampling_rate');
const KIND = slotOf('record_kind');
const BYTES = slotOf('bytes');
const PACKETS = slotOf('packets');

const MOST_RATE = 0x3fff;
/** Sampling mode 1 in the two bits above the interval: one packet in each interval. */
const SAMPLING_MODE = 1 << 14;
const LARGEST = 0xffff_ffff;
/** A record is split into so many at most: 2⁴⁰ octets. */
const MOST_PARTS = 256;
const BYTES_FIELD = 1;
const PACKETS_FIELD = 2;

/**
 * Batches to datagrams of NetFlow v1, v5, v6 or v7: IPv4 only, 32-bit counters, 16-bit interfaces and AS numbers. A record whose counters do not fit is split into
 * several that add up to it.
 */
export class FixedEncoder {
  readonly #options: FixedOptions;
  readonly #format: FixedFormat;
  readonly #length: number;
  readonly #most: number;
  readonly #memory = new MessageMemory();
  readonly #selection = new RowSelection();
  readonly #layouts = new WeakMap<Layout, CompiledLayout>();
  #streams: Stream[] = [];
  #byEngine = new Map<number, Stream>();
  #emit: Emit = () => {};
  // The open datagram.
  #stream: Stream | undefined;
  #rate = 0;
  #count = 0;
  #view: DataView = new DataView(new ArrayBuffer(0));

  constructor(options: FixedOptions) {
    this.#options = options;
    this.#format = FIXED_FORMATS[options.version];
    this.#length = this.#format.fields.reduce((sum, { length }) => sum + length, 0);
    const fits = Math.floor((options.longest - this.#format.header) / this.#length);
    this.#most = Math.max(1, Math.min(this.#format.most, fits));
  }

  /** Encodes all rows; every datagram is closed at the end. */
  encode(batch: FlowBatch, emit: Emit): void {
    this.#emit = emit;
    forEachRun(batch, (layout, first, end) => {
      for (let row = first; row < end; row += MOST_ROWS)
        this.#encodeRows(batch, layout, row, Math.min(end, row + MOST_ROWS));
    });
    this.#close();
  }

  /** Sequence numbers begin at 0 again. */
  reset(): void {
    this.#streams = [];
    this.#byEngine = new Map();
  }

  #encodeRows(batch: FlowBatch, layout: Layout, first: number, end: number): void {
    const compiled = this.#compiled(layout);
    this.#classify(batch, compiled, first, end);
    const { omitted } = this.#options.counters;
    for (const { key, from, to } of this.#selection.groups) {
      const rate = Math.floor(key / 2) % (MOST_RATE + 1);
      const stream = this.#streams[Math.floor(key / 2 / (MOST_RATE + 1))] as Stream;
      for (const name of compiled.omitted) omitted[name] = (omitted[name] ?? 0) + to - from;
      if (key % 2 === 0) this.#write(stream, rate, compiled, batch, from, to);
      else for (let i = from; i < to; i++) this.#split(stream, rate, compiled, batch, i);
    }
  }

  /** Groups the rows by engine, sampling rate, and whether their counters fit; leaves out what cannot be sent. */
  #classify(batch: FlowBatch, compiled: CompiledLayout, first: number, end: number): void {
    const { arrays } = batch;
    const { hasSampling } = this.#format;
    const { refused, changed, omitted } = this.#options.counters;
    const { addresses, hasCounters } = compiled;
    const bytes = hasCounters.bytes ? arrays[BYTES] : undefined;
    const packets = hasCounters.packets ? arrays[PACKETS] : undefined;
    const kinds = arrays[KIND];
    const domains = arrays[DOMAIN];
    const rates = arrays[RATE];
    const halves = addressArrays(batch, addresses);
    let domain = -1;
    let stream: Stream | undefined;
    this.#selection.select(first, end, (row) => {
      if (!isTraffic(kinds?.[row] ?? 0)) {
        refused.record_kind++;
        return -1;
      }
      const low = row * 2;
      if (ipv6Bits(halves, low) !== 0) {
        refused.ipv6++;
        return -1;
      }
      if (kinds?.[row] === SAMPLE) changed.sample_as_flow++;
      const its = domains?.[row] ?? 0;
      if (its !== domain || stream === undefined) {
        domain = its;
        stream = this.#streamOf(domain);
      }
      if (stream.engine !== domain) changed.domain_cut++;
      let rate = rates?.[row] ?? 0;
      if (!hasSampling) {
        if (rate > 1) omitted['sampling_rate'] = (omitted['sampling_rate'] ?? 0) + 1;
        rate = 0;
      } else if (rate > MOST_RATE) {
        changed.sampling_clamped++;
        rate = MOST_RATE;
      }
      const isLarge = (bytes?.[low + 1] ?? 0) > 0 || (packets?.[low + 1] ?? 0) > 0;
      return (stream.index * (MOST_RATE + 1) + rate) * 2 + (isLarge ? 1 : 0);
    });
  }

  /** v1 has no engine, the others 16 bits for it. */
  #streamOf(domain: number): Stream {
    const engine = this.#options.version === 1 ? 0 : domain & 0xffff;
    let stream = this.#byEngine.get(engine);
    if (stream === undefined) {
      stream = { index: this.#streams.length, engine, sequence: 0 };
      this.#streams.push(stream);
      this.#byEngine.set(engine, stream);
    }
    return stream;
  }

  #compiled(layout: Layout): CompiledLayout {
    let compiled = this.#layouts.get(layout);
    if (compiled === undefined) {
      const { clock, counters } = this.#options;
      const has = (name: string): boolean => layout.columns.includes(columnIndex(name));
      compiled = {
        fields: placeFields(this.#format, layout, clock, counters),
        omitted: omittedColumns(this.#format, layout),
        hasCounters: { bytes: has('bytes'), packets: has('packets') },
        addresses: ['src_addr', 'dst_addr'].filter(has).map(slotOf),
      };
      this.#layouts.set(layout, compiled);
    }
    return compiled;
  }

  #write(stream: Stream, rate: number, compiled: CompiledLayout, batch: FlowBatch, first: number, end: number): void {
    const { rows } = this.#selection;
    for (let from = first; from < end; ) {
      const at = this.#open(stream, rate);
      const to = Math.min(end, from + this.#most - this.#count);
      for (const { offset, write } of compiled.fields)
        write(this.#view, at + offset, this.#length, batch, rows, from, to);
      this.#count += to - from;
      this.#options.counters.records += to - from;
      from = to;
    }
  }

  /** Writes a record whose counters need more than 32 bits as several, which have equal shares of them. */
  #split(stream: Stream, rate: number, compiled: CompiledLayout, batch: FlowBatch, place: number): void {
    const { counters } = this.#options;
    const row = this.#selection.rows[place] as number;
    const counter = (slot: number, has: boolean): number => {
      const words = has ? batch.arrays[slot] : undefined;
      const value = (words?.[row * 2 + 1] ?? 0) * 4_294_967_296 + (words?.[row * 2] ?? 0);
      if (value <= LARGEST * MOST_PARTS) return value;
      counters.changed.counter_clamped++;
      return LARGEST * MOST_PARTS;
    };
    const bytes = counter(BYTES, compiled.hasCounters.bytes);
    const packets = counter(PACKETS, compiled.hasCounters.packets);
    const parts = Math.ceil(Math.max(bytes, packets) / LARGEST);
    const share = (total: number, part: number): number =>
      Math.floor((total / parts) * (part + 1)) - Math.floor((total / parts) * part);
    let bytesLeft = bytes;
    let packetsLeft = packets;
    for (let part = 0; part < parts; part++) {
      const at = this.#open(stream, rate);
      this.#write(stream, rate, compiled, batch, place, place + 1);
      const isLast = part === parts - 1;
      const bytesNow = isLast ? bytesLeft : share(bytes, part);
      const packetsNow = isLast ? packetsLeft : share(packets, part);
      bytesLeft -= bytesNow;
      packetsLeft -= packetsNow;
      for (const { id, offset, length } of compiled.fields) {
        if (length !== 4) continue;
        if (id === BYTES_FIELD) this.#view.setUint32(at + offset, bytesNow);
        else if (id === PACKETS_FIELD) this.#view.setUint32(at + offset, packetsNow);
      }
    }
    counters.changed.split += parts - 1;
  }

  /** Makes sure that a datagram of this engine and rate is open and has room for a record. Returns where it goes. */
  #open(stream: Stream, rate: number): number {
    if (this.#stream !== stream || this.#rate !== rate || this.#count === this.#most) {
      this.#close();
      this.#stream = stream;
      this.#rate = rate;
      this.#view = this.#memory.open(this.#format.header + this.#most * this.#length);
    }
    return this.#memory.start + this.#format.header + this.#count * this.#length;
  }

  /** Ends the open datagram and hands it out. */
  #close(): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    const { version, clock, counters } = this.#options;
    const { start } = this.#memory;
    const view = this.#view;
    const seconds = Math.floor(clock.exportMillis / 1000);
    view.setUint16(start, version);
    view.setUint16(start + 2, this.#count);
    view.setUint32(start + 4, clock.uptime);
    view.setUint32(start + 8, seconds);
    view.setUint32(start + 12, (clock.exportMillis - seconds * 1000) * 1e6);
    if (this.#format.hasSequence) {
      view.setUint32(start + 16, stream.sequence);
      view.setUint16(start + 20, stream.engine);
    }
    if (this.#format.hasSampling && this.#rate > 0) view.setUint16(start + 22, SAMPLING_MODE | this.#rate);
    stream.sequence = (stream.sequence + this.#count) >>> 0;
    const length = this.#format.header + this.#count * this.#length;
    this.#stream = undefined;
    this.#count = 0;
    counters.messages++;
    counters.octets += length;
    this.#emit(this.#memory.close(start + length));
  }
}
