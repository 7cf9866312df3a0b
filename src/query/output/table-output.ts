import type { Rows } from '../duck.ts';
import type { AnswerColumn } from '../plan.ts';
import type { Totals } from '../totals.ts';
import type { Output, OutputOptions } from './output.ts';
import { OTHER, PeopleRows, peopleListing } from './people-rows.ts';
import { type SummaryFacts, summaryText } from './summary.ts';
import { Table } from './table.ts';

/** A table with a summary below. */
export class TableOutput implements Output {
  readonly forPeople = true;
  readonly listed;
  readonly #options: OutputOptions;
  #rows: PeopleRows | undefined;
  #table: Table | undefined;
  /** Whether this table has its header. */
  #hasHeader = false;
  #written = false;

  constructor(options: OutputOptions) {
    this.#options = options;
    this.listed = peopleListing(options.spec);
  }

  begin(answer: readonly AnswerColumn[], totals: Totals): Promise<boolean> {
    const { width, colour } = this.#options;
    this.#rows = new PeopleRows(answer, totals, this.#options);
    this.#hasHeader = false;
    this.#table = new Table(this.#rows.columns, { width, colour });
    return Promise.resolve(true);
  }

  async rows(rows: Rows, first: number): Promise<boolean> {
    if (first >= rows.count || this.#table === undefined || this.#rows === undefined) return true;
    const lines = await this.#rows.lines(rows, first);
    // The first rows make the widths, in which the last one is to fit, too.
    const widest = this.#options.spec.limit === undefined ? lines : [...lines, [OTHER]];
    return this.#options.write(this.#header(this.#table, widest) + this.#table.lines(lines));
  }

  other(rows: Rows): Promise<boolean> {
    if (this.#table === undefined || this.#rows === undefined) return Promise.resolve(true);
    const line = this.#rows.other(rows);
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
