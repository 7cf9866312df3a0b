import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { readQuestion } from '#weir/query/question.js';
import { makeTempFolder } from '../helpers/temp.ts';
import { weir } from '../helpers/weir.ts';
import { askStore } from './ask.ts';
import { micros, writeStore } from './fixture.ts';
import { type Part, partsOf } from './parts.ts';
import { BEGIN, counted, type RandomFlow, randomSegments, sum } from './random-flows.ts';
import { describeStores } from './random-stores.ts';

const stores = fc.sample(randomSegments, { numRuns: 8, seed: 41 });

function expected(flows: readonly RandomFlow[], step: bigint, from: bigint, to: bigint) {
  const groups = new Map<string, Part>();
  const within = flows.filter((flow) => flow.time_start < to && flow.time_start + BigInt(flow.duration) >= from);
  for (const part of within.flatMap((flow) => partsOf(flow, step, from, to))) {
    const key = `${part.bucket} ${part.proto}`;
    const { flows: some = 0, packets = 0, bytes = 0 } = groups.get(key) ?? {};
    const summed = { flows: some + part.flows, packets: packets + part.packets, bytes: bytes + part.bytes };
    groups.set(key, { ...part, ...summed });
  }
  return [...groups.values()].sort((a, b) =>
    a.bucket === b.bucket ? a.proto - b.proto : a.bucket < b.bucket ? -1 : 1,
  );
}

describeStores(stores, ({ folder, flows }) => {
  const ask = async (step: string, more: object): Promise<(Record<string, unknown> & { bucket: bigint })[]> => {
    const by = `time/${step},proto`;
    const rows = await askStore(folder.path, { by, spread: true, order: `time/${step},proto`, ...more });
    return rows.map(({ [`time/${step}`]: time, ...rest }) => ({ bucket: micros(String(time)), ...rest }));
  };

  it.each([
    ['1m', 60_000_000n],
    ['7s', 7_000_000n],
    ['1h', 3_600_000_000n],
  ])('parts of flows are in steps of %s', async (step, length) => {
    const found = await ask(step, {});
    expect(found).toEqual(expected(flows, length, 0n, 2n ** 62n));
    for (const counter of ['packets', 'bytes'] as const)
      expect(sum(found.map((row) => row[counter] as number))).toBe(sum(flows.map((flow) => counted(flow, counter))));
    expect(sum(found.map((row) => row['flows'] as number))).toBe(flows.length);
  });

  it('what lies outside of the time asked for is not counted', async () => {
    const [from, to] = [BEGIN + 90_500_000n, BEGIN + 400_000_001n];
    const text = (time: bigint) => `@${time / 1_000_000n}.${String(time % 1_000_000n).padStart(6, '0')}`;
    expect(await ask('1m', { from: text(from), to: text(to) })).toEqual(expected(flows, 60_000_000n, from, to));
  });
});

it('days of a zone are as long as its clocks say', async () => {
  const folder = makeTempFolder();
  // Vienna puts its clocks forward on 29 March 2026: that day has 23 hours. 71 hours from midnight to midnight.
  const flow = { time_start: '2026-03-27T23:00:00Z', duration: 71 * 3_600_000_000, packets: 71, bytes: 7100 };
  await writeStore(folder.path, [[flow]]);
  const args = [
    'query',
    '--data',
    folder.path,
    '--spread',
    '--by',
    'time/1d',
    '--zone',
    'Europe/Vienna',
    '--format',
    'csv',
  ];
  const { stdout } = await weir(args);
  expect(stdout.trimEnd().split('\n').slice(1)).toEqual([
    '2026-03-27T23:00:00.000000Z,1,24,2400',
    '2026-03-28T23:00:00.000000Z,0,23,2300',
    '2026-03-29T22:00:00.000000Z,0,24,2400',
  ]);
  folder.remove();
});

it('parts that nobody could sum up are refused before they are made', async () => {
  const folder = makeTempFolder();
  const flow = { time_start: '2026-03-01T00:00:00Z', duration: 30 * 86_400_000_000, packets: 1, bytes: 2n ** 63n };
  await writeStore(folder.path, [[flow]]);
  await expect(askStore(folder.path, { by: 'time/1ms', spread: true })).rejects.toThrow('2592000000 parts would');
  const days = await askStore(folder.path, { by: 'time/1d', spread: true });
  expect(days).toHaveLength(30);
  expect(days[0]).toMatchObject({ flows: 1, bytes: Number(2n ** 63n / 30n) });
  folder.remove();
});

it('flows without a time are not lost', async () => {
  const folder = makeTempFolder();
  await writeStore(folder.path, [
    [
      { packets: 1, bytes: 5, proto: 6 },
      { time_start: '2026-03-01T00:00:00Z', packets: 2, bytes: 6, proto: 6 },
    ],
  ]);
  expect(await askStore(folder.path, { by: 'time/1h', spread: true })).toEqual([
    { 'time/1h': '2026-03-01T00:00:00.000000Z', flows: 1, packets: 2, bytes: 6 },
    { 'time/1h': null, flows: 1, packets: 1, bytes: 5 },
  ]);
  folder.remove();
});

it.each([
  [{ by: 'proto' }, 'and there is none'],
  [{}, 'and there is none'],
  [{ by: 'time_end/5m' }, 'and there is none'],
  [{ by: 'time/1h,time_start/5m' }, 'and there are 2'],
  [{ by: 'time/1h', measures: 'p95_bytes' }, 'p95_bytes is told of whole flows'],
  [{ by: 'time/1h', measures: 'avg_duration' }, 'avg_duration is told of whole flows'],
  [{ by: 'time/1h,duration_class' }, 'duration_class is told of whole flows'],
  [{ by: 'time/1h', bidirectional: true }, 'do not go together'],
])('spreading %j is refused', (question, message) => {
  expect(() => readQuestion({ spread: true, ...question }, { now: 0, zone: 'utc' })).toThrow(message);
});
