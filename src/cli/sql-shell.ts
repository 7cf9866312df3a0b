import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { COLUMNS } from '../flow/schema.ts';
import { FUNCTIONS } from '../query/macros.ts';
import { FORMATS, type FormatName } from '../query/output/format.ts';
import type { SqlQuery } from '../query/sql-run.ts';
import { TABLES } from '../query/sql-session.ts';
import { isEmptySql, splitSql } from '../query/sql-split.ts';
import { WeirError } from '../util/errors.ts';

export interface SqlShellOptions {
  readonly query: Pick<SqlQuery, 'run' | 'cancel' | 'resume'>;
  readonly input: Readable;
  readonly output: Writable;
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
const DOTS = ['.tables', '.columns', '.mode', '.help', '.quit'];
const HELP = `A statement ends with ; and may have several lines. Ctrl-C ends it, not the shell.
.tables           tables
.columns [TABLE]  columns of a table (flows)
.mode FORMAT      ${FORMATS.join(', ')}
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
export async function runSqlShell({ query, input, output, isTerminal, historyFile }: SqlShellOptions): Promise<void> {
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
  let mode: FormatName = 'table';
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
  const run = async (statement: string, format = mode): Promise<void> => {
    running = true;
    query.resume();
    try {
      if (!(await query.run(statement, format))) output.write('cancelled\n');
    } catch (error) {
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
      await run(`SELECT column_name, column_type FROM (DESCRIBE ${argument ?? 'flows'})`, 'table');
    } else if (word === '.mode' && FORMATS.includes(argument as FormatName)) mode = argument as FormatName;
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
        for (const statement of statements) await run(statement);
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
