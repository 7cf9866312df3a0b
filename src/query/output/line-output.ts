import type { ColumnDefinition } from '../../flow/schema.ts';
import { WeirError } from '../../util/errors.ts';
import { CONVERSATION_COLUMNS, CONVERSATION_LISTED } from '../bidirectional.ts';
import { type Cell, createCell } from '../cells.ts';
import type { Rows } from '../duck.ts';
import type { AnswerColumn } from '../plan.ts';
import { type LinePiece, lineColumns } from './line-format.ts';
import type { LinePart, LineReader } from './line-tokens.ts';
import type { Output, OutputOptions } from './output.ts';
import {
  columnForPeople,
  counterForPeople,
  figureForPeople,
  isHost,
  lookUpHosts,
  type PeopleColumn,
} from './people.ts';
import { type SummaryFacts, summaryText } from './summary.ts';
import { bold, textWidth } from './table.ts';

interface Answered {
  readonly cell: Cell;
  readonly people: PeopleColumn;
}

/** One line a flow, or a group, put together from tokens; aligned by the widest of the first rows. */
export class LineOutput implements Output {
  readonly forPeople: boolean;
  readonly listed: readonly ColumnDefinition[];
  readonly #options: OutputOptions;
  readonly #pieces: readonly LinePiece[];
  #addresses: readonly Cell[] = [];
  #parts: readonly (string | LinePart)[] = [];
  #answered: ReadonlyMap<string, Answered> = new Map();
  #widths: readonly number[] = [];
  #shown = 0;
  #hasHeader = false;

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
    this.#answered = new Map(
      answer.map(({ name, kind, at, column, lengths, measure }): [string, Answered] => {
        const cell = createCell(kind, at, column, lengths);
        const people =
          column !== undefined
            ? columnForPeople(column, cell, this.#options)
            : measure !== undefined
              ? figureForPeople(measure, cell, this.#options)
              : counterForPeople(name, cell, this.#options);
        return [name, { cell, people }];
      }),
    );
    this.#addresses = answer.filter(isHost).flatMap(({ name }) => this.#answered.get(name)?.cell ?? []);
    this.#parts = this.#pieces.map((piece) => this.#partOf(piece, answer));
    this.#hasHeader = false;
    return Promise.resolve(true);
  }

  /** The part that a piece is in this answer. Throws WEIR_USAGE where the answer does not have it. */
  #partOf(piece: LinePiece, answer: readonly AnswerColumn[]): string | LinePart {
    if (typeof piece === 'string') return piece;
    if ('name' in piece) {
      const found = this.#answered.get(piece.name);
      if (found === undefined) throw notAnswered(`%{${piece.name}}`, answer);
      const { label, right } = found.people;
      return { label, right, columns: [], width: 0, text: (_, row) => found.people.text(row) };
    }
    const { sums, bidirectional } = this.#options.spec;
    const [main] = piece.columns;
    if (main === undefined) return piece;
    const name = piece.inSums ?? main;
    // What a flow or a conversation does not have is not there; conversations count their flows as sums do.
    if (!sums && !(bidirectional && !this.#answered.has(main) && this.#answered.has(name))) return piece;
    // A key may be made of the column: src_addr/24.
    const key = answer.find((each) => each.name === name) ?? answer.find(({ column }) => column?.name === name);
    const found = key === undefined ? undefined : this.#answered.get(key.name);
    if (found === undefined) throw notAnswered(name, answer);
    const isWhole = piece.columns.length > 1 && piece.inSums === undefined;
    return isWhole ? piece : { ...piece, text: (_, row) => found.people.text(row) };
  }

  async rows(rows: Rows, first: number): Promise<boolean> {
    if (first >= rows.count) return true;
    for (const { cell } of this.#answered.values()) cell.bind(rows);
    await lookUpHosts(this.#options.hosts, this.#addresses, rows, first);
    const read = this.#reader(first);
    const lines: string[][] = [];
    for (let row = first; row < rows.count; row++)
      lines.push(this.#parts.map((part) => (typeof part === 'string' ? part : part.text(read, row))));
    let text = this.#hasHeader ? '' : this.#header(lines);
    this.#hasHeader = true;
    this.#shown += lines.length;
    for (const line of lines) text += this.#line(line);
    return this.#options.write(text);
  }

  #reader(first: number): LineReader {
    const before = this.#shown - first;
    const find = (column: string) => this.#answered.get(column);
    return {
      number: (column, row) => find(column)?.cell.number(row) ?? Number.NaN,
      text: (column, row) => find(column)?.cell.text(row),
      shown: (column, row) => find(column)?.people.text(row) ?? '-',
      count: (row) => before + row,
      plain: this.#options.plain,
    };
  }

  /** The header, with widths from these lines, which are to be printed next. */
  #header(lines: readonly (readonly string[])[]): string {
    const labels = this.#parts.map((part) => (typeof part === 'string' ? part.replaceAll(/[^\n]/g, ' ') : part.label));
    this.#widths = this.#parts.map((part, index) => {
      if (typeof part === 'string') return 0;
      const least = Math.max(part.width, this.forPeople ? part.label.length : 0);
      return lines.reduce((widest, line) => Math.max(widest, textWidth(line[index] ?? '')), least);
    });
    return this.forPeople ? bold(this.#line(labels), this.#options.colour) : '';
  }

  #line(texts: readonly string[]): string {
    const padded = texts.map((text, index) => {
      const part = this.#parts[index];
      if (part === undefined || typeof part === 'string') return text;
      const space = ' '.repeat(Math.max(0, (this.#widths[index] as number) - textWidth(text)));
      return part.right ? space + text : text + space;
    });
    return `${padded.join('').trimEnd()}\n`;
  }

  end(facts: SummaryFacts): Promise<boolean> {
    if (!this.forPeople) return Promise.resolve(true);
    const text = summaryText(facts);
    return this.#options.write(this.#shown === 0 ? text.slice(1) : text);
  }
}

/** What is to be listed; of a conversation as much as it has. */
function listedColumns(pieces: readonly LinePiece[], bidirectional: boolean): readonly ColumnDefinition[] {
  if (!bidirectional) return lineColumns(pieces);
  return [...CONVERSATION_COLUMNS, ...CONVERSATION_LISTED.filter((column) => !CONVERSATION_COLUMNS.includes(column))];
}

function notAnswered(what: string, answer: readonly AnswerColumn[]): WeirError {
  return new WeirError('WEIR_USAGE', `--format: the answer does not have ${what.slice(0, 60)}`, {
    hint: `It has ${answer
      .slice(0, 12)
      .map(({ name }) => `%{${name}}`)
      .join(' ')}.`,
  });
}
