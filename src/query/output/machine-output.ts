import { constantCell, createCell, joinedCell } from '../cells.ts';
import type { Rows } from '../duck.ts';
import type { AnswerColumn } from '../plan.ts';
import type { Stat } from '../spec.ts';
import type { Totals } from '../totals.ts';
import { createCsv, createJson, type FormatColumn, type RowFormat } from './format.ts';
import type { Output, OutputOptions } from './output.ts';

/** CSV and JSON: rows as they come, and nothing else. */
export class MachineOutput implements Output {
  readonly forPeople = false;
  readonly #options: OutputOptions;
  readonly #form: 'csv' | 'json' | 'ndjson';
  readonly #columns: FormatColumn[] = [];
  /** The column that says `other`. */
  #named = 0;
  #format: RowFormat | undefined;

  constructor(options: OutputOptions, form: 'csv' | 'json' | 'ndjson') {
    this.#options = options;
    this.#form = form;
  }

  begin(answer: readonly AnswerColumn[], _totals: Totals, stat?: Stat): Promise<boolean> {
    const { spec, write } = this.#options;
    const columns = answer.map(formatColumn);
    const keys = columns.filter((_, index) => answer[index]?.column !== undefined);
    // The format keeps the list, in which the cells of the next statistic take the place of those before.
    this.#columns.splice(
      0,
      this.#columns.length,
      ...(stat === undefined
        ? columns
        : [
            { name: 'stat', cell: constantCell(stat.name) },
            { name: 'value', cell: joinedCell(keys.map(({ cell }) => cell)) },
            ...columns.slice(keys.length),
          ]),
    );
    this.#named = stat === undefined ? 0 : 1;
    if (this.#format !== undefined) return Promise.resolve(true);
    this.#format =
      this.#form === 'csv'
        ? createCsv(this.#columns, write)
        : createJson(this.#columns, write, { lines: this.#form === 'ndjson', sparse: !spec.sums });
    return this.#format.begin();
  }

  rows(rows: Rows, first: number): Promise<boolean> {
    for (const { cell } of this.#columns) cell.bind(rows);
    return first < rows.count
      ? (this.#format?.rows(first, rows.count) ?? Promise.resolve(true))
      : Promise.resolve(true);
  }

  other(rows: Rows): Promise<boolean> {
    const named = this.#columns[this.#named];
    if (named !== undefined) this.#columns[this.#named] = { name: named.name, cell: constantCell('other') };
    return this.rows(rows, 0);
  }

  end(): Promise<boolean> {
    return this.#format?.end() ?? Promise.resolve(true);
  }
}

function formatColumn({ name, kind, at, column, lengths }: AnswerColumn): FormatColumn {
  return { name, cell: createCell(kind, at, column, lengths) };
}
