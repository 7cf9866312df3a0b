import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFilter } from '#weir/filter/parser.js';
import { GroupTable, MAX_GROUPS } from '#weir/live/group-table.js';
import { parseRequest, type TopAnswer, type TopRequest } from '#weir/live/protocol.js';
import { TopFeed } from '#weir/live/top-feed.js';
import { WeirError } from '#weir/util/errors.js';
import { batchOfRows } from '../filter/batch-of-rows.ts';
import { type PlainRow, rowOf } from '../query/fixture.ts';
import { type RandomFlow, randomFlow } from '../query/random-flows.ts';

/** What a top over these batches answers after a second. */
function answer(request: Partial<Record<keyof TopRequest, unknown>>, ...batches: (readonly PlainRow[])[]): TopAnswer {
  const line = JSON.stringify({ op: 'top', interval: 1000, top: 1000, ...request });
  const feed = new TopFeed(parseRequest(line, { maxRate: 1 }) as TopRequest, 1);
  // What came before the first tick came before anybody asked.
  feed.watch(batchOfRows([rowOf({ proto: 1, bytes: 999, packets: 9 })]));
  feed.tick(5000);
  for (const rows of batches) feed.watch(batchOfRows(rows.map(rowOf)));
  expect(feed.tick(5500)).toBeUndefined();
  return feed.tick(6000) as TopAnswer;
}

/** The same sums, made plainly. */
function sums(
  flows: readonly RandomFlow[],
  keyOf: (flow: RandomFlow) => readonly (string | number | null)[],
  raw: boolean,
) {
  const groups = new Map<string, { key: unknown; bytes: number; packets: number; flows: number }>();
  for (const flow of flows) {
    const key = keyOf(flow);
    const group = groups.get(JSON.stringify(key)) ?? { key, bytes: 0, packets: 0, flows: 0 };
    const rate = raw ? 1 : (flow.sampling_rate ?? 1);
    group.bytes += flow.bytes * rate;
    group.packets += flow.packets * rate;
    group.flows++;
    groups.set(JSON.stringify(key), group);
  }
  return [...groups.values()];
}

/** All IPv6 addresses of the random flows are in 2001:db8::/48. */
const net = (address: string) =>
  address.includes(':') ? '2001:db8::/48' : `${address.split('.').slice(0, 3).join('.')}.0/24`;

const KEYS: readonly (readonly [string[], (flow: RandomFlow) => (string | number | null)[]])[] = [
  [['src_addr'], (flow) => [flow.src_addr]],
  [['src_port'], (flow) => [flow.src_port ?? null]],
  [['proto', 'dst_port'], (flow) => [flow.proto, flow.dst_port]],
  [['src_addr/24/48', 'proto'], (flow) => [net(flow.src_addr), flow.proto]],
  [['service_port'], (flow) => [flow.src_port === undefined ? null : Math.min(flow.src_port, flow.dst_port)]],
  [
    ['src_addr', 'dst_addr', 'proto', 'src_port', 'dst_port'],
    (flow) => [flow.src_addr, flow.dst_addr, flow.proto, flow.src_port ?? null, flow.dst_port],
  ],
];

const byKey = (a: { key: unknown }, b: { key: unknown }) => (JSON.stringify(a.key) < JSON.stringify(b.key) ? -1 : 1);

describe('sums of an interval', () => {
  it('are those of the flows, by any keys, scaled or as counted', () => {
    const batches = fc.array(fc.array(randomFlow, { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(batches, fc.constantFrom(...KEYS), fc.boolean(), (flows, [by, keyOf], raw) => {
        const found = answer({ by, raw }, ...flows);
        const expected = sums(flows.flat(), keyOf, raw);
        expect([...found.rows].sort(byKey)).toEqual(expected.sort(byKey));
        expect(found).toMatchObject({ groups: expected.length, pruned: 0, unseen: 0, seconds: 1, at: 6000 });
        expect(found.total.bytes).toBe(expected.reduce((sum, { bytes }) => sum + bytes, 0));
        expect(found.rows.map(({ bytes }) => bytes)).toEqual(expected.map(({ bytes }) => bytes).sort((a, b) => b - a));
      }),
    );
  });

  it('tell texts apart, also when batches give them different codes, and words from numbers', () => {
    const one = [
      { app_name: 'a', bytes: 1, packets: 1, flow_type: 4 },
      { app_name: 'b', bytes: 10, packets: 1, flow_type: 4 },
    ];
    const three = [{ app_name: '', bytes: 7, packets: 1, flow_type: 4 }];
    const two = [
      { app_name: 'b', bytes: 100, packets: 1, flow_type: 2 },
      { bytes: 1000, packets: 1, flow_type: 4 },
    ];
    expect(answer({ by: ['app_name'] }, one, two, three).rows.map(({ key, bytes }) => [...key, bytes])).toEqual([
      [null, 1007],
      ['b', 110],
      ['a', 1],
    ]);
    expect(answer({ by: ['flow_type'] }, one, two).rows.map(({ key, bytes }) => [...key, bytes])).toEqual([
      ['ipfix', 1011],
      ['netflow_v5', 100],
    ]);
  });

  it('leave out what the filter does not select, and records that are no traffic unless it names them', () => {
    const rows = [
      { proto: 6, bytes: 1, packets: 1 },
      { proto: 17, bytes: 2, packets: 1 },
      { proto: 6, bytes: 4, packets: 1, record_kind: 5 },
    ];
    expect(answer({ by: ['proto'], filter: 'proto tcp' }, rows).total).toEqual({ bytes: 1, packets: 1, flows: 1 });
    expect(answer({ by: ['proto'] }, rows).total.flows).toBe(2);
    expect(answer({ by: ['proto'], filter: 'kind aggregate' }, rows).total.bytes).toBe(4);
  });

  it('begin anew with every answer', () => {
    const request = parseRequest('{"op":"top","by":["proto"],"interval":500}', { maxRate: 1 }) as TopRequest;
    const feed = new TopFeed(request, 7);
    feed.tick(0);
    feed.watch(batchOfRows([rowOf({ proto: 6, bytes: 1, packets: 1 })]));
    feed.unseen(3);
    expect(feed.tick(500)).toMatchObject({ rows: [{ key: [6] }], unseen: 3 });
    expect(feed.tick(1000)).toMatchObject({
      rows: [],
      total: { bytes: 0, packets: 0, flows: 0 },
      groups: 0,
      unseen: 0,
    });
  });

  it.each(['time/5m', 'traffic_direction', 'in_if_name', 'duration'])('refuse %s, which only queries know', (key) => {
    expect(() => answer({ by: [key] })).toThrow(WeirError);
  });
});

describe('the table of groups', () => {
  /** Adds rows of one word. */
  function add(table: GroupTable, rows: readonly (readonly [word: number, bytes: number])[]): void {
    const columns = [Uint32Array.from(rows, ([word]) => word)];
    table.add(columns, rows.length, {
      bytes: Float64Array.from(rows, ([, bytes]) => bytes),
      packets: new Float64Array(rows.length).fill(1),
    });
  }

  it('keeps every large group when there are more groups than it holds, and tells what may be missing', () => {
    const table = new GroupTable({ width: 1, order: 'bytes', seed: 42 });
    const large = Array.from({ length: 20 }, (_, n) => 1_000_000 + n);
    let next = 0;
    let total = 0;
    for (let round = 0; round < 40; round++) {
      const small = Array.from({ length: 5000 }, (): [number, number] => [next++, 1 + (next % 3)]);
      // The large ones come in the later half only.
      const rows = round < 20 ? small : [...small, ...large.map((word): [number, number] => [word, 100 + (word % 7)])];
      add(table, rows);
      total += rows.reduce((sum, [, bytes]) => sum + bytes, 0);
    }
    expect(next).toBeGreaterThan(4 * MAX_GROUPS);
    expect(table.pruned).toBeGreaterThan(0);
    const found = table.largest(20, (words, at, { bytes }) => [words[at], bytes] as const);
    expect(found.map(([word]) => word).sort((a = 0, b = 0) => a - b)).toEqual(large);
    for (const [word, bytes] of found) {
      const exact = 20 * (100 + ((word as number) % 7));
      expect(bytes).toBeLessThanOrEqual(exact);
      expect(bytes).toBeGreaterThanOrEqual(exact - table.pruned);
    }
    expect(table.total.bytes).toBe(total);
  });

  it('holds its bound when all groups are equal', () => {
    const table = new GroupTable({ width: 1, order: 'flows', seed: 0 });
    for (let round = 0; round < 10; round++)
      add(
        table,
        Array.from({ length: 20_000 }, (_, n) => [round * 20_000 + n, 1]),
      );
    expect(table.total.flows).toBe(200_000);
    expect(table.largest(100_000, () => 1).length).toBeLessThanOrEqual(MAX_GROUPS);
  });
});

describe('requests', () => {
  it('are read with what is usual', () => {
    expect(parseRequest('{"op":"tail"}', { maxRate: 9 })).toEqual({
      op: 'tail',
      id: undefined,
      filter: parseFilter(''),
      columns: undefined,
      rate: 9,
    });
    expect(parseRequest('{"op":"tail","rate":100}', { maxRate: 9 })).toMatchObject({ rate: 9 });
  });

  it.each([
    'x',
    '[]',
    'null',
    '{}',
    '{"op":"drop"}',
    '{"op":"tail","filter":7}',
    '{"op":"tail","filter":"proto"}',
    '{"op":"tail","columns":["x"]}',
    '{"op":"tail","columns":[]}',
    '{"op":"tail","rate":0}',
    '{"op":"top"}',
    '{"op":"top","by":"proto"}',
    '{"op":"top","by":["prot"]}',
    '{"op":"top","by":["proto"],"interval":1}',
    '{"op":"top","by":["proto"],"order":"x"}',
    '{"op":"tail","filter":"ip in @/etc/passwd"}',
  ])('that are none are refused: %s', (line) => {
    expect(() => parseRequest(line, { maxRate: 9 })).toThrow(WeirError);
  });
});
