import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type DuckDBConnection,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBListValue,
  type DuckDBPreparedStatement,
  type DuckDBResult,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTypeId,
  type DuckDBValue,
  StatementType,
} from '@duckdb/node-api';
import { nearest } from '../elements/nearest.ts';
import { formatTimeLiteral } from '../filter/time-literal.ts';
import { COLUMNS } from '../flow/schema.ts';
import { messageOf, WeirError } from '../util/errors.ts';
import { sqlText } from '../util/sql-text.ts';
import type { Cell } from './cells.ts';
import { duckSettings, isInterrupt } from './duck.ts';
import type { FormatColumn } from './output/format.ts';
import { SMALL_VIEWS, type SmallFiles } from './small-tables.ts';
import { type Source, sourceFiles } from './source.ts';
import { splitSql } from './sql-split.ts';
import { viewStatements } from './view.ts';

export const TABLES = ['flows', 'flows_raw', ...SMALL_VIEWS];
/** Longest statement. */
const MAX_LENGTH = 1 << 20;

/** Rows of an SQL answer that are ready to be formatted. */
export interface SqlRows {
  readonly count: number;
}

/** A column of an SQL answer. */
export interface SqlColumn extends FormatColumn {
  /** Of times: µs since the epoch. */
  readonly micros: ((row: number) => number) | undefined;
}

/** What a statement answers. */
export interface SqlAnswer {
  readonly columns: readonly SqlColumn[];
  /** Hands over rows; the cells of `columns` are bound to them until the next ones. */
  chunks(): AsyncGenerator<SqlRows>;
}

/**
 * One DuckDB for the SQL of a user. It knows the views of `view.ts` and can read the files behind them; everything else outside is locked before the
 * first statement of the user runs: other files, extensions, network, settings. Statements other than one SELECT are refused.
 */
export class SqlSession {
  readonly #temporary: string;
  readonly #memoryBytes: number | undefined;
  #connection: DuckDBConnection | undefined;
  #instance: DuckDBInstance | undefined;
  #cancelled = false;
  readonly #answerFile: string;

  /** `memoryBytes`: for hash tables, sorting and the like; what does not fit goes to `temporary`. */
  constructor(temporary: string, memoryBytes?: number) {
    this.#temporary = temporary;
    this.#memoryBytes = memoryBytes;
    // A folder of a name that nobody can foresee, and that nobody else may enter.
    this.#answerFile = join(`${temporary}-${randomUUID()}`, 'answer.parquet');
  }

  async open(source: Source, small: SmallFiles): Promise<void> {
    this.#instance = await DuckDBInstance.create(
      ':memory:',
      duckSettings({ temporary: this.#temporary, memoryBytes: this.#memoryBytes }),
    );
    this.#connection = await this.#instance.connect();
    // The last one is our own, for Parquet.
    const files = [...sourceFiles(source), ...Object.values(small).flat(), this.#answerFile].map(sqlText);
    const statements = [
      "SET TimeZone = 'UTC'",
      // Without it nothing is known of the progress.
      'SET enable_progress_bar = true',
      'SET enable_progress_bar_print = false',
      `SET allowed_paths = [${files.join(', ')}]`,
      'SET enable_external_access = false',
      ...viewStatements(source, small),
      'SET lock_configuration = true',
    ];
    for (const statement of statements) await this.#connection.run(statement);
  }

  cancel(): void {
    this.#cancelled = true;
    this.#connection?.interrupt();
  }

  /** After `cancel`: the next statement may run. */
  resume(): void {
    this.#cancelled = false;
  }

  get cancelled(): boolean {
    return this.#cancelled;
  }

  close(): void {
    this.#connection?.closeSync();
    this.#instance?.closeSync();
    this.#connection = undefined;
    this.#instance = undefined;
    rmSync(dirname(this.#answerFile), { recursive: true, force: true });
  }

  /** How far the running statement is; undefined before it has begun. */
  get progress(): { readonly rows: number; readonly totalRows: number } | undefined {
    if (this.#connection === undefined) return undefined;
    const { percentage, rows_processed, total_rows_to_process } = this.#connection.progress;
    return percentage < 0 ? undefined : { rows: Number(rows_processed), totalRows: Number(total_rows_to_process) };
  }

  /** Runs one SELECT (also WITH, VALUES, FROM, DESCRIBE, SUMMARIZE, SHOW). Throws WEIR_SQL. */
  async select(sql: string): Promise<SqlAnswer> {
    try {
      const prepared = await this.#prepare(sql);
      return answer(await prepared.stream(), () => this.#cancelled);
    } catch (error) {
      throw this.#wrap(error);
    }
  }

  /** Runs one SELECT into a Parquet file and gives its path; it lasts until the next one, and no longer than the session. Throws WEIR_SQL. */
  async selectParquet(sql: string): Promise<string> {
    const path = this.#answerFile;
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      // That it is one SELECT, and nothing else, is seen before it becomes a part of another statement.
      (await this.#prepare(sql)).destroySync();
      const { statements, rest } = splitSql(sql);
      const inner = statements[0] ?? rest;
      const copy = `COPY (SELECT * FROM (${inner}\n)) TO ${sqlText(path)} (FORMAT parquet, COMPRESSION zstd)`;
      await this.#connection?.run(copy);
      return path;
    } catch (error) {
      throw this.#wrap(error);
    }
  }

  async #prepare(sql: string): Promise<DuckDBPreparedStatement> {
    const connection = this.#connection;
    if (connection === undefined) throw new Error('DuckDB is not open');
    if (sql.trim() === '') throw refused('the statement is empty');
    if (sql.length > MAX_LENGTH) throw refused(`the statement has ${sql.length} characters, more than ${MAX_LENGTH}`);
    const statements = await connection.extractStatements(sql);
    if (statements.count !== 1) throw refused(`there are ${statements.count} statements`);
    const prepared = await statements.prepare(0);
    if (prepared.statementType !== StatementType.SELECT) throw refused('this statement does more than read');
    if (prepared.parameterCount > 0) throw refused('the statement has parameters, which have no values here');
    return prepared;
  }

  #wrap(error: unknown): unknown {
    return error instanceof WeirError || (isInterrupt(error) && this.#cancelled) ? error : sqlError(error);
  }
}

function answer(result: DuckDBResult, cancelled: () => boolean): SqlAnswer {
  let current: DuckDBValue[][] = [];
  const types = result.columnTypesJson() as unknown as readonly { readonly typeId: DuckDBTypeId }[];
  const columns = result.deduplicatedColumnNames().map((name, index): SqlColumn => {
    const typeId: DuckDBTypeId = types[index]?.typeId ?? DuckDBTypeId.INVALID;
    const value = (row: number) => current[index]?.[row] ?? null;
    const isTime = typeId === DuckDBTypeId.TIMESTAMP || typeId === DuckDBTypeId.TIMESTAMP_TZ;
    return {
      name,
      cell: createSqlCell(isNumeric(typeId), value),
      micros: isTime ? (row) => microsOf(value(row)) : undefined,
    };
  });
  return {
    columns,
    async *chunks() {
      try {
        for (;;) {
          if (cancelled()) return;
          const chunk = await result.fetchChunk();
          if (chunk === null || chunk.rowCount === 0) return;
          current = chunk.getColumns();
          yield { count: chunk.rowCount };
        }
      } catch (error) {
        if (isInterrupt(error) && cancelled()) return;
        throw sqlError(error);
      }
    },
  };
}

/** TINYINT to UBIGINT, FLOAT, DOUBLE, HUGEINT, UHUGEINT and DECIMAL in DuckDB's numbers of types. */
function isNumeric(typeId: number): boolean {
  return (typeId >= 2 && typeId <= 11) || typeId === 16 || typeId === 32 || typeId === 19;
}

function createSqlCell(numeric: boolean, value: (row: number) => DuckDBValue): Cell {
  return {
    numeric,
    free: !numeric,
    json: (row) => {
      const found = value(row);
      return typeof found === 'boolean' || found instanceof DuckDBListValue || found instanceof DuckDBStructValue;
    },
    bind: () => {},
    text: (row) => {
      const found = value(row);
      if (found === null || (numeric && typeof found === 'number' && !Number.isFinite(found))) return undefined;
      return textOf(found);
    },
    number: (row) => Number(value(row)),
  };
}

function microsOf(value: DuckDBValue): number {
  const isTime = value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue;
  return isTime ? Number(value.micros) : Number.NaN;
}

function textOf(value: DuckDBValue): string {
  if (typeof value === 'string') return value;
  if (value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue)
    return formatTimeLiteral(value.micros);
  if (value instanceof DuckDBListValue || value instanceof DuckDBStructValue) return jsonOf(value);
  return String(value);
}

function jsonOf(value: DuckDBValue): string {
  if (value === null) return 'null';
  if (value instanceof DuckDBListValue) return `[${value.items.map(jsonOf).join(',')}]`;
  if (value instanceof DuckDBStructValue) {
    return `{${Object.entries(value.entries)
      .map(([name, item]) => `${JSON.stringify(name)}:${jsonOf(item)}`)
      .join(',')}}`;
  }
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null';
  if (typeof value === 'bigint' || typeof value === 'boolean' || value instanceof DuckDBDecimalValue)
    return String(value);
  return JSON.stringify(textOf(value));
}

function refused(reason: string): WeirError {
  return new WeirError('WEIR_SQL', `${reason}; weir sql runs one SELECT`, {
    hint: 'For example: weir sql "select src_addr, sum(bytes) from flows group by 1 order by 2 desc limit 10"',
  });
}

function sqlError(error: unknown): WeirError {
  const message = messageOf(error)
    .trim()
    .replace(/^Failed to extract statements: /, '');
  const missing = /Referenced column "([^"]+)" not found/.exec(message)?.[1];
  const names = COLUMNS.map(({ name }) => name);
  const suggestion = missing === undefined ? undefined : nearest(missing, names);
  let hint = `Tables: ${TABLES.join(', ')}. Their columns: weir sql "describe flows". Functions: docs/sql.md.`;
  if (suggestion !== undefined) hint = `Did you mean '${suggestion}'? All columns: weir sql "describe flows".`;
  else if (missing !== undefined)
    hint = `Columns of flows: ${names.slice(0, 30).join(', ')} … (weir sql "describe flows").`;
  else if (/Out of Memory/i.test(message))
    hint = 'Give it more (--memory 2GB), or ask for a shorter time or fewer groups.';
  else if (/Permission Error|configuration has been locked|disabled (?:by|through) configuration/.test(message)) {
    hint = `Statements read the tables ${TABLES.join(', ')}, and nothing else: no files, no extensions, no settings.`;
  }
  return new WeirError('WEIR_SQL', message, { hint, cause: error });
}
