import type { SegmentEntry } from './catalogue.ts';
import { copyOptions, globEscape, literal, MERGED } from './duck.ts';
import { FILE_COLUMNS, QUALITY_COLUMNS } from './file-columns.ts';
import type { Kind } from './paths.ts';

/** What the merging process is asked to do; paths are relative to the data folder, which is its working directory. */
export interface MergeRequest {
  readonly kind: Kind;
  readonly inputs: readonly string[];
  readonly columns: readonly string[];
  readonly output: string;
  /** Length of the time buckets that rows are sorted by first, µs. */
  readonly bucketMicros: number;
}

export type MergeAnswer =
  | { readonly rows: number; readonly milliseconds: number }
  | { readonly error: string; readonly damaged: readonly string[] };

/** Rows that a time bucket should have at least: small buckets make pruning by time sharper and files larger. */
const BUCKET_ROWS = 250_000;

/** The columns of the merged file, in the order of files. */
export function mergedColumns(kind: Kind, inputs: readonly SegmentEntry[]): string[] {
  const present = new Set(inputs.flatMap(({ columns }) => columns));
  const all = kind === 'flows' ? FILE_COLUMNS.map(({ name }) => name) : QUALITY_COLUMNS.map(([name]) => name);
  return all.filter((name) => present.has(name));
}

/** Buckets of a whole number of minutes, so long that each has enough rows. */
export function bucketMicros(inputs: readonly SegmentEntry[]): number {
  const rows = inputs.reduce((sum, entry) => sum + entry.rows, 0);
  const first = Math.min(...inputs.map(({ minReceived }) => minReceived));
  const last = Math.max(...inputs.map(({ maxReceived }) => maxReceived));
  const buckets = Math.max(1, Math.floor(rows / BUCKET_ROWS));
  return Math.max(1, Math.ceil((last - first + 1) / buckets / 60_000_000)) * 60_000_000;
}

/** The statement that merges. */
export function mergeSql({ kind, inputs, columns, output, bucketMicros: micros }: MergeRequest): string {
  const files = inputs.map((file) => literal(globEscape(file))).join(', ');
  const has = (name: string) => columns.includes(name);
  const time = kind === 'quality' ? 'minute' : 'time_received';
  const bucket = has(time) ? [`epoch_us("${time}") // ${micros}`] : [];
  const keys = (kind === 'quality' ? ['minute', 'exporter'] : SORT_KEYS).filter(has).map((name) => `"${name}"`);
  const order = [...bucket, ...keys];
  return `COPY (SELECT ${columns.map((name) => `"${name}"`).join(', ')} FROM read_parquet([${files}], union_by_name = true)${
    order.length === 0 ? '' : ` ORDER BY ${order.join(', ')}`
  }) TO ${literal(output)} ${copyOptions(MERGED)}`;
}

const SORT_KEYS = ['src_addr_hi', 'src_addr_lo', 'dst_addr_hi', 'dst_addr_lo'] as const;
