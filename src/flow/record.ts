import { formatAddress } from '../util/address.ts';
import { isoMicros } from '../util/time.ts';
import { type FlowBatch, forEachRun } from './batch.ts';
import type { ElementValue } from './element-value.ts';
import { extraFields } from './extra.ts';
import type { Layout } from './layout.ts';
import { COLUMNS } from './schema.ts';
import { FIRST_SLOT } from './slots.ts';

/**
 * A record as a plain object, by the schema's column names. Addresses and MAC addresses are text, times ISO 8601 in UTC with µs, codes of our own
 * (`flow_type`, `record_kind` …) their words, counters numbers (bigint above 2⁵³), `extra` an object by element name. Columns the exporter did not send
 * are not there.
 */
export type FlowRecord = Record<string, ElementValue>;

/** The records of a batch one by one, in order. The batch must not change meanwhile. */
export function* records(batch: FlowBatch): Generator<FlowRecord> {
  const runs: [Layout, number, number][] = [];
  forEachRun(batch, (layout, first, end) => runs.push([layout, first, end]));
  for (const [layout, first, end] of runs) {
    for (let row = first; row < end; row++) yield recordAt(batch, layout, row);
  }
}

/** One row of a batch as an object; `layout` is that of the row's run. */
export function recordAt(batch: FlowBatch, layout: Layout, row: number): FlowRecord {
  const record: FlowRecord = {};
  for (const column of layout.columns) {
    const value = columnValue(batch, column, row, layout);
    if (value !== undefined) record[COLUMNS[column]?.name as string] = value;
  }
  return record;
}

/** The value of a schema column in a row, as `FlowRecord` has it; undefined where the row has none. */
function columnValue(batch: FlowBatch, column: number, row: number, layout: Layout): FlowRecord[string] | undefined {
  const definition = COLUMNS[column];
  const slot = FIRST_SLOT[column] as number;
  const array = batch.arrays[slot];
  if (definition === undefined || array === undefined) return undefined;
  switch (definition.type) {
    case 'u8':
    case 'u16':
    case 'u32': {
      const value = array[row] as number;
      return definition.display === 'enum' ? (definition.words?.[value] ?? value) : value;
    }
    case 'u64':
      return wide(array, row);
    case 'time':
      return isoMicros(Number(wide(array, row)));
    case 'mac':
      return macText(array[row * 2] as number, array[row * 2 + 1] as number);
    case 'address': {
      const lower = batch.arrays[slot + 1];
      if (lower === undefined) return undefined;
      const at = row * 2;
      return formatAddress(array[at + 1] as number, array[at] as number, lower[at + 1] as number, lower[at] as number);
    }
    case 'text':
      return array[row] === 0 ? undefined : batch.texts[array[row] as number];
    case 'extra': {
      const offset = array[row] as number;
      return offset === 0 || batch.heap === undefined ? undefined : extraFields(layout, batch.heap, offset - 1);
    }
    default:
      return undefined;
  }
}

/** A 64-bit value as a number, or as a bigint above 2⁵³. */
function wide(array: ArrayLike<number>, row: number): number | bigint {
  const low = array[row * 2] as number;
  const high = array[row * 2 + 1] as number;
  return high < 0x20_0000 ? high * 4_294_967_296 + low : (BigInt(high) << 32n) | BigInt(low);
}

/** A MAC address from the words of its 64-bit value. */
export function macText(low: number, high: number): string {
  const hex = (high & 0xffff).toString(16).padStart(4, '0') + low.toString(16).padStart(8, '0');
  return `${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4, 6)}:${hex.slice(6, 8)}:${hex.slice(8, 10)}:${hex.slice(10)}`;
}
