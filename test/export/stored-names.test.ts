import { describe, expect, it } from 'vitest';
import { type StoredName, StoredNames } from '#weir/export/stored-names.js';

const name = (more: Partial<StoredName>): StoredName => ({
  domain: 1,
  sender: '192.0.2.1',
  kind: 'interface',
  key: '1',
  name: 'eth0',
  description: null,
  since: 5_000_000,
  ...more,
});

describe('the names of a store', () => {
  it('are those of the time; the first one known stands for the time before it', () => {
    const names = new StoredNames([name({}), name({ name: 'eth9', description: 'new', since: 9_000_000 })]);
    expect(names.advance(1000)).toBe(false);
    expect(names.of(1).interfaces).toEqual([{ index: 1, name: 'eth0' }]);
    expect(names.advance(8999)).toBe(false);
    expect(names.of(1)).toBe(names.of(1));
    expect(names.advance(9000)).toBe(true);
    expect(names.of(1).interfaces).toEqual([{ index: 1, name: 'eth9', description: 'new' }]);
    expect(names.advance(9999)).toBe(false);
    expect(names.of(2).interfaces).toEqual([]);
  });

  it('that two exporters of a domain give differently are left out, and counted', () => {
    const other = { sender: '192.0.2.2' };
    const rows = [name({}), name({ key: '2', name: 'lan' }), name({ ...other, name: 'ge-0' })];
    const names = new StoredNames([...rows, name({ ...other, key: '2', name: 'lan' }), name({ domain: 2, ...other })]);
    expect(names.of(1).interfaces).toEqual([{ index: 2, name: 'lan' }]);
    expect(names.of(2).interfaces).toEqual([{ index: 1, name: 'eth0' }]);
    expect(names.ambiguous).toBe(1);
  });
});
