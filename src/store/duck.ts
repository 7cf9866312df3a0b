import { DuckDBConnection } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { sqlFile, sqlText } from '../util/sql-text.ts';
import { FILE_COLUMNS } from './file-columns.ts';
import { copyOptions, MERGED, type ParquetOptions } from './parquet.ts';
import type { Kind } from './paths.ts';
import type { TimeRange } from './prepared-batch.ts';
import { isRollupTier, type RollupFacts, type RollupTier } from './rollup-cubes.ts';
import { factsSql, type StoredFacts } from './rollup-sql.ts';
import type { SegmentSource } from './segment-source.ts';
import { rowsJson, SMALL_TABLES, type SmallTable, smallTableSql } from './small-tables.ts';

/** What a look into a segment file tells. */
export interface Inspection extends TimeRange {
  readonly rows: number;
  readonly columns: readonly string[];
  readonly rollup?: RollupFacts;
}

/**
 * DuckDB as the store uses it: one thread, bounded memory, a table function that hands JavaScript's rows to COPY. It is loaded in worker
 * threads and child processes only.
 */
export class Duck {
  readonly #settings: Readonly<Record<string, string>>;
  #connection: DuckDBConnection | undefined;
  #source: SegmentSource | undefined;

  constructor(settings: { readonly memoryMegabytes: number; readonly temporary?: string }) {
    const { memoryMegabytes, temporary } = settings;
    this.#settings = {
      threads: '1',
      memory_limit: `${memoryMegabytes}MB`,
      temp_directory: temporary ?? '',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      enable_object_cache: 'false',
    };
  }

  async open(): Promise<void> {
    const config = duckdb.create_config();
    for (const [name, value] of Object.entries(this.#settings)) duckdb.set_config(config, name, value);
    const connection = await duckdb.connect(await duckdb.open(':memory:', config));
    this.#register(connection);
    this.#connection = new DuckDBConnection(connection);
    await this.run("SET TimeZone = 'UTC'");
  }

  close(): void {
    this.#connection?.disconnectSync();
    this.#connection = undefined;
  }

  /** Runs a statement; rows as JSON values (numbers of 64 bits as text). */
  async run(sql: string): Promise<unknown[][]> {
    if (this.#connection === undefined) throw new Error('DuckDB is not open');
    return (await this.#connection.runAndReadAll(sql)).getRowsJson();
  }

  /** Writes the rows of `source` as a Parquet file. */
  async copy(source: SegmentSource, path: string, options: ParquetOptions): Promise<void> {
    this.#source = source;
    try {
      await this.run(`COPY (SELECT * FROM segment()) TO ${sqlText(path)} ${copyOptions(options)}`);
    } finally {
      this.#source = undefined;
    }
  }

  /** Writes rows of a small table as a Parquet file. */
  async copyRows(table: SmallTable, rows: readonly object[], path: string): Promise<void> {
    const select = smallTableSql(table, sqlText(rowsJson(rows)));
    await this.run(`COPY (${select}) TO ${sqlText(path)} ${copyOptions(MERGED)}`);
  }

  /** Rows, columns and times of a segment file. Rejects when it is damaged. */
  async inspect(path: string, kind: Kind): Promise<Inspection> {
    if (isRollupTier(kind)) return this.#inspectRollup(path, kind);
    const file = `read_parquet(${sqlFile(path)})`;
    const columns = (await this.run(`SELECT column_name FROM (DESCRIBE SELECT * FROM ${file})`)).map(([name]) =>
      String(name),
    );
    const known = new Set<string>(
      kind === 'flows' ? FILE_COLUMNS.map(({ name }) => name) : SMALL_TABLES[kind].columns.map(([name]) => name),
    );
    if (columns.length === 0 || !columns.some((name) => known.has(name))) throw new Error('not a segment');
    const start = kind === 'flows' ? 'time_start' : SMALL_TABLES[kind].time;
    const received = kind === 'flows' ? 'time_received' : SMALL_TABLES[kind].time;
    const end = columns.includes('duration') ? 'greatest(time_start + to_microseconds(duration), time_start)' : start;
    const micros = (name: string, call: string, expression = name) =>
      columns.includes(name) ? `epoch_us(${call}(${expression}))` : 'NULL';
    const [row = []] = await this.run(
      `SELECT count(*), ${micros(received, 'min')}, ${micros(received, 'max')}, ${micros(start, 'min')}, ${micros(start, 'max', end)} FROM ${file}`,
    );
    const [rows, minReceived, maxReceived, minStart, maxEnd] = row.map((value) =>
      value === null ? null : Number(value),
    );
    return {
      rows: rows ?? 0,
      columns,
      minReceived: minReceived ?? 0,
      maxReceived: maxReceived ?? 0,
      minStart: minStart ?? null,
      maxEnd: maxEnd ?? null,
    };
  }

  /** A roll-up's facts and times are beside its rows. */
  async #inspectRollup(path: string, tier: RollupTier): Promise<Inspection> {
    const [[text] = []] = await this.run(factsSql(path));
    const { flows, cubes, times, columns } = JSON.parse(String(text)) as StoredFacts;
    const [[rows] = []] = await this.run(`SELECT count(*) FROM read_parquet(${sqlFile(path)})`);
    if (!Array.isArray(cubes) || !(flows >= 0)) throw new Error(`not a roll-up per ${tier}`);
    return { rows: Number(rows), columns, ...times, rollup: { flows, cubes } };
  }

  #register(connection: duckdb.Connection): void {
    const types = new Map(
      (['UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT', 'BIGINT', 'TIMESTAMP', 'TIMESTAMP_MS', 'VARCHAR'] as const).map(
        (name) => [name, duckdb.create_logical_type(duckdb.Type[name])],
      ),
    );
    const table = duckdb.create_table_function();
    duckdb.table_function_set_name(table, 'segment');
    duckdb.table_function_set_bind(table, (info) => {
      const source = this.#source;
      if (source === undefined) return duckdb.bind_set_error(info, 'no segment is being written');
      for (const { name, type } of source.columns) {
        const logical = types.get(type);
        if (logical !== undefined) duckdb.bind_add_result_column(info, name, logical);
      }
      duckdb.bind_set_cardinality(info, source.rows, true);
    });
    duckdb.table_function_set_init(table, (info) => duckdb.init_set_max_threads(info, 1));
    duckdb.table_function_set_function(table, (info, chunk) => {
      try {
        duckdb.data_chunk_set_size(chunk, this.#source?.fill(chunk) ?? 0);
      } catch (error) {
        duckdb.function_set_error(info, String(error));
      }
    });
    duckdb.register_table_function(connection, table);
  }
}
