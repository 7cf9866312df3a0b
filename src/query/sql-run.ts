import { createReadStream } from 'node:fs';
import { messageOf, WeirError } from '../util/errors.ts';
import { isInterrupt } from './duck.ts';
import { smallFiles } from './small-tables.ts';
import { openCatalogue, type Source, selectSegments } from './source.ts';
import { type SqlForm, type SqlOutputOptions, writeSqlAnswer } from './sql-output.ts';
import { SqlSession } from './sql-session.ts';
import type { TimeSpan } from './time.ts';

export interface SqlOptions extends Omit<SqlOutputOptions, 'seconds' | 'write'> {
  readonly data: string;
  readonly span: TimeSpan;
  readonly format: SqlForm;
  /** Takes the answer; resolves to false once nobody reads any more. */
  readonly write: (part: string | Uint8Array) => Promise<boolean>;
  /** Takes what is to be said beside the answer. */
  readonly warn: (text: string) => void;
  readonly clock: () => number;
  readonly temporary: string;
  readonly memoryBytes?: number | undefined;
  /** How long a statement may take, ms; undefined for as long as it does. */
  readonly timeoutMs?: number | undefined;
}

const SUMS_FLOWS = /^(?=.*\bflows(_raw)?\b)(?=.*\b(sum|avg|count)\s*\()/is;
const NAMES_KINDS = /\brecord_kind\b/i;
const COUNT_KINDS = `SELECT count(*) FILTER (record_kind IN (0, 1, 4)), count(*) FILTER (record_kind = 5) FROM flows_raw`;

/** SQL statements to one data folder, one after the other. Inert until `open`; they see the files that there were then. */
export class SqlQuery {
  readonly #options: SqlOptions;
  readonly #session: SqlSession;
  #source: Source | undefined;

  constructor(options: SqlOptions) {
    this.#options = options;
    this.#session = new SqlSession(options.temporary, options.memoryBytes);
  }

  /** Throws those of `openCatalogue`. */
  async open(): Promise<void> {
    const catalogue = await openCatalogue(this.#options.data);
    this.#source = selectSegments(catalogue, this.#options.span);
    await this.#session.open(this.#source, smallFiles(catalogue));
  }

  close(): void {
    this.#session.close();
  }

  /** Ends the running statement; later ones run only after `resume`. */
  cancel(): void {
    this.#session.cancel();
  }

  resume(): void {
    this.#session.resume();
  }

  /** Resolves true when all was written, false when nobody read on or it was cancelled. Throws WEIR_SQL and WEIR_STORE. */
  async run(sql: string, format: SqlForm = this.#options.format, write = this.#options.write): Promise<boolean> {
    const { data, timeoutMs, clock } = this.#options;
    const begun = clock();
    let isLate = false;
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            isLate = true;
            this.#session.cancel();
          }, timeoutMs);
    try {
      const seconds = () => (clock() - begun) / 1000;
      const isWhole =
        format === 'parquet'
          ? await this.#parquet(sql, write)
          : await writeSqlAnswer(await this.#session.select(sql), format, { ...this.#options, write, seconds });
      if (isWhole && !this.#session.cancelled && this.#source !== undefined) await this.#warnOfKinds(this.#source, sql);
      if (isLate) throw late(timeoutMs ?? 0);
      return isWhole && !this.#session.cancelled;
    } catch (error) {
      if (isLate) throw late(timeoutMs ?? 0);
      if (isInterrupt(error) && this.#session.cancelled) return false;
      if (error instanceof WeirError) throw error;
      throw new WeirError('WEIR_STORE', `the flows in ${data} could not be read: ${messageOf(error)}`, {
        cause: error,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** How far the running statement is; undefined where nothing is known of it. */
  get progress(): { readonly rows: number; readonly totalRows: number; readonly bytes: number } | undefined {
    const progress = this.#session.progress;
    return progress && { ...progress, bytes: this.#source?.bytes ?? 0 };
  }

  async #parquet(sql: string, write: SqlOptions['write']): Promise<boolean> {
    const file = await this.#session.selectParquet(sql);
    for await (const part of createReadStream(file)) if (!(await write(part as Uint8Array))) return false;
    return true;
  }

  /**
   * Aggregated records sum up flows that may be stored by themselves, too: a statement that sums all rows may count them twice. One that names the
   * kinds knows what it does.
   */
  async #warnOfKinds(source: Source, sql: string): Promise<void> {
    const { warn } = this.#options;
    // Segments of plain flows only leave the column out.
    if (!source.columns.has('record_kind') || !SUMS_FLOWS.test(sql) || NAMES_KINDS.test(sql)) return;
    const answer = await this.#session.select(COUNT_KINDS);
    let counts: number[] = [];
    for await (const _ of answer.chunks()) counts = answer.columns.map(({ cell }) => cell.number(0));
    const [traffic = 0, aggregates = 0] = counts;
    if (traffic === 0 || aggregates === 0) return;
    warn(
      `of the rows that this may sum, ${traffic} are flows and ${aggregates} aggregated records; where record_kind <> 'aggregate' leaves the latter out`,
    );
  }
}

function late(timeoutMs: number): WeirError {
  return new WeirError('WEIR_SQL', `the statement took longer than ${timeoutMs / 1000} s and was ended`, {
    hint: 'Ask for less, or give it more time: --timeout 10m',
  });
}
