import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MeterOptions } from '#weir/meter/options.js';
import { LINK_TYPE } from '#weir/wire/packet/link-types.js';
import { describeCorpus } from '../helpers/corpus.ts';
import { capturedPackets } from '../wire/packet/captures.ts';
import { ethernet, INNER, ip4, ip6, label, tcp, toBytes, udp } from '../wire/packet/packets.ts';
import { Metering, T0 } from './metering.ts';

const LINK_TYPES = Object.values(LINK_TYPE);

/** Meters in every way there is. */
const meterings = (): Metering[] =>
  (['outer', 'inner', 'both'] as const).flatMap((tunnels) =>
    (['full', 'ether', ['src_addr', 'dst_port', 'tunnel_id']] as MeterOptions['keys'][]).map(
      (keys) => new Metering({ tunnels, keys, maxFlows: 50, isBiflow: keys === 'full' }),
    ),
  );

/** The claim: no exception, every packet counted once, and what was metered is in the records. */
function check(metering: Metering): void {
  const records = metering.end();
  const statistics = metering.meter.statistics();
  const { packets, meteredPackets, meteredBytes, nonIp, tooShort } = statistics;
  const total = (...names: string[]) =>
    records.reduce((sum, record) => sum + names.reduce((part, name) => part + Number(record[name] ?? 0), 0), 0);
  expect(total('packets', 'reverse_packets')).toBe(meteredPackets);
  expect(total('bytes', 'reverse_bytes')).toBe(meteredBytes);
  // With both packets of a tunnel metered there are more.
  expect(meteredPackets).toBeGreaterThanOrEqual(packets - nonIp - tooShort);
  expect(meteredPackets).toBeLessThanOrEqual(2 * (packets - nonIp - tooShort));
}

const nested = (levels: number): string =>
  Array.from({ length: levels }).reduce<string>((inside) => ip4(4, inside), ip4(17, udp(1, 2)));
const chain = (headers: number): string =>
  ip6(0, `${`3c00${'00'.repeat(6)}`.repeat(headers)}0600${'00'.repeat(6)}${tcp(1, 2)}`);

const SEEDS: readonly string[] = [
  ethernet('0800', ip4(6, tcp(1, 2))),
  ethernet('0800', ip4(6, tcp(1, 2), { options: '00'.repeat(40) })),
  ethernet('8100', `0001 8100 0002 0800 ${ip4(17, udp(1, 4789, `0800000000000100${ethernet('0800', INNER)}`))}`),
  ethernet('8847', `${label(1, false).repeat(100)}${label(2, true)}${ip4(17, udp(1, 2))}`),
  ethernet('0800', nested(60)),
  ethernet('86dd', chain(1)),
  ethernet('86dd', chain(150)),
  ethernet('86dd', ip6(44, `1100fff900000001${udp(1, 2)}`)),
  ethernet('86dd', ip6(44, `2c00000100000001${'2c00000100000001'.repeat(30)}`)),
  ethernet('0800', ip4(47, `b000 0800 00000000 00000001 00000002 ${INNER}`)),
  ethernet('0800', ip4(17, udp(1, 2152, `34ff0034deadbeef00000085 01100085 01100000${INNER}`))),
  ethernet('0800', ip4(1, `0300000000000000${INNER}`)),
];

describe('hostile packets', () => {
  it.each(SEEDS.map((seed, i) => [i, seed] as const))('%i: cut at every octet', (_, seed) => {
    const packet = toBytes(seed);
    for (const metering of meterings()) {
      for (let length = 0; length <= packet.length; length++)
        metering.packet(packet.subarray(0, length), T0 + length, LINK_TYPE.ethernet, packet.length);
      check(metering);
    }
  });

  it.each(SEEDS.map((seed, i) => [i, seed] as const))('%i: every octet wrong', (_, seed) => {
    const packet = toBytes(seed);
    const length = Math.min(packet.length, 200);
    for (const metering of meterings()) {
      for (let at = 0; at < length; at++)
        for (const value of [0x00, 0x01, 0x7f, 0x80, 0xff]) {
          const wrong = packet.slice();
          wrong[at] = value;
          metering.packet(wrong, T0 + at);
        }
      check(metering);
    }
  });

  it('random octets at random times, every link type', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            bytes: fc.uint8Array({ maxLength: 120 }),
            time: fc.oneof(fc.double(), fc.integer(), fc.bigInt({ min: 0n, max: 1n << 64n }).map(Number)),
            linkType: fc.constantFrom(...LINK_TYPES),
            originalLength: fc.nat({ max: 0xffff_ffff }),
          }),
          { maxLength: 30 },
        ),
        fc.constantFrom<MeterOptions['tunnels']>('outer', 'inner', 'both'),
        (packets, tunnels) => {
          const metering = new Metering({ tunnels, maxFlows: 5 });
          for (const { bytes, time, linkType, originalLength } of packets)
            metering.packet(bytes, time, linkType, originalLength);
          check(metering);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describeCorpus('the traces of the corpus, fuzz captures among them', (corpus) => {
  it.each(['tcpdump/traffic', 'ndpi/traffic', 'zeek/traces'])('%s', async (folder) => {
    const all = meterings();
    for (const entry of readdirSync(join(corpus, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      for (const { data, time, linkType, originalLength } of await capturedPackets(
        readFileSync(join(entry.parentPath, entry.name)),
      ))
        for (const metering of all) metering.packet(data, time, linkType, originalLength);
    }
    for (const metering of all) check(metering);
  });
});
