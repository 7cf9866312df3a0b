import type { FlowBatch } from '../flow/batch.ts';
import { createLayout, type Layout } from '../flow/layout.ts';
import { COLUMNS, columnIndex } from '../flow/schema.ts';
import { FIRST_SLOT, SLOT_WIDTH, SLOTS } from '../flow/slots.ts';
import type { ImportTarget } from '../store/import.ts';
import type { Address } from '../util/address.ts';
import type { Zone } from '../util/zone.ts';
import { ImportFeed } from './import-feed.ts';
import { type FieldValue, readNfdumpRecord } from './nfdump-fields.ts';
import type { NfdumpRecord } from './nfdump-text.ts';

export interface RecordImport {
  readonly records: number;
  /** Records that could not be read; the first of them, and what was wrong with it. */
  readonly faulty: number;
  readonly firstFault: { readonly number: number; readonly what: string } | undefined;
}

/** Combinations of columns that are remembered; nfdump's records have a handful. */
const MAX_LAYOUTS = 1024;

/** Stores records of nfdump's CSV or JSON. Times without a zone are of `zone`; records that name no exporter are those of `exporter`. */
export async function importRecords(
  target: ImportTarget,
  chunks: AsyncIterable<readonly NfdumpRecord[]>,
  { zone, exporter }: { readonly zone: Zone; readonly exporter: Address | undefined },
): Promise<RecordImport> {
  const feed = new ImportFeed(target);
  const layouts = new Map<string, Layout>();
  let [records, faulty] = [0, 0];
  let firstFault: RecordImport['firstFault'];
  for await (const chunk of chunks) {
    for (const { number, fields } of chunk) {
      const values = readNfdumpRecord(fields, zone, exporter);
      const what = typeof values === 'string' ? values : rangeFault(values);
      if (typeof values === 'string' || what !== undefined) {
        faulty++;
        firstFault ??= { number, what: what ?? '' };
        continue;
      }
      addRow(feed.batch(), layoutOf(layouts, values), values);
      records++;
    }
    await feed.ready();
  }
  feed.flush();
  return { records, faulty, firstFault };
}

function layoutOf(layouts: Map<string, Layout>, values: ReadonlyMap<string, FieldValue>): Layout {
  const names = [...values.keys()];
  const key = names.join();
  let layout = layouts.get(key);
  if (layout === undefined) {
    if (layouts.size >= MAX_LAYOUTS) layouts.clear();
    layout = createLayout(names.map(columnIndex));
    layouts.set(key, layout);
  }
  return layout;
}

/** The name of a column that cannot hold its value. */
function rangeFault(values: ReadonlyMap<string, FieldValue>): string | undefined {
  for (const [name, value] of values) {
    const kind = SLOTS[FIRST_SLOT[columnIndex(name)] as number]?.kind ?? 'u8';
    if (typeof value === 'bigint' && (value < 0n || value >> BigInt(8 * SLOT_WIDTH[kind]) !== 0n)) return name;
  }
  return undefined;
}

function addRow(batch: FlowBatch, layout: Layout, values: ReadonlyMap<string, FieldValue>): void {
  batch.beginRun(layout);
  const row = batch.rows++;
  for (const column of layout.columns) {
    const value = values.get(COLUMNS[column]?.name ?? '');
    const slot = FIRST_SLOT[column] as number;
    const array = batch.arrays[slot];
    if (value === undefined || array === undefined) continue;
    if (typeof value === 'string') array[row] = batch.textCode(value);
    else if (typeof value === 'bigint') {
      if (SLOT_WIDTH[SLOTS[slot]?.kind ?? 'u8'] < 8) array[row] = Number(value);
      else {
        array[2 * row] = Number(value & 0xffff_ffffn);
        array[2 * row + 1] = Number(value >> 32n);
      }
    } else {
      // An address: words from the highest to the lowest; slots hold the low word first.
      const [w0, w1, w2, w3] = value;
      array[2 * row] = w1;
      array[2 * row + 1] = w0;
      const low = batch.arrays[slot + 1];
      if (low === undefined) continue;
      low[2 * row] = w3;
      low[2 * row + 1] = w2;
    }
  }
}
