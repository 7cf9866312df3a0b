import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { SERVICES } from '#weir/filter/services.js';
import { readQuestion } from '#weir/query/question.js';
import { parseAddress } from '#weir/util/address.js';
import { makeTempFolder } from '../helpers/temp.ts';
import { askStore, askText } from './ask.ts';
import { type PlainRow, writeStore } from './fixture.ts';
import { BEGIN, counted, type RandomFlow, randomFlow, sum } from './random-flows.ts';
import { describeStores } from './random-stores.ts';

type Side = readonly [address: string, port: number | null];
interface OneWay {
  readonly from: Side;
  readonly to: Side;
  readonly flow: RandomFlow;
  readonly packets: number;
  readonly bytes: number;
  readonly start: bigint;
  /** Of a biflow record: its own source began. */
  readonly began: boolean;
}

/** A biflow has packets in both directions; its other direction may have begun at another time. */
const biflow = fc
  .record({
    reverse_packets: fc.integer({ min: 1, max: 50 }),
    reverse_bytes: fc.integer({ min: 1, max: 5000 }),
    late: fc.option(fc.integer({ min: -5, max: 5 }), { nil: undefined }),
  })
  .chain((more) => randomFlow.map((flow) => ({ ...flow, ...more, record_kind: 1 })));
const anyFlow: fc.Arbitrary<RandomFlow> = fc.oneof(randomFlow, randomFlow, biflow).map((flow) => ({
  ...flow,
  // Many flows begin at once, so that ports have to decide.
  time_start: BEGIN + BigInt(Number(flow.time_start - BEGIN) % 3),
  proto: flow.bytes % 7 === 0 ? 1 : flow.proto,
}));

const LAST = 2n ** 62n;
const least = (times: readonly bigint[]) => times.reduce((a, b) => (a < b ? a : b), LAST);
const isService = (port: number | null) => port !== null && Object.values(SERVICES).includes(port);

/** The directions of a flow, each by itself. */
function directions(flow: RandomFlow & { late?: number; reverse_packets?: number; reverse_bytes?: number }): OneWay[] {
  const port = (value: number | undefined) => (flow.proto === 1 ? null : (value ?? null));
  const [src, dst]: [Side, Side] = [
    [flow.src_addr, port(flow.src_port)],
    [flow.dst_addr, port(flow.dst_port)],
  ];
  const { reverse_packets: packets = 0, reverse_bytes: bytes = 0 } = flow;
  const rate = flow.sampling_rate ?? 1;
  const common = { flow, began: packets > 0 };
  const forth = { from: src, to: dst, packets: counted(flow, 'packets'), bytes: counted(flow, 'bytes') };
  const one: OneWay = { ...common, ...forth, start: flow.time_start };
  if (packets === 0) return [one];
  const start = flow.time_start + BigInt(flow.late ?? 0);
  return [one, { from: dst, to: src, packets: packets * rate, bytes: bytes * rate, flow, start, began: false }];
}

/** Ends in the order of their addresses, as numbers. */
function ordered(a: Side, b: Side): [Side, Side] {
  const key = ([address, port]: Side) =>
    (parseAddress(address) ?? []).map((word) => String(word).padStart(10, '0')).join('') +
    String(port ?? -1).padStart(6, '0');
  return key(a) <= key(b) ? [a, b] : [b, a];
}

const same = (a: Side, b: Side) => a[0] === b[0] && a[1] === b[1];

/** Conversations, written a second time and simply. */
function conversations(flows: readonly RandomFlow[]): Record<string, unknown>[] {
  const pairs = new Map<string, OneWay[]>();
  for (const way of flows.flatMap(directions)) {
    const key = JSON.stringify([way.flow.proto, ...ordered(way.from, way.to)]);
    pairs.set(key, [...(pairs.get(key) ?? []), way]);
  }
  return [...pairs.values()].map((ways) => {
    const [a, b] = ordered((ways[0] as OneWay).from, (ways[0] as OneWay).to);
    const by = (side: Side) => ways.filter(({ from }) => same(from, side));
    const isA = (): boolean => {
      const [firstA, firstB] = [least(by(a).map(({ start }) => start)), least(by(b).map(({ start }) => start))];
      if (firstA !== firstB) return firstA < firstB;
      const [beganA, beganB] = [by(a).some(({ began }) => began), by(b).some(({ began }) => began)];
      if (beganA !== beganB) return beganA;
      if (isService(a[1]) !== isService(b[1])) return isService(b[1]);
      return a[1] === null || b[1] === null || a[1] >= b[1];
    };
    const [src, dst] = isA() ? [a, b] : [b, a];
    const total = (side: Side, name: 'packets' | 'bytes') => sum(by(side).map((way) => way[name]));
    return {
      proto: ways[0]?.flow.proto,
      src_addr: src[0],
      src_port: src[1],
      dst_addr: dst[0],
      dst_port: dst[1],
      flows: new Set(ways.map(({ flow }) => flow)).size,
      packets: total(src, 'packets'),
      bytes: total(src, 'bytes'),
      reverse_packets: same(src, dst) ? 0 : total(dst, 'packets'),
      reverse_bytes: same(src, dst) ? 0 : total(dst, 'bytes'),
    };
  });
}

const store = fc.array(fc.array(anyFlow, { minLength: 1, maxLength: 60 }), { minLength: 1, maxLength: 3 });
/** Flows from an end to itself have no direction to tell. */
const apart = (flow: RandomFlow) => flow.src_addr !== flow.dst_addr;
const stores = fc
  .sample(store, { numRuns: 12, seed: 31 })
  .map((segments) => segments.map((flows) => flows.filter(apart)).filter((flows) => flows.length > 0))
  .filter((segments) => segments.length > 0);

function stored(flow: RandomFlow & { late?: number }): PlainRow {
  const { late, ...row } = flow;
  return late === undefined ? row : { ...row, reverse_time_start: flow.time_start + BigInt(late) };
}

describeStores(
  stores,
  ({ folder, segments }) => {
    const expected = conversations(segments.flat());
    const byText = (rows: readonly Record<string, unknown>[]) =>
      rows.map((row) => JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)))).sort();
    it('conversations are listed', async () => {
      const rows = await askStore(folder.path, { bidirectional: true });
      const found = rows.map(({ time_start: _start, time_end: _end, ...row }) => ({
        src_port: null,
        dst_port: null,
        ...row,
      }));
      expect(byText(found)).toEqual(byText(expected));
    });

    it('conversations are summed up', async () => {
      const by = 'proto,src_addr,src_port,dst_addr,dst_port';
      const rows = await askStore(folder.path, { bidirectional: true, by });
      const both = expected.map((row) => ({ ...row, both_bytes: Number(row['bytes']) + Number(row['reverse_bytes']) }));
      expect(byText(rows)).toEqual(byText(both));
      const totals = rows.map((row) => row['both_bytes'] as number);
      expect(totals).toEqual([...totals].sort((a, b) => b - a));
    });

    it('nothing is lost by taking directions together', async () => {
      const [one] = await askStore(folder.path, { bidirectional: true, measures: 'bpp' });
      const [all] = await askStore(folder.path, { measures: 'bpp', splitBiflows: true });
      expect(Number(one?.['bytes']) + Number(one?.['reverse_bytes'])).toBe(all?.['bytes']);
      expect(Number(one?.['packets']) + Number(one?.['reverse_packets'])).toBe(all?.['packets']);
      const rest = await askStore(folder.path, { bidirectional: true, by: 'src_addr', top: '1', other: true });
      expect(sum(rest.map((row) => Number(row['reverse_bytes'])))).toBe(one?.['reverse_bytes']);
    });
  },
  stored,
);

it('conversations are readable in a table, with the total of both directions', async () => {
  const folder = makeTempFolder();
  const flow = { time_start: '2026-03-01T12:00:00Z', duration: 1_000_000, packets: 10, bytes: 1000, proto: 6 };
  await writeStore(folder.path, [
    [{ ...flow, src_addr: '192.0.2.1', src_port: 443, dst_addr: '10.0.0.1', dst_port: 50_000 }],
    [{ ...flow, src_addr: '10.0.0.1', src_port: 50_000, dst_addr: '192.0.2.1', dst_port: 443, bytes: 60, packets: 1 }],
  ]);
  const list = await askText(folder.path, { bidirectional: true }, 'table');
  expect(list).toMatch(/\n.* +1\.000 +tcp +10\.0\.0\.1 +50000 +192\.0\.2\.1 +443 +2 +1 +60 +10 +1000\n/);
  expect(list).toContain('total    2 flows, 11 packets, 1.1 kB');
  const sums = await askText(folder.path, { bidirectional: true, by: 'dst_port' }, 'table');
  expect(sums).toMatch(
    /^dst port +flows +packets +bytes +packets back +bytes back +bytes both\n +443 +2 +1 +60 +10 +1000 +1060\n/,
  );
  expect(sums).toContain('total    2 flows, 11 packets, 1.1 kB');
  folder.remove();
});

it("of nfflowd's triplet the translated record and the way back are taken together", async () => {
  const folder = makeTempFolder();
  const flow = {
    time_start: '2009-07-30T11:12:17.315Z',
    duration: 143_422_000,
    flow_type: 2,
    proto: 6,
    packets: 720,
    bytes: 38_052,
  };
  const there = { ...flow, src_port: 62_380, dst_addr: '74.125.6.225', dst_port: 80 };
  const back = { ...flow, src_addr: '74.125.6.225', src_port: 80, dst_addr: '192.76.7.154', dst_port: 62_380 };
  await writeStore(folder.path, [
    [
      { ...there, src_addr: '10.0.195.106' },
      { ...there, src_addr: '192.76.7.154' },
    ],
    [{ ...back, packets: 1432, bytes: 2_027_040 }],
  ]);
  expect(await askStore(folder.path, { bidirectional: true, by: 'src_addr,dst_addr' })).toMatchObject([
    { src_addr: '192.76.7.154', dst_addr: '74.125.6.225', flows: 2, bytes: 38_052, reverse_bytes: 2_027_040 },
    { src_addr: '10.0.195.106', dst_addr: '74.125.6.225', flows: 1, bytes: 38_052, reverse_bytes: 0 },
  ]);
  folder.remove();
});

it.each([
  [{ by: 'exporter' }, 'a conversation has no exporter'],
  [{ by: 'src_as' }, 'a conversation has no src_as'],
  [{ columns: 'in_if' }, 'a conversation has no in_if'],
  [{ by: 'proto', measures: 'margin' }, 'a conversation has no sampling_rate'],
  [{ order: 'ttl' }, 'a conversation has no ttl'],
])('conversations and %j are refused', (question, message) => {
  expect(() => readQuestion({ bidirectional: true, ...question }, { now: 0, zone: 'utc' })).toThrow(message);
});
