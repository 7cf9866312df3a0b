import type { FileColumn } from '../store/file-columns.ts';
import { FILE_COLUMNS } from '../store/file-columns.ts';
import { sqlFileList } from '../util/sql-text.ts';

/** Quoted name of a column. */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A point in time as an SQL literal that DuckDB compares with a file's statistics. */
export function sqlTime(micros: bigint): string {
  return `make_timestamp(${micros}::BIGINT)`;
}

/** `read_parquet` over exactly these files: characters that would match several stand for themselves. */
export function sqlFiles(files: readonly string[], byName: boolean): string {
  return `read_parquet(${sqlFileList(files)}${byName ? ', union_by_name = true' : ''})`;
}

const TYPES: ReadonlyMap<string, FileColumn['type']> = new Map(FILE_COLUMNS.map(({ name, type }) => [name, type]));

/** DuckDB's type of a column of the files. */
export function fileType(name: string): FileColumn['type'] {
  const type = TYPES.get(name);
  if (type === undefined) throw new RangeError(`no column '${name}' in the files`);
  return type;
}

/** End of a flow, from what the files have. */
export const SQL_TIME_END = '("time_start" + to_microseconds("duration"))';
