import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { readQuestion } from '#weir/query/question.js';
import { makeTempFolder } from '../helpers/temp.ts';
import { askStore } from './ask.ts';
import { micros, writeStore } from './fixture.ts';
import { partsOf } from './parts.ts';
import { BEGIN, groupFlows, type RandomFlow, randomSegments } from './random-flows.ts';
import { describeStores } from './random-stores.ts';

const STEP = 300_000_000n;
const stores = fc.sample(randomSegments, { numRuns: 6, seed: 61 });

/** The average that 5 of 100 intervals exceed, all of them written down. */
function percentile(group: readonly RandomFlow[], counter: 'bytes' | 'packets', from: bigint, to: bigint): number {
  const intervals: number[] = [];
  for (let begin = from; begin < to; begin += STEP) intervals.push(0);
  for (const part of group.flatMap((flow) => partsOf(flow, STEP, from, to, from)))
    intervals[Number((part.bucket - from) / STEP)] =
      (intervals[Number((part.bucket - from) / STEP)] ?? 0) + part[counter];
  intervals.sort((a, b) => a - b);
  return (intervals[Math.ceil((intervals.length * 95) / 100) - 1] ?? 0) / 300;
}

describeStores(stores, ({ folder, segments }) => {
  // Of 6 intervals the 6th counts, of 21 the 20th, of 60 the 57th.
  it.each([
    ['a short time', BEGIN - 100_000_000n, BEGIN + 1_600_000_000n],
    ['some time', BEGIN + 60_000_001n, BEGIN + 60_000_001n + 21n * STEP],
    ['a long time', BEGIN - 30n * STEP, BEGIN + 30n * STEP],
  ])('the 95th percentile of 5 minutes over %s', async (_, from, to) => {
    const text = (time: bigint) => `@${time / 1_000_000n}.${String(time % 1_000_000n).padStart(6, '0')}`;
    const asked = {
      by: 'src_addr,src_port',
      measures: 'p95_bps,p95_pps',
      from: text(from),
      to: text(to),
      order: 'src_addr',
    };
    const flows = segments
      .flat()
      .filter((flow) => flow.time_start < to && flow.time_start + BigInt(flow.duration) >= from);
    const groups = groupFlows(flows, ({ src_addr, src_port }) => [src_addr, src_port ?? null]);
    const rows = await askStore(folder.path, asked);
    expect(rows).toHaveLength(groups.size);
    for (const row of rows) {
      const group = groups.get(JSON.stringify([row['src_addr'], row['src_port']])) ?? [];
      expect(row['p95_bps']).toBeCloseTo(8 * percentile(group, 'bytes', from, to), 6);
      expect(row['p95_pps']).toBeCloseTo(percentile(group, 'packets', from, to), 6);
    }
  });

  it('with open ends it goes over full intervals of what matches', async () => {
    const flows = segments.flat().filter(({ proto }) => proto === 6);
    const ends = flows.map((flow) => flow.time_start + BigInt(flow.duration));
    const first = flows.map((flow) => flow.time_start).reduce((a, b) => (a < b ? a : b), 2n ** 62n);
    const last = ends.reduce((a, b) => (a > b ? a : b), 0n);
    const [one] = await askStore(folder.path, { measures: 'p95_bps', filter: 'proto 6' });
    const expected = flows.length === 0 ? 0 : 8 * percentile(flows, 'bytes', first - (first % STEP), last + 1n);
    expect(one?.['p95_bps'] ?? 0).toBeCloseTo(expected, 6);
  });
});

it('a flow may be so large and long that its parts are products beyond 64 bits', async () => {
  const folder = makeTempFolder();
  const begin = micros('2026-03-01T00:00:00Z');
  // The product of octets and time of the second one does not fit into 64 bits.
  await writeStore(folder.path, [
    [
      { time_start: begin, duration: 0, packets: 1, bytes: 300, src_port: 1 },
      { time_start: begin, duration: 86_400_000_000, packets: 1, bytes: 2 ** 48, src_port: 2 },
    ],
  ]);
  const rows = await askStore(folder.path, { by: 'src_port', measures: 'p95_bps', order: 'src_port' });
  expect(rows.map((row) => row['p95_bps'])).toEqual([0, (8 * Math.ceil(2 ** 48 / 288)) / 300]);
  folder.remove();
});

it('a burst of 5 in 100 intervals is left out, and one of 6 is not', async () => {
  const folder = makeTempFolder();
  const begin = micros('2026-03-01T00:00:00Z');
  const flow = (index: number, src_port: number) => ({
    time_start: begin + BigInt(index) * STEP,
    duration: 0,
    packets: 1,
    bytes: 300,
    src_port,
  });
  const of = (count: number, port: number) => Array.from({ length: count }, (_, index) => flow(index * 7, port));
  await writeStore(folder.path, [[...of(5, 5), ...of(6, 6)]]);
  const asked = {
    by: 'src_port',
    measures: 'p95_bps',
    from: '2026-03-01T00:00:00Z',
    to: '2026-03-01T08:20:00Z',
    order: 'src_port',
  };
  expect((await askStore(folder.path, asked)).map((row) => row['p95_bps'])).toEqual([0, 8]);
  const other = await askStore(folder.path, { ...asked, top: '1', other: true });
  expect(other.at(-1)).toMatchObject({ src_port: 'other', p95_bps: null });
  folder.remove();
});

it.each([
  [{ by: 'time/1h' }, 'not together with time/1h'],
  [{ by: 'duration_class' }, 'not together with duration_class'],
  [{ stat: 'proto,src_addr' }, 'not together with --stat'],
  [{ by: 'src_addr', bidirectional: true }, 'not together with --bidirectional'],
])('with %j it is refused', (question, message) => {
  expect(() => readQuestion({ measures: 'p95_bps', ...question }, { now: 0, zone: 'utc' })).toThrow(message);
});
