import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readQuestion } from '#weir/query/question.js';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { weir } from '../helpers/weir.ts';
import { askStore, askText } from './ask.ts';
import { writeStore } from './fixture.ts';
import { randomSegments } from './random-flows.ts';
import { describeStores } from './random-stores.ts';

const stores = fc.sample(randomSegments, { numRuns: 5, seed: 23 });
const STATS = ['src_addr', 'dst_port', 'src_addr/24/48+proto', 'src_port', 'src_addr+dst_addr+src_port'];

describeStores(stores, ({ folder }) => {
  it.each([
    {},
    { top: '2' },
    { top: '1', order: 'flows:asc', filter: 'proto tcp or ipv6' },
    { order: 'share_packets', min: '20', measures: 'share_packets,p95_bytes,bps', other: true, top: '2' },
    { distinct: 'dst_addr,dst_port', order: 'distinct_dst_addr' },
    { filter: 'proto 99' },
  ])('statistics are what they are one by one: %j', async (asked) => {
    const rows = await askStore(folder.path, { ...asked, stat: STATS.join(',') });
    const expected: Record<string, unknown>[] = [];
    for (const stat of STATS) {
      const keys = stat.split('+');
      for (const row of await askStore(folder.path, { ...asked, by: keys.join(',') })) {
        const values = keys.map((key) => row[key]);
        const figures = Object.fromEntries(Object.entries(row).filter(([name]) => !keys.includes(name)));
        const value =
          values[0] === 'other'
            ? 'other'
            : values.map((each) => (each === null ? '' : String(each as string | number))).join('+');
        expected.push({ stat, value: values.every((each) => each === null) ? null : value, ...figures });
      }
    }
    expect(rows).toEqual(expected);
  });
});

describe('several statistics', () => {
  let folder: TempFolder;
  beforeAll(async () => {
    folder = makeTempFolder();
    const flow = { time_start: '2026-03-01T12:00:00Z', duration: 1_000_000, packets: 1 };
    const bytes = [6n, 3n, 1n].map((first) => first * 10n ** 17n + 1n);
    await writeStore(folder.path, [bytes.map((each, index) => ({ ...flow, bytes: each, proto: 6, dst_port: index }))]);
  });
  afterAll(() => folder.remove());

  it('are tables one below the other, with one summary', async () => {
    const text = await askText(folder.path, { stat: 'proto,dst_port', top: '1' }, 'table');
    const [proto, port, summary, ...more] = text.split('\n\n');
    expect(proto).toMatch(/^proto +flows .*\ntcp +3 /);
    expect(port).toMatch(/^dst port +flows .*\n +0 +1 .*\n +other +2 /);
    expect(summary).toMatch(/^time .*\ntotal +3 flows/);
    expect(more).toEqual([]);
  });

  it('are exact, and have one header in CSV', async () => {
    expect(await askText(folder.path, { stat: 'proto,dst_port', top: '1' }, 'csv')).toBe(
      'stat,value,flows,packets,bytes\nproto,6,3,3,1000000000000000003\ndst_port,0,1,1,600000000000000001\n',
    );
  });

  it('of nothing are nothing', async () => {
    expect(await askText(folder.path, { stat: 'proto,dst_port', filter: 'proto 1' }, 'table')).toMatch(
      /^time +no flows/,
    );
    const args = ['query', '--data', folder.path, '--stat', 'proto,dst_port', '--exit-code', '--format', 'json'];
    expect(await weir([...args, 'proto 1'])).toMatchObject({ code: 1, stdout: '[]\n' });
  });

  it('are explained', async () => {
    const { stdout } = await weir(['query', '--data', folder.path, '--stat', 'proto,dst_port', '--explain']);
    expect(stdout.match(/read_parquet/g)).toHaveLength(1);
    expect(stdout).toContain('GROUPING SETS ((k0), (k1), ())');
  });

  it.each([
    [{ stat: 'proto', by: 'proto' }, '--by asks for one statistic, and --stat for several'],
    [{ stat: '' }, '--stat takes 1 to 16 statistics, not 0'],
    [{ stat: 'proto,proto' }, '--stat names proto twice'],
    [{ stat: 'proto+proto' }, '--stat names proto twice'],
    [{ stat: 'src_adr' }, "--stat: there is no column 'src_adr'"],
    [{ stat: 'proto', order: 'proto' }, "--order: the answer has no 'proto'"],
    [{ stat: 'proto', columns: 'proto' }, '--stat asks for sums'],
  ])('%j is refused', (question, message) => {
    expect(() => readQuestion(question, { now: 0, zone: 'utc' })).toThrow(message);
  });
});

it('keys of statistics are completed', async () => {
  const { stdout } = await weir(['complete', '--', 'query', '--stat', 'proto,src_addr+dst_po']);
  expect(stdout).toMatch(/^proto,src_addr\+dst_port(\t|$)/m);
});
