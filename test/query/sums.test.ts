import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readQuestion } from '#weir/query/question.js';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { weir } from '../helpers/weir.ts';
import { askStore, askText } from './ask.ts';
import { writeStore } from './fixture.ts';
import { counted, groupFlows, randomSegments, sum } from './random-flows.ts';
import { describeStores } from './random-stores.ts';

const sample = fc.sample(randomSegments, { numRuns: 8, seed: 5 });

describeStores(sample, ({ folder, flows }) => {
  it('is summed up without a key', async () => {
    const [first, ...others] = await askStore(folder.path, { measures: 'bpp,max_bytes' });
    const [packets, bytes] = [
      sum(flows.map((one) => counted(one, 'packets'))),
      sum(flows.map((one) => counted(one, 'bytes'))),
    ];
    expect(first).toEqual({
      flows: flows.length,
      packets,
      bytes,
      bpp: bytes / packets,
      max_bytes: Math.max(...flows.map((one) => counted(one, 'bytes'))),
    });
    expect(others).toEqual([]);
  });

  it('tells how many different values a group has', async () => {
    const distinct = 'dst_addr,src_port,dst_addr/24/48';
    const question = { by: 'src_addr', distinct, order: 'distinct_dst_addr:asc,src_addr' };
    const network = (address: string) =>
      address.includes(':') ? address.replace(/:(?:0:1)?::?1$/, '') : address.replace(/\d+$/, '');
    const expected = [...groupFlows(flows, ({ src_addr }) => src_addr)].map(([key, group]) => ({
      src_addr: JSON.parse(key) as string,
      distinct_dst_addr: new Set(group.map((one) => one.dst_addr)).size,
      distinct_src_port: new Set(group.flatMap(({ src_port }) => (src_port === undefined ? [] : [src_port]))).size,
      'distinct_dst_addr/24/48': new Set(group.map(({ dst_addr }) => network(dst_addr))).size,
    }));
    const found = await askStore(folder.path, question);
    const byName = (a: { src_addr?: unknown }, b: { src_addr?: unknown }) =>
      String(a.src_addr).localeCompare(String(b.src_addr));
    expect([...found].sort(byName)).toMatchObject(expected.sort(byName));
    const counts = found.map((row) => row['distinct_dst_addr'] as number);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
  });

  it('tells it of all flows', async () => {
    const [exact] = await askStore(folder.path, { distinct: 'src_addr' });
    expect(exact?.['distinct_src_addr']).toBe(new Set(flows.map(({ src_addr }) => src_addr)).size);
    const [about] = await askStore(folder.path, { distinct: 'src_addr', approximate: true });
    // HyperLogLog is exact for a handful of values but for unlucky hashes.
    expect(
      Math.abs((about?.['distinct_src_addr'] as number) - (exact?.['distinct_src_addr'] as number)),
    ).toBeLessThanOrEqual(1);
  });
});

describe('sums of everything', () => {
  let folder: TempFolder;
  beforeAll(async () => {
    folder = makeTempFolder();
    const flow = {
      time_start: '2026-03-01T12:00:00Z',
      duration: 4_000_000,
      packets: 2,
      src_addr: '10.0.0.1',
      dst_addr: '10.0.0.2',
    };
    await writeStore(folder.path, [
      [
        { ...flow, bytes: 500, proto: 6 },
        { ...flow, bytes: 1500, proto: 17 },
      ],
    ]);
  });
  afterAll(() => folder.remove());

  it('have the rates of a step of time by its length, and none for what is left of several', async () => {
    const question = { by: 'time/10s', measures: 'bps,pps,bpp' };
    expect(await askStore(folder.path, question)).toMatchObject([{ bytes: 2000, bps: 1600, pps: 0.4, bpp: 500 }]);
    expect(await askText(folder.path, { by: 'time/10s' }, 'table')).toMatch(/ 1600 +0 +500\n/);
    const left = { by: 'time/10s,proto', measures: 'bps', top: '1', other: true };
    expect(await askText(folder.path, left, 'table')).toMatch(/^other .* -\n/m);
    expect(await askText(folder.path, { by: 'time/10s,proto', top: '1', other: true }, 'table')).toMatch(
      /^other +1 +2 +500 +25\.0 +250\n/m,
    );
  });

  it('are one row, also of nothing', async () => {
    expect(await askStore(folder.path, { measures: 'bps' })).toEqual([
      { flows: 2, packets: 4, bytes: 2000, bps: 4000 },
    ]);
    expect(await askStore(folder.path, { measures: 'flows', filter: 'proto 1' })).toEqual([
      { flows: 0, packets: 0, bytes: 0 },
    ]);
    expect(await askText(folder.path, { measures: 'flows' }, 'table')).toMatch(
      /^flows +packets +bytes .*\n +2 +4 +2000 .*\n\n/,
    );
  });

  it('of several keys know the whole', async () => {
    const rows = await askStore(folder.path, { by: 'proto,src_addr', measures: 'share_bytes' });
    expect(rows.map((row) => row['share_bytes'])).toEqual([75, 25]);
  });

  it('of nothing match nothing', async () => {
    const args = ['query', '--data', folder.path, '--measures', 'bps', '--exit-code'];
    expect((await weir([...args, 'proto 1'])).code).toBe(1);
    expect((await weir([...args, 'proto 6'])).code).toBe(0);
  });

  it('are bounded by counts of different values', async () => {
    const rows = await askStore(folder.path, { by: 'src_addr', distinct: 'proto', order: 'distinct_proto', min: '2' });
    expect(rows).toMatchObject([{ distinct_proto: 2 }]);
    expect(
      await askStore(folder.path, { by: 'proto', distinct: 'src_addr', order: 'distinct_src_addr', min: '2' }),
    ).toEqual([]);
  });

  it.each([
    [{ columns: 'proto', distinct: 'src_addr' }, '--columns is for lists of flows, and --distinct asks for sums'],
    [{ approximate: true }, '--approximate is for sums'],
    [{ distinct: 'src_adr' }, "--distinct: there is no column 'src_adr'"],
    [{ order: 'distinct_proto', by: 'proto' }, "--order: the answer has no 'distinct_proto'"],
  ])('%j is refused', (question, message) => {
    expect(() => readQuestion(question, { now: 0, zone: 'utc' })).toThrow(message);
  });
});
