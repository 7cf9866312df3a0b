import type { Address } from '../util/address.ts';
import { columnIndex } from './schema.ts';
import { FIRST_SLOT, type SlotArray } from './slots.ts';

/** What all records of a message have in common, as far as the collector and not the exporter says it. */
export interface MessageValues {
  /** Exporter's address, four words in network order. */
  readonly exporter0: number;
  readonly exporter1: number;
  readonly exporter2: number;
  readonly exporter3: number;
  readonly observationDomain: number;
  /** Code of FLOW_TYPES. */
  readonly flowType: number;
  /** Arrival, µs since the epoch. */
  readonly receivedMicros: number;
}

const slot = (name: string): number => FIRST_SLOT[columnIndex(name)] as number;
const RECEIVED = slot('time_received');
const EXPORTER = slot('exporter');
const DOMAIN = slot('observation_domain');
const FLOW_TYPE = slot('flow_type');

const SENDER = slot('sender');

/** Numbers of one entry of `#exporters`: first row, four words, domain, flow type. */
const ENTRY = 7;

/**
 * The values that the rows of a message share, noted where they change and put into the columns later, many rows at a time. Writing them
 * with each record took a fifth of the decoding time.
 */
export class SharedValues {
  /** Pairs (first row, µs). */
  readonly #arrivals: number[] = [];
  readonly #exporters: number[] = [];
  /** First row and four words, where the sender has a column. */
  readonly #senders: number[] = [];
  #received = -1;
  #exporter0 = -1;
  #exporter1 = -1;
  #exporter2 = -1;
  #exporter3 = -1;
  #domain = -1;
  #flowType = -1;

  /** Rows from `row` on have these values. */
  note(row: number, values: MessageValues): void {
    if (values.receivedMicros !== this.#received) {
      this.#received = values.receivedMicros;
      this.#arrivals.push(row, values.receivedMicros);
    }
    if (
      values.exporter3 === this.#exporter3 &&
      values.observationDomain === this.#domain &&
      values.flowType === this.#flowType &&
      values.exporter2 === this.#exporter2 &&
      values.exporter1 === this.#exporter1 &&
      values.exporter0 === this.#exporter0
    )
      return;
    this.#exporter0 = values.exporter0;
    this.#exporter1 = values.exporter1;
    this.#exporter2 = values.exporter2;
    this.#exporter3 = values.exporter3;
    this.#domain = values.observationDomain;
    this.#flowType = values.flowType;
    const { exporter0, exporter1, exporter2, exporter3, observationDomain, flowType } = values;
    this.#exporters.push(row, exporter0, exporter1, exporter2, exporter3, observationDomain, flowType);
  }

  /** Rows from `row` on came from this address, which is not the exporter's; their layout has the column `sender`. */
  noteSender(row: number, [w0, w1, w2, w3]: Address): void {
    const senders = this.#senders;
    const last = senders.length - 5;
    const isSame =
      last >= 0 &&
      senders[last + 4] === w3 &&
      senders[last + 3] === w2 &&
      senders[last + 2] === w1 &&
      senders[last + 1] === w0;
    if (!isSame) senders.push(row, w0, w1, w2, w3);
  }

  /** Puts the values noted into the columns, up to row `rows`, and forgets them. */
  fill(arrays: readonly (SlotArray | undefined)[], rows: number): void {
    const arrivals = this.#arrivals;
    for (let i = 0; i < arrivals.length; i += 2) {
      const micros = arrivals[i + 1] as number;
      const end = i + 2 < arrivals.length ? (arrivals[i + 2] as number) : rows;
      fillWide(arrays[RECEIVED], arrivals[i] as number, end, micros >>> 0, micros / 4_294_967_296);
    }
    const exporters = this.#exporters;
    for (let i = 0; i < exporters.length; i += ENTRY) {
      const first = exporters[i] as number;
      const end = i + ENTRY < exporters.length ? (exporters[i + ENTRY] as number) : rows;
      fillWide(arrays[EXPORTER], first, end, exporters[i + 2] as number, exporters[i + 1] as number);
      fillWide(arrays[EXPORTER + 1], first, end, exporters[i + 4] as number, exporters[i + 3] as number);
      arrays[DOMAIN]?.fill(exporters[i + 5] as number, first, end);
      arrays[FLOW_TYPE]?.fill(exporters[i + 6] as number, first, end);
    }
    const senders = this.#senders;
    for (let i = 0; i < senders.length; i += 5) {
      const first = senders[i] as number;
      const end = i + 5 < senders.length ? (senders[i + 5] as number) : rows;
      fillWide(arrays[SENDER], first, end, senders[i + 2] as number, senders[i + 1] as number);
      fillWide(arrays[SENDER + 1], first, end, senders[i + 4] as number, senders[i + 3] as number);
    }
    this.clear();
  }

  clear(): void {
    this.#arrivals.length = 0;
    this.#exporters.length = 0;
    this.#senders.length = 0;
    this.#received = -1;
    this.#domain = -1;
  }
}

function fillWide(words: SlotArray | undefined, first: number, end: number, low: number, high: number): void {
  if (words === undefined) return;
  for (let at = first * 2; at < end * 2; at += 2) {
    words[at] = low;
    words[at + 1] = high;
  }
}
