import { DuckDBInstance } from '@duckdb/node-api';
import { FlowBatch } from '#weir/flow/batch.js';
import { createLayout, type ExtraField, type Layout } from '#weir/flow/layout.js';
import { COLUMNS, columnIndex } from '#weir/flow/schema.js';
import { FIRST_SLOT, SLOTS } from '#weir/flow/slots.js';
import { holdsFlows, readCatalogue } from '#weir/store/catalogue.js';
import { FlowStore, type FlowStoreOptions } from '#weir/store/flow-store.js';
import { FOLDERS } from '#weir/store/paths.js';

/** Values of one row by column: numbers, bigint for 64 bits and addresses, text; octets for `extra`. */
export type Row = Readonly<Record<string, number | bigint | string | Uint8Array>>;

export const silent = { info: () => {}, warn: () => {}, error: () => {} };

export function layoutOf(names: readonly string[], extra: readonly ExtraField[] = []): Layout {
  return createLayout(names.map(columnIndex), extra);
}

/** Writes rows of one layout into the batch. */
export function addRows(batch: FlowBatch, layout: Layout, rows: readonly Row[]): void {
  batch.beginRun(layout);
  for (const row of rows) {
    for (const column of layout.columns) setValue(batch, column, row[COLUMNS[column]?.name ?? '']);
    batch.rows++;
  }
}

function setValue(batch: FlowBatch, column: number, value: Row[string] | undefined): void {
  const slot = FIRST_SLOT[column] as number;
  const array = batch.arrays[slot];
  const at = batch.rows;
  if (array === undefined) throw new Error('the layout has no such column');
  const type = COLUMNS[column]?.type;
  if (type === 'text') array[at] = batch.textCode(String(value ?? ''));
  else if (type === 'extra') {
    if (!(value instanceof Uint8Array)) array[at] = 0;
    else {
      const offset = batch.heapReserve(value.length);
      batch.heap?.set(value, offset);
      array[at] = offset + 1;
    }
  } else if (type === 'address') {
    const bits = value as bigint;
    setWords(array, at, bits >> 64n);
    const low = batch.arrays[slot + 1];
    if (low !== undefined) setWords(low, at, bits & 0xffffffffffffffffn);
  } else if (SLOTS[slot]?.kind === 'u64' || type === 'time') setWords(array, at, value as bigint);
  else array[at] = Number(value);
}

function setWords(array: { [index: number]: number }, at: number, value: bigint): void {
  array[2 * at] = Number(value & 0xffffffffn);
  array[2 * at + 1] = Number(value >> 32n);
}

/** The layout and rows of plain flows: `count` rows numbered from `first` in `flow_id`, received one ms after the other. */
export const PLAIN = layoutOf([
  'time_received',
  'time_start',
  'time_end',
  'src_addr',
  'dst_addr',
  'src_port',
  'proto',
  'bytes',
  'packets',
  'flow_id',
]);

export function plainRows(first: number, count: number, startMs: number): Row[] {
  return Array.from({ length: count }, (_, i): Row => {
    const id = first + i;
    const received = BigInt(startMs + i) * 1000n;
    return {
      time_received: received,
      time_start: received - 5_000_000n,
      time_end: received - 1_000_000n,
      src_addr: 0xffff0a000000n + BigInt((id * 7919) % 5000),
      dst_addr: 0xffffc0a80000n + BigInt((id * 104_729) % 3000),
      src_port: id % 65_536,
      proto: 6,
      bytes: BigInt(scramble(id)),
      packets: BigInt((id % 50) + 1),
      flow_id: BigInt(id),
    };
  });
}

/** 32 bits that no encoding makes smaller. */
function scramble(n: number): number {
  let x = Math.imul(n ^ (n >>> 15), 0x2c1b3c6d);
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39);
  return (x ^ (x >>> 15)) >>> 0;
}

export function plainBatch(first: number, count: number, startMs: number): FlowBatch {
  const batch = new FlowBatch();
  addRows(batch, PLAIN, plainRows(first, count, startMs));
  return batch;
}

/** Waits for something that another thread or process does. */
export async function until(isTrue: () => boolean | Promise<boolean>, what: string, ms = 40_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function createStore(dir: string, options: Partial<FlowStoreOptions> = {}): FlowStore {
  return new FlowStore({ dir, maxQueueBytes: 256 << 20, now: Date.now, log: silent, tickMillis: 50, ...options });
}

/** Runs SQL over what the catalogue lists: `flows` and the small tables. Values as JSON, 64-bit numbers as text. */
export async function ask(dir: string, sql: string): Promise<unknown[][]> {
  const { segments } = await readCatalogue(dir);
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  try {
    for (const name of Object.keys(FOLDERS)) {
      const files = segments
        .filter((entry) => (holdsFlows(entry) ? 'flows' : entry.tier) === name)
        .map(({ file }) => `'${dir}/${file}'`);
      if (files.length === 0) continue;
      await connection.run(`CREATE VIEW ${name} AS FROM read_parquet([${files.join(',')}], union_by_name = true)`);
    }
    return (await connection.runAndReadAll(sql)).getRowsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** How many rows there are, and how many different ones by `flow_id`. */
export async function countIds(dir: string): Promise<{ rows: number; ids: number; max: number }> {
  const { segments } = await readCatalogue(dir);
  if (!segments.some(holdsFlows)) return { rows: 0, ids: 0, max: -1 };
  const [row] = await ask(dir, 'SELECT count(*), count(DISTINCT flow_id), max(flow_id) FROM flows');
  return { rows: Number(row?.[0]), ids: Number(row?.[1]), max: Number(row?.[2]) };
}
