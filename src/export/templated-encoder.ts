import { type FlowBatch, forEachRun } from '../flow/batch.ts';
import type { Layout } from '../flow/layout.ts';
import { slotOf } from '../flow/slots.ts';
import { type TemplateRecord, VARIABLE } from '../wire/template.ts';
import { type OptionsData, samplingOptions } from './description.ts';
import type { ElementNumbers } from './element-numbers.ts';
import { createShaper, type ExportLayout, type ExportTemplate, ExportTemplates, SHAPES } from './export-templates.ts';
import type { MessageClock } from './field-writers.ts';
import { type EncoderCounters, SAMPLE } from './losses.ts';
import { nameOptions, type StreamNames } from './name-options.ts';
import { MOST_ROWS, RowSelection } from './row-selection.ts';
import type { RecordField, TimeForm } from './template-fields.ts';
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
  /** Elements of `extra`. */
  readonly elements: ElementNumbers;
  readonly clock: MessageClock;
  readonly counters: EncoderCounters;
}

interface Stream extends MessageStream {
  readonly index: number;
  /** The rate that options data announce, of the stream's first record; 0 for none. */
  readonly rate: number;
  /** Templates announced, in this order. */
  readonly templates: Set<ExportTemplate>;
  /** Ids of the options templates announced since the last refresh. */
  readonly options: Set<number>;
  /** Whether the names that hold now have been told. */
  knowsNames: boolean;
  describedMillis: number;
  messages: number;
}

/** Observation domains kept; with more, all are forgotten and described anew. */
const MOST_STREAMS = 32_768;
const DOMAIN = slotOf('observation_domain');
const RATE = slotOf('sampling_rate');
const KIND = slotOf('record_kind');

/**
 * Batches to messages of NetFlow v9 or IPFIX. There is a template for each layout and address family that rows have; its id is the same in all domains. Rows
 * of one template are written field by field, as many as a message holds.
 */
export class TemplatedEncoder {
  readonly #options: TemplatedOptions;
  readonly #message: TemplateMessage;
  readonly #selection = new RowSelection();
  readonly #templates: ExportTemplates;
  /** Options data made of names, which are the same object as long as they are the same. */
  readonly #names = new WeakMap<StreamNames, readonly OptionsData[]>();
  #streams: Stream[] = [];
  #byDomain = new Map<number, Stream>();

  constructor(options: TemplatedOptions) {
    this.#options = options;
    this.#message = new TemplateMessage(options.version, options.longest, options.clock, options.counters);
    this.#templates = new ExportTemplates(options, options.elements, this.#message.longestRecord);
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

  /** Names have changed: every stream tells them again with its next message. */
  renewNames(): void {
    for (const stream of this.#streams) stream.knowsNames = false;
  }

  /** Every stream describes itself again with its next message. */
  renewTemplates(): void {
    for (const stream of this.#streams) stream.describedMillis = Number.NEGATIVE_INFINITY;
  }

  #encodeRows(batch: FlowBatch, layout: Layout, first: number, end: number): void {
    // Between two stretches, no row knows its stream yet.
    if (this.#streams.length > MOST_STREAMS) this.reset();
    const its = this.#templates.layout(layout);
    this.#classify(batch, its, first, end);
    const { omitted, refused, extra } = this.#options.counters;
    for (const { key, from, to } of this.#selection.groups) {
      const stream = this.#streams[Math.floor(key / SHAPES)] as Stream;
      const template = this.#templates.find(its, key % SHAPES);
      if (template === undefined) {
        refused.template_limit += to - from;
        continue;
      }
      for (const name of its.omitted) omitted[name] = (omitted[name] ?? 0) + to - from;
      for (const [rule, fields] of template.extra) extra[rule] += fields * (to - from);
      if (template.hasTexts) this.#writeOneByOne(stream, template, batch, from, to);
      else this.#writeByField(stream, template, batch, from, to);
    }
  }

  /** Groups the rows by stream and shape. */
  #classify(batch: FlowBatch, layout: ExportLayout, first: number, end: number): void {
    const domains = batch.arrays[DOMAIN];
    const rates = batch.arrays[RATE];
    const kinds = batch.arrays[KIND];
    const { changed } = this.#options.counters;
    const shapeOf = createShaper(batch, layout);
    let domain = -1;
    let stream: Stream | undefined;
    this.#selection.select(first, end, (row) => {
      const rate = rates?.[row] ?? 0;
      if (kinds?.[row] === SAMPLE) changed.sample_as_flow++;
      if (domains?.[row] !== domain || stream === undefined) {
        domain = domains?.[row] ?? 0;
        stream = this.#stream(domain, rate);
      }
      return stream.index * SHAPES + shapeOf(row) + (rate === stream.rate ? 0 : 1);
    });
  }

  #stream(domain: number, rate: number): Stream {
    const known = this.#byDomain.get(domain);
    if (known !== undefined) return known;
    const stream: Stream = {
      index: this.#streams.length,
      domain,
      rate,
      sequence: 0,
      templates: new Set(),
      options: new Set(),
      knowsNames: false,
      describedMillis: Number.NEGATIVE_INFINITY,
      messages: 0,
    };
    this.#streams.push(stream);
    this.#byDomain.set(domain, stream);
    return stream;
  }

  #writeByField(stream: Stream, template: ExportTemplate, batch: FlowBatch, first: number, end: number): void {
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
  #writeOneByOne(stream: Stream, template: ExportTemplate, batch: FlowBatch, first: number, end: number): void {
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
  #begin(stream: Stream, template: ExportTemplate, length: number): void {
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

  /** Templates, sampling rate and names, in messages of their own, when it is time; names alone when they have changed. */
  #describeWhenDue(stream: Stream): void {
    const isDue = this.#isRefreshDue(stream);
    if (!isDue && stream.knowsNames) return;
    const { clock, version, names } = this.#options;
    const options: OptionsData[] = [...this.#nameOptions(names(stream.domain))];
    if (isDue) {
      stream.describedMillis = clock.exportMillis;
      stream.messages = 0;
      stream.options.clear();
      for (const { record } of stream.templates) this.#announce(stream, record);
      if (stream.rate > 0) options.unshift(samplingOptions(version, stream.rate));
    }
    stream.knowsNames = true;
    for (const { template, records } of options) {
      if (!stream.options.has(template.id)) this.#announce(stream, template);
      stream.options.add(template.id);
      for (const octets of records) this.#writeOctets(stream, template.id, octets);
    }
    this.#message.close();
  }

  #isRefreshDue(stream: Stream): boolean {
    const { refreshMillis, refreshMessages, clock } = this.#options;
    if (stream.describedMillis === Number.NEGATIVE_INFINITY) return true;
    // Never again is for streams that lose nothing; time that went back is no reason there.
    if (refreshMillis === Number.POSITIVE_INFINITY && refreshMessages === Number.POSITIVE_INFINITY) return false;
    const age = clock.exportMillis - stream.describedMillis;
    return age >= refreshMillis || age < 0 || stream.messages >= refreshMessages;
  }

  #nameOptions(names: StreamNames): readonly OptionsData[] {
    const { version, counters } = this.#options;
    let options = this.#names.get(names);
    if (options === undefined) {
      options = nameOptions(version, names, this.#message.longestRecord, counters.names);
      this.#names.set(names, options);
    }
    for (const { records } of options) counters.names.sent += records.length;
    return options;
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
