import { array, assert, asyncProperty, bigInt, constant, constantFrom, integer, nat, oneof, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FlowBatch } from '#weir/flow/batch.js';
import { isRollup, readCatalogue } from '#weir/store/catalogue.js';
import type { FlowStore } from '#weir/store/flow-store.js';
import type { RollupTier } from '#weir/store/rollup-cubes.js';
import { tempFolder } from '../helpers/temp.ts';
import { askText } from '../query/ask.ts';
import { addRows, createStore, layoutOf, plainBatch, type Row, until } from './batches.ts';
import { answers, type Counted, expected, QUESTIONS } from './rollup-oracle.ts';

const BEGIN = 1_772_366_400_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const COMMON = [
  'time_received',
  'time_start',
  'time_end',
  'exporter',
  'observation_domain',
  'flow_type',
  'bytes',
  'packets',
];

/** Layouts as different exporters send them; each row has all of its columns. */
const LAYOUTS = [
  ['proto', 'tos', 'src_port', 'dst_port', 'in_if', 'out_if', 'src_as', 'dst_as', 'sampling_rate', 'record_kind'],
  ['proto', 'src_port', 'dst_port', 'in_if'],
  ['proto', 'tos', 'src_as', 'dst_as', 'sampling_rate'],
  [],
].map((names) => layoutOf([...COMMON, ...names]));

const flow = record({
  /** Minutes before its arrival; a few flows come a day late, and some clocks are ahead. */
  late: oneof(integer({ min: 0, max: 10 }), constantFrom(-3, 59, 60, 200, 1500)),
  millis: integer({ min: 0, max: 59_999 }),
  duration: constantFrom(0, 1, 30_000, 600_000),
  exporter: constantFrom(0xffff0a000001n, 0xffff0a000002n, (0x20010db8n << 96n) + 1n),
  observation_domain: constantFrom(0, 7),
  flow_type: constantFrom(2, 10),
  record_kind: constantFrom(0, 0, 0, 1, 2, 5),
  sampling_rate: constantFrom(0, 1, 1000),
  proto: constantFrom(1, 6, 17),
  tos: constantFrom(0, 184),
  src_port: constantFrom(0, 53, 443, 40_000, 50_000),
  dst_port: constantFrom(0, 53, 443, 40_001, 50_001),
  in_if: constantFrom(1, 2, 3),
  out_if: constantFrom(1, 2),
  src_as: constantFrom(0, 64_512, 13_335),
  dst_as: constantFrom(0, 64_512),
  bytes: oneof(bigInt(0n, 1_000_000n), constantFrom(2n ** 44n, 2n ** 62n, 2n ** 64n - 1n)),
  packets: bigInt(0n, 5000n),
});

/** A flow that is there in any case. */
const ALONE = {
  late: 0,
  millis: 0,
  duration: 0,
  exporter: 0xffff0a000001n,
  observation_domain: 0,
  flow_type: 2,
  bytes: 1n,
  packets: 1n,
};

const action = oneof(
  {
    weight: 5,
    arbitrary: record({
      is: constant('store' as const),
      layout: nat(LAYOUTS.length - 1),
      flows: array(flow, { minLength: 1, maxLength: 40 }),
    }),
  },
  {
    weight: 3,
    arbitrary: record({ is: constant('wait' as const), minutes: constantFrom(1, 6, 61, 400, 1500) }),
  },
  { weight: 1, arbitrary: record({ is: constant('restart' as const) }) },
);

describe('roll-ups', () => {
  it('answer as the flows do, however late these come and whatever is merged meanwhile', async () => {
    let rolled = 0;
    let used = 0;
    await assert(
      asyncProperty(array(action, { minLength: 4, maxLength: 14 }), async (actions) => {
        const folder = tempFolder('rollup');
        let now = BEGIN;
        const open = async () => {
          const store = createStore(folder.path, { now: () => now, graceSeconds: 0, tickMillis: 5, unitRows: 120 });
          await store.start();
          return store;
        };
        let store = await open();
        const all: Counted[] = [];
        const one = { is: 'store' as const, layout: 3, flows: [ALONE] };
        for (const step of [one, ...actions, { is: 'wait' as const, minutes: 6 }]) {
          if (step.is === 'restart') {
            await store.close();
            store = await open();
          } else if (step.is === 'store') {
            const layout = LAYOUTS[step.layout] as (typeof LAYOUTS)[number];
            const rows = step.flows.map((one): Row => {
              const start = now - one.late * MINUTE - one.millis;
              const [time_received, time_start] = [BigInt(now) * 1000n, BigInt(start) * 1000n];
              return { ...one, time_received, time_start, time_end: BigInt(start + one.duration) * 1000n };
            });
            const batch = new FlowBatch();
            addRows(batch, layout, rows);
            store.append(batch);
            await store.flush();
            all.push(...rows.map((row) => ({ row, columns: layout.columns })));
          } else {
            now += step.minutes * MINUTE;
            // A look of the keeper after the clock has moved, and the jobs it then finds.
            await new Promise((resolve) => setTimeout(resolve, 40));
            await until(() => !store.stats().merging, 'the merges are done');
          }
          now += 1000;
        }
        rolled += store.stats().rollups;
        for (const question of QUESTIONS) {
          const { lines, isRolled } = await answers(folder.path, question);
          if (isRolled) used++;
          expect(lines, JSON.stringify(question)).toEqual(expected(all, question));
        }
        await store.close();
        folder.remove();
      }),
      { numRuns: Number(process.env['WEIR_ROUNDS'] ?? 8) },
    );
    expect(rolled).toBeGreaterThan(0);
    expect(used).toBeGreaterThan(10);
  }, 240_000);

  it('count flows of a window of five minutes that come two and ten minutes after it, at once and again when they are merged', async () => {
    const folder = tempFolder('rollup');
    let now = BEGIN;
    const store = createStore(folder.path, { now: () => now, graceSeconds: 0, tickMillis: 5 });
    await store.start();
    const layout = LAYOUTS[1] as (typeof LAYOUTS)[number];
    const all: Counted[] = [];
    const receive = async (minute: number, starts: readonly number[]) => {
      now = BEGIN + minute * MINUTE;
      const rows = starts.map((start): Row => {
        const time = BigInt(BEGIN + start * MINUTE) * 1000n;
        const { late: _, millis: __, duration: ___, ...row } = ALONE;
        const ports = { src_port: 443, dst_port: 50_000, proto: 6, in_if: 1 };
        return { ...row, ...ports, time_received: BigInt(now) * 1000n, time_start: time, time_end: time };
      });
      const batch = new FlowBatch();
      addRows(batch, layout, rows);
      store.append(batch);
      await store.flush();
      all.push(...rows.map((row) => ({ row, columns: layout.columns })));
    };
    const counted = async (minute: number) => {
      const before = store.stats().rollups;
      now = BEGIN + minute * MINUTE;
      await until(() => store.stats().rollups >= before + 2 && !store.stats().merging, 'the slot is counted');
    };
    const window = {
      by: 'time/5m',
      from: new Date(BEGIN).toISOString(),
      to: new Date(BEGIN + 5 * MINUTE).toISOString(),
    };
    const check = async (isRolled: boolean) => {
      expect(await answers(folder.path, window)).toEqual({ lines: expected(all, window), isRolled });
    };
    await receive(1, [0, 1]);
    await receive(4, [2, 3, 4]);
    await check(false);
    await counted(6);
    await check(true);
    // Two minutes after its end, then ten: part of every answer from now on, read from the flows until they are counted.
    await receive(7, [4]);
    await check(true);
    await receive(15, [4, 0]);
    await check(true);
    await counted(21);
    await check(true);
    expect(all).toHaveLength(8);
    await store.close();
  });

  it('are made for the tiers that are configured; those that are there stay in use', async () => {
    const folder = tempFolder('rollup');
    let now = BEGIN;
    const life = async (id: number, rollups: readonly RollupTier[], isDone: (store: FlowStore) => boolean) => {
      const store = createStore(folder.path, { now: () => now, graceSeconds: 0, tickMillis: 5, rollups });
      await store.start();
      store.append(plainBatch(id, 100, now));
      await store.flush();
      now += 6 * MINUTE;
      await until(() => isDone(store) && !store.stats().merging, 'the slot is dealt with');
      await store.close();
      const { segments } = await readCatalogue(folder.path);
      return segments.filter(isRollup).map(({ tier }) => tier);
    };
    expect(await life(0, ['hour'], (store) => store.stats().rollups === 1)).toEqual(['hour']);
    expect(await life(100, [], (store) => store.stats().merges === 1)).toEqual(['hour']);
    const { lines, isRolled } = await answers(folder.path, { by: 'proto' });
    expect([lines[0]?.startsWith('6,200,'), isRolled]).toEqual([true, true]);
  });

  it('go on to answer when the flows are gone, and say what they do not know', async () => {
    const folder = tempFolder('rollup');
    let now = BEGIN;
    const retention = { maxAgeMs: 2 * HOUR, minute: { maxAgeMs: 4 * HOUR } };
    const store = createStore(folder.path, { now: () => now, graceSeconds: 0, tickMillis: 5, retention });
    await store.start();
    const all: Counted[] = [];
    for (let hour = 0; hour < 8; hour++) {
      const layout = LAYOUTS[1] as (typeof LAYOUTS)[number];
      const rows = Array.from({ length: 50 }, (_, n): Row => {
        const start = BigInt(now - n * MINUTE) * 1000n;
        const times = { time_received: BigInt(now) * 1000n, time_start: start, time_end: start + 90_000_000n };
        const ports = { src_port: 443, dst_port: 50_000 + n };
        return {
          ...times,
          ...ports,
          exporter: 0xffff0a000001n,
          observation_domain: 0,
          flow_type: 10,
          bytes: BigInt(n),
          packets: 1n,
          proto: n % 2 === 0 ? 6 : 17,
          in_if: 1,
        };
      });
      const batch = new FlowBatch();
      addRows(batch, layout, rows);
      store.append(batch);
      await store.flush();
      all.push(...rows.map((row) => ({ row, columns: layout.columns })));
      now += 6 * MINUTE;
      await until(() => store.stats().backlog.files === 0 && !store.stats().merging, 'the slot is merged');
      await new Promise((resolve) => setTimeout(resolve, 60));
      await until(() => !store.stats().merging, 'the slot is counted');
      now += 54 * MINUTE;
    }
    await new Promise((resolve) => setTimeout(resolve, 60));
    await until(() => !store.stats().merging, 'all is tidy');
    expect(store.stats().listed.rows).toBeLessThan(400);
    for (const by of ['proto', 'time/1h', 'service_port', 'time/2h,in_if']) {
      expect((await answers(folder.path, { by })).lines, by).toEqual(expected(all, { by }));
    }
    const hours = { by: 'time/1h', from: new Date(BEGIN).toISOString(), to: new Date(BEGIN + 4 * HOUR).toISOString() };
    // Of the flows that began in the hour before, nobody can tell which ended after the beginning.
    const began = all.filter(({ row }) => (row['time_start'] as bigint) >= BigInt(BEGIN) * 1000n);
    expect((await answers(folder.path, hours)).lines).toEqual(expected(began, hours));
    expect(await askText(folder.path, hours, 'table')).toMatch(/^gone {5}some flows from 2026-03-01 11:11:/m);
    const other = await askText(folder.path, { by: 'dst_port' }, 'table');
    expect(other).toMatch(/^gone {5}.*which cannot answer this: roll-ups do not keep dst_port$/m);
    await store.close();
  });
});
