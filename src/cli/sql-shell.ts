import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { COLUMNS } from '../flow/schema.ts';
import { FUNCTIONS } from '../query/macros.ts';
import { SQL_FORMS, type SqlForm } from '../query/sql-output.ts';
import type { SqlQuery } from '../query/sql-run.ts';
import { TABLES } from '../query/sql-session.ts';
import { isEmptySql, splitSql } from '../query/sql-split.ts';
import { WeirError } from '../util/errors.ts';
import type { OutputFile } from './output-file.ts';

export interface SqlShellOptions {
  readonly query: Pick<SqlQuery, 'run' | 'cancel' | 'resume'>;
  readonly input: Readable;
  readonly output: Writable;
  /** Opens what an answer goes to, a file or standard output. */
  readonly open: (file: string | undefined, isBinary: boolean) => Promise<OutputFile>;
  /** The form of answers at the beginning. */
  readonly mode?: SqlForm;
  /** Keys are read one by one: history, completion. */
  readonly isTerminal: boolean;
  /** Undefined: nothing is remembered. */
  readonly historyFile: string | undefined;
}

const PROMPT = 'weir> ';
const MORE = '  ...> ';
const MOST_HISTORY = 1000;
const KEYWORDS =
  'select from where group by order limit having distinct join left on using union all as and or not in between is null case when then else end desc asc with values describe summarize show count sum avg min max interval time_bucket'.split(
    ' ',
  );
const DOTS = ['.tables', '.columns', '.mode', '.output', '.help', '.quit'];
const HELP = `A statement ends with ; and may have several lines. Ctrl-C ends it, not the shell.
.tables           tables
.columns [TABLE]  columns of a table (flows)
.mode FORMAT      ${SQL_FORMS.join(', ')}
.output [FILE]    where the next answer goes; those after it are shown again
.quit             or Ctrl-D
Examples: docs/sql.md
`;

/** Where the history is: `$XDG_STATE_HOME/weir/sql_history`, or in ~/.local/state. */
export function historyPath(env: Readonly<Record<string, string | undefined>>): string {
  const state = env['XDG_STATE_HOME'];
  return join(
    state?.startsWith('/') === true ? state : join(env['HOME'] ?? homedir(), '.local/state'),
    'weir/sql_history',
  );
}

/** Words that the last one of a line may go on with, and what of it they replace. */
export function completeSql(line: string): [words: string[], begin: string] {
  const begin = /[\w.]*$/.exec(line)?.[0] ?? '';
  const names = begin.startsWith('.')
    ? DOTS
    : [...TABLES, ...COLUMNS.map(({ name }) => name), ...FUNCTIONS.map((name) => `${name}(`), ...KEYWORDS];
  return [names.filter((name) => name.startsWith(begin.toLowerCase())), begin];
}

/** Reads statements from a person and runs them, until `.quit` or the end of the input. */
export async function runSqlShell({ query, input, output, open, ...options }: SqlShellOptions): Promise<void> {
  const { isTerminal, historyFile } = options;
  let history = historyFile === undefined ? [] : await readHistory(historyFile);
  const lines = createInterface({
    input,
    output,
    terminal: isTerminal,
    history,
    historySize: MOST_HISTORY,
    removeHistoryDuplicates: true,
    completer: completeSql,
  });
  lines.on('history', (now: string[]) => {
    history = [...now];
  });
  let mode: SqlForm = options.mode ?? 'table';
  /** What the next answer goes to; undefined: it is shown. */
  let file: string | undefined;
  let pending = '';
  let running = false;
  const ask = () => {
    lines.setPrompt(pending === '' ? PROMPT : MORE);
    lines.prompt();
  };
  lines.on('SIGINT', () => {
    if (running) {
      query.cancel();
      return;
    }
    pending = '';
    output.write('\n');
    // What was typed of this line goes, too.
    lines.write(null, { ctrl: true, name: 'e' });
    lines.write(null, { ctrl: true, name: 'u' });
    ask();
  });
  const run = async (statement: string, format: SqlForm, to: string | undefined): Promise<void> => {
    running = true;
    query.resume();
    let target: OutputFile | undefined;
    try {
      target = await open(to, format === 'parquet');
      const { write } = target;
      const isWhole = await query.run(statement, format, write);
      await (isWhole ? target.finish() : target.discard());
      if (!isWhole) output.write('cancelled\n');
      else if (to !== undefined) output.write(`written to ${to}\n`);
    } catch (error) {
      await target?.discard();
      if (!(error instanceof WeirError)) throw error;
      output.write(`error: ${error.message}\n${error.hint === undefined ? '' : `  ${error.hint}\n`}`);
    } finally {
      running = false;
    }
  };
  /** Resolves false for the end. */
  const dot = async (line: string): Promise<boolean> => {
    const [word, argument] = line.trim().split(/\s+/);
    if (word === '.quit' || word === '.exit') return false;
    if (word === '.tables') output.write(`${TABLES.join('\n')}\n`);
    else if (word === '.columns' && TABLES.includes(argument ?? 'flows')) {
      await run(`SELECT column_name, column_type FROM (DESCRIBE ${argument ?? 'flows'})`, 'table', undefined);
    } else if (word === '.mode' && SQL_FORMS.includes(argument as SqlForm)) mode = argument as SqlForm;
    else if (word === '.output') file = line.trim().slice(word.length).trim() || undefined;
    else output.write(HELP);
    return true;
  };
  ask();
  try {
    for await (const line of lines) {
      if (pending === '' && line.trimStart().startsWith('.')) {
        if (!(await dot(line))) return;
      } else {
        const { statements, rest } = splitSql(`${pending}${line}\n`);
        pending = isEmptySql(rest) ? '' : rest;
        for (const statement of statements) {
          await run(statement, mode, file);
          file = undefined;
        }
      }
      if (historyFile !== undefined) await writeHistory(historyFile, history);
      ask();
    }
  } finally {
    lines.close();
  }
}

/** The newest first, as readline has it. */
async function readHistory(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .slice(-MOST_HISTORY)
    .reverse();
}

/** Nobody else reads it: statements name addresses. A shell without a place for its history works all the same. */
async function writeHistory(path: string, history: readonly string[]): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, `${history.toReversed().join('\n')}\n`, { mode: 0o600 });
    await chmod(path, 0o600);
  } catch {
    // Not worth a word at every statement.
  }
}
