import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { askStore, askText } from './ask.ts';
import { writeStore } from './fixture.ts';
import { counted, randomSegments, sum } from './random-flows.ts';
import { describeStores } from './random-stores.ts';

const stores = fc.sample(randomSegments, { numRuns: 6, seed: 11 });

describeStores(stores, ({ folder, flows }) => {
  it.each([
    { by: 'src_addr', top: '2' },
    { by: 'src_addr,dst_port', top: '3', order: 'flows' },
    { by: 'dst_addr', order: 'packets', min: '1k' },
  ])('what %j leaves out is the last row', async (asked) => {
    const rows = await askStore(folder.path, { ...asked, other: true, measures: 'share_bytes,avg_packets,max_bytes' });
    const shown = (await askStore(folder.path, asked)).length;
    const [key = ''] = asked.by.split(',');
    const all = (name: string) => sum(rows.map((row) => row[name] as number));
    expect(all('flows')).toBe(flows.length);
    expect(all('packets')).toBe(sum(flows.map((flow) => counted(flow, 'packets'))));
    expect(all('bytes')).toBe(sum(flows.map((flow) => counted(flow, 'bytes'))));
    if (all('bytes') > 0) expect(all('share_bytes')).toBeCloseTo(100, 8);
    if (rows.length === shown) return;
    const last = rows.at(-1) as Record<string, number | null>;
    expect(last).toMatchObject({ [key]: 'other', max_bytes: null });
    expect(last['avg_packets']).toBeCloseTo((last['packets'] as number) / (last['flows'] as number), 8);
  });
});

describe('the row of others', () => {
  let folder: TempFolder;
  beforeAll(async () => {
    folder = makeTempFolder();
    // Sums beyond 2^53, so that they are computed as integers.
    const flow = { time_start: '2026-03-01T12:00:00Z', duration: 1_000_000, packets: 1, dst_port: 1 };
    const bytes = [9n, 8n, 1n].map((first) => first * 10n ** 17n + 1n);
    await writeStore(folder.path, [bytes.map((each, proto) => ({ ...flow, bytes: each, proto }))]);
  });
  afterAll(() => folder.remove());

  it('is exact, however large', async () => {
    const text = await askText(folder.path, { by: 'proto', top: '1', other: true }, 'csv');
    expect(text).toBe(`proto,flows,packets,bytes\n0,1,1,900000000000000001\nother,2,2,900000000000000002\n`);
  });

  it('is in tables unless it is not wanted, and in other forms when it is', async () => {
    const asked = { by: 'proto,dst_port', top: '1' };
    expect(await askText(folder.path, asked, 'table')).toMatch(
      /^proto .*\nhopopt +1 .*\nother +2 +2 +900000000000000002 +50\.0 /,
    );
    expect(await askText(folder.path, { ...asked, other: false }, 'table')).not.toContain('other');
    expect(await askText(folder.path, { ...asked, top: '3' }, 'table')).not.toContain('other');
    expect(await askText(folder.path, asked)).not.toContain('other');
  });

  it('is all there is when nothing is large enough', async () => {
    const asked = { by: 'proto,dst_port', min: '1000P', other: true };
    expect(await askStore(folder.path, asked)).toMatchObject([{ proto: 'other', dst_port: null, flows: 3 }]);
    expect(await askText(folder.path, asked, 'table')).toContain('total    3 flows');
  });
});

it('the margin of error is in tables where packets were sampled', async () => {
  const folder = makeTempFolder();
  const flow = { time_start: '2026-03-01T12:00:00Z', duration: 0, packets: 4, bytes: 400, sampling_rate: 100 };
  await writeStore(folder.path, [
    [
      { ...flow, proto: 6 },
      { ...flow, proto: 17, sampling_rate: 1 },
    ],
  ]);
  const header = async (more: object) => (await askText(folder.path, { by: 'proto', ...more }, 'table')).split('\n');
  const [labels, tcp, udp] = await header({});
  expect(labels).toMatch(/byte\/packet +± %$/);
  expect(tcp).toMatch(/^tcp +1 +400 +40000 .* 98\.0$/);
  expect(udp).toMatch(/^udp +1 +4 +400 .* -$/);
  expect((await header({ raw: true }))[0]).not.toContain('±');
  expect((await header({ filter: 'proto 17', measures: 'margin' }))[0]?.match(/±/g)).toHaveLength(1);
  expect(await askText(folder.path, { by: 'proto' }, 'csv')).toMatch(/^proto,flows,packets,bytes\n/);
  folder.remove();
});
