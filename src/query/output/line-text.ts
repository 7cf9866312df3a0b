import { WeirError } from '../../util/errors.ts';
import type { Cell } from '../cells.ts';
import type { LinePiece } from './line-format.ts';
import type { LinePart, LineReader } from './line-tokens.ts';
import type { PeopleColumn } from './people.ts';
import { bold, textWidth } from './table.ts';

/** What a line can show: a column or a figure, as programs and as people read it. */
export interface LineColumn {
  readonly name: string;
  /** Name of the column that it is, or is made of. */
  readonly column: string | undefined;
  readonly cell: Cell;
  readonly people: PeopleColumn;
}

export interface LineTextOptions {
  readonly pieces: readonly LinePiece[];
  readonly columns: readonly LineColumn[];
  /** Lines of sums: tokens stand for keys and measures. Lines of conversations: those that stand for what a flow alone has do. */
  readonly kind: 'flows' | 'conversations' | 'sums';
  readonly hasHeader: boolean;
  /** Whole numbers instead of `1.2 M`. */
  readonly plain: boolean;
  readonly colour: boolean;
}

/** Rows as lines put together from tokens; aligned by the widest of the first rows. Their cells must have been bound to the rows. */
export class LineText {
  readonly #options: LineTextOptions;
  readonly #columns: ReadonlyMap<string, LineColumn>;
  readonly #parts: readonly (string | LinePart)[];
  #widths: readonly number[] | undefined;
  #shown = 0;

  /** Throws WEIR_USAGE where a piece needs a column that is not there. */
  constructor(options: LineTextOptions) {
    this.#options = options;
    this.#columns = new Map(options.columns.map((column) => [column.name, column]));
    this.#parts = options.pieces.map((piece) => this.#partOf(piece));
  }

  /** Lines up to now. */
  get shown(): number {
    return this.#shown;
  }

  /** Lines of the rows [first, end), below the header when they are the first ones. */
  text(first: number, end: number): string {
    const read = this.#reader(first);
    const textsOf = (row: number) =>
      this.#parts.map((part) => (typeof part === 'string' ? part : part.text(read, row)));
    const lines: string[] = [];
    if (this.#widths === undefined) {
      const rows: string[][] = [];
      for (let row = first; row < end; row++) rows.push(textsOf(row));
      this.#widths = this.#fit(rows);
      if (this.#options.hasHeader) lines.push(this.#header());
      for (const texts of rows) lines.push(this.#line(texts));
    } else {
      for (let row = first; row < end; row++) lines.push(this.#line(textsOf(row)));
    }
    this.#shown += end - first;
    return lines.join('');
  }

  /** The part that a piece is here. */
  #partOf(piece: LinePiece): string | LinePart {
    if (typeof piece === 'string') return piece;
    const { columns, kind } = this.#options;
    if ('name' in piece) {
      const found = this.#columns.get(piece.name);
      if (found === undefined) throw this.#missing(`%{${piece.name}}`);
      const { label, right } = found.people;
      return { label, right, columns: [], width: 0, text: (_, row) => found.people.text(row) };
    }
    const [main] = piece.columns;
    if (main === undefined || kind === 'flows') return piece;
    const name = piece.inSums ?? main;
    // What a conversation does not have is not there; it counts its flows as sums do.
    if (kind === 'conversations' && (this.#columns.has(main) || !this.#columns.has(name))) return piece;
    // A key may be made of the column: src_addr/24.
    const found = this.#columns.get(name) ?? columns.find(({ column }) => column === name);
    if (found === undefined) throw this.#missing(name);
    const isWhole = piece.columns.length > 1 && piece.inSums === undefined;
    return isWhole ? piece : { ...piece, text: (_, row) => found.people.text(row) };
  }

  #reader(first: number): LineReader {
    const before = this.#shown - first;
    const find = (column: string) => this.#columns.get(column);
    // An address is asked for twice, for itself and for what stands between it and the port.
    const memory = new Map<string, { readonly column: LineColumn | undefined; row: number; text: string }>();
    const shown = (name: string, row: number): string => {
      let last = memory.get(name);
      if (last === undefined) {
        last = { column: find(name), row: Number.NaN, text: '-' };
        memory.set(name, last);
      }
      if (last.row !== row) {
        last.row = row;
        last.text = last.column?.people.text(row) ?? '-';
      }
      return last.text;
    };
    return {
      number: (column, row) => find(column)?.cell.number(row) ?? Number.NaN,
      text: (column, row) => find(column)?.cell.text(row),
      shown,
      count: (row) => before + row,
      plain: this.#options.plain,
    };
  }

  /** Widths from these lines, which are to be printed next. */
  #fit(lines: readonly (readonly string[])[]): number[] {
    return this.#parts.map((part, index) => {
      if (typeof part === 'string') return 0;
      const least = Math.max(part.width, this.#options.hasHeader ? part.label.length : 0);
      return lines.reduce((widest, line) => Math.max(widest, textWidth(line[index] ?? '')), least);
    });
  }

  #header(): string {
    const labels = this.#parts.map((part) => (typeof part === 'string' ? part.replaceAll(/[^\n]/g, ' ') : part.label));
    return bold(this.#line(labels), this.#options.colour);
  }

  #line(texts: readonly string[]): string {
    let line = '';
    for (let index = 0; index < texts.length; index++) {
      const text = texts[index] as string;
      const part = this.#parts[index];
      if (part === undefined || typeof part === 'string') {
        line += text;
        continue;
      }
      const length = (this.#widths?.[index] as number) + text.length - textWidth(text);
      line += part.right ? text.padStart(length) : text.padEnd(length);
    }
    return `${line.trimEnd()}\n`;
  }

  #missing(what: string): WeirError {
    return new WeirError('WEIR_USAGE', `--format: the answer does not have ${what.slice(0, 60)}`, {
      hint: `It has ${this.#options.columns
        .slice(0, 12)
        .map(({ name }) => `%{${name}}`)
        .join(' ')}.`,
    });
  }
}
