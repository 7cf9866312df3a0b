import type { FlowBatch } from '../flow/batch.ts';
import { u32, unsigned } from '../util/octets.ts';

/* Cells of a batch's arrays, for the interpreter; a column that the layout does not have takes nothing. */

export type Columns = FlowBatch['arrays'];

/** An integer of 1–8 octets as a double, rounded once (above 2⁵³) as compiled plans do it. */
export function wide(bytes: Uint8Array, at: number, length: number): number {
  if (length <= 4) return unsigned(bytes, at, length);
  return unsigned(bytes, at, length - 4) * 4_294_967_296 + u32(bytes, at + length - 4);
}

/** The number at `index` of a slot's array. */
export function get(columns: Columns, slot: number, index: number): number {
  return columns[slot]?.[index] as number;
}

/** Writes it. */
export function put(columns: Columns, slot: number, index: number, value: number): void {
  const column = columns[slot];
  if (column !== undefined) column[index] = value;
}

/** Two words, low first; `value` below 2⁵³. */
export function putWide(columns: Columns, slot: number, row: number, value: number): void {
  put(columns, slot, row * 2, value >>> 0);
  put(columns, slot, row * 2 + 1, value / 4_294_967_296);
}
