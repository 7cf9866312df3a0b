import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseFilter } from '#weir/filter/parser.js';
import { compileFilterSql } from '#weir/filter/sql.js';
import { COLUMNS } from '#weir/flow/schema.js';
import { openSource, sqlSource } from '#weir/query/source.js';
import { collectInBoth, sendToBoth } from '../helpers/both-collectors.ts';
import { runProcess } from '../helpers/processes.ts';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import { datagrams } from './nfdump-datagrams.ts';
import { sharedFilter } from './nfdump-grammar.ts';

const FLOWS = 1200;

describeWithTool(['nfcapd', 'nfdump'], 'filters of the shared grammar', () => {
  let folder: TempFolder;
  let duck: DuckDBConnection;
  let file: string;

  beforeAll(async () => {
    folder = makeTempFolder('nfdump-filter');
    const stores = await collectInBoth(folder, (ports) =>
      sendToBoth(datagrams(FLOWS, Math.floor(Date.now() / 1000)), ports),
    );
    file = stores.file;
    const source = await openSource(stores.data, { from: undefined, to: undefined });
    const columns = COLUMNS.flatMap(({ name, type }) => {
      if (name === 'time_end') return ['duration'];
      return type === 'address' ? [`${name}_hi`, `${name}_lo`] : [name];
    });
    duck = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
    await duck.run(`CREATE TABLE flows AS FROM ${sqlSource(source, columns)}`);
  });
  afterAll(() => {
    duck.closeSync();
    folder.remove();
  });

  /** Starts of the flows, ms, which tell them apart. */
  const weir = async (filter: string): Promise<number[]> => {
    const where = compileFilterSql(parseFilter(filter));
    const rows = await duck.runAndReadAll(`SELECT epoch_ms(time_start)::DOUBLE FROM flows WHERE ${where} ORDER BY 1`);
    return rows.getRows().map(([ms]) => Number(ms));
  };
  const nfdump = async (filter: string): Promise<number[]> => {
    const { stdout, stderr } = await runProcess(requireTool('nfdump'), ['-r', file, '-q', '-o', 'fmt:%tsr', filter]);
    if (/error|expected/i.test(stderr)) throw new Error(`nfdump refuses ${filter}: ${stderr}`);
    const lines = stdout.split('\n').filter((line) => /^\s*\d+\.\d+\s*$/.test(line));
    return lines.map((line) => Math.round(Number(line) * 1000)).sort((a, b) => a - b);
  };

  it('select the same flows in both', async () => {
    expect(await nfdump('any')).toHaveLength(FLOWS);
    await fc.assert(
      fc.asyncProperty(sharedFilter, async (filter) => {
        expect(await weir(filter), filter).toEqual(await nfdump(filter));
      }),
      { numRuns: 300 },
    );
  }, 120_000);
});
