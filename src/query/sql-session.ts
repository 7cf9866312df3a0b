import {
  type DuckDBConnection,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBListValue,
  type DuckDBResult,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
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
import { viewStatements } from './view.ts';

export const TABLES = ['flows', 'flows_raw', ...SMALL_VIEWS];
/** Longest statement. */
const MAX_LENGTH = 1 << 20;

/** Rows of an SQL answer that are ready to be formatted. */
export interface SqlRows {
  readonly count: number;
}

/** What a statement answers. */
export interface SqlAnswer {
  readonly columns: readonly FormatColumn[];
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

  /** `memoryBytes`: for hash tables, sorting and the like; what does not fit goes to `temporary`. */
  constructor(temporary: string, memoryBytes?: number) {
    this.#temporary = temporary;
    this.#memoryBytes = memoryBytes;
  }

  async open(source: Source, small: SmallFiles): Promise<void> {
    this.#instance = await DuckDBInstance.create(
      ':memory:',
      duckSettings({ temporary: this.#temporary, memoryBytes: this.#memoryBytes }),
    );
    this.#connection = await this.#instance.connect();
    const files = [...sourceFiles(source), ...Object.values(small).flat()].map(sqlText);
    const statements = [
      "SET TimeZone = 'UTC'",
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
  }

  /** Runs one SELECT (also WITH, VALUES, FROM, DESCRIBE, SUMMARIZE, SHOW). Throws WEIR_SQL. */
  async select(sql: string): Promise<SqlAnswer> {
    const connection = this.#connection;
    if (connection === undefined) throw new Error('DuckDB is not open');
    if (sql.trim() === '') throw refused('the statement is empty');
    if (sql.length > MAX_LENGTH) throw refused(`the statement has ${sql.length} characters, more than ${MAX_LENGTH}`);
    try {
      const statements = await connection.extractStatements(sql);
      if (statements.count !== 1) throw refused(`there are ${statements.count} statements`);
      const prepared = await statements.prepare(0);
      if (prepared.statementType !== StatementType.SELECT) throw refused('this statement does more than read');
      if (prepared.parameterCount > 0) throw refused('the statement has parameters, which have no values here');
      return answer(await prepared.stream(), () => this.#cancelled);
    } catch (error) {
      throw this.#wrap(error);
    }
  }

  #wrap(error: unknown): unknown {
    return error instanceof WeirError || (isInterrupt(error) && this.#cancelled) ? error : sqlError(error);
  }
}

function answer(result: DuckDBResult, cancelled: () => boolean): SqlAnswer {
  let current: DuckDBValue[][] = [];
  const types = result.columnTypesJson() as unknown as readonly { readonly typeId: number }[];
  const columns = result.deduplicatedColumnNames().map((name, index): FormatColumn => {
    const numeric = isNumeric(types[index]?.typeId ?? 0);
    return { name, cell: createSqlCell(numeric, (row) => current[index]?.[row] ?? null) };
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
