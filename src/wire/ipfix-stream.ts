import { u16, u32 } from '../util/octets.ts';
import { V1_HEADER, V1_RECORD, V1_SHORT_RECORD } from './netflow-v1.ts';

/*
 * Export messages one after the other in a stream of octets (TCP, TLS, a file), which may be cut anywhere.
 *
 *   IPFIX       RFC 7011 section 10.4: octets 0–1 version 10, octets 2–3 length of the message
 *   NetFlow v9  no standard, but softflowd -P tcp sends it: the header has no length, so the message ends where, in the place of a FlowSet
 *               id, stands the next header's version (RFC 3954 section 5.2 reserves the id 9), or where the stream pauses or ends
 *   NetFlow v5  no standard either: octets 2–3 number of records of 48 octets after a header of 24
 *   NetFlow v1  the same with 16, and 52 octets or, as softflowd -P tcp sends them, 48 (see `netflow-v1.ts`): 48 when the next header, of about
 *               the same time, or the end stands there
 *
 * A stream keeps the version that it began with, and its length of records.
 */

/** What a framing error is; after it nothing that follows in the stream has a known place. */
export type FramingFault = 'framing_version' | 'framing_length';

/** Longest message: IPFIX has 16 bits for it, and none that came as a datagram is longer. */
const MAX_MESSAGE = 65_535;
const FIRST_BUFFER = 512;
/** v1: octets of a header up to and with its time in seconds, and how far apart these may be in two headers that follow each other. */
const V1_HEADER_TO_TIME = 12;
const V1_SECONDS_APART = 86_400;
const EMPTY = new Uint8Array();

/** Called for each whole message: a view of the chunk it came in, or of memory that the framer does not use again. */
export type MessageHandler = (message: Uint8Array) => void;

/** Cuts one stream into messages. It holds no more than the octets that came of one unfinished message, at most twice as much memory. */
export class StreamFramer {
  /** The version that the stream began with; 0 before. */
  version = 0;
  #buffer = EMPTY;
  #held = 0;
  #fault: FramingFault | undefined = undefined;
  /** v9: where the next FlowSet begins, as far as the FlowSets of the message have been walked; 0 at its beginning. */
  #walked = 0;
  /** v1: octets of a record; 0 before it is known. */
  #recordOctets = 0;
  /** How many octets of the message must be there before more can be said. */
  #wanted = 2;

  /** Octets of the message that is not complete yet. */
  get pending(): number {
    return this.#held;
  }

  /**
   * Takes the next octets of the stream and calls back for every message that they complete. Returns why the stream cannot be read any further, then and
   * at every later call; messages before the error have been handed on.
   */
  push(chunk: Uint8Array, onMessage: MessageHandler): FramingFault | undefined {
    let at = this.#finishHeld(chunk, onMessage);
    while (at < chunk.length && this.#fault === undefined) {
      const length = this.#measure(chunk, at, chunk.length - at);
      if (length > 0) {
        onMessage(chunk.subarray(at, at + length));
        at += length;
      } else if (this.#fault === undefined) {
        this.#hold(chunk, at, chunk.length);
        at = chunk.length;
      }
    }
    return this.#fault;
  }

  /**
   * The stream pauses or ends: a message of NetFlow v9, or the first one of v1, that may end here does. Call it some time after the last octets, or at the end; what
   * is `pending` then is no whole message.
   */
  flush(onMessage: MessageHandler): void {
    if (this.#held === 0 || !this.#mayEnd()) return;
    const message = this.#buffer.subarray(0, this.#held);
    this.#begin();
    onMessage(message);
  }

  /** Whether what is held may be a whole message when nothing follows. */
  #mayEnd(): boolean {
    if (this.version === 9) return this.#held === this.#walked;
    if (this.version !== 1 || this.#held < V1_HEADER) return false;
    const octets = (this.#held - V1_HEADER) / u16(this.#buffer, 2);
    if (octets !== V1_RECORD && octets !== V1_SHORT_RECORD) return false;
    this.#recordOctets = octets;
    return true;
  }

  /** Goes on with the message that was begun, as far as `chunk` has octets of it. Returns how many of them it took. */
  #finishHeld(chunk: Uint8Array, onMessage: MessageHandler): number {
    let at = 0;
    while (this.#held > 0 && at < chunk.length && this.#fault === undefined) {
      const end = Math.min(chunk.length, at + this.#wanted - this.#held);
      this.#hold(chunk, at, end);
      at = end;
      const length = this.#measure(this.#buffer, 0, this.#held);
      if (length === 0) continue;
      // A v9 message shows its end by the first octets of the next.
      const message = this.#buffer.subarray(0, length);
      const next = this.#buffer.slice(length, this.#held);
      this.#begin();
      onMessage(message);
      if (next.length > 0) this.#hold(next, 0, next.length);
      if (next.length > 0) this.#measure(this.#buffer, 0, this.#held);
    }
    return at;
  }

  #begin(): void {
    this.#buffer = EMPTY;
    this.#held = 0;
    this.#walked = 0;
    this.#wanted = 2;
  }

  #hold(chunk: Uint8Array, start: number, end: number): void {
    const length = this.#held + end - start;
    if (length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(length, FIRST_BUFFER, Math.min(2 * this.#buffer.length, MAX_MESSAGE + 2)));
      grown.set(this.#buffer.subarray(0, this.#held));
      this.#buffer = grown;
    }
    this.#buffer.set(chunk.subarray(start, end), this.#held);
    this.#held = length;
  }

  /** The length of the message at `start`, of which `there` octets are there; 0 when it is not complete, or at a fault. */
  #measure(bytes: Uint8Array, start: number, there: number): number {
    if (there < 2) return this.#want(2);
    const version = u16(bytes, start);
    if (this.version === 0 && (version === 10 || version === 9 || version === 5 || version === 1))
      this.version = version;
    if (version !== this.version || version === 0) return this.#fail('framing_version');
    if (version === 9) return this.#measureV9(bytes, start, there);
    if (there < 4) return this.#want(4);
    if (version === 1) return this.#measureV1(bytes, start, there);
    const field = u16(bytes, start + 2);
    const length = version === 10 ? field : 24 + 48 * field;
    if (length < 16 || length > MAX_MESSAGE || (version === 5 && field === 0)) return this.#fail('framing_length');
    return this.#whole(length, there);
  }

  #measureV1(bytes: Uint8Array, start: number, there: number): number {
    const count = u16(bytes, start + 2);
    if (count === 0 || V1_HEADER + V1_RECORD * count > MAX_MESSAGE) return this.#fail('framing_length');
    if (this.#recordOctets === 0) {
      const next = V1_HEADER + V1_SHORT_RECORD * count;
      if (there < next + V1_HEADER_TO_TIME) return this.#want(next + V1_HEADER_TO_TIME);
      this.#recordOctets = isV1Header(bytes, start + next, start) ? V1_SHORT_RECORD : V1_RECORD;
    }
    return this.#whole(V1_HEADER + this.#recordOctets * count, there);
  }

  /** The length of a message that is known to have it; 0 when it is not complete. */
  #whole(length: number, there: number): number {
    if (there < length) return this.#want(length);
    this.#wanted = 2;
    return length;
  }

  #measureV9(bytes: Uint8Array, start: number, there: number): number {
    if (this.#walked === 0) this.#walked = 20;
    for (;;) {
      const at = this.#walked;
      if (there < at + 2) return this.#want(at + 2);
      const id = u16(bytes, start + at);
      if (id === 9) {
        this.#walked = 0;
        this.#wanted = 2;
        return at;
      }
      if (id > 1 && id < 256) return this.#fail('framing_version');
      if (there < at + 4) return this.#want(at + 4);
      const length = u16(bytes, start + at + 2);
      if (length < 4 || at + length > MAX_MESSAGE) return this.#fail('framing_length');
      this.#walked = at + length;
    }
  }

  #want(octets: number): 0 {
    this.#wanted = octets;
    return 0;
  }

  #fail(fault: FramingFault): 0 {
    this.#fault = fault;
    this.#begin();
    return 0;
  }
}

/** Whether a v1 header that goes with the one at `first` stands at `at`. In the midst of a record there may be a 1 and another number, but hardly the time. */
function isV1Header(bytes: Uint8Array, at: number, first: number): boolean {
  const apart = Math.abs(u32(bytes, at + 8) - u32(bytes, first + 8));
  return u16(bytes, at) === 1 && u16(bytes, at + 2) > 0 && apart <= V1_SECONDS_APART;
}
