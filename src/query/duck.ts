import { availableParallelism, totalmem } from 'node:os';
import duckdb from '@duckdb/node-bindings';

export interface DuckSettings {
  /** Folder for what does not fit into memory; made by DuckDB when needed. */
  readonly temporary: string;
  readonly threads?: number;
  /** Memory for hash tables, sorting and the like, octets; what does not fit goes to `temporary`. Default: half of the machine's. */
  readonly memoryBytes?: number | undefined;
}

/** A vector of a result: the rows' values as octets, and which of them are there. */
export interface Values {
  readonly bytes: Uint8Array;
  /** One bit a row, or null when every row has a value. */
  readonly validity: Uint8Array | null;
}

/** Up to 2,048 rows of a result. */
export interface Rows {
  readonly count: number;
  /** Values of a column, `width` octets each. Valid until the next rows are read. */
  values(column: number, width: number): Values;
}

/** What questions of one process share: opening a database takes as long as a small question. Inert until `open`; closed after the last of them. */
export class SharedDuck {
  readonly #settings: DuckSettings;
  #database: duckdb.Database | undefined;

  constructor(settings: DuckSettings) {
    this.#settings = settings;
  }

  async open(): Promise<void> {
    this.#database ??= await openDatabase(this.#settings);
  }

  /** Throws when it is not open. */
  get database(): duckdb.Database {
    if (this.#database === undefined) throw new Error('DuckDB is not open');
    return this.#database;
  }

  close(): void {
    if (this.#database !== undefined) duckdb.close_sync(this.#database);
    this.#database = undefined;
  }
}

/**
 * DuckDB in this process, for one question: all cores, nothing loaded from outside, times in UTC. It uses the bindings without the API above them,
 * which takes longer to load than most questions take to answer.
 */
export class QueryDuck {
  readonly #of: DuckSettings | SharedDuck;
  #own: duckdb.Database | undefined;
  #connection: duckdb.Connection | undefined;
  #cancelled = false;

  /** A database of its own, with these settings, or one that is shared and open. */
  constructor(of: DuckSettings | SharedDuck) {
    this.#of = of;
  }

  async open(): Promise<void> {
    const isShared = this.#of instanceof SharedDuck;
    const database = this.#of instanceof SharedDuck ? this.#of.database : await openDatabase(this.#of, READ_ONCE);
    if (!isShared) this.#own = database;
    this.#connection = await duckdb.connect(database);
    // A question reads the heads of the same files up to three times.
    await duckdb.query(this.#connection, 'SET parquet_metadata_cache = true');
    // Without it nothing is known of the progress; we print it ourselves.
    await duckdb.query(this.#connection, 'SET enable_progress_bar = true; SET enable_progress_bar_print = false');
  }

  /**
   * Makes an SQL function of two UBIGINT that gives one. `compute` gets the values of up to 2,048 rows, two words each, low first; it is called in this
   * thread. For rows with a NULL it is called with anything.
   */
  define(name: string, compute: (one: Uint32Array, two: Uint32Array) => Uint32Array<ArrayBuffer>): void {
    const type = duckdb.create_logical_type(duckdb.Type.UBIGINT);
    const made = duckdb.create_scalar_function();
    duckdb.scalar_function_set_name(made, name);
    for (let parameter = 0; parameter < 2; parameter++) duckdb.scalar_function_add_parameter(made, type);
    duckdb.scalar_function_set_return_type(made, type);
    duckdb.scalar_function_set_function(made, (_, input, output) => {
      const octets = duckdb.data_chunk_get_size(input) * 8;
      const words = (column: number) => {
        const bytes = duckdb.vector_get_data(duckdb.data_chunk_get_vector(input, column), octets);
        return new Uint32Array(bytes.buffer, bytes.byteOffset, octets / 4);
      };
      const answers = compute(words(0), words(1));
      duckdb.copy_data_to_vector(output, 0, answers.buffer, answers.byteOffset, octets);
    });
    duckdb.register_scalar_function(this.#live(), made);
    duckdb.destroy_scalar_function_sync(made);
  }

  /** Ends the running statement, which then rejects; every later one does so at once. */
  cancel(): void {
    this.#cancelled = true;
    if (this.#connection !== undefined) duckdb.interrupt(this.#connection);
  }

  /** Rows of the running statement that have been read, and of all it will read; undefined before it has begun. */
  get progress(): { readonly rows: number; readonly totalRows: number } | undefined {
    if (this.#connection === undefined) return undefined;
    const { percentage, rows_processed, total_rows_to_process } = duckdb.query_progress(this.#connection);
    return percentage < 0 ? undefined : { rows: Number(rows_processed), totalRows: Number(total_rows_to_process) };
  }

  get cancelled(): boolean {
    return this.#cancelled;
  }

  /** Runs a statement and hands over its rows as they come; memory stays bounded when the reader is slow. */
  async *stream(sql: string): AsyncGenerator<Rows> {
    const statement = await duckdb.prepare(this.#live(), sql);
    try {
      const result = await duckdb.execute_prepared_streaming(statement);
      for (;;) {
        if (this.#cancelled) throw new Error('INTERRUPT: cancelled');
        const chunk = await duckdb.fetch_chunk(result);
        if (chunk === null) return;
        const count = duckdb.data_chunk_get_size(chunk);
        if (count === 0) return;
        yield rowsOf(chunk, count);
      }
    } finally {
      duckdb.destroy_prepare_sync(statement);
    }
  }

  /** Runs a statement with few results and calls back for its rows. */
  async read(sql: string, visit: (rows: Rows) => void): Promise<void> {
    const result = await duckdb.query(this.#live(), sql);
    for (;;) {
      const chunk = await duckdb.fetch_chunk(result);
      if (chunk === null) return;
      const count = duckdb.data_chunk_get_size(chunk);
      if (count === 0) return;
      visit(rowsOf(chunk, count));
    }
  }

  close(): void {
    if (this.#connection !== undefined) duckdb.disconnect_sync(this.#connection);
    if (this.#own !== undefined) duckdb.close_sync(this.#own);
    this.#connection = undefined;
    this.#own = undefined;
  }

  #live(): duckdb.Connection {
    if (this.#connection === undefined) throw new Error('DuckDB is not open');
    if (this.#cancelled) throw new Error('INTERRUPT: cancelled');
    return this.#connection;
  }
}

/** For one question: to keep copies of what was read of files, as DuckDB does, costs some 5 % of the time, and the kernel has them, too. */
const READ_ONCE = { enable_external_file_cache: 'false' };

function openDatabase(settings: DuckSettings, more: Readonly<Record<string, string>> = {}): Promise<duckdb.Database> {
  const config = duckdb.create_config();
  for (const [name, value] of Object.entries({ ...duckSettings(settings), ...more }))
    duckdb.set_config(config, name, value);
  return duckdb.open(':memory:', config);
}

/** Settings of every DuckDB that answers questions. */
export function duckSettings({ temporary, threads, memoryBytes }: DuckSettings): Record<string, string> {
  return {
    threads: String(threads ?? availableParallelism()),
    memory_limit: `${Math.floor((memoryBytes ?? totalmem() / 2) / 1024)}KiB`,
    // Answers say themselves how they are ordered; keeping the order of files costs memory.
    preserve_insertion_order: 'false',
    temp_directory: temporary,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  };
}

function rowsOf(chunk: duckdb.DataChunk, count: number): Rows {
  return {
    count,
    values: (column, width) => {
      const vector = duckdb.data_chunk_get_vector(chunk, column);
      return {
        bytes: duckdb.vector_get_data(vector, count * width),
        validity: duckdb.vector_get_validity(vector, Math.ceil(count / 64) * 8),
      };
    },
  };
}

/** The text of a DuckDB string in a vector of VARCHAR (16 octets each: length, then the text or a pointer to it). */
export function stringAt(bytes: Uint8Array, row: number): string {
  const at = row * 16;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 16);
  const length = view.getUint32(0, true);
  const octets =
    length <= 12
      ? bytes.subarray(at + 4, at + 4 + length)
      : duckdb.get_data_from_pointer(bytes.buffer as ArrayBuffer, bytes.byteOffset + at + 8, length);
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('utf8');
}

/** Whether an error of DuckDB means that the statement was cancelled. */
export function isInterrupt(error: unknown): boolean {
  return error instanceof Error && /^INTERRUPT/i.test(error.message);
}
