import { sqlFileList, sqlText } from '../util/sql-text.ts';
import type { SegmentEntry } from './catalogue.ts';
import { FILE_COLUMNS } from './file-columns.ts';
import { LEFT_OUT_WHEN_ZERO, zeroWhereLeftOut } from './left-out.ts';
import { copyOptions, MERGED } from './parquet.ts';
import type { RowKind } from './paths.ts';
import { SMALL_TABLES } from './small-tables.ts';

/** What the merging process is asked to do; paths are relative to the data folder, which is its working directory. */
export interface MergeRequest {
  readonly kind: RowKind;
  readonly inputs: readonly string[];
  readonly columns: readonly string[];
  readonly output: string;
  /** The time buckets that rows are sorted by first: where the first begins, and their length, µs. */
  readonly buckets: { readonly from: number; readonly length: number };
}

export type MergeAnswer =
  | {
      readonly rows: number;
      /** Flows that the rows count, of a roll-up. */
      readonly flows?: number;
      /** Of the file. */
      readonly sha256: string;
      readonly milliseconds: number;
      readonly residentBytes: number;
    }
  | { readonly error: string; readonly damaged: readonly string[] };

/** Rows that a time bucket should have at least, and its least length, µs: within that, sorting by address alone is smallest. */
const BUCKET_ROWS = MERGED.rowGroup;
const LEAST_BUCKET = 600_000_000;

/** The columns of the merged file, in the order of files. */
export function mergedColumns(kind: RowKind, inputs: readonly SegmentEntry[]): string[] {
  const present = new Set(inputs.flatMap(({ columns }) => columns));
  const all =
    kind === 'flows' ? FILE_COLUMNS.map(({ name }) => name) : SMALL_TABLES[kind].columns.map(([name]) => name);
  return all.filter((name) => present.has(name));
}

/** Time buckets from the first row on, so long that each has enough rows: one for a busy site, hours for a quiet one. */
export function timeBuckets(inputs: readonly SegmentEntry[]): { readonly from: number; readonly length: number } {
  const rows = inputs.reduce((sum, entry) => sum + entry.rows, 0);
  const from = Math.min(...inputs.map(({ minReceived }) => minReceived));
  const last = Math.max(...inputs.map(({ maxReceived }) => maxReceived));
  const buckets = Math.max(1, Math.floor(rows / BUCKET_ROWS));
  return { from, length: Math.max(LEAST_BUCKET, Math.ceil((last - from + 1) / buckets)) };
}

/** The statement that tells which columns are whole milliseconds, file by file. */
export function millisSql({ inputs }: Pick<MergeRequest, 'inputs'>): string {
  return `SELECT name, count(*) FROM parquet_schema(${sqlFileList(inputs)}) WHERE converted_type = 'TIMESTAMP_MILLIS' GROUP BY name`;
}

/** The statement that merges; `millis` are the columns that are whole milliseconds in all inputs. */
export function mergeSql(request: MergeRequest, millis: ReadonlySet<string>): string {
  const { kind, inputs, columns, output, buckets } = request;
  const has = (name: string) => columns.includes(name);
  const { time, order: sortKeys } = kind === 'flows' ? FLOWS : SMALL_TABLES[kind];
  const bucket = has(time) ? [`(epoch_us("${time}") - ${buckets.from}) // ${buckets.length}`] : [];
  const keys = sortKeys.filter(has).map((name) => `"${name}"`);
  const order = [...bucket, ...keys];
  const values = columns.map((name) => {
    if (millis.has(name)) return `"${name}"::TIMESTAMP_MS AS "${name}"`;
    const leftOut = kind === 'flows' ? LEFT_OUT_WHEN_ZERO.find((one) => one.name === name) : undefined;
    if (leftOut === undefined || (leftOut.witness !== undefined && !has(leftOut.witness))) return `"${name}"`;
    return `${zeroWhereLeftOut(leftOut)} AS "${name}"`;
  });
  const select = `SELECT ${values.join(', ')} FROM read_parquet(${sqlFileList(inputs)}, union_by_name = true)`;
  const sort = order.length === 0 ? '' : ` ORDER BY ${order.join(', ')}`;
  return `COPY (${select}${sort}) TO ${sqlText(output)} ${copyOptions(MERGED)}`;
}

const FLOWS = { time: 'time_received', order: ['src_addr_hi', 'src_addr_lo', 'dst_addr_hi', 'dst_addr_lo'] } as const;
