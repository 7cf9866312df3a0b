import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BothStores } from '../helpers/both-collectors.ts';
import { runProcess } from '../helpers/processes.ts';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import { weir } from '../helpers/weir.ts';
import { AGGREGATIONS, LISTS, type Question, STATISTICS } from './nfdump-questions.ts';
import { storeInBoth } from './nfdump-stores.ts';

type Cells = readonly string[];

/** A value as nfdump has it, for whom there is no difference between 0 and no value. */
function plain(cell: string, column = ''): string {
  if (/^(0|0\.000|0\.0\.0\.0|::|00:00:00:00:00:00|)$/.test(cell)) return '0';
  if (column === 'duration') return (Math.floor(Number(cell) / 1000) / 1000).toFixed(3);
  // Milliseconds are all that nfdump shows; a network's length is in the question.
  return cell.replace(/^(\d{4}-\d\d-\d\d)T(.{12}).*Z$/, '$1 $2').replace(/\/\d+$/, '');
}

/** Rows of a CSV whose cells have no commas, with its header. */
function readCsv(text: string): { header: Cells; rows: Cells[] } {
  const [header = '', ...lines] = text.split('\n').filter((line) => line !== '');
  return { header: header.split(','), rows: lines.map((line) => line.split(',')) };
}

/** Adds up the counters (the last three cells) of rows whose keys cannot be told apart by nfdump. */
function added(rows: readonly Cells[]): Cells[] {
  const groups = new Map<string, number[]>();
  for (const row of rows) {
    const counters = row.slice(-3).map(Number);
    const key = row.slice(0, -3).join('|');
    const before = groups.get(key) ?? [0, 0, 0];
    groups.set(
      key,
      before.map((value, i) => value + (counters[i] ?? 0)),
    );
  }
  return [...groups].map(([key, counters]) => [...key.split('|'), ...counters.map(String)]);
}

/** All rows in an order of their own; of a ranking those that are surely in it, and what all of its places are worth. */
function comparable(rows: readonly Cells[], { ranked }: Question): { ranking: Cells; rows: string[] } {
  if (ranked === undefined) return { ranking: [], rows: rows.map((row) => row.join(' | ')).sort() };
  const ranking = rows.map((row) => row[ranked] ?? '');
  const sure = rows.filter((row) => row[ranked] !== ranking.at(-1));
  return { ranking, rows: sure.map((row) => row.join(' | ')).sort() };
}

describeWithTool(['nfcapd', 'nfdump'], 'the same question to nfdump and to weir', () => {
  let folder: TempFolder;
  let stores: BothStores;
  beforeAll(async () => {
    folder = makeTempFolder('nfdump-questions');
    stores = await storeInBoth(folder);
  });
  afterAll(() => folder.remove());

  const nfdump = async (...args: readonly string[]): Promise<string> => {
    const { stdout, stderr } = await runProcess(requireTool('nfdump'), ['-r', stores.file, '-N', '-6', ...args], {
      env: { TZ: 'UTC' },
    });
    expect(stderr).toBe('');
    return stdout;
  };

  const theirRows = async ({ nfdump: args, filter, top, cells }: Question): Promise<Cells[]> => {
    const text = await nfdump('-q', ...args, '-n', `${top}`, filter);
    if (cells === undefined) {
      const lines = text.split('\n').filter((line) => line !== '');
      return lines.map((line) => line.split('|').map((cell) => plain(cell.trim())));
    }
    const { header, rows } = readCsv(text);
    // The statistics name the counters ipkt and ibyt, or pkt and byt, as they are ordered.
    const columns = cells.map((name) => header.findIndex((each) => each === name || each === `i${name}`));
    return rows.map((row) => columns.map((column) => plain(row[column]?.trim() ?? 'missing')));
  };

  const ourRows = async (question: Question): Promise<Cells[]> => {
    const { twice, weir: args, ...rest } = question;
    if (twice === undefined) return ourOwnRows(question);
    const more = { ...rest, weir: args.with(args.indexOf('--by') + 1, twice.by), filter: twice.filter };
    const rows = await Promise.all([ourOwnRows({ ...rest, weir: args }), ourOwnRows(more)]);
    return rows.flat();
  };

  const ourOwnRows = async ({ weir: args, filter, window, top }: Question): Promise<Cells[]> => {
    const [command = 'query', ...rest] = args;
    const limit = command === 'query' ? ['--top', `${top}`, window ?? filter] : [];
    const asked = [command, '--data', stores.data, '--format', 'csv', ...rest, ...limit];
    const { stdout, stderr } = await weir(asked);
    expect(stderr).toBe('');
    const { header, rows } = readCsv(stdout);
    return rows.map((row) => row.map((cell, i) => plain(cell, header[i])));
  };

  const same = async (question: Question): Promise<void> => {
    const [theirs, ours] = await Promise.all([theirRows(question), ourRows(question)]);
    expect(theirs.length).toBeGreaterThan(0);
    const isAdded = question.top === 0 && !question.weir.includes('--columns');
    expect(comparable(isAdded ? added(ours) : ours, question)).toEqual(comparable(theirs, question));
  };

  const named = (questions: readonly Question[]) =>
    questions.map((question): [name: string, question: Question] => {
      const asked = question.nfdump.filter((arg) => arg !== '-o' && arg !== 'csv');
      return [[...asked, `'${question.filter}'`].join(' '), question];
    });
  describe('statistics', () => it.each(named(STATISTICS))('%s', (_, question) => same(question)));
  describe('aggregations', () => it.each(named(AGGREGATIONS))('%s', (_, question) => same(question)));
  describe('lists', () => it.each(named(LISTS))('%s', (_, question) => same(question)));
});
