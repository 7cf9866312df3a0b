import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
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

describe("nfflowd's triplets", () => {
  const flow = {
    time_start: '2009-07-30T11:12:17.315Z',
    duration: 143_422_000,
    flow_type: 2,
    proto: 6,
    packets: 720,
    bytes: 38_052,
  };
  const there = { ...flow, src_port: 62_380, dst_addr: '74.125.6.225', dst_port: 80 };
  const before = { ...there, src_addr: '10.0.195.106' };
  const after = { ...there, src_addr: '192.76.7.154' };
  const way = { src_addr: '74.125.6.225', src_port: 80, dst_addr: '192.76.7.154', dst_port: 62_380 };
  const back = { ...flow, ...way, packets: 1432, bytes: 2_027_040 };
  const later = (row: PlainRow, time: string): PlainRow => ({ ...row, time_start: time });
  const ends = async (...segments: PlainRow[][]) => {
    const folder = makeTempFolder();
    await writeStore(folder.path, segments);
    const rows = await askStore(folder.path, { bidirectional: true, by: 'src_addr,dst_addr' });
    folder.remove();
    return rows
      .map((row) => ['src_addr', 'dst_addr', 'flows', 'bytes', 'reverse_bytes'].map((name) => row[name]).join(' '))
      .sort();
  };
  const apartOnes = ['10.0.195.106 74.125.6.225 1 38052 0', '192.76.7.154 74.125.6.225 2 38052 2027040'];
  const together = ['10.0.195.106 74.125.6.225 3 38052 2027040'];

  it('are one conversation, of the inside host', async () => {
    expect(await ends([before, after], [back])).toEqual(together);
    expect(await ends([before, later(after, '2009-07-30T11:12:17.320Z')], [back])).toEqual(together);
    const again = '2009-07-30T11:32:17.315Z';
    expect(await ends([before, after, back, later(before, again), later(after, again), later(back, again)])).toEqual([
      '10.0.195.106 74.125.6.225 6 76104 4054080',
    ]);
  });

  it('are so where the other end began, and beside IPv6', async () => {
    const early = { ...back, time_start: '2009-07-30T11:12:17.310Z' };
    expect(await ends([before, after, early])).toEqual(['74.125.6.225 10.0.195.106 3 2027040 38052']);
    const other = { ...flow, flow_type: 4, src_addr: '2001:db8::1', src_port: 5, dst_addr: '2001:db8::2', dst_port: 6 };
    expect(await ends([before, after, back, other])).toEqual([...together, '2001:db8::1 2001:db8::2 1 38052 0']);
  });

  it.each<[string, PlainRow[]]>([
    ['a record has other counters', [{ ...before, bytes: 38_051 }, after, back]],
    ['a record comes at another time', [later(before, '2009-07-30T11:12:18Z'), after, back]],
    ['the port is another one', [{ ...before, src_port: 5000 }, after, back]],
    ['a format has a field for translated addresses', [before, after, back].map((row) => ({ ...row, flow_type: 4 }))],
  ])('are apart where %s', async (_, rows) => {
    const found = await ends(rows);
    expect(found.map((text) => text.split(' ').slice(0, 3).join(' '))).toEqual(
      apartOnes.map((text) => text.split(' ').slice(0, 3).join(' ')),
    );
  });

  it('are apart where two hosts or two translations come into question', async () => {
    const twin = { ...before, src_addr: '10.0.195.107' };
    expect(await ends([before, twin, after, back])).toHaveLength(3);
    const other = { ...after, src_addr: '192.76.7.155' };
    expect(await ends([before, after, back, other, { ...back, dst_addr: '192.76.7.155' }])).toHaveLength(3);
  });

  it('are counted once, and tell the public address', async () => {
    const folder = makeTempFolder();
    await writeStore(folder.path, [[before, after, back]]);
    const columns = 'src_addr,dst_addr,post_nat_src_addr,post_nat_dst_addr,bytes';
    expect(await askStore(folder.path, { bidirectional: true, columns })).toEqual([
      { src_addr: '10.0.195.106', dst_addr: '74.125.6.225', post_nat_src_addr: '192.76.7.154', bytes: 38_052 },
    ]);
    expect(await askText(folder.path, { bidirectional: true }, 'table')).toContain(
      'total    3 flows, 2.2 k packets, 2.1 MB',
    );
    folder.remove();
  });
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
