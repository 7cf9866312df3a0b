import { messageOf, WeirError } from '../util/errors.ts';
import { isInterrupt } from './duck.ts';
import { createCsv, createJson, type FormatName, type RowFormat, type Write } from './output/format.ts';
import { printable, Table } from './output/table.ts';
import { smallFiles } from './small-tables.ts';
import { openCatalogue, type Source, selectSegments } from './source.ts';
import { type SqlAnswer, SqlSession } from './sql-session.ts';
import type { TimeSpan } from './time.ts';

export interface SqlOptions {
  readonly data: string;
  readonly span: TimeSpan;
  readonly format: FormatName;
  readonly width: number | undefined;
  readonly colour: boolean;
  readonly write: Write;
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
  async run(sql: string, format: FormatName = this.#options.format): Promise<boolean> {
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
      const answer = await this.#session.select(sql);
      const isWhole = format === 'table' ? await this.#table(answer, begun) : await this.#machine(answer, format);
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

  async #machine(answer: SqlAnswer, format: Exclude<FormatName, 'table'>): Promise<boolean> {
    const { write } = this.#options;
    const output: RowFormat =
      format === 'csv'
        ? createCsv(answer.columns, write)
        : createJson(answer.columns, write, { lines: format === 'ndjson', sparse: false });
    if (!(await output.begin())) return false;
    for await (const { count } of answer.chunks()) {
      if (!(await output.rows(0, count))) return false;
    }
    return output.end();
  }

  async #table(answer: SqlAnswer, begun: number): Promise<boolean> {
    const { width, colour, write, clock } = this.#options;
    const { columns } = answer;
    const table = new Table(
      columns.map(({ name, cell }) => ({ label: printable(name), right: cell.numeric })),
      { width, colour },
    );
    let shown = 0;
    for await (const { count } of answer.chunks()) {
      const lines = Array.from({ length: count }, (_, row) =>
        columns.map(({ cell }) => printable(cell.text(row) ?? '-')),
      );
      const header = shown === 0 ? table.header(lines) : '';
      shown += count;
      if (!(await write(header + table.lines(lines)))) return false;
    }
    const header = shown === 0 ? table.header([]) : '';
    return write(`${header}\n${shown} ${shown === 1 ? 'row' : 'rows'} in ${((clock() - begun) / 1000).toFixed(2)} s\n`);
  }
}

function late(timeoutMs: number): WeirError {
  return new WeirError('WEIR_SQL', `the statement took longer than ${timeoutMs / 1000} s and was ended`, {
    hint: 'Ask for less, or give it more time: --timeout 10m',
  });
}
