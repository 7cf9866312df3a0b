import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { parseNdjson, weir } from '../helpers/weir.ts';
import { openDuck, type PlainRow, writeStore } from '../query/fixture.ts';

type Row = Record<string, unknown>;
const DAY = 86_400_000;
const FIRST = Date.UTC(2026, 2, 1, 22);
/** Two segments whose rows are out of order, over three days; every tenth lasts two days. */
const FLOWS: PlainRow[] = Array.from({ length: 6000 }, (_, index) => ({
  time_start: new Date(FIRST + ((index * 7919) % 6000) * 10_000).toISOString(),
  duration: index % 10 === 0 ? 2 * DAY * 1000 : 1000,
  time_received: '2026-03-04T00:00:00Z',
  flow_type: 4,
  record_kind: 0,
  src_addr: index % 4 === 0 ? `2001:db8::${(index % 512).toString(16)}` : `10.0.${index % 7}.${index % 251}`,
  ...(index % 5 === 0 ? {} : { dst_addr: '192.0.2.1' }),
  src_mac: 0x0a0b_0c0d_0e0f,
  app_name: 'mail',
  packets: 1,
  bytes: 2n ** 60n + BigInt(index),
  sampling_rate: 100,
}));

describe('weir export to a file of rows', () => {
  let folder: TempFolder;
  const run = (...args: string[]) => weir(['export', '--data', folder.join('data'), ...args]);
  beforeAll(async () => {
    folder = makeTempFolder('forms');
    writeFileSync(folder.join('weir.key'), 'abcdefghijklmnopqrstuvwxyz012345', { mode: 0o600 });
    await writeStore(folder.join('data'), [FLOWS.slice(0, 3000), FLOWS.slice(3000)]);
  });
  afterAll(() => folder.remove());

  /** The rows of Parquet, CSV or ndjson files as DuckDB alone reads them, in their order. */
  async function read(files: string): Promise<Row[]> {
    const duck = await openDuck();
    const reader = files.endsWith('.parquet') ? 'read_parquet' : files.endsWith('.csv') ? 'read_csv' : 'read_json';
    const sql = `SELECT time_start::TIMESTAMP::VARCHAR AS t, src_addr, dst_addr, bytes::UBIGINT::VARCHAR AS b FROM ${reader}('${files}')`;
    const found = await duck.runAndReadAll(sql);
    duck.closeSync();
    return found.getRowObjects();
  }
  const sorted = (rows: readonly Row[]) => rows.map((row) => JSON.stringify(row)).sort();

  it.each(['parquet', 'csv', 'ndjson'])('.%s: all rows, by their start, exact counters', async (form) => {
    const file = folder.join(`all.${form}`);
    const { code, stdout, stderr } = await run('--to', file);
    expect([code, stdout], stderr).toEqual([0, '']);
    expect(stderr).toMatch(/^exported 6,000 records into 1 file in [\d.]+ s\n$/);
    const rows = await read(file);
    expect(rows).toHaveLength(6000);
    const times = rows.map((row) => String(row['t']));
    expect(times).toEqual([...times].sort());
    const bytes = rows.map((row) => BigInt(String(row['b']))).sort((a, b) => (a < b ? -1 : 1));
    expect(bytes).toEqual(FLOWS.map((flow) => flow['bytes']));
    expect(new Set(rows.map((row) => row['dst_addr']))).toEqual(new Set(['192.0.2.1', null]));
    expect(readdirSync(folder.path).filter((name) => name.includes('unfinished'))).toEqual([]);
  });

  it('anonymizes in all of them alike, in the order of the true records, and as in IPFIX', async () => {
    const flags = ['--anonymize', '--key-file', folder.join('weir.key')];
    for (const form of ['parquet', 'csv', 'ndjson', 'ipfix'])
      expect((await run('--to', folder.join(`a.${form}`), ...flags)).code).toBe(0);
    const rows = await read(folder.join('a.parquet'));
    const times = rows.map((row) => String(row['t']));
    expect(times).toEqual([...times].sort());
    expect(sorted(await read(folder.join('a.csv')))).toEqual(sorted(rows));
    expect(sorted(await read(folder.join('a.ndjson')))).toEqual(sorted(rows));
    const { stdout } = await weir(['decode', folder.join('a.ipfix'), '--format', 'ndjson']);
    const sent = parseNdjson<Row>(stdout).filter((row) => row['src_addr'] !== undefined);
    expect(new Set(sent.map((row) => row['src_addr']))).toEqual(new Set(rows.map((row) => row['src_addr'])));
    const text = readFileSync(folder.join('a.ndjson'), 'utf8');
    expect(text).not.toMatch(/"10\.0\.\d+\.|2001:db8|192\.0\.2\.1|mail|0a:0b/);
    expect(rows.filter((row) => row['dst_addr'] === null)).toHaveLength(1200);
  });

  it('chooses columns, filters, and writes to standard output', async () => {
    const columns = ['--columns', 'bytes,src_addr', '--to'];
    const csv = await run(...columns, 'csv:-', 'src ip 10.0.1.1');
    expect(csv.stdout.split('\n')[0]).toBe('bytes,src_addr');
    expect(csv.stdout.split('\n')[1]).toMatch(/^\d+,10\.0\.1\.1$/);
    const parquet = await run(...columns, 'parquet:-');
    expect([parquet.stdout.slice(0, 4), parquet.stdout.trimEnd().slice(-4)]).toEqual(['PAR1', 'PAR1']);
  });

  it.each([[[]], [['--from', '2026-03-02T03:30:00Z', '--until', '2026-03-02T11:00:00Z']]])(
    '--partition with %j has each row once, in the file of its hour or day',
    async (span) => {
      const whole = folder.join('whole.parquet');
      await run('--to', whole, ...span);
      for (const [partition, length] of [
        ['day', 10],
        ['hour', 13],
      ] as const) {
        const parts = folder.join(`${partition}-${span.length}`);
        const { code, stdout, stderr } = await run(
          '--to',
          `parquet:${parts}`,
          '--partition',
          partition,
          '--format',
          'json',
          ...span,
        );
        expect(code, stderr).toBe(0);
        const rows = await read(`${parts}/*.parquet`);
        expect(sorted(rows)).toEqual(sorted(await read(whole)));
        expect(JSON.parse(stdout)).toMatchObject({ records: rows.length, files: readdirSync(parts).length });
        for (const name of readdirSync(parts)) {
          const begun = (await read(`${parts}/${name}`)).map((row) =>
            String(row['t']).replace(' ', 'T').slice(0, length),
          );
          expect(new Set(begun)).toEqual(new Set([name.replace('.parquet', '')]));
        }
      }
    },
  );

  it.each([
    [['--to', 'x.csv', '--rate', '5'], '--rate is for messages'],
    [['--to', 'x.ipfix', '--partition', 'day'], '--partition is for Parquet'],
    [['--to', 'csv:-', '--partition', 'day'], 'nothing else'],
    [['--to', 'x.csv', '--columns', 'src_mac', '--anonymize', '--key-file', 'KEY'], '--anonymize drops src_mac'],
    [['--to', 'x.csv', '--columns', 'src_adr'], 'src_addr'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await run(...args.map((arg) => (arg === 'KEY' ? folder.join('weir.key') : arg)));
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  it('leaves an older file as it is when it fails', async () => {
    mkdirSync(folder.join('kept'));
    const file = folder.join('kept', 'old.csv');
    writeFileSync(file, 'old');
    expect((await weir(['export', '--data', folder.join('none'), '--to', file])).code).toBe(1);
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(readdirSync(folder.join('kept'))).toEqual(['old.csv']);
  });
});
