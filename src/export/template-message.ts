import { IPFIX_HEADER, IPFIX_OPTIONS_SET, IPFIX_TEMPLATE_SET } from '../wire/ipfix.ts';
import { V9_HEADER, V9_OPTIONS_SET, V9_TEMPLATE_SET } from '../wire/netflow-v9.ts';
import type { FieldSpecifier, TemplateRecord } from '../wire/template.ts';
import type { MessageClock } from './field-writers.ts';
import type { EncoderCounters } from './losses.ts';
import { MessageMemory } from './message-memory.ts';

/** Where finished messages go; the octets stay valid. */
export type Emit = (message: Uint8Array) => void;

/** What a message needs to know of its stream: one observation domain (v9: source id) of the transport session. */
export interface MessageStream {
  readonly domain: number;
  /** v9: messages sent before; IPFIX: data records sent before, options data included. Modulo 2³². */
  sequence: number;
}

/** No set is open; 0 is the id of v9's template sets. */
const NO_SET = -1;
/** Octets of a set's header: id 16, length 16. */
const SET_HEADER = 4;

/**
 * The messages of NetFlow v9 and IPFIX as they are written: header, sets, padding to four octets, sequence numbers. For the layouts see
 * `wire/netflow-v9.ts`, `wire/ipfix.ts` and `wire/template.ts`. One message is open at a time.
 */
export class TemplateMessage {
  readonly #version: 9 | 10;
  readonly #longest: number;
  readonly #clock: MessageClock;
  readonly #counters: EncoderCounters;
  readonly #memory = new MessageMemory();
  #emit: Emit = () => {};
  #stream: MessageStream | undefined;
  #set = 0;
  #setId = NO_SET;
  #dataRecords = 0;
  #templateRecords = 0;
  /** Where the open message is written, from `at` on. */
  view: DataView = new DataView(new ArrayBuffer(0));
  at = 0;

  /** `longest`: octets of a message at most, rounded down to a multiple of four. */
  constructor(version: 9 | 10, longest: number, clock: MessageClock, counters: EncoderCounters) {
    this.#version = version;
    this.#longest = longest & ~3;
    this.#clock = clock;
    this.#counters = counters;
  }

  /** From now on finished messages go to `emit`. */
  to(emit: Emit): void {
    this.#emit = emit;
  }

  /** The stream of the open message. */
  get stream(): MessageStream | undefined {
    return this.#stream;
  }

  /** Octets written into, the same memory as `view`. */
  get bytes(): Uint8Array {
    return this.#memory.bytes;
  }

  /** Octets that a data record may have at most. */
  get longestRecord(): number {
    return this.#longest - this.#headerLength - SET_HEADER;
  }

  get #headerLength(): number {
    return this.#version === 9 ? V9_HEADER : IPFIX_HEADER;
  }

  /** Makes sure that a message of `stream` is open. Returns true when it is a new one. */
  open(stream: MessageStream): boolean {
    if (this.#stream === stream) return false;
    this.close();
    this.#stream = stream;
    this.view = this.#memory.open(this.#longest);
    this.at = this.#memory.start + this.#headerLength;
    this.#setId = NO_SET;
    this.#dataRecords = 0;
    this.#templateRecords = 0;
    return true;
  }

  /** Octets left in the open message for a record of set `id`, the set's header taken off where it is still to be written. */
  room(id: number): number {
    const used = this.at - this.#memory.start;
    return this.#longest - (this.#setId === id ? used : ((used + 3) & ~3) + SET_HEADER);
  }

  /** What follows is in a set with this id. */
  beginSet(id: number): void {
    if (this.#setId === id) return;
    this.#endSet();
    this.#setId = id;
    this.#set = this.at;
    this.view.setUint16(this.at, id);
    this.at += SET_HEADER;
  }

  /** Data records were written up to `at`. */
  wrote(records: number, at: number): void {
    this.#dataRecords += records;
    this.at = at;
  }

  /** Octets of a template in its set. */
  templateLength(template: TemplateRecord): number {
    const isOptions = template.kind === 'options';
    return template.fields.reduce((sum, { enterprise }) => sum + (enterprise === 0 ? 4 : 8), isOptions ? 6 : 4);
  }

  /** The set for templates of this kind. */
  templateSet({ kind }: TemplateRecord): number {
    if (this.#version === 9) return kind === 'options' ? V9_OPTIONS_SET : V9_TEMPLATE_SET;
    return kind === 'options' ? IPFIX_OPTIONS_SET : IPFIX_TEMPLATE_SET;
  }

  /** Writes a template record; there is room for it. */
  writeTemplate(template: TemplateRecord): void {
    const { view } = this;
    const { id, kind, fields, scopeCount } = template;
    this.beginSet(this.templateSet(template));
    let { at } = this;
    view.setUint16(at, id);
    if (kind === 'options' && this.#version === 9) {
      view.setUint16(at + 2, scopeCount * 4);
      view.setUint16(at + 4, (fields.length - scopeCount) * 4);
      at += 6;
    } else {
      view.setUint16(at + 2, fields.length);
      if (kind === 'options') view.setUint16(at + 4, scopeCount);
      at += kind === 'options' ? 6 : 4;
    }
    for (const field of fields) at = this.#writeSpecifier(field, at);
    this.at = at;
    this.#templateRecords++;
  }

  #writeSpecifier({ enterprise, id, length }: FieldSpecifier, at: number): number {
    this.view.setUint16(at, enterprise === 0 ? id : id | 0x8000);
    this.view.setUint16(at + 2, length);
    if (enterprise === 0) return at + 4;
    this.view.setUint32(at + 4, enterprise);
    return at + 8;
  }

  #endSet(): void {
    if (this.#setId === NO_SET) return;
    this.at = (this.at + 3) & ~3;
    this.view.setUint16(this.#set + 2, this.at - this.#set);
    this.#setId = NO_SET;
  }

  /** Ends the open message and hands it out; nothing when there is none, or nothing in it. */
  close(): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    this.#stream = undefined;
    this.#endSet();
    const { start } = this.#memory;
    if (this.at === start + this.#headerLength) return;
    const { view } = this;
    const { exportMillis, uptime } = this.#clock;
    view.setUint16(start, this.#version);
    if (this.#version === 9) {
      view.setUint16(start + 2, this.#dataRecords + this.#templateRecords);
      view.setUint32(start + 4, uptime);
      view.setUint32(start + 8, exportMillis / 1000);
      view.setUint32(start + 12, stream.sequence);
      view.setUint32(start + 16, stream.domain);
    } else {
      view.setUint16(start + 2, this.at - start);
      view.setUint32(start + 4, exportMillis / 1000);
      view.setUint32(start + 8, stream.sequence);
      view.setUint32(start + 12, stream.domain);
    }
    stream.sequence = (stream.sequence + (this.#version === 9 ? 1 : this.#dataRecords)) >>> 0;
    this.#counters.messages++;
    this.#counters.octets += this.at - start;
    this.#emit(this.#memory.close(this.at));
  }
}
