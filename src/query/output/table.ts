/** A column of a table for people. */
export interface TableColumn {
  readonly label: string;
  readonly right: boolean;
  /** Left out, the greatest first, when the terminal is too narrow. */
  readonly dispensable?: number;
  /** Never cut: half an address is none. */
  readonly whole?: boolean;
}

export interface TableOptions {
  /** Columns of the terminal; undefined when it is none, and lines may have any length. */
  readonly width: number | undefined;
  readonly colour: boolean;
}

/** Texts narrower than this are never cut. */
const NARROWEST = 8;
const GAP = '  ';

/** Lines of a table. Widths come from the rows of the first call; later ones are fitted to them. */
export class Table {
  readonly #columns: readonly TableColumn[];
  readonly #options: TableOptions;
  #shown: number[] = [];
  #widths: number[] = [];

  constructor(columns: readonly TableColumn[], options: TableOptions) {
    this.#columns = columns;
    this.#options = options;
  }

  /** The header, fitted to these rows, which are to be printed next. */
  header(rows: readonly (readonly string[])[]): string {
    this.#shown = this.#columns.map((_, index) => index);
    this.#widths = this.#columns.map(({ label }, index) =>
      rows.reduce((widest, row) => Math.max(widest, textWidth(row[index] ?? '')), label.length),
    );
    this.#fit();
    const cells = this.#shown.map((index) => this.#pad((this.#columns[index] as TableColumn).label, index));
    const line = cells.join(GAP).trimEnd();
    return bold(`${line}\n`, this.#options.colour);
  }

  lines(rows: readonly (readonly string[])[]): string {
    let text = '';
    for (const row of rows) {
      text += `${this.#shown
        .map((index) => this.#pad(row[index] ?? '', index))
        .join(GAP)
        .trimEnd()}\n`;
    }
    return text;
  }

  #fit(): void {
    const { width } = this.#options;
    if (width === undefined) return;
    const total = () =>
      this.#shown.reduce((sum, index) => sum + (this.#widths[index] as number) + GAP.length, -GAP.length);
    const dispensable = [...this.#columns.keys()]
      .filter((index) => this.#columns[index]?.dispensable !== undefined)
      .sort((a, b) => (this.#columns[b]?.dispensable ?? 0) - (this.#columns[a]?.dispensable ?? 0));
    for (const index of dispensable) {
      if (total() <= width) return;
      this.#shown = this.#shown.filter((each) => each !== index);
    }
    // What is left is cut where it is widest.
    for (let excess = total() - width; excess > 0; excess = total() - width) {
      const widest = this.#shown
        .filter((index) => this.#isCut(index))
        .reduce((best, index) => ((this.#widths[index] as number) > (this.#widths[best] ?? 0) ? index : best), -1);
      const now = this.#widths[widest] ?? 0;
      if (now <= NARROWEST) return;
      this.#widths[widest] = Math.max(NARROWEST, now - excess);
    }
  }

  #isCut(index: number): boolean {
    const { right, whole } = this.#columns[index] as TableColumn;
    return !right && whole !== true;
  }

  #pad(text: string, index: number): string {
    const width = this.#widths[index] as number;
    const size = textWidth(text);
    if (size > width && this.#isCut(index)) return cutText(text, width);
    const space = ' '.repeat(Math.max(0, width - size));
    return this.#columns[index]?.right === true ? space + text : text + space;
  }
}

/** Lines in bold type, where there is colour. */
export function bold(lines: string, colour: boolean): string {
  return colour ? lines.replaceAll(/[^\n]+/g, '\u001B[1m$&\u001B[0m') : lines;
}

/** The text in so many places at most; `mark` stands for what is left out. */
export function cutText(text: string, width: number, mark = '…'): string {
  if (textWidth(text) <= width) return text;
  return `${Array.from(text)
    .slice(0, Math.max(0, width - 1))
    .join('')}${mark}`;
}

/** Places a text takes, counting every character as one. */
export function textWidth(text: string): number {
  return /^[\u0020-\u007E]*$/.test(text) ? text.length : Array.from(text).length;
}

/** Text from the network may hold characters that move a terminal's cursor or change its colours. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '·');
}
