import { sqlFileList } from '../util/sql-text.ts';
import type { Catalogue, SegmentEntry } from './catalogue.ts';
import { Duck } from './duck.ts';
import { inFolder } from './paths.ts';

/** What a column takes in all files of a tier. */
export interface ColumnSize {
  readonly tier: SegmentEntry['tier'];
  readonly column: string;
  /** Octets in the files, and what they become once decompressed (still encoded). */
  readonly compressed: number;
  readonly uncompressed: number;
  /** Rows of the files that have the column. */
  readonly rows: number;
  readonly files: number;
}

/** Files whose footers are read by one statement. */
const FILES = 500;
const MEMORY_MEGABYTES = 512;

/** Octets of each column, largest first within a tier, from the footers of the files. */
export async function columnSizes({ dir, segments }: Catalogue): Promise<ColumnSize[]> {
  const duck = new Duck({ memoryMegabytes: MEMORY_MEGABYTES });
  await duck.open();
  try {
    const sizes: ColumnSize[] = [];
    for (const tier of new Set(segments.map((entry) => entry.tier))) {
      const own = segments.filter((entry) => entry.tier === tier);
      const columns = new Map<string, { compressed: number; uncompressed: number; rows: number; files: number }>();
      for (let at = 0; at < own.length; at += FILES) {
        const list = own.slice(at, at + FILES).map(({ file }) => inFolder(dir, file));
        for (const [column, ...figures] of await duck.run(sizesSql(list))) {
          const [compressed = 0, uncompressed = 0, rows = 0, files = 0] = figures.map(Number);
          const before = columns.get(String(column));
          columns.set(String(column), {
            compressed: compressed + (before?.compressed ?? 0),
            uncompressed: uncompressed + (before?.uncompressed ?? 0),
            rows: rows + (before?.rows ?? 0),
            files: files + (before?.files ?? 0),
          });
        }
      }
      const sorted = [...columns].sort(([, a], [, b]) => b.compressed - a.compressed);
      for (const [column, size] of sorted) sizes.push({ tier, column, ...size });
    }
    return sizes;
  } finally {
    duck.close();
  }
}

function sizesSql(files: readonly string[]): string {
  return `SELECT path_in_schema, sum(total_compressed_size)::DOUBLE, sum(total_uncompressed_size)::DOUBLE,
    sum(row_group_num_rows)::DOUBLE, count(DISTINCT file_name) FROM parquet_metadata(${sqlFileList(files)}) GROUP BY path_in_schema`;
}
