import type { Rows } from '../duck.ts';
import type { AnswerColumn } from '../plan.ts';
import type { Totals } from '../totals.ts';
import type { Output, OutputOptions } from './output.ts';
import { PeopleRows, peopleListing } from './people-rows.ts';

/** A table in Markdown (GitHub's), as people paste it into tickets and mails: what the table shows, without a summary. */
export class MarkdownOutput implements Output {
  readonly forPeople: boolean;
  readonly listed;
  readonly #options: OutputOptions;
  #rows: PeopleRows | undefined;
  #written = false;

  constructor(options: OutputOptions) {
    this.#options = options;
    // Sums need their totals for shares; below a listing nothing is said of them.
    this.forPeople = options.spec.sums;
    this.listed = peopleListing(options.spec);
  }

  begin(answer: readonly AnswerColumn[], totals: Totals): Promise<boolean> {
    this.#rows = new PeopleRows(answer, totals, this.#options);
    const { columns } = this.#rows;
    const rule = columns.map(({ right }) => (right ? '---:' : '---'));
    const gap = this.#written ? '\n' : '';
    this.#written = true;
    return this.#options.write(`${gap}${markdownLine(columns.map(({ label }) => label))}| ${rule.join(' | ')} |\n`);
  }

  async rows(rows: Rows, first: number): Promise<boolean> {
    const lines = (await this.#rows?.lines(rows, first)) ?? [];
    return this.#options.write(lines.map(markdownLine).join(''));
  }

  async other(rows: Rows): Promise<boolean> {
    const found = this.#rows?.other(rows);
    return found === undefined || this.#options.write(markdownLine(found));
  }

  end(): Promise<boolean> {
    return Promise.resolve(true);
  }
}

/** A row of a table in Markdown; what means something there is written so that it does not. */
export function markdownLine(texts: readonly string[]): string {
  return `| ${texts.map((text) => text.replaceAll(/[\\|<>`*_[\]]/g, '\\$&')).join(' | ')} |\n`;
}
