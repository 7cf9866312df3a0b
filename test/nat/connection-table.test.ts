import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Connection } from '#weir/nat/connection.js';
import { ConnectionTable } from '#weir/nat/connection-table.js';

/** A connection that differs from others by `n` alone, in its port and address. */
function numbered(n: number, family: 4 | 6): Connection {
  const connection = new Connection();
  connection.proto = 6;
  connection.isIpv6 = family === 6;
  connection.id = n + 1;
  connection.mark = n * 3;
  connection.zone = n % 2;
  connection.replyZone = n % 2;
  connection.originalSourcePort = n & 0xffff;
  connection.originalDestinationPort = 65_535;
  connection.replySourcePort = 65_535;
  connection.replyDestinationPort = 65_535 - (n & 0xffff);
  connection.startMicros = 1_795_286_504_033_022 + n;
  connection.addresses.set(family === 4 ? [0, 0, 0xffff, n] : [0xfd000000, n, 1, 0xffff_ffff], 0);
  connection.addresses.set(family === 4 ? [0, 0, 0xffff, 0xffff_fffe] : [0x20010db8, 2, 3, 4], 4);
  connection.addresses.set(family === 4 ? [0, 0, 0xffff, 0xffff_fffe] : [0x20010db8, 2, 3, 4], 8);
  connection.addresses.set(family === 4 ? [0, 0, 0xffff, 7] : [0x20010db8, 5, 6, 7], 12);
  return connection;
}

const plain = ({ addresses, ...rest }: Connection) => ({
  ...rest,
  addresses: [...addresses],
  fromMicros: 0,
  kind: 'listed',
});

describe.each([4, 6] as const)('the table of connections over IPv%i', (family) => {
  it('holds what a map holds, through growth and removal', () => {
    const action = fc.record({ n: fc.integer({ min: 0, max: 60 }), removes: fc.boolean() });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 300 }), fc.integer(), (actions, seed) => {
        const table = new ConnectionTable(family, 1000, seed);
        const rows = new Map<number, number>();
        for (const { n, removes } of actions) {
          const connection = numbered(n, family);
          const row = rows.get(n) ?? -1;
          expect(table.find(connection)).toBe(row);
          if (row < 0) rows.set(n, table.insert(connection, 1, 1));
          else if (removes) {
            table.remove(row);
            rows.delete(n);
          }
          expect(table.size).toBe(rows.size);
        }
        const loaded = new Connection();
        for (const [n, row] of rows) {
          table.load(row, loaded);
          expect(plain(loaded)).toEqual(plain(numbered(n, family)));
        }
      }),
      { numRuns: 50 },
    );
  });

  it('tells types and ids of ICMP apart', () => {
    const table = new ConnectionTable(family, 10, 1);
    const [ping, other] = [numbered(1, family), numbered(1, family)];
    for (const one of [ping, other]) {
      const rest = {
        originalDestinationPort: 0,
        replySourcePort: 0,
        icmpType: 8,
        replyIcmpType: 3,
        replyIcmpCode: 255,
      };
      Object.assign(one, rest, { proto: family === 4 ? 1 : 58, icmpCode: one === ping ? 0 : 254 });
    }
    const row = table.insert(ping, 0, 0);
    expect([table.find(ping), table.find(other)]).toEqual([row, -1]);
    const loaded = new Connection();
    table.load(table.insert(other, 0, 0), loaded);
    expect(plain(loaded)).toEqual(plain(other));
  });

  it('knows for how long it has not seen one', () => {
    const table = new ConnectionTable(family, 10, 1);
    const row = table.insert(numbered(1, family), 65_530 * 60, 0);
    expect(table.minutesUnseen(row, 65_540 * 60)).toBe(10);
    table.see(row, 65_539 * 60, 7);
    expect([table.minutesUnseen(row, 65_540 * 60), table.listingOf(row), table.find(numbered(1, family))]).toEqual([
      1,
      7,
      row,
    ]);
  });

  it('grows up to its bound, and then refuses', () => {
    const table = new ConnectionTable(family, 20_000, 1);
    for (let n = 0; n < 20_000; n++) expect(table.insert(numbered(n, family), 0, 0)).toBe(n);
    expect(table.insert(numbered(20_000, family), 0, 0)).toBe(-1);
    expect(table.find(numbered(19_999, family))).toBe(19_999);
    table.remove(5);
    expect(table.insert(numbered(20_001, family), 0, 0)).toBe(5);
  });

  it('keeps counts that were told, and those that were not', () => {
    const table = new ConnectionTable(family, 10, 1);
    const connection = numbered(1, family);
    const row = table.insert(connection, 0, 0);
    Object.assign(connection, { packets: 5, bytes: 2 ** 40, replyPackets: 3, replyBytes: 2 ** 41 });
    expect(table.setPending(row, connection)).toBe(false);
    table.told(row, connection, 99, 7);
    Object.assign(connection, { packets: 6, bytes: 2 ** 40 + 100, replyPackets: 3, replyBytes: 2 ** 41 });
    expect(table.setPending(row, connection)).toBe(true);
    const loaded = new Connection();
    table.load(row, loaded);
    expect(loaded).toMatchObject({ packets: 6, bytes: 2 ** 40 + 100, bytesBefore: 2 ** 40, fromMicros: 99 });
    expect(table.toldAt(row)).toBe(7);
  });
});
