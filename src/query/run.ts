import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Zone } from '../filter/time-literal.ts';
import { COLUMNS, columnIndex } from '../flow/schema.ts';
import { messageOf, WeirError } from '../util/errors.ts';
import { type Cell, createCell } from './cells.ts';
import { isInterrupt, QueryDuck, type Rows } from './duck.ts';
import { createCsv, createJson, type FormatName, type RowFormat, type Write } from './format.ts';
import { columnForPeople, measuresForPeople, type PeopleColumn } from './people.ts';
import { type Plan, planAggregate, planListing, planTotals } from './plan.ts';
import { type Probe, probe } from './probe.ts';
import { openSource, type Source } from './source.ts';
import { DURATION, type QuerySpec } from './spec.ts';
import { summaryText } from './summary.ts';
import { Table } from './table.ts';
import { readTotals, type Totals } from './totals.ts';

export interface QueryOptions {
  /** The data folder. */
  readonly data: string;
  readonly spec: QuerySpec;
  readonly format: FormatName;
  readonly zone: Zone;
  readonly plain: boolean;
  /** Of the terminal; undefined when it is none. */
  readonly width: number | undefined;
  readonly colour: boolean;
  readonly write: Write;
  /** Milliseconds, for the run time. */
  readonly clock: () => number;
  /** Where a long question may put what does not fit into memory; default in the system's temporary folder. */
  readonly temporary?: string;
}

/** What a listing shows to people unless told otherwise. */
const LISTED = ['proto', 'src_addr', 'src_port', 'dst_addr', 'dst_port', 'tcp_flags', 'packets', 'bytes'].map(
  (name) => COLUMNS[columnIndex(name)] as (typeof COLUMNS)[number],
);
const START = COLUMNS[columnIndex('time_start')] as (typeof COLUMNS)[number];

/** One question to one data folder. Inert until `run`; used once. */
export class Query {
  readonly #options: QueryOptions;
  readonly #duck: QueryDuck;
  #started = false;

  constructor(options: QueryOptions) {
    this.#options = options;
    this.#duck = new QueryDuck({ temporary: options.temporary ?? join(tmpdir(), `weir-query-${process.pid}`) });
  }

  /** Ends the query, whose `run` then rejects, or resolves false. */
  cancel(): void {
    this.#duck.cancel();
  }

  /**
   * Answers the question. Resolves true when all of the answer was written, false when nobody read on or it was cancelled.
   * Throws WEIR_DATA_EMPTY, WEIR_CATALOGUE, WEIR_DATA_FOLDER, WEIR_STORE.
   */
  async run(): Promise<boolean> {
    const begun = this.#options.clock();
    try {
      await this.#duck.open();
      try {
        return await this.#answer(begun);
      } catch (error) {
        // A file that was merged away between reading the catalogue and opening it is in the next catalogue under another name.
        if (this.#started || !/No files found|[Cc]annot open file/.test(messageOf(error))) throw error;
        return await this.#answer(begun);
      }
    } catch (error) {
      if (isInterrupt(error) && this.#duck.cancelled) return false;
      if (error instanceof WeirError) throw error;
      throw storeError(error, this.#options.data);
    } finally {
      this.#duck.close();
    }
  }

  async #answer(begun: number): Promise<boolean> {
    const { data, spec, format } = this.#options;
    const source = await openSource(data, spec.span);
    if (format === 'table') return this.#table(source, begun);
    const plan =
      spec.by.length > 0
        ? planAggregate(spec, source, await probe(this.#duck, source, spec), false)
        : planListing(spec, source);
    return this.#machine(plan, format);
  }

  /** CSV and JSON: rows as they come, and nothing else. */
  async #machine(plan: Plan, format: FormatName): Promise<boolean> {
    const columns = plan.columns.map(({ name, kind, at, column }) => ({ name, cell: createCell(kind, at, column) }));
    const write: Write = (text) => {
      this.#started = true;
      return this.#options.write(text);
    };
    const output: RowFormat =
      format === 'csv'
        ? createCsv(columns, write)
        : createJson(columns, write, { lines: format === 'ndjson', sparse: plan.totals === undefined });
    let begun = false;
    // The row of totals comes first.
    let skip = plan.totals === undefined ? 0 : 1;
    for await (const rows of this.#duck.stream(plan.sql)) {
      if (!begun && !(await output.begin())) return false;
      begun = true;
      for (const { cell } of columns) cell.bind(rows);
      if (skip < rows.count && !(await output.rows(skip, rows.count))) return false;
      skip = 0;
    }
    if (!begun && !(await output.begin())) return false;
    return output.end();
  }

  /** A table with a summary below. */
  async #table(source: Source, begun: number): Promise<boolean> {
    const { spec, width, colour } = this.#options;
    const found = await probe(this.#duck, source, spec);
    const [plan, totals] = await this.#planTable(source, found);
    let sums: Totals | undefined = totals;
    let columns: PeopleColumn[] = [];
    let table: Table | undefined;
    let bind: (rows: Rows) => void = () => {};
    let shown = 0;
    let skip = plan.totals === undefined ? 0 : 1;
    for await (const rows of this.#duck.stream(plan.sql)) {
      if (table === undefined) {
        sums ??= readTotals(rows, plan, found, source);
        [columns, bind] = this.#columns(plan, sums);
        table = new Table(columns, { width, colour });
      }
      bind(rows);
      const lines: string[][] = [];
      for (let row = skip; row < rows.count; row++) lines.push(columns.map((column) => column.text(row)));
      const header = shown === 0 && lines.length > 0 ? table.header(lines) : '';
      skip = 0;
      shown += lines.length;
      this.#started = true;
      if (lines.length > 0 && !(await this.#options.write(header + table.lines(lines)))) return false;
    }
    const seconds = (this.#options.clock() - begun) / 1000;
    const { zone } = this.#options;
    sums ??= { flows: 0, packets: 0, bytes: 0, first: Number.NaN, last: Number.NaN };
    const { raw, limit, by } = spec;
    const text = summaryText({
      source,
      totals: sums,
      probe: found,
      raw,
      shown,
      limit,
      grouped: by.length > 0,
      zone,
      seconds,
    });
    return this.#options.write(shown === 0 ? text.slice(1) : text);
  }

  /** The statement of a table; for a listing, the totals have one of their own. */
  async #planTable(source: Source, found: Probe): Promise<[Plan, Totals | undefined]> {
    const { spec } = this.#options;
    const all = spec.filter.kind === 'any' && source.covered;
    if (spec.by.length > 0) return [planAggregate(spec, source, found, !all), undefined];
    const columns = spec.columns.length > 0 ? spec.columns : [START, DURATION, ...LISTED];
    const totalsPlan = planTotals(spec, source, found);
    let totals: Totals | undefined;
    await this.#duck.read(totalsPlan.sql, (rows) => {
      totals = readTotals(rows, totalsPlan, found, source);
    });
    return [planListing({ ...spec, columns }, source), totals];
  }

  #columns(plan: Plan, totals: Totals): [PeopleColumn[], (rows: Rows) => void] {
    const { zone, plain, spec } = this.#options;
    const cells = plan.columns.map(({ kind, at, column }) => createCell(kind, at, column));
    const columns: PeopleColumn[] = [];
    plan.columns.forEach(({ column }, index) => {
      if (column !== undefined) columns.push(columnForPeople(column, cells[index] as Cell, { zone, plain }));
    });
    if (plan.totals !== undefined) {
      const [flows, packets, bytes] = cells.slice(-3) as [Cell, Cell, Cell];
      columns.push(...measuresForPeople({ flows, packets, bytes }, spec.order.name, totals, { zone, plain }));
    }
    return [
      columns,
      (rows) => {
        for (const cell of cells) cell.bind(rows);
      },
    ];
  }
}

function storeError(error: unknown, data: string): WeirError {
  const message = messageOf(error);
  const hint = /Out of Memory/i.test(message)
    ? 'Ask for a shorter time, fewer columns in --by, or a --top.'
    : `Start 'weir collect --data ${data}' once: it checks the segments and says which are damaged.`;
  return new WeirError('WEIR_STORE', `the flows in ${data} could not be read: ${message}`, { hint, cause: error });
}
