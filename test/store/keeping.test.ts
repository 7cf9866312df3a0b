import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { NO_STATISTICS } from '#weir/session/exporter-statistics.js';
import { holdsFlows, readCatalogue } from '#weir/store/catalogue.js';
import { tempFolder } from '../helpers/temp.ts';
import { ask, countIds, createStore, plainBatch, until } from './batches.ts';

const SLOT = 1_772_366_400_000;

describe('merging', () => {
  it('makes the segments of an ended slot one sorted file, and deletes them after the grace', async () => {
    const folder = tempFolder('store');
    let now = SLOT;
    const store = createStore(folder.path, { now: () => now, graceSeconds: 60 });
    await store.start();
    for (let n = 0; n < 6; n++) {
      store.append(plainBatch(n * 3000, 3000, now));
      await store.flush();
      now += 5000;
    }
    expect((await readCatalogue(folder.path)).segments.map(({ tier }) => tier)).toEqual(Array(6).fill('fresh'));
    const sum = await ask(
      folder.path,
      'SELECT sum(bytes), sum(duration), min(time_start), max(time_received) FROM flows',
    );

    now = SLOT + 310_000;
    await until(() => store.stats().merges === 1, 'the slot is merged');
    // Its sums may be there already.
    const segments = (await readCatalogue(folder.path)).segments.filter(holdsFlows);
    expect(segments).toMatchObject([{ tier: 'compact', rows: 18_000, sorted: true }]);
    expect(segments[0]?.bytes).toBe(statSync(folder.join(segments[0]?.file ?? '')).size);
    expect(await countIds(folder.path)).toEqual({ rows: 18_000, ids: 18_000, max: 17_999 });
    expect(
      await ask(folder.path, 'SELECT sum(bytes), sum(duration), min(time_start), max(time_received) FROM flows'),
    ).toEqual(sum);
    const order = await ask(folder.path, 'SELECT src_addr_lo, dst_addr_lo FROM flows');
    const keys = order.map(([src, dst]) => `${String(src).padStart(20)} ${String(dst).padStart(20)}`);
    expect(keys).toEqual([...keys].sort());
    // Readers that began before still find their files.
    expect(readdirSync(folder.join('flows'))).toHaveLength(7);
    now += 61_000;
    await until(() => readdirSync(folder.join('flows')).length === 1, 'the replaced files go');
    await store.close();
  });

  it('does not wait for the end of the slot when small segments are many, and leaves quiet days few files', async () => {
    const folder = tempFolder('store');
    let now = SLOT;
    const store = createStore(folder.path, { now: () => now, graceSeconds: 0 });
    await store.start();
    for (let n = 0; n < 60; n++) {
      store.append(plainBatch(n * 10, 10, now + n));
      await store.flush();
    }
    await until(() => store.stats().merges === 1, 'the crowd is merged');
    for (let hour = 1; hour < 4; hour++) {
      now = SLOT + hour * 1_200_000;
      store.append(plainBatch(hour * 1000, 10, now));
      await store.flush();
    }
    now = SLOT + 24 * 3_600_000;
    const flows = async () => (await readCatalogue(folder.path)).segments.filter(holdsFlows);
    await until(async () => (await flows()).length === 1 && !store.stats().merging, 'the day is one file');
    expect(await countIds(folder.path)).toMatchObject({ rows: 630, ids: 630 });
    await store.close();
  });

  it('sets a damaged segment aside and merges the others', async () => {
    const folder = tempFolder('store');
    let now = SLOT;
    const store = createStore(folder.path, { now: () => now });
    await store.start();
    for (let n = 0; n < 3; n++) {
      store.append(plainBatch(n * 1000, 1000, now + n));
      await store.flush();
    }
    const victim = (await readCatalogue(folder.path)).segments[1]?.file ?? '';
    const octets = readFileSync(folder.join(victim));
    writeFileSync(folder.join(victim), octets.fill(0, 100, octets.length - 8));
    now = SLOT + 310_000;
    await until(() => readdirSync(folder.join('damaged')).length === 1, 'the damaged one is set aside');
    // The pause after the failed merge counts from whenever the writer noticed it.
    await until(() => {
      now += 10_000;
      return store.stats().merges > 0;
    }, 'the others are merged');
    expect(await countIds(folder.path)).toMatchObject({ rows: 2000, ids: 2000 });
    await store.close();
  });

  it('merges the quality of an hour', async () => {
    const folder = tempFolder('store');
    let now = SLOT;
    const store = createStore(folder.path, { now: () => now });
    await store.start();
    for (let n = 0; n < 4; n++) {
      const zero = {
        observation_domain: 0,
        flow_type: '',
        datagrams: n,
        octets: 0,
        records: 0,
        options_records: 0,
        counter_records: 0,
        samples_dropped: 0,
        sequence_expected: 0,
      };
      const more = {
        sequence_received: 0,
        sequence_resets: 0,
        out_of_order: 0,
        template_conflicts: 0,
        sets_held: 0,
        sets_released: 0,
        sets_dropped: 0,
        kernel_drops: 0,
      };
      store.appendRows('quality', [
        {
          minute: SLOT + n * 60_000,
          exporter: '192.0.2.1',
          sender: '192.0.2.1',
          ...zero,
          ...more,
          undecodable: {},
          records_dropped: 0,
          clock_skew_ms: 0,
          quirks: {},
          sampling_rates: [n],
          ...NO_STATISTICS,
        },
      ]);
      await store.flush();
    }
    now = SLOT + 2 * 3_600_000;
    await until(() => store.stats().merges > 0, 'they are merged');
    expect((await readCatalogue(folder.path)).segments).toMatchObject([{ tier: 'quality', rows: 4, sorted: true }]);
    expect(
      await ask(
        folder.path,
        'SELECT list(datagrams ORDER BY minute), list(sampling_rates ORDER BY minute) FROM quality',
      ),
    ).toEqual([
      [
        ['0', '1', '2', '3'],
        [[0], [1], [2], [3]],
      ],
    ]);
    await store.close();
  });
});

describe('retention', () => {
  it('gives up the oldest segments by age', async () => {
    const folder = tempFolder('store');
    let now = SLOT;
    // Time enough for who looks at the files between two ticks.
    const store = createStore(folder.path, { now: () => now, retention: { maxAgeMs: 3_600_000 }, graceSeconds: 900 });
    await store.start();
    store.append(plainBatch(0, 100, now));
    await store.flush();
    now += 3_000_000;
    store.append(plainBatch(100, 100, now));
    await store.flush();
    await until(() => store.stats().merges === 1 && !store.stats().merging, 'the first slot is merged');
    expect(await countIds(folder.path)).toMatchObject({ ids: 200 });
    now += 1_000_000;
    await until(async () => (await countIds(folder.path)).rows === 100, 'the first segment is off the list');
    now += 1_000_000;
    await until(() => readdirSync(folder.join('flows')).every((name) => !name.includes('-c1-1')), 'it is deleted');
    await store.close();
  });

  it('gives up the oldest segments when there are too many bytes', async () => {
    const folder = tempFolder('store');
    let now = SLOT;
    const store = createStore(folder.path, { now: () => now, retention: { maxBytes: 200_000 }, graceSeconds: 0 });
    await store.start();
    for (let n = 0; n < 8; n++) {
      store.append(plainBatch(n * 5000, 5000, now));
      await store.flush();
      now += 300_000;
    }
    now += 10_000;
    await until(
      () => store.stats().listed.bytes <= 200_000 && !store.stats().merging && store.stats().backlog.files === 0,
      'it fits',
    );
    const { max, ids } = await countIds(folder.path);
    expect(max).toBe(39_999);
    expect(ids).toBeLessThan(40_000);
    expect(ids).toBeGreaterThan(0);
    await store.close();
  });
});
