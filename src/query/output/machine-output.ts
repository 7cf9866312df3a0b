import { constantCell, createCell } from '../cells.ts';
import type { Rows } from '../duck.ts';
import type { AnswerColumn } from '../plan.ts';
import { createCsv, createJson, type FormatColumn, type RowFormat } from './format.ts';
import type { Output, OutputOptions } from './output.ts';

/** CSV and JSON: rows as they come, and nothing else. */
export class MachineOutput implements Output {
  readonly forPeople = false;
  readonly #options: OutputOptions;
  readonly #form: 'csv' | 'json' | 'ndjson';
  #columns: FormatColumn[] = [];
  #format: RowFormat | undefined;

  constructor(options: OutputOptions, form: 'csv' | 'json' | 'ndjson') {
    this.#options = options;
    this.#form = form;
  }

  begin(answer: readonly AnswerColumn[]): Promise<boolean> {
    const { spec, write } = this.#options;
    this.#columns = answer.map(({ name, kind, at, column, lengths }) => ({
      name,
      cell: createCell(kind, at, column, lengths),
    }));
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
    const [first] = this.#columns;
    if (first !== undefined) this.#columns[0] = { name: first.name, cell: constantCell('other') };
    return this.rows(rows, 0);
  }

  end(): Promise<boolean> {
    return this.#format?.end() ?? Promise.resolve(true);
  }
}
