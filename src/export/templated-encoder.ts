import { type FlowBatch, forEachRun } from '../flow/batch.ts';
import type { Layout } from '../flow/layout.ts';
import { FIRST_SLOT, slotOf } from '../flow/slots.ts';
import { type TemplateRecord, VARIABLE } from '../wire/template.ts';
import {
  FIRST_DATA_TEMPLATE,
  nameOptions,
  type OptionsData,
  type StreamNames,
  samplingOptions,
} from './description.ts';
import type { MessageClock } from './field-writers.ts';
import type { EncoderCounters } from './losses.ts';
import { MOST_ROWS, RowSelection } from './row-selection.ts';
import { addressColumns, omittedColumns, type RecordField, recordFields, type TimeForm } from './template-fields.ts';
import { type Emit, type MessageStream, TemplateMessage } from './template-message.ts';

export interface TemplatedOptions {
  readonly version: 9 | 10;
  /** Octets of a message at most. */
  readonly longest: number;
  readonly times: TimeForm;
  /** Templates and options are sent again after so many ms, or so many messages of the stream; Infinity for never. */
  readonly refreshMillis: number;
  readonly refreshMessages: number;
  readonly names: (domain: number) => StreamNames;
  readonly clock: MessageClock;
  readonly counters: EncoderCounters;
}

/** A template and what writes its records. */
interface Template {
  readonly record: TemplateRecord;
  readonly fields: readonly RecordField[];
  /** Octets of the fields of fixed length, texts of fixed length included. */
  readonly length: number;
  readonly isVariable: boolean;
}

interface Stream extends MessageStream {
  readonly index: number;
  /** The rate that options data announce, of the stream's first record; 0 for none. */
  readonly rate: number;
  /** Templates announced, in this order. */
  readonly templates: Set<Template>;
  describedMillis: number;
  messages: number;
}

interface CompiledLayout {
  readonly upper: readonly number[];
  readonly hasFlags: boolean;
  readonly hasReverseFlags: boolean;
  readonly omitted: readonly string[];
  /** By shape; see `shapeOf`. */
  readonly templates: Map<number, Template | undefined>;
}

/** Observation domains kept; with more, all are forgotten and described anew. */
const MOST_STREAMS = 32_768;
const LAST_TEMPLATE = 65_535;
/** A shape is addresses × 8 + wide flags × 4 + event × 2 + rate; a row's key is stream × SHAPES + shape. */
const SHAPES = 2 ** 27;

const DOMAIN = slotOf('observation_domain');
const RATE = slotOf('sampling_rate');
const START = slotOf('time_start');
const END = slotOf('time_end');
const TIME_SOURCE = slotOf('time_source');
const FLAGS = slotOf('tcp_flags');
const REVERSE_FLAGS = slotOf('reverse_tcp_flags');
/** Code of TIME_SOURCES: the time of an event. */
const EVENT = 1;

/**
 * Batches to messages of NetFlow v9 or IPFIX. There is a template for each layout and address family that rows have; its id is the same in all domains. Rows
 * of one template are written field by field, as many as a message holds.
 */
export class TemplatedEncoder {
  readonly #options: TemplatedOptions;
  readonly #message: TemplateMessage;
  readonly #selection = new RowSelection();
  readonly #layouts = new WeakMap<Layout, CompiledLayout>();
  readonly #templates = new Map<string, Template>();
  #streams: Stream[] = [];
  #byDomain = new Map<number, Stream>();

  constructor(options: TemplatedOptions) {
    this.#options = options;
    this.#message = new TemplateMessage(options.version, options.longest, options.clock, options.counters);
  }

  /** Encodes all rows; every message is closed at the end. */
  encode(batch: FlowBatch, emit: Emit): void {
    this.#message.to(emit);
    forEachRun(batch, (layout, first, end) => {
      for (let row = first; row < end; row += MOST_ROWS)
        this.#encodeRows(batch, layout, row, Math.min(end, row + MOST_ROWS));
    });
    this.#message.close();
  }

  /** A new transport session: sequence numbers begin at 0, and nothing has been announced. */
  reset(): void {
    this.#streams = [];
    this.#byDomain = new Map();
  }

  #encodeRows(batch: FlowBatch, layout: Layout, first: number, end: number): void {
    const compiled = this.#compiled(layout);
    const selection = this.#selection;
    this.#classify(batch, compiled, first, end);
    const { omitted, refused } = this.#options.counters;
    for (const { key, from, to } of selection.groups) {
      const stream = this.#streams[Math.floor(key / SHAPES)] as Stream;
      const template = this.#template(layout, compiled, key % SHAPES);
      if (template === undefined) {
        refused.template_limit += to - from;
        continue;
      }
      for (const name of compiled.omitted) omitted[name] = (omitted[name] ?? 0) + to - from;
      if (template.isVariable) this.#writeOneByOne(stream, template, batch, from, to);
      else this.#writeByField(stream, template, batch, from, to);
    }
  }

  /** Groups the rows by stream and shape. */
  #classify(batch: FlowBatch, { upper, hasFlags, hasReverseFlags }: CompiledLayout, first: number, end: number): void {
    const { arrays } = batch;
    const domains = arrays[DOMAIN];
    const rates = arrays[RATE];
    const sources = arrays[TIME_SOURCE];
    const start = arrays[START];
    const last = arrays[END];
    const flags = hasFlags ? arrays[FLAGS] : undefined;
    const reverseFlags = hasReverseFlags ? arrays[REVERSE_FLAGS] : undefined;
    let domain = -1;
    let stream: Stream | undefined;
    this.#selection.select(first, end, (row) => {
      const rate = rates?.[row] ?? 0;
      if (domains?.[row] !== domain || stream === undefined) {
        domain = domains?.[row] ?? 0;
        stream = this.#stream(domain, rate);
      }
      let addresses = 0;
      const low = row * 2;
      for (let i = 0; i < upper.length; i++) {
        const slot = upper[i] as number;
        const high = arrays[slot];
        if (arrays[slot + 1]?.[low + 1] !== 0xffff || high?.[low] !== 0 || high[low + 1] !== 0) addresses |= 1 << i;
      }
      const isEvent = sources?.[row] === EVENT && start?.[low] === last?.[low] && start?.[low + 1] === last?.[low + 1];
      const isWide = (flags?.[row] ?? 0) > 0xff || (reverseFlags?.[row] ?? 0) > 0xff;
      return (
        stream.index * SHAPES + addresses * 8 + (isWide ? 4 : 0) + (isEvent ? 2 : 0) + (rate === stream.rate ? 0 : 1)
      );
    });
  }

  #stream(domain: number, rate: number): Stream {
    const known = this.#byDomain.get(domain);
    if (known !== undefined) return known;
    const index = this.#streams.length;
    const templates = new Set<Template>();
    const stream = {
      index,
      domain,
      rate,
      sequence: 0,
      templates,
      describedMillis: Number.NEGATIVE_INFINITY,
      messages: 0,
    };
    this.#streams.push(stream);
    this.#byDomain.set(domain, stream);
    return stream;
  }

  #compiled(layout: Layout): CompiledLayout {
    if (this.#streams.length > MOST_STREAMS) this.reset();
    let compiled = this.#layouts.get(layout);
    if (compiled === undefined) {
      const upper = addressColumns(layout).map((column) => FIRST_SLOT[column] as number);
      compiled = {
        upper,
        hasFlags: layout.slots.includes(FLAGS),
        hasReverseFlags: layout.slots.includes(REVERSE_FLAGS),
        omitted: omittedColumns(layout, this.#options.version),
        templates: new Map(),
      };
      this.#layouts.set(layout, compiled);
    }
    return compiled;
  }

  /** The template for rows of this shape; equal ones of different layouts are one. Undefined when all ids are taken, or it fits into no message. */
  #template(layout: Layout, { templates }: CompiledLayout, shape: number): Template | undefined {
    if (templates.has(shape)) return templates.get(shape);
    const addresses = Math.floor(shape / 8);
    const fields = recordFields(
      layout,
      { addresses, hasWideFlags: (shape & 4) !== 0, isEvent: (shape & 2) !== 0, hasRate: (shape & 1) !== 0 },
      this.#options,
    );
    const signature = fields
      .map(({ specifier }) => `${specifier.enterprise}/${specifier.id}:${specifier.length}`)
      .join(' ');
    let template = this.#templates.get(signature);
    const id = FIRST_DATA_TEMPLATE + this.#templates.size;
    if (template === undefined && id <= LAST_TEMPLATE) {
      const specifiers = fields.map(({ specifier }) => specifier);
      const lengths = specifiers.map(({ length }) => (length === VARIABLE ? 0 : length));
      template = {
        record: { id, kind: 'data', scopeCount: 0, fields: specifiers },
        fields,
        length: lengths.reduce((sum, length) => sum + length, 0),
        isVariable: fields.some(({ text }) => text !== undefined),
      };
      // A template must fit into a message; it cannot be divided.
      if (this.#message.templateLength(template.record) > this.#message.longestRecord) template = undefined;
      else this.#templates.set(signature, template);
    }
    templates.set(shape, template);
    return template;
  }

  #writeByField(stream: Stream, template: Template, batch: FlowBatch, first: number, end: number): void {
    const message = this.#message;
    const { record, fields, length } = template;
    const { rows } = this.#selection;
    const { counters } = this.#options;
    if (length > message.longestRecord) {
      counters.refused.too_long += end - first;
      return;
    }
    for (let from = first; from < end; ) {
      this.#begin(stream, template, length);
      message.beginSet(record.id);
      const to = Math.min(end, from + Math.floor(message.room(record.id) / length));
      const { view } = message;
      let { at } = message;
      for (const { specifier, write } of fields) {
        write?.(view, at, length, batch, rows, from, to);
        at += specifier.length;
      }
      message.wrote(to - from, message.at + (to - from) * length);
      counters.records += to - from;
      from = to;
    }
  }

  /** Records with texts: how long one is, is known only when its texts are. */
  #writeOneByOne(stream: Stream, template: Template, batch: FlowBatch, first: number, end: number): void {
    const message = this.#message;
    const { record, fields } = template;
    const { rows } = this.#selection;
    const { counters } = this.#options;
    for (let i = first; i < end; i++) {
      let { length } = template;
      for (const { specifier, text } of fields) {
        if (text === undefined || specifier.length !== VARIABLE) continue;
        const octets = text.octets(batch, rows[i] as number).length;
        length += octets + (octets < 255 ? 1 : 3);
      }
      if (length > message.longestRecord) {
        counters.refused.too_long++;
        continue;
      }
      this.#begin(stream, template, length);
      message.beginSet(record.id);
      let { at } = message;
      for (const field of fields) at = this.#writeField(field, at, batch, i);
      message.wrote(1, at);
      counters.records++;
    }
  }

  #writeField({ specifier, write, text }: RecordField, at: number, batch: FlowBatch, i: number): number {
    const { view, bytes } = this.#message;
    const { rows } = this.#selection;
    if (text === undefined) {
      write?.(view, at, 0, batch, rows, i, i + 1);
      return at + specifier.length;
    }
    const octets = text.octets(batch, rows[i] as number);
    let from = at;
    if (specifier.length === VARIABLE) {
      if (octets.length < 255) view.setUint8(from++, octets.length);
      else {
        view.setUint8(from, 255);
        view.setUint16(from + 1, octets.length);
        from += 3;
      }
    }
    bytes.set(octets, from);
    return specifier.length === VARIABLE ? from + octets.length : at + specifier.length;
  }

  /** Makes sure that a message of the stream is open, has room for a record of the template, and that the template was announced before. */
  #begin(stream: Stream, template: Template, length: number): void {
    const message = this.#message;
    if (message.stream === stream && stream.templates.has(template) && message.room(template.record.id) >= length)
      return;
    if (message.stream === stream && message.room(template.record.id) < length) message.close();
    if (message.open(stream)) {
      this.#describeWhenDue(stream);
      message.open(stream);
      stream.messages++;
    }
    if (stream.templates.has(template)) return;
    stream.templates.add(template);
    this.#announce(stream, template.record);
    // A template that fills the message leaves the record to the next one.
    if (message.room(template.record.id) < length) {
      message.close();
      message.open(stream);
    }
  }

  /** Templates, sampling rate and names, in messages of their own, when it is time. */
  #describeWhenDue(stream: Stream): void {
    const { refreshMillis, refreshMessages, clock, version, names } = this.#options;
    const age = clock.exportMillis - stream.describedMillis;
    if (age < refreshMillis && stream.messages < refreshMessages && age >= 0) return;
    const isFirst = stream.describedMillis === Number.NEGATIVE_INFINITY;
    // Never again is for streams that lose nothing; time that went back is no reason there.
    if (!isFirst && refreshMillis === Number.POSITIVE_INFINITY && refreshMessages === Number.POSITIVE_INFINITY) return;
    stream.describedMillis = clock.exportMillis;
    stream.messages = 0;
    for (const { record } of stream.templates) this.#announce(stream, record);
    const options: OptionsData[] = nameOptions(version, names(stream.domain));
    if (stream.rate > 0) options.unshift(samplingOptions(version, stream.rate));
    for (const { template, records } of options) {
      this.#announce(stream, template);
      for (const octets of records) this.#writeOctets(stream, template.id, octets);
    }
    this.#message.close();
  }

  #announce(stream: Stream, template: TemplateRecord): void {
    const message = this.#message;
    if (message.room(message.templateSet(template)) < message.templateLength(template)) {
      message.close();
      message.open(stream);
    }
    message.writeTemplate(template);
  }

  #writeOctets(stream: Stream, id: number, octets: Uint8Array): void {
    const message = this.#message;
    if (message.room(id) < octets.length) {
      message.close();
      message.open(stream);
    }
    message.beginSet(id);
    message.bytes.set(octets, message.at);
    message.wrote(1, message.at + octets.length);
  }
}
