import type { ColumnDefinition } from '../../flow/schema.ts';
import { WeirError } from '../../util/errors.ts';
import { CONVERSATION_COLUMNS, CONVERSATION_LISTED } from '../bidirectional.ts';
import { type Cell, createCell } from '../cells.ts';
import type { Rows } from '../duck.ts';
import type { AnswerColumn } from '../plan.ts';
import { type LinePiece, lineColumns } from './line-format.ts';
import { type LineColumn, LineText } from './line-text.ts';
import type { Output, OutputOptions } from './output.ts';
import { columnForPeople, counterForPeople, figureForPeople, isHost, lookUpHosts } from './people.ts';
import { type SummaryFacts, summaryText } from './summary.ts';

/** One line a flow, or a group, put together from tokens. */
export class LineOutput implements Output {
  readonly forPeople: boolean;
  readonly listed: readonly ColumnDefinition[];
  readonly #options: OutputOptions;
  readonly #pieces: readonly LinePiece[];
  #columns: readonly LineColumn[] = [];
  #addresses: readonly Cell[] = [];
  #lines: LineText | undefined;
  #shown = 0;

  constructor(options: OutputOptions, pieces: readonly LinePiece[]) {
    this.#options = options;
    this.#pieces = pieces;
    this.forPeople = options.quiet !== true;
    if (options.spec.columns.length > 0) {
      throw new WeirError('WEIR_USAGE', '--columns goes with other formats: this one says itself what it shows', {
        hint: 'Put a column into the line: --format "fmt:%line %{in_if}"',
      });
    }
    this.listed = options.spec.sums ? [] : listedColumns(pieces, options.spec.bidirectional);
  }

  begin(answer: readonly AnswerColumn[]): Promise<boolean> {
    const { spec, plain, colour } = this.#options;
    this.#columns = answer.map(({ name, kind, at, column, lengths, measure }): LineColumn => {
      const cell = createCell(kind, at, column, lengths);
      const people =
        column !== undefined
          ? columnForPeople(column, cell, this.#options)
          : measure !== undefined
            ? figureForPeople(measure, cell, this.#options)
            : counterForPeople(name, cell, this.#options);
      return { name, column: column?.name, cell, people };
    });
    this.#addresses = this.#columns.flatMap(({ cell }, index) => (isHost(answer[index] as AnswerColumn) ? cell : []));
    this.#shown += this.#lines?.shown ?? 0;
    this.#lines = new LineText({
      pieces: this.#pieces,
      columns: this.#columns,
      kind: spec.sums ? 'sums' : spec.bidirectional ? 'conversations' : 'flows',
      hasHeader: this.forPeople,
      plain,
      colour,
    });
    return Promise.resolve(true);
  }

  async rows(rows: Rows, first: number): Promise<boolean> {
    if (first >= rows.count || this.#lines === undefined) return true;
    for (const { cell } of this.#columns) cell.bind(rows);
    await lookUpHosts(this.#options.hosts, this.#addresses, rows, first);
    return this.#options.write(this.#lines.text(first, rows.count));
  }

  end(facts: SummaryFacts): Promise<boolean> {
    if (!this.forPeople) return Promise.resolve(true);
    const text = summaryText(facts);
    const shown = this.#shown + (this.#lines?.shown ?? 0);
    return this.#options.write(shown === 0 ? text.slice(1) : text);
  }
}

/** What is to be listed; of a conversation as much as it has. */
function listedColumns(pieces: readonly LinePiece[], bidirectional: boolean): readonly ColumnDefinition[] {
  if (!bidirectional) return lineColumns(pieces);
  return [...CONVERSATION_COLUMNS, ...CONVERSATION_LISTED.filter((column) => !CONVERSATION_COLUMNS.includes(column))];
}
