import type { ElementRegistry } from '../elements/registry.ts';
import type { FlowBatch } from '../flow/batch.ts';
import { structuredOctets } from '../flow/extra.ts';
import { hex, text } from '../util/octets.ts';
import { applicationText } from './application-id.ts';
import { communitiesText } from './bgp-communities.ts';
import { createPacketFields } from './packet/packet-fields.ts';
import { type SectionPlan, writeSection } from './packet-section.ts';
import { LIST_TYPES, type ListType, structuredValue, type TemplateLookup } from './structured-data.ts';
import { TextCache } from './text-cache.ts';

/** Times outside 1971 to 2106 are not times: µs since the epoch. */
export const EARLIEST = 31_536_000e6;
export const LATEST = 4_294_967_296e6;

/** A time up to this much after the message's own time is a clock that runs ahead; more is sysUptime's wrap. Milliseconds. */
export const AHEAD = 3_600_000;

/**
 * A flow that seems to have ended so long before its export, by sysUptime, did not: exporters exist whose stamps and header do not count from the
 * same boot. Such stamps tell only how long the flow was. µs.
 */
export const STALE = 7 * 86_400e6;

/** sysUptime's range in µs: a time no larger than this is relative. */
const LONGEST = 4_294_967_296e3;

/** Kinds of text for the cache. */
const STRING = 0;
const HEX = 1;
const APPLICATION = 2;
const COMMUNITIES = 3;

/** Code of SAMPLING_SOURCES: the operator's override, which beats even the record's own rate. */
export const OVERRIDE = 7;

/**
 * What the records of one message share, and the slow paths of decoding them. One object is reused for all messages; decode plans read its
 * fields into locals before they loop over records.
 */
export class RecordContext {
  /** Exporter's address, four words in network order. */
  exporter0 = 0;
  exporter1 = 0;
  exporter2 = 0xffff;
  exporter3 = 0;
  observationDomain = 0;
  /** Code of FLOW_TYPES. */
  flowType = 0;
  /** Arrival, µs since the epoch. */
  receivedMicros = 0;
  /** The message's own time, ms since the epoch. */
  exportMillis = 0;
  /** sysUptime at the message's own time, ms modulo 2³²; −1 when unknown (IPFIX without systemInitTime): then stamps tell durations only. */
  uptime = 0;
  /** Sampling rate and its source for records that say nothing themselves. */
  samplingRate = 0;
  samplingSource = 0;

  /** Elements and templates that structured data name; without a registry they are kept as octets. */
  registry: ElementRegistry | undefined = undefined;
  templates: TemplateLookup | undefined = undefined;
  port = 0;

  /** Where the last run of a plan stopped reading. */
  position = 0;
  /** Results of `repairTimes`. */
  start = 0;
  end = 0;
  timeSource = 0;
  /** Records whose stamps of sysUptime do not count from a boot that is known, since it was last set to 0. */
  relative = 0;
  readonly #labels: number[] = [];
  readonly #packet = createPacketFields();
  readonly #texts = new TextCache();

  /**
   * The times of a record for which start or end is missing or absurd: from the other one and the duration, from the event's time, from the
   * message's time, from the arrival, in this order. All in µs; 0 is missing. Times so small that they can only be relative to an unknown boot
   * still tell how long the flow was. Leaves the result in `start`, `end`, `timeSource`.
   */
  repairTimes(start: number, end: number, event: number, duration: number): void {
    const s = sane(start);
    const e = sane(end);
    this.timeSource = 0;
    if (s !== 0 && e !== 0) this.#set(s, e);
    else if (s !== 0) {
      // A firewall's event with the start of its flow is as long as the flow was until then.
      const when = sane(event);
      this.#set(s, duration === 0 && when > s ? when : s + duration);
    } else if (e !== 0) this.#set(e - duration, e);
    else {
      const when = sane(event);
      const exported = sane(this.exportMillis * 1000);
      const at = when || exported || this.receivedMicros;
      this.timeSource = when !== 0 ? 1 : exported !== 0 ? 2 : 3;
      const isRelative = start > 0 && end > start && end <= LONGEST;
      this.#set(at - (duration === 0 && isRelative ? end - start : duration), at);
    }
  }

  /** One of them is sane; the other, made with a duration from the network, may not be. */
  #set(start: number, end: number): void {
    this.start = start >= EARLIEST ? start : end;
    this.end = end < LATEST ? end : start;
  }

  /** Takes one MPLS label stack entry of three octets: label 20, experimental 3, bottom 1 (IANA 70 to 79). */
  addLabel(bytes: Uint8Array, offset: number): void {
    const label =
      ((bytes[offset] as number) << 12) | ((bytes[offset + 1] as number) << 4) | ((bytes[offset + 2] as number) >> 4);
    const bottom = (bytes[offset + 2] as number) & 1;
    if (label !== 0 || bottom !== 0) this.#labels.push(label);
  }

  /** The labels taken since the last call, as a text's code. */
  labelsCode(batch: FlowBatch): number {
    if (this.#labels.length === 0) return 0;
    const code = batch.textCode(this.#labels.join(','));
    this.#labels.length = 0;
    return code;
  }

  /** Forgets labels of a record that was cut off. */
  dropLabels(): void {
    this.#labels.length = 0;
  }

  /** applicationId as text, see application-id.ts; 0 without octets. */
  applicationCode(batch: FlowBatch, bytes: Uint8Array, offset: number, length: number): number {
    return length === 0 ? 0 : this.#texts.code(batch, bytes, offset, length, APPLICATION, applicationText);
  }

  /** A list of BGP communities as text, see bgp-communities.ts. */
  communitiesCode(batch: FlowBatch, bytes: Uint8Array, offset: number, length: number): number {
    return this.#texts.code(batch, bytes, offset, length, COMMUNITIES, communitiesText);
  }

  /** UTF-8 text, see `text`. */
  stringCode(batch: FlowBatch, bytes: Uint8Array, offset: number, length: number): number {
    return this.#texts.code(batch, bytes, offset, length, STRING, text);
  }

  /** Hexadecimal digits. */
  hexCode(batch: FlowBatch, bytes: Uint8Array, offset: number, length: number): number {
    return this.#texts.code(batch, bytes, offset, length, HEX, hex);
  }

  /** Copies a field that no column takes to the batch's heap. With `variable`, its length goes before it. Returns the offset. */
  keep(batch: FlowBatch, bytes: Uint8Array, offset: number, length: number, variable: boolean): number {
    const prefix = variable ? (length < 255 ? 1 : 3) : 0;
    const at = batch.heapReserve(prefix + length);
    const heap = batch.heap as Uint8Array;
    if (prefix === 1) heap[at] = length;
    else if (prefix === 3) {
      heap[at] = 255;
      heap[at + 1] = length >>> 8;
      heap[at + 2] = length & 255;
    }
    for (let i = 0; i < length; i++) heap[at + prefix + i] = bytes[offset + i] as number;
    return at;
  }

  /** The columns that the section of a packet at `offset` gives. */
  writeSection(
    plan: SectionPlan,
    batch: FlowBatch,
    row: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): void {
    writeSection(plan, this.#packet, bytes, offset, length, batch, row);
  }

  /** Takes structured data apart and keeps them in the batch's heap, as `extraFields` reads them. `kind` is an index of LIST_TYPES. */
  keepList(batch: FlowBatch, bytes: Uint8Array, offset: number, length: number, kind: number): number {
    const { registry, templates, port } = this;
    const value =
      registry === undefined
        ? { octets: hex(bytes, offset, length) }
        : structuredValue(LIST_TYPES[kind] as ListType, bytes, offset, length, { registry, templates, port });
    const octets = structuredOctets(value);
    const at = batch.heapReserve(4 + octets.length);
    const heap = batch.heap as Uint8Array;
    new DataView(heap.buffer, heap.byteOffset).setUint32(at, octets.length);
    heap.set(octets, at + 4);
    return at;
  }
}

/** The time when it lies in the range of times, else 0. */
function sane(micros: number): number {
  return micros >= EARLIEST && micros < LATEST ? micros : 0;
}
