import duckdb, { type DataChunk, type Vector } from '@duckdb/node-bindings';
import { forEachRun } from '../flow/batch.ts';
import { extraJson } from '../flow/extra.ts';
import type { Layout } from '../flow/layout.ts';
import { SLOT_WIDTH } from '../flow/slots.ts';
import { FILE_COLUMNS, type FileColumn } from './file-columns.ts';
import type { PreparedBatch } from './prepared-batch.ts';
import { createTextCells, fillTexts, type TextCells } from './text-vector.ts';

/** Rows of one of DuckDB's vectors. */
const VECTOR = 2048;
const WORD = 0x1_0000_0000;
const encoder = new TextEncoder();

/** Rows on their way into a COPY, chunk by chunk. */
export interface SegmentSource {
  readonly columns: readonly FileColumn[];
  readonly rows: number;
  /** Puts the next rows into the chunk; 0 at the end. */
  fill(chunk: DataChunk): number;
}

/** The rows of these batches one after the other, with the columns that at least one of them has (see left-out.ts for those it may leave out). */
export function createSegmentSource(batches: readonly PreparedBatch[]): SegmentSource {
  const columns = FILE_COLUMNS.filter(({ slot }) =>
    batches.some(({ presence, zeros }) => presence.has(slot) && !zeros.has(slot)),
  ).map((column) => {
    const isMillis = batches.every(({ presence, millis }) => !presence.has(column.slot) || millis.has(column.slot));
    return column.type === 'TIMESTAMP' && isMillis ? ({ ...column, type: 'TIMESTAMP_MS' } as const) : column;
  });
  const memory = new ArrayBuffer(VECTOR * 16);
  // DuckDB takes rows from memory of this thread only; the batch's arrays may be shared.
  const octets = new Uint8Array(memory);
  const scratch = { cells: new Uint32Array(memory), valid: new Uint8Array(VECTOR / 8) };
  let index = 0;
  let row = 0;
  let cells: TextCells | undefined;
  let mark = 0;

  const fill = (chunk: DataChunk): number => {
    let prepared = batches[index];
    while (prepared !== undefined && row >= prepared.rows) {
      prepared = batches[++index];
      row = 0;
      cells = undefined;
    }
    if (prepared === undefined) return 0;
    const count = Math.min(VECTOR, prepared.rows - row);
    for (let k = 0; k < columns.length; k++) {
      const column = columns[k] as FileColumn;
      const vector = duckdb.data_chunk_get_vector(chunk, k);
      const presence = prepared.presence.get(column.slot);
      const array = prepared.arrays[column.slot];
      const isFull = presence === true || covers(presence, row, row + count);
      scratch.valid.fill(255);
      if (!isFull) clearAbsent(scratch.valid, presence ?? [], row, count);
      if (array === undefined || presence === undefined) {
        if (column.type === 'VARCHAR') clearCells(vector, scratch.cells, count);
        setValidity(vector, scratch.valid, count);
        continue;
      }
      if (column.kind === 'text') {
        cells ??= createTextCells(prepared.batch.texts);
        scratch.cells.fill(0);
        for (const [from, to] of present(presence, row, count))
          fillTexts(vector, cells, array, row, { from, to }, scratch, mark);
        mark++;
        duckdb.copy_data_to_vector(vector, 0, scratch.cells.buffer, 0, count * 16);
        setValidity(vector, scratch.valid, count);
      } else if (column.kind === 'extra') {
        clearCells(vector, scratch.cells, count);
        fillExtra(vector, prepared, array, { first: row, count }, scratch.valid);
        setValidity(vector, scratch.valid, count);
      } else if (column.type === 'TIMESTAMP_MS') {
        toMillis(array, row, count, scratch.cells);
        duckdb.copy_data_to_vector(vector, 0, scratch.cells.buffer, 0, count * 8);
        if (!isFull) setValidity(vector, scratch.valid, count);
      } else {
        const width = SLOT_WIDTH[column.kind];
        octets.set(new Uint8Array(array.buffer, array.byteOffset + row * width, count * width));
        duckdb.copy_data_to_vector(vector, 0, memory, 0, count * width);
        if (!isFull) setValidity(vector, scratch.valid, count);
      }
    }
    row += count;
    return count;
  };
  return { columns, rows: batches.reduce((sum, { rows }) => sum + rows, 0), fill };
}

/** Rows of µs as ms. */
function toMillis(words: ArrayLike<number>, first: number, count: number, into: Uint32Array): void {
  for (let i = 0; i < count; i++) {
    const at = 2 * (first + i);
    const value = Math.floor(((words[at + 1] as number) * WORD + (words[at] as number)) / 1000);
    into[2 * i] = value;
    into[2 * i + 1] = value / WORD;
  }
}

function covers(presence: true | readonly number[] | undefined, first: number, end: number): boolean {
  if (presence === undefined || presence === true) return presence === true;
  for (let i = 0; i < presence.length; i += 2)
    if ((presence[i] as number) <= first && (presence[i + 1] as number) >= end) return true;
  return false;
}

/** The rows of the chunk (from 0) that have a value, as pairs. */
function present(presence: true | readonly number[], first: number, count: number): [number, number][] {
  if (presence === true) return [[0, count]];
  const pairs: [number, number][] = [];
  for (let i = 0; i < presence.length; i += 2) {
    const from = Math.max(0, (presence[i] as number) - first);
    const to = Math.min(count, (presence[i + 1] as number) - first);
    if (from < to) pairs.push([from, to]);
  }
  return pairs;
}

function clearAbsent(valid: Uint8Array, presence: true | readonly number[], first: number, count: number): void {
  valid.fill(0);
  for (const [from, to] of present(presence, first, count))
    for (let row = from; row < to; row++) valid[row >> 3] = (valid[row >> 3] as number) | (1 << (row & 7));
}

function setValidity(vector: Vector, valid: Uint8Array, count: number): void {
  duckdb.vector_ensure_validity_writable(vector);
  // DuckDB's masks are words of 64 rows.
  duckdb.copy_data_to_vector_validity(vector, 0, valid.buffer as ArrayBuffer, 0, Math.ceil(count / 64) * 8);
}

/** Cells of rows without text must be empty all the same: they are copied. */
function clearCells(vector: Vector, cells: Uint32Array<ArrayBuffer>, count: number): void {
  cells.fill(0);
  duckdb.copy_data_to_vector(vector, 0, cells.buffer, 0, count * 16);
}

function fillExtra(
  vector: Vector,
  prepared: PreparedBatch,
  codes: ArrayLike<number>,
  rows: { readonly first: number; readonly count: number },
  valid: Uint8Array,
): void {
  const { heap } = prepared.batch;
  const { first, count } = rows;
  forEachRun(prepared.batch, (layout: Layout, runFirst, runEnd) => {
    for (let row = Math.max(runFirst, first); row < Math.min(runEnd, first + count); row++) {
      const at = row - first;
      const code = layout.extra.length === 0 ? 0 : (codes[row] as number);
      if (code === 0 || heap === undefined) valid[at >> 3] = (valid[at >> 3] as number) & ~(1 << (at & 7));
      else duckdb.vector_assign_string_element_len(vector, at, encoder.encode(extraJson(layout, heap, code - 1)));
    }
  });
}
