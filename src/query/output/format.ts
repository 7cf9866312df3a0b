import type { Cell } from '../cells.ts';

/** Takes text; resolves to false once nobody reads any more. */
export type Write = (text: string) => Promise<boolean>;

/** A column as a machine-readable format sees it: its name and how to read it. */
export interface FormatColumn {
  readonly name: string;
  readonly cell: Cell;
}

/** Turns rows into text, chunk by chunk. Each call resolves to false when the reader has gone. */
export interface RowFormat {
  begin(): Promise<boolean>;
  /** Rows [first, end) of those that the columns' cells are bound to. */
  rows(first: number, end: number): Promise<boolean>;
  end(): Promise<boolean>;
}

/** RFC 4180 with `\n`: a header, and a field empty where there is no value. */
export function createCsv(columns: readonly FormatColumn[], write: Write): RowFormat {
  return {
    begin: () => write(`${columns.map(({ name }) => csvField(name)).join(',')}\n`),
    rows: (first, end) => {
      let text = '';
      for (let row = first; row < end; row++) {
        for (let i = 0; i < columns.length; i++) {
          const { cell } = columns[i] as FormatColumn;
          const value = cell.text(row);
          if (i > 0) text += ',';
          if (value !== undefined) text += cell.free ? csvField(value) : value;
        }
        text += '\n';
      }
      return write(text);
    },
    end: () => Promise.resolve(true),
  };
}

export function csvField(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/**
 * JSON objects, one a line (`ndjson`) or as the lines of one array (`json`). Numbers are exact decimals, whatever their size. `sparse`: fields
 * without a value are left out instead of being null.
 */
export function createJson(
  columns: readonly FormatColumn[],
  write: Write,
  options: { readonly lines: boolean; readonly sparse: boolean },
): RowFormat {
  const { lines, sparse } = options;
  const names = columns.map(({ name }) => `${JSON.stringify(name)}:`);
  let started = false;
  return {
    begin: () => (lines ? Promise.resolve(true) : write('[')),
    rows: (first, end) => {
      let text = '';
      for (let row = first; row < end; row++) {
        if (!lines) text += started ? ',\n' : '\n';
        started = true;
        text += '{';
        let comma = '';
        for (let i = 0; i < columns.length; i++) {
          const { cell } = columns[i] as FormatColumn;
          const value = cell.text(row);
          if (value === undefined && sparse) continue;
          text += comma + (names[i] as string) + (value === undefined ? 'null' : jsonValue(cell, value, row));
          comma = ',';
        }
        text += lines ? '}\n' : '}';
      }
      return write(text);
    },
    end: () => (lines ? Promise.resolve(true) : write(started ? '\n]\n' : ']\n')),
  };
}

function jsonValue(cell: Cell, value: string, row: number): string {
  if (cell.numeric || (cell.free && cell.json(row))) return value;
  return cell.free ? JSON.stringify(value) : `"${value}"`;
}
