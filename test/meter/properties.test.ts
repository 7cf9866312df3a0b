import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FlowRecord } from '#weir/flow/record.js';
import { type MeterOptions, TRACKING_LEVELS, type TrackingLevel } from '#weir/meter/options.js';
import { DEFAULT_TIMEOUTS, type Timeouts } from '#weir/meter/timeouts.js';
import { Metering } from './metering.ts';
import { comparable, Oracle } from './oracle.ts';
import { frameOf, lengthOf, type PlainPacket, packetsArbitrary } from './plain-packet.ts';

const LEVELS = Object.keys(TRACKING_LEVELS) as TrackingLevel[];

const secondsArbitrary = fc.constantFrom(0, 1, 60, 300, 3600);
const timeoutsArbitrary: fc.Arbitrary<Timeouts> = fc.record({
  general: secondsArbitrary,
  tcp: secondsArbitrary,
  'tcp.rst': secondsArbitrary,
  'tcp.fin': secondsArbitrary,
  udp: secondsArbitrary,
  icmp: secondsArbitrary,
  maxlife: secondsArbitrary,
  expint: fc.constantFrom(0, 1, 60),
});

const optionsArbitrary = fc.record({
  keys: fc.oneof(
    fc.constantFrom(...LEVELS),
    fc.constant(['src_addr', 'dst_addr', 'src_port', 'dst_port', 'proto', 'tos']),
    fc.constant(['src_addr', 'dst_addr', 'proto', 'src_vlan']),
  ),
  isBiflow: fc.boolean(),
  expiry: fc.constantFrom<MeterOptions['expiry']>('by-time', 'when-full'),
  timeouts: timeoutsArbitrary,
});

const columnsOf = (keys: MeterOptions['keys']): readonly string[] =>
  typeof keys === 'string' ? TRACKING_LEVELS[keys] : keys;

const textOf = (record: FlowRecord): string =>
  JSON.stringify(Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1))));

/** How packets come: one by one, or in a capture file, where most may go the short way; the octets of its pieces. */
type Way = 'one by one' | number;
const wayArbitrary = fc.constantFrom<Way>('one by one', 1000, 1 << 20);

function metered(
  packets: readonly PlainPacket[],
  options: Partial<MeterOptions>,
  way: Way,
): { records: FlowRecord[]; metering: Metering } {
  const metering = new Metering(options);
  if (way === 'one by one') for (const packet of packets) metering.packet(frameOf(packet), packet.time);
  else
    metering.capture(
      packets.map((packet) => ({ bytes: frameOf(packet), time: packet.time })),
      way,
    );
  return { records: metering.end(), metering };
}

const sum = (records: readonly FlowRecord[], ...names: readonly string[]): number =>
  records.reduce((total, record) => total + names.reduce((part, name) => part + Number(record[name] ?? 0), 0), 0);

describe('records of random packets', () => {
  it('are those of an oracle, by key, direction, time and reason', () => {
    fc.assert(
      fc.property(packetsArbitrary, optionsArbitrary, wayArbitrary, (packets, options, way) => {
        // With a look at each packet the reason does not depend on when looks are.
        const timeouts = { ...options.timeouts, expint: 0 };
        const oracle = new Oracle({ ...options, timeouts, columns: columnsOf(options.keys) });
        for (const packet of packets) oracle.packet(packet);
        const { records } = metered(packets, { ...options, timeouts }, way);
        const expected = oracle.end().map((record) => textOf(record));
        expect(records.map((record) => textOf(comparable(record))).toSorted()).toEqual(expected.toSorted());
      }),
      { numRuns: 400 },
    );
  });

  it('know who began by SYN and ACK together, also where ACK was there before', () => {
    const packet: PlainPacket = {
      version: 4,
      from: 2,
      to: 1,
      proto: 6,
      fromPort: 53,
      toPort: 53,
      flags: 17,
      tos: 0,
      ttl: 1,
      vlan: undefined,
      more: 0,
      time: 1_767_225_600_000_000,
    };
    const packets = [packet, { ...packet, flags: 18 }, { ...packet, from: 1, to: 2, flags: 16 }];
    const options = { keys: 'full', isBiflow: true, expiry: 'when-full', timeouts: DEFAULT_TIMEOUTS } as const;
    for (const way of ['one by one', 1000, 1 << 20] as const) {
      const [record, ...others] = metered(packets, options, way).records;
      expect(others).toEqual([]);
      expect(record).toMatchObject({ packets: 1, reverse_packets: 2 });
    }
  });

  it('say the same whenever the table is looked through, but for the reason', () => {
    fc.assert(
      fc.property(
        packetsArbitrary,
        optionsArbitrary,
        fc.constantFrom(1, 60, 100_000),
        wayArbitrary,
        (packets, options, expint, way) => {
          const told = (seconds: number) =>
            metered(packets, { ...options, timeouts: { ...options.timeouts, expint: seconds } }, way)
              .records.map((record) => textOf({ ...record, flow_end_reason: 0, time_received: 0 }))
              .toSorted();
          expect(told(expint)).toEqual(told(0));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('are the same one by one and in a capture file, also when the clock goes back and the cache is small', () => {
    fc.assert(
      fc.property(
        packetsArbitrary,
        optionsArbitrary,
        fc.array(fc.nat(9), { maxLength: 100 }),
        fc.constantFrom(2, 1000),
        (packets, options, cuts, maxFlows) => {
          // Stretches of packets change places, so that most of them still follow each other.
          const stretches = cuts.reduce<PlainPacket[][]>((list, cut, i) => {
            if (cut === 0 || i === 0) list.push([]);
            list.at(-1)?.push(...packets.slice(i, i + 1));
            return list;
          }, []);
          const moved = stretches.toReversed().flat();
          const told = (way: Way) => metered(moved, { ...options, maxFlows }, way).records;
          expect(told(1 << 20)).toEqual(told('one by one'));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('add up to the packets and octets of the capture, with any cache, timeouts, keys, and a sampling of 1', () => {
    fc.assert(
      fc.property(
        packetsArbitrary,
        optionsArbitrary,
        fc.integer({ min: 1, max: 20 }),
        fc.constantFrom<MeterOptions['sampling']>(
          undefined,
          { rate: 1, method: 'count' },
          { rate: 1, method: 'random' },
        ),
        fc.constantFrom<MeterOptions['tunnels']>('outer', 'inner', 'both'),
        wayArbitrary,
        (packets, options, maxFlows, sampling, tunnels, way) => {
          const { records, metering } = metered(packets, { ...options, maxFlows, sampling, tunnels }, way);
          expect(sum(records, 'packets', 'reverse_packets')).toBe(packets.length);
          expect(sum(records, 'bytes', 'reverse_bytes')).toBe(
            packets.reduce((total, packet) => total + lengthOf(packet), 0),
          );
          const statistics = metering.meter.statistics();
          expect(statistics).toMatchObject({
            activeFlows: 0,
            packets: packets.length,
            meteredPackets: packets.length,
            records: records.length,
          });
          expect(Object.values(statistics.ended).reduce((total, count) => total + count, 0)).toBe(
            statistics.endedFlows,
          );
        },
      ),
      { numRuns: 400 },
    );
  });

  it('add up by key when the cache is too small for them, and when time goes back', () => {
    const keyText = (record: FlowRecord): string =>
      ['ip_version', 'src_addr', 'dst_addr', 'proto', 'src_port', 'dst_port', 'icmp_type', 'icmp_code']
        .map((name) => JSON.stringify(record[name] ?? ''))
        .join(' ');
    const sums = (records: readonly FlowRecord[]) => {
      const totals = new Map<string, [packets: number, bytes: number]>();
      for (const record of records) {
        const [packets, bytes] = totals.get(keyText(record)) ?? [0, 0];
        totals.set(keyText(record), [packets + Number(record['packets']), bytes + Number(record['bytes'])]);
      }
      return [...totals].toSorted(([a], [b]) => (a < b ? -1 : 1));
    };
    fc.assert(
      fc.property(
        packetsArbitrary,
        timeoutsArbitrary,
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.nat(), { maxLength: 120 }),
        wayArbitrary,
        (packets, timeouts, maxFlows, order, way) => {
          const shuffled = packets
            .map((packet, i) => ({ packet, rank: order[i] ?? 0 }))
            .toSorted((a, b) => a.rank - b.rank)
            .map(({ packet }) => packet);
          const oracle = new Oracle({
            columns: TRACKING_LEVELS.full,
            isBiflow: false,
            expiry: 'when-full',
            timeouts: DEFAULT_TIMEOUTS,
          });
          for (const packet of packets) oracle.packet(packet);
          expect(sums(metered(shuffled, { timeouts, maxFlows }, way).records)).toEqual(sums(oracle.end()));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('tell of one direction each where the key has one', () => {
    fc.assert(
      fc.property(
        packetsArbitrary,
        fc.constantFrom(
          ['src_addr'],
          ['dst_addr', 'dst_port', 'proto'],
          ['src_addr', 'dst_addr', 'dst_port'],
          ['proto', 'tos'],
          ['src_mac', 'in_if'],
        ),
        (packets, keys) => {
          const { records } = metered(packets, { keys, isBiflow: true, expiry: 'when-full' }, 'one by one');
          expect(sum(records, 'packets')).toBe(packets.length);
          expect(records.filter((record) => record['record_kind'] !== 'flow')).toEqual([]);
          // As many records as there are keys: of the IP version and the columns, ports standing for ICMP's type and code.
          const port = ({ proto, fromPort, toPort }: PlainPacket) =>
            proto === 1 || proto === 58 ? fromPort * 256 + toPort : proto === 89 ? 0 : toPort;
          const column: Record<string, (packet: PlainPacket) => unknown> = {
            src_addr: ({ from }) => from,
            src_mac: ({ from }) => from,
            dst_addr: ({ to }) => to,
            dst_port: port,
            proto: ({ proto }) => proto,
            tos: ({ tos }) => tos,
            in_if: () => 0,
          };
          const expected = new Set(
            packets.map((packet) => [packet.version, ...keys.map((name) => column[name]?.(packet))].join(' ')),
          );
          expect(records.length).toBe(expected.size);
        },
      ),
      { numRuns: 100 },
    );
  });
});
