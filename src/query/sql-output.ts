import { chartLinesOf } from './chart/sql-chart.ts';
import { createCsv, createJson, type RowFormat, type Write } from './output/format.ts';
import { markdownLine } from './output/markdown-output.ts';
import { printable, Table } from './output/table.ts';
import type { SqlAnswer } from './sql-session.ts';

/** Forms of an answer to SQL, as `weir query --format` has them where they make sense for columns of any kind. */
export const SQL_FORMS = ['table', 'chart', 'markdown', 'csv', 'json', 'ndjson', 'parquet'] as const;
export type SqlForm = (typeof SQL_FORMS)[number];

export interface SqlOutputOptions {
  readonly write: Write;
  /** Of the terminal; undefined when it is none. */
  readonly width: number | undefined;
  readonly height?: number | undefined;
  /** Charts may be drawn with blocks and braille. */
  readonly unicode?: boolean;
  readonly colour: boolean;
  /** Seconds since the statement began. */
  readonly seconds: () => number;
}

/** Writes an answer as text. Resolves to false when the reader has gone. Throws WEIR_SQL for a chart of what is none. */
export async function writeSqlAnswer(
  answer: SqlAnswer,
  form: Exclude<SqlForm, 'parquet'>,
  options: SqlOutputOptions,
): Promise<boolean> {
  const { write } = options;
  switch (form) {
    case 'table':
      return writeTable(answer, options);
    case 'markdown':
      return writeMarkdown(answer, write);
    case 'chart': {
      const lines = await chartLinesOf(answer, options);
      return write(lines.map((line) => `${line}\n`).join(''));
    }
    case 'csv':
      return writeRows(answer, createCsv(answer.columns, write));
    default:
      return writeRows(answer, createJson(answer.columns, write, { lines: form === 'ndjson', sparse: false }));
  }
}

async function writeRows(answer: SqlAnswer, output: RowFormat): Promise<boolean> {
  if (!(await output.begin())) return false;
  for await (const { count } of answer.chunks()) {
    if (!(await output.rows(0, count))) return false;
  }
  return output.end();
}

async function writeTable(answer: SqlAnswer, options: SqlOutputOptions): Promise<boolean> {
  const { width, colour, write, seconds } = options;
  const { columns } = answer;
  const table = new Table(
    columns.map(({ name, cell }) => ({ label: printable(name), right: cell.numeric })),
    { width, colour },
  );
  let shown = 0;
  for await (const { count } of answer.chunks()) {
    const lines = textsOf(answer, count);
    const header = shown === 0 ? table.header(lines) : '';
    shown += count;
    if (!(await write(header + table.lines(lines)))) return false;
  }
  const header = shown === 0 ? table.header([]) : '';
  return write(`${header}\n${shown} ${shown === 1 ? 'row' : 'rows'} in ${seconds().toFixed(2)} s\n`);
}

async function writeMarkdown(answer: SqlAnswer, write: Write): Promise<boolean> {
  const { columns } = answer;
  const rule = columns.map(({ cell }) => (cell.numeric ? '---:' : '---'));
  const head = `${markdownLine(columns.map(({ name }) => printable(name)))}| ${rule.join(' | ')} |\n`;
  if (!(await write(head))) return false;
  for await (const { count } of answer.chunks()) {
    if (!(await write(textsOf(answer, count).map(markdownLine).join('')))) return false;
  }
  return true;
}

function textsOf({ columns }: SqlAnswer, count: number): string[][] {
  return Array.from({ length: count }, (_, row) => columns.map(({ cell }) => printable(cell.text(row) ?? '-')));
}
