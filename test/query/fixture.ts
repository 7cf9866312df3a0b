import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { parseTimeLiteral } from '#weir/filter/time-literal.js';
import { formatCatalogue, type SegmentEntry } from '#weir/store/catalogue.js';
import { FILE_COLUMNS } from '#weir/store/file-columns.js';
import { CATALOGUE, type Kind, LIVE_CATALOGUE, segmentPath } from '#weir/store/paths.js';
import {
  rowsJson,
  SMALL_TABLE_NAMES,
  SMALL_TABLES,
  type SmallTable,
  type SmallTableRows,
  smallTableSql,
} from '#weir/store/small-tables.js';
import type { Address } from '#weir/util/address.js';
import { parseAddress } from '#weir/util/address.js';
import type { Row } from '../filter/oracle.ts';

const TYPES = new Map(FILE_COLUMNS.map(({ name, type }) => [name, type]));
const ADDRESSES = new Set([...TYPES.keys()].filter((name) => name.endsWith('_hi')).map((name) => name.slice(0, -3)));

/** A flow for people who write tests: addresses as text, numbers plain, times as ISO text or µs. */
export type PlainRow = Readonly<Record<string, string | number | bigint | undefined>>;

/** µs since the epoch of an ISO time. */
export function micros(text: string): bigint {
  const time = parseTimeLiteral(text);
  if (time === undefined) throw new Error(`not a time: ${text}`);
  return time;
}

export function rowOf(plain: PlainRow): Row {
  const row: Record<string, Row[string]> = {};
  for (const [name, value] of Object.entries(plain)) {
    if (value === undefined) continue;
    if (ADDRESSES.has(name)) row[name] = parseAddress(String(value)) as Address;
    else if (TYPES.get(name) === 'VARCHAR') row[name] = String(value);
    else row[name] = typeof value === 'string' ? micros(value) : BigInt(value);
  }
  return row;
}

/** SQL of a value as a file has it. */
function literal(name: string, value: Row[string]): string {
  const type = TYPES.get(name) ?? 'UBIGINT';
  if (value === undefined) return `NULL::${type}`;
  if (type === 'TIMESTAMP') return `make_timestamp(${String(value)}::BIGINT)`;
  if (type === 'VARCHAR') return `'${String(value).replaceAll("'", "''")}'`;
  return `${String(value)}::${type}`;
}

function columnsOf(row: Row): [string, string][] {
  return Object.entries(row).flatMap(([name, value]): [string, string][] => {
    if (value === undefined) return [];
    if (typeof value !== 'object') return [[name, literal(name, value)]];
    const [w0, w1, w2, w3] = value;
    const half = (high: number, low: number) => (BigInt(high) << 32n) | BigInt(low);
    return [
      [`${name}_hi`, literal(`${name}_hi`, half(w0, w1))],
      [`${name}_lo`, literal(`${name}_lo`, half(w2, w3))],
    ];
  });
}

/** A SELECT of these rows with the columns that at least one of them has, or all of `columns`, in the order of the file. */
export function rowsSql(rows: readonly Row[], columns?: readonly string[]): string {
  const values = rows.map((row) => new Map(columnsOf(row)));
  const names = columns ?? [...TYPES.keys()].filter((name) => values.some((row) => row.has(name)));
  const lines = values.map((row) => `(${names.map((name) => row.get(name) ?? literal(name, undefined)).join(', ')})`);
  return `SELECT * FROM (VALUES ${lines.join(',\n')}) AS t(${names.map((name) => `"${name}"`).join(', ')})`;
}

export async function openDuck(): Promise<DuckDBConnection> {
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  await connection.run("SET TimeZone = 'UTC'");
  return connection;
}

/** Writes a data folder as the collector leaves it: one segment for each list of rows, and one for each small table. */
export async function writeStore(
  dir: string,
  segments: readonly (readonly PlainRow[])[],
  smallRows: { readonly [Table in SmallTable]?: readonly SmallTableRows[Table][] } = {},
): Promise<void> {
  const duck = await openDuck();
  const entries: SegmentEntry[] = [];
  const write = async (kind: Kind, number: number, sql: string, columns: readonly string[], rows: readonly Row[]) => {
    const starts = rows.map((row) => row['time_start'] as bigint | undefined).filter((time) => time !== undefined);
    const ends = rows.map(
      (row) => ((row['time_start'] as bigint | undefined) ?? 0n) + ((row['duration'] as bigint | undefined) ?? 0n),
    );
    const received = rows.map((row) => Number((row['time_received'] ?? row['time_start'] ?? 0n) as bigint));
    const file = segmentPath({ kind, merged: false, first: number, last: number }, Math.min(...received, 0));
    const path = join(dir, file);
    mkdirSync(dirname(path), { recursive: true });
    await duck.run(`COPY (${sql}) TO '${path.replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION zstd)`);
    entries.push({
      file,
      tier: kind === 'flows' ? 'fresh' : kind,
      rows: rows.length,
      bytes: statSync(path).size,
      columns,
      minReceived: Math.min(...received, Number.MAX_SAFE_INTEGER),
      maxReceived: Math.max(...received, 0),
      minStart: starts.length === 0 ? null : Number(starts.reduce((a, b) => (a < b ? a : b))),
      maxEnd: starts.length === 0 ? null : Number(ends.reduce((a, b) => (a > b ? a : b))),
      sorted: false,
    });
  };
  let number = 1;
  for (const plain of segments) {
    const rows = plain.map(rowOf);
    const columns = [...TYPES.keys()].filter((name) =>
      rows.some((row) => columnsOf(row).some(([each]) => each === name)),
    );
    await write('flows', number++, rowsSql(rows), columns, rows);
  }
  for (const table of SMALL_TABLE_NAMES) {
    const small = smallRows[table];
    if (small === undefined) continue;
    const sql = smallTableSql(table, `'${rowsJson(small).replaceAll("'", "''")}'`);
    await write(
      table,
      number++,
      sql,
      SMALL_TABLES[table].columns.map(([name]) => name),
      small.map(() => ({})),
    );
  }
  mkdirSync(dir, { recursive: true });
  const rest = { retired: [], nextSequence: number, updated: 1 };
  writeFileSync(join(dir, CATALOGUE), formatCatalogue({ entries, ...rest }));
  writeFileSync(join(dir, LIVE_CATALOGUE), formatCatalogue({ entries: [], ...rest }));
  duck.closeSync();
}
