import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Zone } from '../filter/time-literal.ts';
import { COLUMNS, columnIndex } from '../flow/schema.ts';
import { messageOf, WeirError } from '../util/errors.ts';
import { type Cell, createCell } from './cells.ts';
import { isInterrupt, QueryDuck, type Rows } from './duck.ts';
import { createCsv, createJson, type FormatColumn, type FormatName, type RowFormat, type Write } from './format.ts';
import { NAME_COLUMNS, prepareNames } from './name-columns.ts';
import { columnForPeople, measuresForPeople, type PeopleColumn } from './people.ts';
import { AGGREGATE, type Plan, planAggregate, planKinds, planListing, planTotals } from './plan.ts';
import { type Probe, probe } from './probe.ts';
import { openSource, type Source } from './source.ts';
import { asksForNames, DURATION, namesRecordKind, type QuerySpec } from './spec.ts';
import { kindsText, type MatchedKinds, summaryText } from './summary.ts';
import { Table } from './table.ts';
import { knownTotals, mayBeRounded, NO_TOTALS, readTotals, type Totals } from './totals.ts';

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
  /** Tells a person what programs do not read: that an answer in a machine-readable format sums flows and aggregates. */
  readonly warn?: (text: string) => void;
  /** Milliseconds, for the run time. */
  readonly clock: () => number;
  /** Where a long question may put what does not fit into memory; default in the system's temporary folder. */
  readonly temporary?: string;
}

/** What a listing shows to people unless told otherwise. */
const LISTED = ['proto', 'src_addr', 'src_port', 'dst_addr', 'dst_port', 'tcp_flags', 'packets', 'bytes'].map(
  (name) => COLUMNS[columnIndex(name)] as (typeof COLUMNS)[number],
);
/** What it shows besides with `--names`. */
const NAMES_LISTED = NAME_COLUMNS.map(({ column }) => column).filter(({ name }) =>
  ['in_if_name', 'out_if_name', 'app_label'].includes(name),
);
const START = COLUMNS[columnIndex('time_start')] as (typeof COLUMNS)[number];

const NO_KINDS: MatchedKinds = { traffic: 0, aggregates: 0, summed: false };

/** Rows of an answer from `first` on, and what is known of all of it. */
interface Chunk {
  readonly plan: Plan;
  readonly rows: Rows;
  readonly first: number;
  readonly totals: Totals | undefined;
}

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
    const source = await openSource(data, spec.span, spec.splitBiflows === true);
    if (asksForNames(spec)) await prepareNames(this.#duck, source.nameFiles);
    return format === 'table' ? this.#table(source, begun) : this.#machine(source, format);
  }

  /** CSV and JSON: rows as they come, and nothing else. */
  async #machine(source: Source, format: FormatName): Promise<boolean> {
    const { spec, write } = this.#options;
    const grouped = spec.by.length > 0;
    const found = grouped ? await probe(this.#duck, source, spec) : undefined;
    const kinds = found === undefined ? NO_KINDS : await this.#kinds(source, found);
    const mixed = kinds.summed ? kindsText(kinds) : undefined;
    if (mixed !== undefined) this.#options.warn?.(mixed);
    const plan = planListing(spec, source);
    const chunks = found === undefined ? this.#listing(plan) : this.#groups(source, found, false);
    let output: RowFormat | undefined;
    let columns: readonly FormatColumn[] = [];
    const begin = (planned: Plan) => {
      this.#started = true;
      columns = planned.columns.map(({ name, kind, at, column }) => ({ name, cell: createCell(kind, at, column) }));
      output =
        format === 'csv'
          ? createCsv(columns, write)
          : createJson(columns, write, { lines: format === 'ndjson', sparse: !grouped });
      return output.begin();
    };
    for await (const { plan: planned, rows, first } of chunks) {
      if (output === undefined && !(await begin(planned))) return false;
      for (const { cell } of columns) cell.bind(rows);
      if (first < rows.count && !(await output?.rows(first, rows.count))) return false;
    }
    if (output === undefined && !(await begin(plan))) return false;
    return output?.end() ?? true;
  }

  /** A table with a summary below. */
  async #table(source: Source, begun: number): Promise<boolean> {
    const { spec, width, colour, zone } = this.#options;
    const grouped = spec.by.length > 0;
    const found = await probe(this.#duck, source, spec);
    const all = spec.filter.kind === 'any' && source.covered;
    let totals = grouped ? NO_TOTALS : await this.#totals(source, found);
    const named = spec.names ? NAMES_LISTED : [];
    const listed = spec.columns.length > 0 ? spec.columns : [START, DURATION, ...LISTED, ...named];
    const chunks = grouped
      ? this.#groups(source, found, !all)
      : this.#listing(planListing({ ...spec, columns: listed }, source));
    let columns: PeopleColumn[] = [];
    let table: Table | undefined;
    let bind: (rows: Rows) => void = () => {};
    let shown = 0;
    for await (const { plan, rows, first, totals: sums } of chunks) {
      totals = sums ?? totals;
      if (table === undefined) {
        [columns, bind] = this.#columns(plan, totals);
        table = new Table(columns, { width, colour });
      }
      bind(rows);
      const lines: string[][] = [];
      for (let row = first; row < rows.count; row++) lines.push(columns.map((column) => column.text(row)));
      if (lines.length === 0) continue;
      const header = shown === 0 ? table.header(lines) : '';
      shown += lines.length;
      this.#started = true;
      if (!(await this.#options.write(header + table.lines(lines)))) return false;
    }
    const seconds = (this.#options.clock() - begun) / 1000;
    const { raw, limit } = spec;
    const kinds = await this.#kinds(source, found);
    const text = summaryText({ source, totals, probe: found, raw, kinds, shown, limit, grouped, zone, seconds });
    return this.#options.write(shown === 0 ? text.slice(1) : text);
  }

  /** Which kinds of records match. Only files with aggregates in them are asked. */
  async #kinds(source: Source, found: Probe): Promise<MatchedKinds> {
    if (found.maxKind < AGGREGATE) return NO_KINDS;
    const { spec } = this.#options;
    let [traffic, aggregates] = [0, 0];
    await this.#duck.read(planKinds(spec, source), (rows) => {
      const count = (at: number): number => {
        const cell = createCell('i64', at);
        cell.bind(rows);
        return cell.number(0);
      };
      [traffic, aggregates] = [count(0), count(1)];
    });
    return { traffic, aggregates, summed: spec.by.length === 0 || namesRecordKind(spec.filter) };
  }

  async *#listing(plan: Plan): AsyncGenerator<Chunk> {
    for await (const rows of this.#duck.stream(plan.sql)) yield { plan, rows, first: 0, totals: undefined };
  }

  /** Groups, after totals that show whether doubles sufficed; if not, all is asked again with integers. */
  async *#groups(source: Source, found: Probe, times: boolean): AsyncGenerator<Chunk> {
    const { spec } = this.#options;
    const known = knownTotals(found, source, spec.raw);
    if (known !== undefined) {
      const plan = planAggregate(spec, source, found, { times: false, arithmetic: 'doubles', totals: false });
      for await (const rows of this.#duck.stream(plan.sql)) yield { plan, rows, first: 0, totals: known };
      return;
    }
    for (const arithmetic of ['doubles', 'integers'] as const) {
      const plan = planAggregate(spec, source, found, { times, arithmetic, totals: true });
      let totals: Totals | undefined;
      for await (const rows of this.#duck.stream(plan.sql)) {
        const first = totals === undefined ? 1 : 0;
        totals ??= readTotals(rows, plan, source);
        if (mayBeRounded(totals, plan)) break;
        yield { plan, rows, first, totals };
      }
      if (totals === undefined || !mayBeRounded(totals, plan)) return;
    }
  }

  /** What all flows of a listing come to. */
  async #totals(source: Source, found: Probe): Promise<Totals> {
    let totals = NO_TOTALS;
    for (const arithmetic of ['doubles', 'integers'] as const) {
      const plan = planTotals(this.#options.spec, source, found, arithmetic);
      await this.#duck.read(plan.sql, (rows) => {
        totals = readTotals(rows, plan, source);
      });
      if (!mayBeRounded(totals, plan)) break;
    }
    return totals;
  }

  #columns(plan: Plan, totals: Totals): [PeopleColumn[], (rows: Rows) => void] {
    const { zone, plain, spec } = this.#options;
    const cells = plan.columns.map(({ kind, at, column }) => createCell(kind, at, column));
    const columns: PeopleColumn[] = [];
    plan.columns.forEach(({ column }, index) => {
      if (column !== undefined) columns.push(columnForPeople(column, cells[index] as Cell, { zone, plain }));
    });
    if (spec.by.length > 0) {
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
