import { createSocket } from 'node:dgram';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseFilter } from '#weir/filter/parser.js';
import { compileFilterSql } from '#weir/filter/sql.js';
import { COLUMNS } from '#weir/flow/schema.js';
import { openSource, sqlSource } from '#weir/query/source.js';
import { freeUdpPort } from '../helpers/free-port.ts';
import { runProcess, startProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
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
    const ports = [await freeUdpPort(), await freeUdpPort()] as const;
    const theirs = ['-4', '-b', '127.0.0.1', '-p', `${ports[0]}`, '-w', folder.path, '-t', '3600', '-B', '8000000'];
    const nfcapd = startProcess(requireTool('nfcapd'), theirs);
    const data = folder.join('data');
    const ours = ['collect', '--listen', `udp://127.0.0.1:${ports[1]}`, '--data', data];
    const collector = startProcess(process.execPath, [repositoryPath('bin/weir.js'), ...ours]);
    const socket = createSocket('udp4');
    try {
      await nfcapd.waitFor(/Startup|Init/i);
      await collector.waitFor('"msg":"collecting"');
      for (const datagram of datagrams(FLOWS, Math.floor(Date.now() / 1000))) {
        for (const port of ports) socket.send(datagram, port, '127.0.0.1');
        await sleep(2);
      }
      await sleep(1000);
    } finally {
      socket.close();
      await Promise.all([nfcapd.stop(), collector.stop()]);
    }
    file = folder.join(readdirSync(folder.path).find((name) => /^nfcapd\.\d+$/.test(name)) ?? 'none');
    const source = await openSource(data, { from: undefined, to: undefined });
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
