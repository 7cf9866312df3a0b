import type { FlowRecord } from '#weir/flow/record.js';
import type { CounterRow } from '#weir/session/counter-row.js';
import type { MessageDecoderOptions } from '#weir/session/message-decoder.js';
import { type TestDecoder, testDecoder } from './decoder.ts';

export interface SflowTestDecoder extends TestDecoder {
  /** Counter rows that came since the last call. */
  takeCounters(): CounterRow[];
}

/** A message decoder whose counters are gathered. */
export function sflowDecoder(options: Partial<MessageDecoderOptions> = {}): SflowTestDecoder {
  let rows: CounterRow[] = [];
  const decoder = testDecoder({ counters: { counters: (row) => rows.push(row) }, ...options });
  return {
    ...decoder,
    takeCounters() {
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
