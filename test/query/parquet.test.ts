import { existsSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { weir } from '../helpers/weir.ts';
import { askStore, askText } from './ask.ts';
import { openDuck, type PlainRow, writeStore } from './fixture.ts';

const HOSTS = ['10.1.2.3', '10.1.2.4', '2001:db8::1', '2001:db8:0:1::2', '0.0.0.0', '::1'];
const FLOWS: PlainRow[] = Array.from({ length: 40 }, (_, index) => ({
  time_start: `2026-03-01T12:00:${String(59 - index).padStart(2, '0')}.000001Z`,
  duration: index * 1000,
  time_received: '2026-03-01T12:01:00Z',
  flow_type: 4,
  record_kind: 0,
  src_addr: HOSTS[index % 6],
  ...(index % 5 === 0 ? {} : { dst_addr: HOSTS[(index + 2) % 6] }),
  src_mac: 0x0200_0000_0001 + index,
  packets: index + 1,
  bytes: 2n ** 60n + BigInt(index),
  sampling_rate: index % 4,
  user_name: index % 2 === 0 ? `|o'"${index}\n` : undefined,
}));

describe('a Parquet file', () => {
  let folder: TempFolder;
  let data: string;
  beforeAll(async () => {
    folder = makeTempFolder('parquet');
    data = folder.join('data');
    await writeStore(data, [FLOWS.slice(0, 20), FLOWS.slice(20)]);
  });
  afterAll(() => folder.remove());

  const query = (...args: string[]) => weir(['query', '--data', data, '--format', 'parquet', ...args]);
  /** The rows in the order of the file, as JSON. */
  async function rowsOf(file: string): Promise<Record<string, unknown>[]> {
    const duck = await openDuck();
    const times = "REPLACE (strftime(time_start, '%Y-%m-%dT%H:%M:%S.%fZ') AS time_start)";
    const select = `SELECT to_json(r)::VARCHAR FROM (SELECT * ${times} FROM read_parquet('${file}')) r`;
    const { length } = await columnsOf(file);
    expect(length).toBeGreaterThan(0);
    const found = await duck.runAndReadAll(select);
    duck.closeSync();
    return found.getRows().map(([text]) => JSON.parse(String(text)) as Record<string, unknown>);
  }
  async function columnsOf(file: string): Promise<[string, string][]> {
    const duck = await openDuck();
    const found = await duck.runAndReadAll(`DESCRIBE FROM read_parquet('${file}')`);
    duck.closeSync();
    return found.getRows().map(([name, type]) => [String(name), String(type)]);
  }

  it('has the rows and the order of the listing', async () => {
    const file = folder.join("it's flows.parquet");
    const columns = 'time_start,src_addr,dst_addr,src_mac,flow_type,packets,user_name';
    const { code, stdout, stderr } = await query('--columns', columns, '--output', file);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
    const rows = await rowsOf(file.replaceAll("'", "''"));
    const expected = (await askStore(data, { columns })).map((row) => ({ dst_addr: null, user_name: null, ...row }));
    expect(rows).toHaveLength(40);
    expect(rows).toEqual(expected);
    expect(readdirSync(folder.path).filter((name) => name.includes('unfinished'))).toEqual([]);
  });

  it('has types that others read', async () => {
    const file = folder.join('types.parquet');
    await query('--output', file);
    expect(Object.fromEntries(await columnsOf(file))).toMatchObject({
      time_start: 'TIMESTAMP',
      time_end: 'TIMESTAMP',
      src_addr: 'VARCHAR',
      src_mac: 'VARCHAR',
      flow_type: 'VARCHAR',
      bytes: 'UBIGINT',
      packets: 'UBIGINT',
    });
  });

  it('has sums, with networks, and exact counters', async () => {
    const file = folder.join('sums.parquet');
    await query(
      '--by',
      'src_addr/24/48',
      '--measures',
      'share_packets',
      '--raw',
      '--order',
      'packets',
      '--top',
      '3',
      '--output',
      file,
    );
    const duck = await openDuck();
    const found = await duck.runAndReadAll(`FROM read_parquet('${file}')`);
    duck.closeSync();
    const text = await askText(
      data,
      { by: 'src_addr/24/48', measures: 'share_packets', raw: true, order: 'packets', top: '3' },
      'csv',
    );
    expect(found.getRows().map((row) => row.join(','))).toEqual(text.trimEnd().split('\n').slice(1));
    expect(Object.fromEntries(await columnsOf(file))).toMatchObject({ bytes: 'UBIGINT', packets: 'UBIGINT' });
  });

  it('goes to standard output where that is none of a terminal', async () => {
    const { code, stdout } = await query('--columns', 'bytes');
    expect(code).toBe(0);
    expect([stdout.slice(0, 4), stdout.trimEnd().slice(-4)]).toEqual(['PAR1', 'PAR1']);
  });

  it('leaves nothing behind when it fails', async () => {
    const file = folder.join('failed.parquet');
    const { code, stderr } = await query('--by', 'src_addr', '--stat', 'src_addr', '--output', file);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/WEIR_USAGE/);
    const missing = await weir(['query', '--data', folder.join('none'), '--format', 'parquet', '--output', file]);
    expect(missing.stderr).toMatch(/WEIR_DATA/);
    expect(existsSync(file)).toBe(false);
    expect(readdirSync(folder.path).filter((name) => name.includes('failed'))).toEqual([]);
    const nowhere = await query('--output', folder.join('no/such/folder.parquet'));
    expect(nowhere.stderr).toMatch(/cannot be written/);
    const device = await query('--output', '/dev/null');
    expect(device.stderr).toMatch(/it is no file/);
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });
});

describe('--output', () => {
  it('writes any form into a file', async () => {
    const folder = makeTempFolder('output');
    await writeStore(folder.join('data'), [FLOWS]);
    const file = folder.join('flows.md');
    const question = ['query', '--data', folder.join('data'), '--by', 'record_kind', '--format', 'markdown'];
    const [direct, written] = await Promise.all([weir(question), weir([...question, '--output', file])]);
    expect(written.stdout).toBe('');
    expect(readFileSync(file, 'utf8')).toBe(direct.stdout);
    expect(direct.stdout.split('\n')[1]).toMatch(/^\| --- \| ---: \|/);
    const link = folder.join('link.md');
    writeFileSync(folder.join('old.md'), 'old');
    symlinkSync(folder.join('old.md'), link);
    await weir([...question, '--output', link]);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(folder.join('old.md'), 'utf8')).toBe(direct.stdout);
    folder.remove();
  });
});

describe('a table in Markdown', () => {
  it('keeps its cells apart', async () => {
    const folder = makeTempFolder('markdown');
    await writeStore(folder.path, [FLOWS.slice(0, 1)]);
    const text = await askText(folder.path, { columns: 'src_addr,user_name,bytes' }, 'markdown');
    expect(text).toBe(
      `| source | user | bytes |\n| --- | --- | ---: |\n| 10.1.2.3 | \\|o'"0· | 1152921504606846976 |\n`,
    );
    folder.remove();
  });
});
