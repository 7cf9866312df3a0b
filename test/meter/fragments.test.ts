import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MOST_DATAGRAMS } from '#weir/meter/fragments.js';
import { ethernet, IP6_A, IP6_B, ip4, ip6, toBytes, udp } from '../wire/packet/packets.ts';
import { Metering, SECOND, T0 } from './metering.ts';

const A = '0a000001';
const B = '0a000002';
const DATA = 'ab'.repeat(1400);
const PIECE = 'cd'.repeat(800);

const hex = (value: number, octets: number): string => value.toString(16).padStart(octets * 2, '0');

/** A fragment over IPv4: the first one has the UDP header and its ports, later ones begin at `offset` (in units of 8 octets). */
const v4 = (id: number, offset: number, more: boolean, from = A, to = B): Uint8Array =>
  toBytes(
    ethernet(
      '0800',
      ip4(17, offset === 0 ? udp(5000, 53, DATA) : PIECE, {
        from,
        to,
        id: hex(id, 2),
        fragment: hex((more ? 0x2000 : 0) + offset, 2),
      }),
    ),
  );

/** The same over IPv6 (RFC 8200 section 4.5). */
const v6 = (id: number, offset: number, more: boolean): Uint8Array => {
  const header = `1100${hex(offset * 8 + (more ? 1 : 0), 2)}${hex(id, 4)}`;
  return toBytes(ethernet('86dd', ip6(44, `${header}${offset === 0 ? udp(5000, 53, DATA) : PIECE}`)));
};

const flows = (metering: Metering) =>
  metering.end().map(({ src_port, dst_port, packets, bytes }) => [src_port, dst_port, packets, bytes]);

describe('fragments', () => {
  it.each([
    ['IPv4', v4, 1428 + 820 * 2],
    ['IPv6', v6, 1456 + 848 * 2],
  ])('of %s are put with the first one', (_, fragment, bytes) => {
    const metering = new Metering();
    metering.packet(fragment(7, 0, true));
    metering.packet(fragment(7, 176, true));
    metering.packet(fragment(7, 276, false));
    expect(flows(metering)).toEqual([[5000, 53, 3, bytes]]);
    expect(metering.meter.statistics()).toMatchObject({ fragments: 3, fragmentsWithoutPorts: 0, meteredPackets: 3 });
  });

  it('that come before the first one wait for it, and count with their own times', () => {
    const metering = new Metering();
    metering.packet(v4(7, 276, false), T0);
    metering.packet(v4(7, 176, true), T0 + 10);
    metering.packet(v4(7, 0, true), T0 + 20);
    const [record, ...others] = metering.end();
    expect(others).toEqual([]);
    expect(record).toMatchObject({
      dst_port: 53,
      packets: 3,
      bytes: 1428 + 2 * 820,
      time_start: '2026-01-01T00:00:00.000000Z',
      time_end: '2026-01-01T00:00:00.000020Z',
      min_packet_length: 820,
      max_packet_length: 1428,
    });
  });

  it('without a first one go without ports', () => {
    const metering = new Metering();
    metering.packet(v4(7, 176, true), T0);
    metering.packet(v4(8, 176, true), T0);
    metering.packet(v4(7, 176, true, B, A), T0);
    const told = metering.end().map(({ src_addr, dst_port, packets }) => [src_addr, dst_port, packets]);
    expect(told.toSorted((a, b) => Number(b[2]) - Number(a[2]))).toEqual([
      ['10.0.0.1', 0, 2],
      ['10.0.0.2', 0, 1],
    ]);
    expect(metering.meter.statistics()).toMatchObject({ fragments: 3, fragmentsWithoutPorts: 3 });
  });

  it('are told apart by addresses, protocol and identification, and not put with those of half a minute ago', () => {
    const metering = new Metering();
    metering.packet(v4(7, 0, true));
    metering.packet(v4(8, 176, false));
    metering.packet(v4(7, 176, false, A, '0a000003'));
    metering.packet(v4(7, 176, false), T0 + 31 * SECOND);
    expect(flows(metering).toSorted((a, b) => Number(a[3]) - Number(b[3]))).toEqual([
      [0, 0, 1, 820],
      [5000, 53, 1, 1428],
      [0, 0, 2, 1640],
    ]);
  });

  it('that overlap are counted, whatever they say', () => {
    const metering = new Metering();
    metering.packet(v4(7, 0, true));
    for (let i = 0; i < 5; i++) metering.packet(v4(7, 1, true));
    metering.packet(v4(7, 0, true));
    metering.packet(v4(7, 8191, false));
    expect(flows(metering)).toEqual([[5000, 53, 8, 2 * 1428 + 6 * 820]]);
  });

  it('need no first one where ports are not in the key', () => {
    const metering = new Metering({ keys: 'proto' });
    metering.packet(v4(7, 176, true));
    metering.packet(v4(9, 0, true));
    expect(metering.end()).toMatchObject([{ packets: 2 }]);
    expect(metering.meter.statistics().fragmentsWithoutPorts).toBe(0);
  });

  it('in number are bounded: of a flood none is lost', () => {
    const metering = new Metering();
    const count = MOST_DATAGRAMS * 3;
    for (let id = 0; id < count; id++) metering.packet(v4(id, 176, true), T0 + id);
    metering.packet(v4(1, 176, true), T0 + 120 * SECOND);
    metering.meter.expire(T0 + 240 * SECOND);
    expect(metering.end()).toMatchObject([{ dst_port: 0 }]);
    expect(metering.meter.statistics()).toMatchObject({ fragments: count + 1, fragmentsWithoutPorts: count + 1 });
    expect(metering.records()[0]).toMatchObject({ packets: count + 1 });
  });

  it('in any order of any datagrams add up, and those of a datagram whose first one comes have its ports', () => {
    const piece = fc.record({
      id: fc.integer({ min: 1, max: 4 }),
      offset: fc.constantFrom(0, 176, 276),
      isBack: fc.boolean(),
      isIpv6: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const metering = new Metering({
          timeouts: { general: 0, tcp: 0, 'tcp.rst': 0, 'tcp.fin': 0, udp: 0, icmp: 0, maxlife: 0, expint: 0 },
        });
        const known = new Map<string, boolean>();
        let bytes = 0;
        pieces.forEach(({ id, offset, isBack, isIpv6 }, i) => {
          const packet = isIpv6 ? v6(id, offset, true) : isBack ? v4(id, offset, true, B, A) : v4(id, offset, true);
          const datagram = `${isIpv6 ? IP6_A + IP6_B : isBack} ${id}`;
          known.set(datagram, offset === 0 || known.get(datagram) === true);
          bytes += packet.length - 14;
          metering.packet(packet, T0 + i);
        });
        const records = metering.end();
        const total = (name: string) => records.reduce((sum, record) => sum + Number(record[name]), 0);
        expect([total('packets'), total('bytes')]).toEqual([pieces.length, bytes]);
        const withPorts = pieces.filter(
          ({ id, isBack, isIpv6 }) => known.get(`${isIpv6 ? IP6_A + IP6_B : isBack} ${id}`) === true,
        );
        expect(
          records
            .filter((record) => record['dst_port'] === 53)
            .reduce((sum, record) => sum + Number(record['packets']), 0),
        ).toBe(withPorts.length);
        expect(metering.meter.statistics().fragmentsWithoutPorts).toBe(pieces.length - withPorts.length);
      }),
      { numRuns: 300 },
    );
  });
});
