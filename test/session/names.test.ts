import { describe, expect, it } from 'vitest';
import type { NameFact } from '#weir/session/name-facts.js';
import { RENEWAL_MICROS } from '#weir/session/name-row.js';
import { type NameOwner, NameTable } from '#weir/session/names.js';

const fact = (name: string, key = '1', description?: string): NameFact => ({
  kind: 'interface',
  key,
  name,
  description,
});

const owner = (sender: string, id: number): NameOwner => ({ sender, exporter: '198.51.100.1', id });

describe('the names that hold', () => {
  it('become rows when they are first told and when they change, not when they are told again', () => {
    const names = new NameTable();
    expect(names.takeRows(0)).toEqual([]);
    expect(names.learn(owner('192.0.2.1', 7), fact('eth0'), 1000)).toBe(true);
    expect(names.learn(owner('192.0.2.1', 7), fact('eth0'), 2000)).toBe(false);
    expect(names.learn(owner('192.0.2.1', 7), fact('wan'), 3000)).toBe(true);
    const common = {
      exporter: '198.51.100.1',
      sender: '192.0.2.1',
      observation_domain: 7,
      kind: 'interface',
      key: '1',
      description: null,
    };
    expect(names.takeRows(4000)).toEqual([
      { ...common, time_received: 1000, name: 'eth0', valid_from: 1000, valid_until: null },
      { ...common, time_received: 3000, name: 'eth0', valid_from: 1000, valid_until: 3000 },
      { ...common, time_received: 3000, name: 'wan', valid_from: 3000, valid_until: null },
    ]);
    expect(names.takeRows(5000)).toEqual([]);
  });

  it('are apart for exporters, domains, kinds and keys', () => {
    const names = new NameTable();
    names.learn(owner('192.0.2.1', 1), fact('a'), 1);
    names.learn(owner('192.0.2.2', 1), fact('b'), 1);
    names.learn(owner('192.0.2.1', 2), fact('c'), 1);
    names.learn(owner('192.0.2.1', 1), fact('d', '2'), 1);
    names.learn(owner('192.0.2.1', 1), { ...fact('e'), kind: 'vrf' }, 1);
    expect(names.size).toBe(5);
    expect(names.takeRows(2).filter((row) => row.valid_until !== null)).toEqual([]);
  });

  it('are not turned back by what was held and comes late, and change twice within a microsecond', () => {
    const names = new NameTable();
    names.learn(owner('x', 1), fact('new'), 2000);
    expect(names.learn(owner('x', 1), fact('old'), 1000)).toBe(false);
    names.learn(owner('x', 1), fact('newer'), 2000);
    expect(names.takeRows(3000).map((row) => [row.name, row.valid_from, row.valid_until])).toEqual([
      ['new', 2000, null],
      ['new', 2000, 2001],
      ['newer', 2001, null],
      ['newer', 2001, null],
    ]);
  });

  it('are written again once a day, so that they outlive retention', () => {
    const names = new NameTable();
    names.learn(owner('x', 1), fact('eth0'), 1000);
    names.takeRows(2000);
    expect(names.takeRows(2000 + RENEWAL_MICROS - 1)).toEqual([]);
    expect(names.takeRows(2000 + RENEWAL_MICROS)).toMatchObject([
      { name: 'eth0', time_received: 2000 + RENEWAL_MICROS, valid_from: 1000, valid_until: null },
    ]);
  });

  it('go on after a restart where they were', () => {
    const before = new NameTable();
    before.learn(owner('192.0.2.1', 7), fact('eth0', '1', 'uplink'), 1000);
    before.learn(owner('192.0.2.1', 7), fact('eth1', '2'), 1000);
    const saved: unknown = JSON.parse(JSON.stringify(before.save()));
    const after = new NameTable();
    expect(after.load(saved)).toBe(2);
    expect(after.learn(owner('192.0.2.1', 7), fact('eth0', '1', 'uplink'), 9000)).toBe(false);
    expect(after.takeRows(9000)).toMatchObject([
      { name: 'eth0', valid_from: 1000 },
      { name: 'eth1', valid_from: 1000 },
    ]);
    expect(after.save()).toEqual(before.save());
  });

  it('are taken from a file as far as they are sound', () => {
    const names = new NameTable();
    // As it was saved before there were senders.
    const domain = { exporter: 'x', domain: 1 };
    for (const saved of [
      undefined,
      1,
      [],
      {},
      { format: 2, domains: [] },
      { format: 1, domains: [1, {}, { ...domain, names: 3 }] },
    ])
      expect(names.load(saved)).toBe(0);
    const list = [
      ['interface', '1', 'ok', null, 1],
      ['nonsense', '1', 'x', null, 1],
      ['vrf', 1, 'x', null, 1],
      ['vrf', '1', 'x', null, 'y'],
      5,
    ];
    expect(names.load({ format: 1, domains: [{ ...domain, names: list }] })).toBe(1);
  });

  it('are bounded, and what finds no room is counted', () => {
    const names = new NameTable({ perDomain: 4, total: 10, rows: 20 });
    for (let domain = 0; domain < 5; domain++)
      for (let key = 0; key < 6; key++) names.learn(owner('x', domain), fact('n', String(key)), domain + 1);
    expect(names.size).toBeLessThanOrEqual(10);
    expect(names.refused).toBe(10);
    expect(names.rowsDropped).toBe(0);
    names.learn(owner('x', 4), fact('m', '0'), 100);
    expect(names.rowsDropped).toBe(2);
    // The domain that told names last keeps them.
    expect(names.save().domains.at(-1)?.names).toHaveLength(4);
  });
});
