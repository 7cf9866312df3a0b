import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseKeys } from '#weir/query/key.js';
import { readQuestion } from '#weir/query/question.js';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { weir } from '../helpers/weir.ts';
import { askStore, askText } from './ask.ts';
import { type PlainRow, writeStore } from './fixture.ts';

const flow = (more: PlainRow): PlainRow => ({ duration: 0, packets: 1, bytes: 100, ...more });

describe('groups', () => {
  let folder: TempFolder;
  beforeAll(async () => {
    folder = makeTempFolder();
    await writeStore(folder.path, [
      [
        flow({
          time_start: '2026-03-01T12:00:10Z',
          src_addr: '10.1.2.3',
          dst_addr: '192.0.2.1',
          src_port: 40000,
          dst_port: 443,
        }),
        flow({
          time_start: '2026-03-01T12:04:59Z',
          src_addr: '10.1.2.99',
          dst_addr: '192.0.2.1',
          src_port: 443,
          dst_port: 40001,
        }),
        flow({
          time_start: '2026-03-01T12:05:00Z',
          src_addr: '192.0.2.1',
          dst_addr: '10.1.3.1',
          duration: 5_000_000,
          bytes: 900,
        }),
      ],
      [
        flow({
          time_start: '2026-03-01T13:00:00Z',
          src_addr: '2001:db8:1:2::3',
          dst_addr: '2001:db8:9::1',
          duration: 61_000_000,
          bytes: 300,
        }),
        flow({
          time_start: '2026-03-01T13:00:00Z',
          src_addr: '2001:db8:1:7::3',
          dst_addr: 'fd00::1',
          duration: 3_600_000_000,
        }),
      ],
    ]);
  });
  afterAll(() => folder.remove());

  it.each([
    ['src_addr/24', ['10.1.2.0/24', '192.0.2.0/24', '2001:db8:1:2::3', '2001:db8:1:7::3']],
    ['src_addr/48', ['10.1.2.3', '10.1.2.99', '192.0.2.1', '2001:db8:1::/48']],
    ['src_addr/16/56', ['10.1.0.0/16', '192.0.0.0/16', '2001:db8:1::/56']],
    ['src_addr/8/68', ['10.0.0.0/8', '192.0.0.0/8', '2001:db8:1:2::/68', '2001:db8:1:7::/68']],
    ['src_addr/0/0', ['::/0', '0.0.0.0/0']],
  ])('%s are networks', async (by, networks) => {
    const rows = await askStore(folder.path, { by, order: by });
    expect(rows.map((row) => row[by])).toEqual(networks);
  });

  it('of networks sum up what their addresses have', async () => {
    const filter = 'ipv4';
    expect(await askStore(folder.path, { by: 'src_addr/24', order: 'bytes', filter })).toEqual([
      { 'src_addr/24': '192.0.2.0/24', flows: 1, packets: 1, bytes: 900 },
      { 'src_addr/24': '10.1.2.0/24', flows: 2, packets: 2, bytes: 200 },
    ]);
  });

  it('of time come in order of time, all of them', async () => {
    const rows = await askStore(folder.path, { by: 'time/5m' });
    expect(rows).toEqual([
      { 'time/5m': '2026-03-01T12:00:00.000000Z', flows: 2, packets: 2, bytes: 200 },
      { 'time/5m': '2026-03-01T12:05:00.000000Z', flows: 1, packets: 1, bytes: 900 },
      { 'time/5m': '2026-03-01T13:00:00.000000Z', flows: 2, packets: 2, bytes: 400 },
    ]);
    expect(
      readQuestion({ by: 'time/1h,proto' }, { now: 0, zone: 'utc', tops: { groups: 10, flows: 10 } }),
    ).toMatchObject({
      limit: undefined,
      order: [
        { name: 'time/1h', descending: false },
        { name: 'bytes', descending: true },
      ],
    });
  });

  it('of days begin at midnight of the zone, also after clocks changed', async () => {
    const days = makeTempFolder();
    // Vienna: +01:00 until 29 March 2026 01:00 UTC, then +02:00.
    const starts = ['2026-03-28T22:59:59Z', '2026-03-28T23:00:00Z', '2026-03-29T21:59:59Z', '2026-03-29T22:00:00Z'];
    await writeStore(days.path, [starts.map((time_start) => flow({ time_start }))]);
    const question = ['query', '--data', days.path, '--by', 'time/1d', '--format', 'csv'];
    const asked = await Promise.all([
      weir(question, { env: { TZ: 'Europe/Vienna' } }),
      weir([...question, '--zone', 'Europe/Vienna'], { env: { TZ: 'Asia/Tokyo' } }),
    ]);
    for (const { stdout } of asked) {
      expect(stdout.trimEnd().split('\n').slice(1)).toEqual([
        '2026-03-27T23:00:00.000000Z,1,1,100',
        '2026-03-28T23:00:00.000000Z,2,2,200',
        '2026-03-29T22:00:00.000000Z,1,1,100',
      ]);
    }
    days.remove();
  });

  it.each([
    ['service_port', [443, null]],
    ['duration_class', ['1m-10m', '1s-10s', '<1s', '>=10m']],
    ['traffic_direction', ['inbound', 'outbound', 'transit']],
    ['inside_addr', ['10.1.2.3', '10.1.2.99', '10.1.3.1', '2001:db8:1:2::3', 'fd00::1']],
    ['outside_addr', ['192.0.2.1', '2001:db8:1:7::3', '2001:db8:9::1']],
  ])('%s is derived', async (by, values) => {
    const rows = await askStore(folder.path, { by, order: by });
    expect(rows.map((row) => row[by])).toEqual(values);
  });

  it("know one's own networks", async () => {
    const own = '2001:db8:1::/48 192.0.2.0/24';
    const rows = await askStore(folder.path, { by: 'traffic_direction', order: 'traffic_direction', own });
    expect(rows.map((row) => [row['traffic_direction'], row['flows']])).toEqual([
      ['inbound', 2],
      ['outbound', 3],
    ]);
  });

  it('have measures, which may order and bound them', async () => {
    const question = { by: 'src_addr/16', measures: 'share_bytes,avg_bytes,p95_bytes,max_bytes,avg_duration,bpp,bps' };
    const [first] = await askStore(folder.path, { ...question, order: 'avg_bytes' });
    // 1500 bytes in all, over 12:00:10 to 14:00:00.
    expect(first).toEqual({
      'src_addr/16': '192.0.0.0/16',
      flows: 1,
      packets: 1,
      bytes: 900,
      share_bytes: 60,
      avg_bytes: 900,
      p95_bytes: 900,
      max_bytes: 900,
      avg_duration: 5_000_000,
      bpp: 900,
      bps: (900 * 8) / 7190,
    });
    const some = await askStore(folder.path, { ...question, order: 'share_bytes', min: '20' });
    expect(some.map((row) => row['bytes'])).toEqual([900, 300]);
  });

  it('tell the margin of error where packets were sampled', async () => {
    const sampled = makeTempFolder();
    const time_start = '2026-03-01T12:00:00Z';
    const rows = Array.from({ length: 100 }, (_, index) => ({ proto: index % 4 === 0 ? 17 : 6, sampling_rate: 1000 }));
    await writeStore(sampled.path, [rows.map((row) => flow({ ...row, time_start }))]);
    const found = await askStore(sampled.path, { by: 'proto', measures: 'margin', order: 'margin:asc' });
    expect(found.map((row) => [row['packets'], Number(row['margin']).toFixed(2)])).toEqual([
      [75_000, (196 / Math.sqrt(75)).toFixed(2)],
      [25_000, (196 / 5).toFixed(2)],
    ]);
    sampled.remove();
  });

  it('are readable in a table', async () => {
    const text = await askText(
      folder.path,
      { by: 'src_addr/24/48', measures: 'share_bytes,p95_duration', top: '2' },
      'table',
    );
    expect(text).toMatch(
      /^source +flows +packets +bytes +% bytes +p95 lasted\n192\.0\.2\.0\/24 +1 +1 +900 +60\.0 +5\.000\n/,
    );
  });
});

describe('keys', () => {
  it.each([
    ['src_addr/33/12/4', 'no such prefix length'],
    ['src_addr/129', 'no such prefix length'],
    ['src_addr/', 'no such prefix length'],
    ['proto/8', 'neither an address nor a time'],
    ['time', 'how long'],
    ['time/0m', 'not a length of time'],
    ['time/400d', 'not a length of time'],
    ['time/5', 'not a length of time'],
    ['service_prt', "no column 'service_prt'"],
  ])('%s is refused', (text, message) => {
    expect(() => parseKeys(text)).toThrow(message);
  });
});
