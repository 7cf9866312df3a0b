import { createElementRegistry } from '#weir/elements/registry.js';
import type { FlowRecord } from '#weir/flow/record.js';
import type { CounterRow } from '#weir/session/counter-row.js';
import { elementRecords } from '#weir/session/element-records.js';
import type { NameFact } from '#weir/session/name-facts.js';
import { type MessageHeader, readHeader } from '#weir/session/single-datagram-header.js';
import { u16 } from '#weir/util/octets.js';
import type { TemplateRecord } from '#weir/wire/template.js';
import { sflowDecoder } from '../session/sflow-tools.ts';
import type { CaseDatagram } from './datagrams.ts';
import { counterElements, sampleElements } from './sflow-samples.ts';

/** All that Netweir says of one record. */
export interface DecodedRecord {
  readonly kind: 'data' | 'options' | 'counters';
  /** Of the message that brought the record, or, where it had to wait, its template. */
  readonly header: MessageHeader;
  /** Address of who sent it. */
  readonly exporter: string;
  /** Id of the set, which is the template's; 0 where a record had to wait, and in formats without. */
  readonly setId: number;
  /** Our columns; empty for options data and counters. */
  readonly columns: FlowRecord;
  /** As on the wire, by the elements' names; scope fields by theirs. Of sFlow what the sample says of itself, or all counters of a sample. */
  readonly elements: Readonly<Record<string, unknown>>;
}

/** All that Netweir makes of a case. */
export interface DecodedCase {
  readonly records: DecodedRecord[];
  readonly headers: MessageHeader[];
  readonly templates: TemplateRecord[];
  readonly counters: CounterRow[];
  readonly names: NameFact[];
}

const registry = createElementRegistry();

/** Decodes the datagrams of a case once, and keeps what comes of them in every form that Netweir has. */
export function decodeWhole(datagrams: readonly CaseDatagram[]): DecodedCase {
  const found: DecodedCase = { records: [], headers: [], templates: [], counters: [], names: [] };
  let header: MessageHeader = { version: 0 };
  let exporter = '';
  let onWire: Omit<DecodedRecord, 'kind' | 'columns' | 'exporter'>[] = [];
  const decoder = sflowDecoder({
    observer: {
      data: (plan, bytes, start, end, { registry: elements = registry, templates, port }) => {
        // What had to wait is a copy of the set's content, with no message before it.
        const mine = start > 0 ? headerAt(bytes, start) : header;
        const setId = mine.version >= 9 && start > 0 ? u16(bytes, start - 4) : 0;
        for (const values of elementRecords(plan, bytes, start, end, { registry: elements, templates, port }))
          onWire.push({ header: mine, setId, elements: values });
      },
      options: (_, setId, { scope, fields }) =>
        found.records.push({
          kind: 'options',
          exporter,
          header,
          setId,
          columns: {},
          elements: { ...fields, ...scope },
        }),
      name: (_, fact) => found.names.push(fact),
      template: (_, event) => {
        if ('record' in event) found.templates.push(event.record);
      },
    },
  });
  for (const { host, port, payload } of datagrams) {
    header = readHeader(payload);
    exporter = host;
    found.headers.push(...messages(payload).map((start) => readHeader(payload.subarray(start))));
    onWire = [];
    const samples = sampleElements(payload);
    decoder.feed(payload, `${host}/${port}`).forEach((columns, index) => {
      const { elements, ...rest } = onWire[index] ?? { header, setId: 0, elements: samples[index] ?? {} };
      found.records.push({ kind: 'data', exporter, ...rest, columns, elements });
    });
    const rows = decoder.takeCounters();
    found.counters.push(...rows);
    for (const elements of counterElements(rows))
      found.records.push({ kind: 'counters', exporter, header, setId: 0, columns: {}, elements });
  }
  return found;
}

/** Where the messages of a datagram begin: IPFIX allows several, one behind the other. */
function messages(payload: Uint8Array): number[] {
  const starts = [0];
  for (;;) {
    const start = starts.at(-1) ?? 0;
    const header = readHeader(payload.subarray(start));
    const next = start + Number(header['length'] ?? 0);
    if (header.version !== 10 || next <= start || next + 16 > payload.length) return starts;
    starts.push(next);
  }
}

function headerAt(payload: Uint8Array, offset: number): MessageHeader {
  return readHeader(payload.subarray(messages(payload).findLast((start) => start <= offset) ?? 0));
}

/** What is no record of a datagram in the form of one: for comparing headers, templates, sums. */
export function asRecord(elements: Readonly<Record<string, unknown>>): DecodedRecord {
  return { kind: 'data', header: { version: 0 }, exporter: '', setId: 0, columns: {}, elements };
}
