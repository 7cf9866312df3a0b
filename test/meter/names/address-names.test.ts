import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressNames } from '#weir/meter/names/address-names.js';
import type { Address } from '#weir/util/address.js';

const v4 = (last: number): Address => [0, 0, 0xffff, last];
const v6 = (last: number): Address => [0x20010db8, 0, last, 1];
const CLIENT = v4(1);
const OTHER = v4(2);

describe('names of addresses', () => {
  it('are those that the client was told, or else the last that anybody was', () => {
    const names = new AddressNames(1024, 1);
    names.tell(CLIENT, v4(9), 'a.example', 100, 200);
    names.tell(OTHER, v4(9), 'b.example', 101, 200);
    names.tell(undefined, v6(9), 'group.local', 101, 200);
    expect(names.find(CLIENT, v4(9), 150)).toBe('a.example');
    expect(names.find(OTHER, v4(9), 150)).toBe('b.example');
    expect(names.find(v6(3), v4(9), 150)).toBe('b.example');
    expect(names.find(CLIENT, v6(9), 150)).toBe('group.local');
    expect(names.find(CLIENT, v4(8), 150)).toBe('');
  });

  it('run out, and are written anew', () => {
    const names = new AddressNames(1024, 1);
    names.tell(CLIENT, v4(9), 'a.example', 100, 200);
    expect([names.find(CLIENT, v4(9), 200), names.find(CLIENT, v4(9), 201)]).toEqual(['a.example', '']);
    names.tell(CLIENT, v4(9), 'c.example', 300, 400);
    expect([names.find(CLIENT, v4(9), 400), names.evicted]).toEqual(['c.example', 0]);
  });

  it('of a table with one place for eight: the one used longest ago gives way, and is counted', () => {
    const names = new AddressNames(8, 7);
    for (let i = 0; i < 8; i++) names.tell(undefined, v4(i), `n${i}`, 100 + i, 1000);
    expect(names.find(CLIENT, v4(0), 200)).toBe('n0');
    names.tell(undefined, v4(8), 'n8', 201, 1000);
    const left = Array.from({ length: 9 }, (_, i) => names.find(CLIENT, v4(i), 202));
    expect(left).toEqual(['n0', '', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7', 'n8']);
    expect(names.evicted).toBe(1);
  });

  it('are never those of another address, however full the table', () => {
    const one = fc.record({ client: fc.nat(5), address: fc.nat(40), at: fc.nat(500), isTold: fc.boolean() });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 300 }), fc.integer(), (list, seed) => {
        const names = new AddressNames(32, seed);
        const last = new Map<number, string>();
        for (const [i, { client, address, at, isTold }] of list.entries()) {
          if (isTold) {
            last.set(address, `${i}`);
            names.tell(v4(client), v6(address), `${address}:${client}:${i}`, at, at + 100);
          } else {
            const [found = '', who = ''] = names.find(v4(client), v6(address), at).split(':');
            if (found !== '') expect(found).toBe(`${address}`);
            // Of two clients the name is one's own, where that has not been forgotten.
            if (who !== '' && last.get(address) === undefined) throw new Error('nobody was told this address');
          }
        }
      }),
    );
  });
});
