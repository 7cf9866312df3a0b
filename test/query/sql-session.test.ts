import { existsSync } from 'node:fs';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smallFiles } from '#weir/query/small-tables.js';
import { openCatalogue, openSource, selectSegments } from '#weir/query/source.js';
import { SqlSession } from '#weir/query/sql-session.js';
import { formatAddress, parseAddress } from '#weir/util/address.js';
import { formatPrefix, makePrefix } from '#weir/util/prefix.js';
import { prefixContains } from '../helpers/prefix-contains.ts';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { writeStore } from './fixture.ts';

describe('SQL on stored flows', () => {
  let folder: TempFolder;
  let session: SqlSession;

  beforeAll(async () => {
    folder = makeTempFolder('sql');
    await writeStore(folder.path, [
      [
        {
          time_start: '2026-01-01T00:00:00Z',
          duration: 1_500_000,
          src_addr: '10.0.0.1',
          proto: 6,
          bytes: 100,
          flow_type: 2,
          src_mac: 0x0a0b,
        },
        {
          time_start: '2026-01-01T00:01:00Z',
          duration: 0,
          src_addr: '2001:db8::1',
          bytes: (1n << 64n) - 1n,
          flow_type: 99,
        },
      ],
      [{ time_start: '2026-01-01T00:02:00Z', dst_addr: '10.0.0.2', app_name: 'x' }],
    ]);
    session = new SqlSession(folder.join('tmp'));
    const catalogue = await openCatalogue(folder.path);
    await session.open(selectSegments(catalogue, { from: undefined, to: undefined }), smallFiles(catalogue));
  });
  afterAll(() => {
    session.close();
    folder.remove();
  });

  const rows = async (sql: string) => {
    const answer = await session.select(sql);
    const result: (string | undefined)[][] = [];
    for await (const { count } of answer.chunks()) {
      for (let row = 0; row < count; row++) result.push(answer.columns.map(({ cell }) => cell.text(row)));
    }
    return result;
  };

  it('shows every column of the schema, addresses and words as text', async () => {
    expect(
      await rows(
        'select time_start, time_end, duration, src_addr, dst_addr, proto, bytes, flow_type, src_mac, app_name, vrf_name from flows order by 1',
      ),
    ).toEqual([
      [
        '2026-01-01T00:00:00.000000Z',
        '2026-01-01T00:00:01.500000Z',
        '1500000',
        '10.0.0.1',
        undefined,
        '6',
        '100',
        'netflow_v5',
        '00:00:00:00:0a:0b',
        undefined,
        undefined,
      ],
      [
        '2026-01-01T00:01:00.000000Z',
        '2026-01-01T00:01:00.000000Z',
        '0',
        '2001:db8::1',
        undefined,
        undefined,
        '18446744073709551615',
        '99',
        undefined,
        undefined,
        undefined,
      ],
      [
        '2026-01-01T00:02:00.000000Z',
        undefined,
        undefined,
        undefined,
        '10.0.0.2',
        undefined,
        undefined,
        undefined,
        undefined,
        'x',
        undefined,
      ],
    ]);
    expect(await rows('select count(*) from flows_raw where src_addr_hi = 0')).toEqual([['1']]);
    expect(await rows('select * from quality')).toEqual([]);
  });

  const half = (high: number, low: number) => (BigInt(high) << 32n) | BigInt(low);
  const word = fc.oneof(fc.constantFrom(0, 0, 0xffff, 1, 0x10000), fc.nat(0xffffffff));
  const address = fc.oneof(
    fc.tuple(word, word, word, word),
    word.map((v4) => [0, 0, 0xffff, v4] as [number, number, number, number]),
  );

  it('addr writes addresses as formatAddress does, addr_hi and addr_lo read them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(address, { minLength: 1, maxLength: 100 }), async (list) => {
        const values = list.map(([a, b, c, d]) => `(${half(a, b)}::UBIGINT, ${half(c, d)}::UBIGINT)`).join(', ');
        const found = await rows(
          `select addr(hi, lo), addr_hi(addr(hi, lo)) = hi and addr_lo(addr(hi, lo)) = lo from (values ${values}) t(hi, lo)`,
        );
        expect(found).toEqual(list.map((words) => [formatAddress(...words), 'true']));
      }),
      { numRuns: 30 },
    );
  });

  it('in_net agrees with prefixContains', async () => {
    await fc.assert(
      fc.asyncProperty(
        address,
        fc.nat(128),
        fc.array(address, { minLength: 1, maxLength: 50 }),
        async (base, length, others) => {
          const prefix = makePrefix(base, length);
          // Addresses inside and at the edges are rare otherwise.
          const list = [...others, base, prefix.address, parseAddress('255.255.255.255') ?? base];
          const values = list.map(([a, b, c, d]) => `(${half(a, b)}::UBIGINT, ${half(c, d)}::UBIGINT)`).join(', ');
          const found = await rows(
            `select in_net(hi, lo, '${formatPrefix(prefix)}') from (values ${values}) t(hi, lo)`,
          );
          expect(found).toEqual(list.map((words) => [String(prefixContains(prefix, ...words))]));
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([
    `select * from read_text('/etc/passwd')`,
    `select * from read_csv('/etc/passwd')`,
    `select * from '/etc/passwd'`,
    `select * from glob('/etc/*')`,
    `select * from read_blob('/proc/self/environ')`,
    `select * from read_parquet('/tmp/*.parquet')`,
    `select * from sniff_csv('/etc/passwd')`,
    `select * from duckdb_secrets()`,
    `select getenv('HOME')`,
    `copy (select 1) to '/tmp/weir-sql-escape.csv'`,
    `copy flows to '/tmp/weir-sql-escape.csv'`,
    `explain analyze copy (select 1) to '/tmp/weir-sql-escape.csv'`,
    `export database '/tmp/weir-sql-escape.csv'`,
    `attach '/tmp/weir-sql-escape.csv'`,
    `install httpfs`,
    `load httpfs`,
    `set threads = 1`,
    `reset threads`,
    `pragma threads = 1`,
    `set enable_external_access = true`,
    `set global lock_configuration = false`,
    `create table t as select 1`,
    `create or replace view flows as select 1`,
    `drop view flows`,
    `insert into flows values (1)`,
    `select 1; select 2`,
    `select * from query('copy (select 1) to ''/tmp/weir-sql-escape.csv''')`,
    `select ?`,
    ``,
    `-- nothing`,
    `select from where`,
    `select nothing from flows`,
  ])('refuses %s', async (sql) => {
    await expect(rows(sql)).rejects.toMatchObject({ code: 'WEIR_SQL' });
    expect(existsSync('/tmp/weir-sql-escape.csv')).toBe(false);
  });

  it('cannot write over a segment it may read', async () => {
    const source = await openSource(folder.path, { from: undefined, to: undefined });
    const file = folder.join(source.segments[0]?.file ?? '');
    await expect(rows(`copy (select 1) to '${file}'`)).rejects.toMatchObject({ code: 'WEIR_SQL' });
    expect(await rows('select count(*) from flows')).toEqual([['3']]);
  });

  it.each([
    'describe flows',
    'summarize flows',
    'show tables',
    'with a as (select 1) select * from a',
    'values (1)',
    'from flows limit 1',
  ])('answers %s', async (sql) => {
    expect((await rows(sql)).length).toBeGreaterThan(0);
  });

  it('names the nearest column', async () => {
    await expect(rows('select src_adr from flows')).rejects.toMatchObject({
      hint: expect.stringContaining("'src_addr'") as string,
    });
  });
});
