import type { FlowRecord } from '#weir/flow/record.js';
import type { CounterRow } from '#weir/session/counter-row.js';
import type { DomainCounters } from '#weir/session/domain.js';
import type { MessageDecoder, MessageDecoderOptions } from '#weir/session/message-decoder.js';
import { testDecoder } from './decoder.ts';

export interface SflowTestDecoder {
  readonly decoder: MessageDecoder;
  readonly feed: (datagram: Uint8Array, from?: string, receivedMicros?: number) => FlowRecord[];
  readonly counters: (from?: string, domain?: number) => DomainCounters;
  readonly faults: () => Record<string, number>;
  /** Counter rows that came since the last call. */
  readonly takeCounters: () => CounterRow[];
}

/** A message decoder whose counters are gathered. */
export function sflowDecoder(options: Partial<MessageDecoderOptions> = {}): SflowTestDecoder {
  let rows: CounterRow[] = [];
  const test = testDecoder({ counters: { counters: (row) => rows.push(row) }, ...options });
  return {
    decoder: test.decoder,
    feed: (datagram, from, receivedMicros) => test.feed(datagram, from, receivedMicros),
    counters: (from, domain) => test.counters(from, domain),
    faults: () => test.faults(),
    takeCounters: () => {
      const taken = rows;
      rows = [];
      return taken;
    },
  };
}

/** The only record of a datagram. */
export function one(records: readonly FlowRecord[]): FlowRecord {
  if (records.length !== 1) throw new Error(`${records.length} records, not one`);
  return records[0] as FlowRecord;
}
