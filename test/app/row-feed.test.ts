import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RowFeed } from '#weir/app/row-feed.js';
import type { NameFact } from '#weir/session/name-facts.js';
import { tempFolder } from '../helpers/temp.ts';
import { ask, createStore } from '../store/batches.ts';

const NOON = 1_772_366_400_000;
const domain = { exporter: '192.0.2.1', sender: '192.0.2.1', id: 7 };
const fact = (name: string, key = '1'): NameFact => ({ kind: 'interface', key, name, description: undefined });
const log = { info: () => {}, warn: () => {}, error: () => {} };

describe('names and counters on their way to the store', () => {
  it('names go on over a restart, and a change closes the old one', async () => {
    const folder = tempFolder('rows');
    const stateFile = join(folder.path, 'state', 'names.json');
    const run = async (now: number, work: (feed: RowFeed) => void) => {
      const store = createStore(join(folder.path, 'data'));
      await store.start();
      const feed = new RowFeed({ store, stateFile, now: () => now, log });
      await feed.start();
      work(feed);
      await feed.close();
      await store.close();
    };
    await run(NOON, (feed) => feed.name(domain, fact('eth0'), NOON * 1000));
    await run(NOON + 60_000, (feed) => {
      feed.name(domain, fact('eth0'), (NOON + 60_000) * 1000);
      feed.name(domain, fact('wan'), (NOON + 61_000) * 1000);
    });
    const rows = await ask(
      join(folder.path, 'data'),
      `SELECT name, (epoch_ms(valid_from) - ${NOON}) // 1000, (epoch_ms(valid_until) - ${NOON}) // 1000 FROM names ORDER BY time_received, valid_from, valid_until`,
    );
    expect(rows).toEqual([
      ['eth0', '0', null],
      // Written again by the start that took it over.
      ['eth0', '0', null],
      ['eth0', '0', '61'],
      ['wan', '61', null],
    ]);
  });

  it('counters are handed over every ten seconds, bounded', async () => {
    const folder = tempFolder('rows');
    const store = createStore(folder.path);
    await store.start();
    let now = NOON;
    const feed = new RowFeed({ store, stateFile: undefined, now: () => now, log });
    await feed.start();
    const row = { time_received: NOON * 1000, exporter: 'x', kind: 'interface', values: {} };
    for (let n = 0; n < 50_003; n++) feed.counters({ ...row, if_index: n } as never);
    expect(feed.dropped).toBe(3);
    now += 9_000;
    feed.tick();
    await store.flush();
    expect(store.stats().listed.bytes).toBe(0);
    now += 1_000;
    feed.tick();
    await feed.close();
    await store.close();
    expect(await ask(folder.path, 'SELECT count(*), max(if_index) FROM counters')).toEqual([['50000', 49_999]]);
  });
});
