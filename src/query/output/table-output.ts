import { COLUMNS, columnIndex } from '../../flow/schema.ts';
import { type Cell, createCell } from '../cells.ts';
import type { Rows } from '../duck.ts';
import { DURATION } from '../key.ts';
import { NAME_COLUMNS } from '../name-columns.ts';
import type { AnswerColumn } from '../plan.ts';
import type { Totals } from '../totals.ts';
import type { Output, OutputOptions } from './output.ts';
import { columnForPeople, figureForPeople, measuresForPeople, type PeopleColumn } from './people.ts';
import { type SummaryFacts, summaryText } from './summary.ts';
import { Table } from './table.ts';

/** What a listing shows to people unless told otherwise. */
const LISTED = ['proto', 'src_addr', 'src_port', 'dst_addr', 'dst_port', 'tcp_flags', 'packets', 'bytes'].map(
  (name) => COLUMNS[columnIndex(name)] as (typeof COLUMNS)[number],
);
/** What it shows besides with `--names`. */
const NAMES_LISTED = NAME_COLUMNS.map(({ column }) => column).filter(({ name }) =>
  ['in_if_name', 'out_if_name', 'app_label'].includes(name),
);
const START = COLUMNS[columnIndex('time_start')] as (typeof COLUMNS)[number];

/** Stands in the place of the first key for the groups that are not shown. */
const OTHER = 'other';

/** A table with a summary below. */
export class TableOutput implements Output {
  readonly forPeople = true;
  readonly listed;
  readonly #options: OutputOptions;
  #columns: readonly PeopleColumn[] = [];
  #cells: readonly Cell[] = [];
  #table: Table | undefined;
  #keys = 0;
  /** Whether this table has its header. */
  #hasHeader = false;
  #written = false;

  constructor(options: OutputOptions) {
    this.#options = options;
    this.listed = [START, DURATION, ...LISTED, ...(options.spec.names ? NAMES_LISTED : [])];
  }

  begin(answer: readonly AnswerColumn[], totals: Totals): Promise<boolean> {
    const { spec, width, colour } = this.#options;
    this.#cells = answer.map(({ kind, at, column, lengths }) => createCell(kind, at, column, lengths));
    const columns: PeopleColumn[] = [];
    answer.forEach(({ column, measure }, index) => {
      const cell = this.#cells[index] as Cell;
      if (column !== undefined) columns.push(columnForPeople(column, cell, this.#options));
      else if (measure !== undefined) columns.push(figureForPeople(measure, cell, this.#options));
    });
    if (spec.sums) {
      this.#keys = answer.filter(({ column }) => column !== undefined).length;
      const [flows, packets, bytes] = this.#cells.slice(this.#keys) as [Cell, Cell, Cell];
      const isChosen = spec.measures.length > 0;
      const counters = measuresForPeople({ flows, packets, bytes }, spec.order[0]?.name, totals, this.#options);
      // Whoever chooses measures gets these beside the counters, and none that were not asked for.
      columns.splice(this.#keys, 0, ...(isChosen ? counters.slice(0, 3) : counters));
    }
    this.#columns = columns;
    this.#hasHeader = false;
    this.#table = new Table(columns, { width, colour });
    return Promise.resolve(true);
  }

  rows(rows: Rows, first: number): Promise<boolean> {
    if (first >= rows.count || this.#table === undefined) return Promise.resolve(true);
    for (const cell of this.#cells) cell.bind(rows);
    const lines: string[][] = [];
    for (let row = first; row < rows.count; row++) lines.push(this.#columns.map((column) => column.text(row)));
    // The first rows make the widths, in which the last one is to fit, too.
    const widest = this.#options.spec.limit === undefined ? lines : [...lines, [OTHER]];
    return this.#options.write(this.#header(this.#table, widest) + this.#table.lines(lines));
  }

  other(rows: Rows): Promise<boolean> {
    if (this.#table === undefined) return Promise.resolve(true);
    for (const cell of this.#cells) cell.bind(rows);
    const line = this.#columns.map((column, index) =>
      index >= this.#keys ? column.text(0) : index === 0 ? OTHER : '',
    );
    return this.#options.write(this.#header(this.#table, [line]) + this.#table.lines([line]));
  }

  /** The header where it is still to be written, below an empty line when it is not the first. */
  #header(table: Table, rows: readonly (readonly string[])[]): string {
    if (this.#hasHeader) return '';
    const gap = this.#written ? '\n' : '';
    this.#hasHeader = true;
    this.#written = true;
    const header = table.header(rows);
    return gap + (this.#options.quiet === true ? '' : header);
  }

  end(facts: SummaryFacts): Promise<boolean> {
    if (this.#options.quiet === true) return Promise.resolve(true);
    const text = summaryText(facts);
    return this.#options.write(this.#written ? text : text.slice(1));
  }
}
