import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseKeys } from '#weir/query/key.js';
import { readQuestion } from '#weir/query/question.js';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { askStore, askText } from './ask.ts';
import { writeStore } from './fixture.ts';
import { counted, type RandomFlow, randomSegments, sum } from './random-flows.ts';
import { describeStores } from './random-stores.ts';

const stores = fc.sample(randomSegments, { numRuns: 6, seed: 71 });

/** All of the IPv6 addresses are of one such network. */
const network = (address: string) => (address.includes(':') ? '2001:db8::/48' : address.replace(/\d+$/, '0/24'));
type Ends = (flow: RandomFlow) => readonly [source: unknown[], destination: unknown[]];
const QUESTIONS: readonly [by: string, ends: Ends][] = [
  ['addr', (flow) => [[flow.src_addr], [flow.dst_addr]]],
  ['port', (flow) => [[flow.src_port ?? null], [flow.dst_port]]],
  ['addr/24/48', (flow) => [[network(flow.src_addr)], [network(flow.dst_addr)]]],
  [
    'addr,port',
    (flow) => [
      [flow.src_addr, flow.src_port ?? null],
      [flow.dst_addr, flow.dst_port],
    ],
  ],
  [
    'addr,proto',
    (flow) => [
      [flow.src_addr, flow.proto],
      [flow.dst_addr, flow.proto],
    ],
  ],
  // Beside a column of one end.
  [
    'dst_addr,port',
    (flow) => [
      [flow.dst_addr, flow.src_port ?? null],
      [flow.dst_addr, flow.dst_port],
    ],
  ],
];

describeStores(stores, ({ folder, segments }) => {
  it.each(QUESTIONS)('--by %s counts each flow for both its ends, once where they are the same', async (by, ends) => {
    const groups = new Map<string, RandomFlow[]>();
    for (const flow of segments.flat())
      for (const key of new Set(ends(flow).map((end) => JSON.stringify(end))))
        groups.set(key, [...(groups.get(key) ?? []), flow]);
    const expected = [...groups].map(([key, flows]) => ({
      key,
      flows: flows.length,
      packets: sum(flows.map((flow) => counted(flow, 'packets'))),
      bytes: sum(flows.map((flow) => counted(flow, 'bytes'))),
    }));
    const rows = await askStore(folder.path, { by, top: '0' });
    const found = rows.map(({ flows, packets, bytes, ...keys }) => {
      return { key: JSON.stringify(Object.values(keys)), flows, packets, bytes };
    });
    const sorted = (list: readonly { key: string }[]) => [...list].sort((a, b) => (a.key < b.key ? -1 : 1));
    expect(sorted(found)).toEqual(sorted(expected));
  });

  it('shares, percentiles and statistics go by the flows, and not by what the groups come to', async () => {
    const asked = { measures: 'share_flows,p95_bytes,p95_bps', order: 'flows' };
    const [all] = await askStore(folder.path, { measures: 'p95_bytes' });
    for (const row of await askStore(folder.path, { ...asked, by: 'addr' })) {
      const filter = `ip ${String(row['addr'])}`;
      const [own] = await askStore(folder.path, { filter, measures: 'p95_bytes' });
      expect(row['share_flows']).toBeCloseTo((100 * Number(row['flows'])) / Number(all?.['flows']), 9);
      expect(row['p95_bytes']).toBe(own?.['p95_bytes']);
    }
    const measures = 'share_bytes,p95_bytes';
    const stats = await askStore(folder.path, { measures, stat: 'addr,proto,addr+port,dst_addr' });
    for (const stat of ['addr', 'proto', 'addr+port', 'dst_addr']) {
      const rows = await askStore(folder.path, { measures, by: stat.replace('+', ',') });
      const figures = (row: Record<string, unknown>) =>
        ['flows', 'packets', 'bytes', 'share_bytes', 'p95_bytes'].map((name) => row[name]);
      expect(stats.filter((row) => row['stat'] === stat).map(figures)).toEqual(rows.map(figures));
    }
  });

  it('flows may be spread, and taken together with those of the other direction', async () => {
    const filter = 'ip 10.0.0.1';
    for (const asked of [{ measures: 'p95_bps' }, { measures: 'bpp', bidirectional: true }]) {
      const rows = await askStore(folder.path, { ...asked, by: 'addr', filter });
      const [own] = await askStore(folder.path, { ...asked, filter });
      if (own?.['flows'] === 0) continue;
      expect(rows.find((one) => one['addr'] === '10.0.0.1')).toEqual({ addr: '10.0.0.1', ...own });
    }
    const bySteps = await askStore(folder.path, { by: 'time/1m,addr', spread: true, filter: 'src ip = dst ip' });
    const bySource = await askStore(folder.path, { by: 'time/1m,src_addr', spread: true, filter: 'src ip = dst ip' });
    expect(bySteps.map(({ addr, ...row }) => ({ ...row, src_addr: addr }))).toEqual(bySource);
  });
});

describe('a table by either end', () => {
  let folder: TempFolder;
  beforeAll(async () => {
    folder = makeTempFolder();
    const flow = { time_start: '2026-03-01T12:00:00Z', duration: 1_000_000, packets: 1, bytes: 100, proto: 6 };
    await writeStore(folder.path, [
      [
        { ...flow, src_addr: '192.0.2.1', dst_addr: '192.0.2.2', in_if: 1, out_if: 2 },
        { ...flow, src_addr: '192.0.2.1', dst_addr: '198.51.100.1', in_if: 1, out_if: 1 },
      ],
    ]);
  });
  afterAll(() => folder.remove());

  it('says that groups come to more than the total, and leaves nothing over', async () => {
    const text = await askText(folder.path, { by: 'addr', top: '1' }, 'table');
    expect(text).toMatch(/^address +flows .*\n192\.0\.2\.1 +2 +2 +200 +100\.0 /);
    expect(text).toContain('total    2 flows, 2 packets, 200 B');
    expect(text).toContain('ends     each flow counts for both its ends, so that groups come to more than the total');
    expect(text).not.toContain('other');
    expect(await askText(folder.path, { by: 'src_addr' }, 'table')).not.toContain('both its ends');
    expect(await askText(folder.path, { by: 'if' }, 'table')).toMatch(/^ *interface .*\n +1 +2 .*\n +2 +1 /);
    expect(await askText(folder.path, { stat: 'addr/24', top: '1' }, 'table')).toMatch(/\n192\.0\.2\.0\/24 +2 /);
  });
});

it.each([
  [{ by: 'addr', other: true }, 'nothing is left over'],
  [{ by: 'proto', distinct: 'addr' }, '--distinct addr: which end is it?'],
  [{ columns: 'addr' }, "there is no column 'addr'"],
  [{ by: 'port/24' }, 'src_port is neither an address nor a time'],
  [{ by: 'addr/200' }, 'no such prefix length'],
])('%j is refused', (question, message) => {
  expect(() => readQuestion(question, { now: 0, zone: 'utc' })).toThrow(message);
});

it('is proposed where it was misspelt', () => {
  expect(() => parseKeys('adr')).toThrow(expect.objectContaining({ hint: "Did you mean 'addr'?" }));
});
