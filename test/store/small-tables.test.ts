import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CounterRow } from '#weir/session/counter-row.js';
import type { NameRow } from '#weir/session/name-row.js';
import { holdsFlows, readCatalogue } from '#weir/store/catalogue.js';
import { LIVE_CATALOGUE } from '#weir/store/paths.js';
import { tempFolder } from '../helpers/temp.ts';
import { ask, createStore } from './batches.ts';

const NOON = 1_772_366_400_000_000;

const name: NameRow = {
  time_received: NOON,
  exporter: '192.0.2.1',
  sender: '192.0.2.11',
  observation_domain: 4_294_967_295,
  kind: 'interface',
  key: '17',
  name: "xe-0/0/1 'uplink' \u{1F310}",
  description: null,
  valid_from: NOON - 1,
  valid_until: null,
};

const counters: CounterRow = {
  time_received: NOON + 7,
  exporter: '192.0.2.2',
  sender: '192.0.2.11',
  agent_addr: '2001:db8::1',
  sub_agent: 0,
  source_class: 0,
  source_index: 3,
  sequence: 9,
  uptime_ms: 123_456,
  kind: 'interface',
  if_index: 3,
  if_type: 6,
  if_speed: 10_000_000_000,
  if_direction: 1,
  if_status: 3,
  in_octets: 18_446_744_073_709_551_615n,
  in_unicast: 4_294_967_295,
  in_multicast: undefined,
  in_broadcast: 0,
  in_discards: 1,
  in_errors: 2,
  in_unknown_protos: undefined,
  out_octets: 9_007_199_254_740_993n,
  out_unicast: 4,
  out_multicast: 5,
  out_broadcast: 6,
  out_discards: 7,
  out_errors: 8,
  if_promiscuous: 0,
  values: { machine: 'sw"1', adapters: [{ mac: '00:00:5e:00:53:01' }], total: 18_446_744_073_709_551_615n },
};

describe('small tables', () => {
  it('keep names and counters as they were given', async () => {
    const folder = tempFolder('store');
    const store = createStore(folder.path);
    await store.start();
    store.appendRows('names', [name, { ...name, key: '18', description: 'to the "lab"', valid_until: NOON + 1 }]);
    store.appendRows('counters', [counters]);
    await store.flush();
    const { segments } = await readCatalogue(folder.path);
    expect(segments.filter(holdsFlows)).toEqual([]);
    expect(segments).toMatchObject([
      { tier: 'names', rows: 2, minReceived: NOON, maxReceived: NOON },
      { tier: 'counters', rows: 1, minReceived: NOON + 7, maxReceived: NOON + 7 },
    ]);
    await store.close();
    expect(
      await ask(folder.path, 'SELECT * REPLACE (epoch_us(time_received) AS time_received) FROM names ORDER BY key'),
    ).toMatchObject([
      [
        String(NOON),
        '192.0.2.1',
        '192.0.2.11',
        4_294_967_295,
        'interface',
        '17',
        name.name,
        null,
        expect.anything(),
        null,
      ],
      [
        String(NOON),
        '192.0.2.1',
        '192.0.2.11',
        4_294_967_295,
        'interface',
        '18',
        name.name,
        'to the "lab"',
        expect.anything(),
        expect.anything(),
      ],
    ]);
    const [row] = await ask(
      folder.path,
      `SELECT in_octets, out_octets, in_unicast, in_multicast, if_speed, agent_addr, "values" FROM counters`,
    );
    expect(row?.slice(0, -1)).toEqual([
      '18446744073709551615',
      '9007199254740993',
      4_294_967_295,
      null,
      '10000000000',
      '2001:db8::1',
    ]);
    expect(JSON.parse(String(row?.at(-1)))).toEqual({
      machine: 'sw"1',
      adapters: [{ mac: '00:00:5e:00:53:01' }],
      total: '18446744073709551615',
    });
  });

  it('are found again when the catalogue is lost', async () => {
    const folder = tempFolder('store');
    const store = createStore(folder.path);
    await store.start();
    store.appendRows('names', [name]);
    store.appendRows('counters', [counters]);
    await store.close();
    rmSync(join(folder.path, LIVE_CATALOGUE));
    const again = createStore(folder.path);
    const report = await again.start();
    expect(report.adopted).toHaveLength(2);
    await again.close();
    expect(await ask(folder.path, 'SELECT (SELECT count(*) FROM names), (SELECT count(*) FROM counters)')).toEqual([
      ['1', '1'],
    ]);
  });

  it('give up rows that cannot be written, and store what comes after', async () => {
    const folder = tempFolder('store');
    const store = createStore(folder.path);
    await store.start();
    store.appendRows('counters', [{ ...counters, if_index: -1 }]);
    await expect(store.flush()).rejects.toThrow();
    for (let tries = 0; tries < 6 && store.stats().smallRowsDropped === 0; tries++) await store.flush().catch(() => {});
    store.appendRows('counters', [counters]);
    await store.flush();
    expect(store.stats().smallRowsDropped).toBe(1);
    await store.close();
    expect(await ask(folder.path, 'SELECT if_index FROM counters')).toEqual([[3]]);
    expect(readdirSync(join(folder.path, 'tmp'))).toEqual([]);
  });
});
