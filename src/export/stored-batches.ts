import { compileFilterSql, filterFileColumns } from '../filter/sql.ts';
import type { FilterNode } from '../filter/tree.ts';
import { type Anonymity, treatmentOf } from '../flow/anonymity.ts';
import { FlowBatch } from '../flow/batch.ts';
import { createLayout, type Layout } from '../flow/layout.ts';
import { COLUMNS, COMMON_COLUMNS, columnIndex } from '../flow/schema.ts';
import { SLOT_WIDTH, SLOTS, type SlotArray, slotOf } from '../flow/slots.ts';
import { type QueryDuck, type Rows, stringAt } from '../query/duck.ts';
import { hasValues, type Source, spanColumns, sqlSource, sqlSpan } from '../query/source.ts';
import { sqlName } from '../query/sql-text.ts';
import { FILE_COLUMNS, type FileColumn } from '../store/file-columns.ts';
import { replaceAddresses } from './anonymize-batch.ts';
import type { ElementNumbers } from './element-numbers.ts';
import { type ExtraOctets, extraOctets, keepExtra, parseExtra } from './extra-values.ts';

/** Stored records as a batch again, with when they were received. */
export interface StoredBatch {
  readonly batch: FlowBatch;
  /** Arrival of the last of them, ms since the epoch. */
  readonly receivedMillis: number;
}

const ALWAYS = new Set(COMMON_COLUMNS.map(columnIndex));
const RECEIVED = slotOf('time_received');
const START = slotOf('time_start');
const END = slotOf('time_end');
/** Records that came so long after the first of a batch go into the next one: a message tells one time for all of its records. ms. */
const SPAN = 1000;
/** Layouts kept from one part of the result to the next. */
const MOST_LAYOUTS = 4096;

/** A column of the result, with where its values go. */
interface Column {
  readonly file: FileColumn;
  /** Number of the vector. */
  readonly at: number;
}

/**
 * The records of a source that match the filter, in order of arrival, as batches of at most a second. `elements` says what the names in `extra` are. With
 * `anonymity`, addresses are replaced and what is to be dropped is not read. Throws what DuckDB does.
 */
export async function* storedBatches(
  duck: QueryDuck,
  source: Source,
  filter: FilterNode,
  elements: ElementNumbers,
  anonymity?: Anonymity,
): AsyncGenerator<StoredBatch> {
  // Nothing lies in the span.
  if (source.segments.length === 0) return;
  const files = FILE_COLUMNS.filter((file) => hasValues(source, file.name) && !isDropped(file, anonymity));
  const columns = files.map((file, at): Column => ({ file, at }));
  const layouts = new Map<string, Layout>();
  for await (const rows of duck.stream(statement(source, filter, files))) {
    if (layouts.size > MOST_LAYOUTS) layouts.clear();
    for (const stored of batchesOf(rows, columns, elements, layouts)) {
      if (anonymity !== undefined) replaceAddresses(stored.batch, anonymity);
      yield stored;
    }
  }
}

function isDropped({ slot }: FileColumn, anonymity: Anonymity | undefined): boolean {
  const column = COLUMNS[SLOTS[slot]?.column ?? -1];
  return (
    anonymity !== undefined && column !== undefined && treatmentOf(column.name, column.type, anonymity) === 'dropped'
  );
}

function statement(source: Source, filter: FilterNode, files: readonly FileColumn[]): string {
  const needs = new Set([...files.map(({ name }) => name), ...spanColumns(source), ...filterFileColumns(filter)]);
  // Files differ in the type of times; in a result they are all µs.
  const list = files.map(({ name, type }) => (type === 'TIMESTAMP' ? `${sqlName(name)}::TIMESTAMP` : sqlName(name)));
  return `SELECT ${list.join(', ')} FROM ${sqlSource(source, needs)}${rowConditions(source, filter)} ORDER BY ${sqlName('time_received')}, ${sqlName('time_start')}`;
}

/** The WHERE of the rows of a source that match a filter; empty when all do. */
export function rowConditions(source: Source, filter: FilterNode): string {
  const conditions = sqlSpan(source);
  if (filter.kind !== 'any') conditions.push(compileFilterSql(filter));
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
}

function* batchesOf(
  rows: Rows,
  columns: readonly Column[],
  elements: ElementNumbers,
  layouts: Map<string, Layout>,
): Generator<StoredBatch> {
  const { count } = rows;
  const batch = new FlowBatch(count);
  const presence = presenceOf(rows, columns);
  const words = Math.ceil(columns.length / 32);
  const isSame = (row: number): boolean => {
    for (let i = 0; i < words; i++) if (presence[row * words + i] !== presence[(row - 1) * words + i]) return false;
    return true;
  };
  const extraAt = extraReader(rows, columns, elements);
  let last: string | undefined;
  for (let row = 0; row < count; row++) {
    batch.rows = row;
    const extra = extraAt(row);
    if (row === 0 || !isSame(row) || extra?.key !== last)
      batch.beginRun(layoutOf(presence.subarray(row * words, (row + 1) * words), columns, extra, layouts));
    if (extra !== undefined) keepExtra(batch, row, extra);
    last = extra?.key;
  }
  batch.rows = count;
  for (const { file, at } of columns) fill(batch, file, rows, at);
  const received = millisOf(batch.arrays[RECEIVED], count);
  for (let first = 0; first < count; ) {
    let end = first + 1;
    while (end < count && (received[end] as number) - (received[first] as number) < SPAN) end++;
    const receivedMillis = received[end - 1] as number;
    yield { batch: first === 0 && end === count ? batch : slice(batch, first, end), receivedMillis };
    first = end;
  }
}

/** One bit for each column and row: whether there is a value. */
function presenceOf(rows: Rows, columns: readonly Column[]): Uint32Array {
  const words = Math.ceil(columns.length / 32);
  const presence = new Uint32Array(rows.count * words);
  columns.forEach(({ at, file }, index) => {
    const { validity } = rows.values(at, SLOT_WIDTH[file.kind]);
    const bit = 1 << (index % 32);
    for (let row = 0; row < rows.count; row++) {
      if (validity !== null && ((validity[row >> 3] ?? 0) & (1 << (row & 7))) === 0) continue;
      const word = row * words + (index >> 5);
      presence[word] = (presence[word] as number) | bit;
    }
  });
  return presence;
}

/** Reads what a row has in `extra`. */
function extraReader(
  rows: Rows,
  columns: readonly Column[],
  elements: ElementNumbers,
): (row: number) => ExtraOctets | undefined {
  const column = columns.find(({ file }) => file.kind === 'extra');
  if (column === undefined) return () => undefined;
  const { bytes, validity } = rows.values(column.at, 16);
  return (row) => {
    if (validity !== null && ((validity[row >> 3] ?? 0) & (1 << (row & 7))) === 0) return undefined;
    return extraOctets(parseExtra(stringAt(bytes, row)), elements);
  };
}

function layoutOf(
  bits: Uint32Array,
  columns: readonly Column[],
  extra: ExtraOctets | undefined,
  layouts: Map<string, Layout>,
): Layout {
  const key = `${bits.join(' ')} ${extra?.key ?? ''}`;
  let layout = layouts.get(key);
  if (layout === undefined) {
    const present = columns.filter((_, index) => ((bits[index >> 5] as number) & (1 << (index % 32))) !== 0);
    layout = createLayout([...ALWAYS, ...present.map(({ file }) => SLOTS[file.slot]?.column ?? 0)], extra?.fields);
    layouts.set(key, layout);
  }
  return layout;
}

/** Copies the values of a column; `time_end` is the start and the duration that the file has instead. */
function fill(batch: FlowBatch, { slot, kind, type }: FileColumn, rows: Rows, at: number): void {
  const array = batch.arrays[slot];
  // `extra` is there already, with the layouts that it makes.
  if (array === undefined || kind === 'extra') return;
  if (type === 'VARCHAR') {
    const { bytes, validity } = rows.values(at, 16);
    for (let row = 0; row < rows.count; row++) {
      const isThere = validity === null || ((validity[row >> 3] ?? 0) & (1 << (row & 7))) !== 0;
      array[row] = isThere ? batch.textCode(stringAt(bytes, row)) : 0;
    }
    return;
  }
  const { bytes } = rows.values(at, SLOT_WIDTH[kind]);
  new Uint8Array(array.buffer, array.byteOffset, bytes.length).set(bytes);
  if (slot !== END) return;
  const start = batch.arrays[START];
  for (let low = 0; low < rows.count * 2; low += 2) {
    const micros = wide(start, low) + Number((BigInt(array[low + 1] as number) << 32n) | BigInt(array[low] as number));
    array[low] = micros >>> 0;
    array[low + 1] = Math.floor(micros / 4_294_967_296);
  }
}

function wide(words: SlotArray | undefined, low: number): number {
  return (words?.[low + 1] ?? 0) * 4_294_967_296 + (words?.[low] ?? 0);
}

function millisOf(words: SlotArray | undefined, count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, row) => Math.floor(wide(words, row * 2) / 1000));
}

/** Rows [first, end) as a batch over the same memory. */
function slice(batch: FlowBatch, first: number, end: number): FlowBatch {
  const arrays = batch.arrays.map((array, slot) => {
    const width = SLOT_WIDTH[SLOTS[slot]?.kind ?? 'u8'] === 8 ? 2 : 1;
    return array?.subarray(first * width, end * width);
  });
  const runs: number[] = [];
  for (let i = 0; i < batch.runs.length; i += 2) {
    const from = batch.runs[i] as number;
    const to = batch.runs[i + 2] ?? batch.rows;
    if (to > first && from < end) runs.push(Math.max(0, from - first), batch.runs[i + 1] as number);
  }
  const { layouts, texts, heap, heapUsed } = batch;
  return FlowBatch.fromMessage({
    rows: end - first,
    capacity: end - first,
    arrays,
    layouts,
    runs,
    texts,
    heap,
    heapUsed,
  });
}
