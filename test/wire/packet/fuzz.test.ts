import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LINK_TYPE } from '#weir/wire/packet/link-types.js';
import { createPacketFields, type PacketFields } from '#weir/wire/packet/packet-fields.js';
import { parsePacket } from '#weir/wire/packet/parse-packet.js';
import { describeCorpus } from '../../helpers/corpus.ts';
import { capturedPackets } from './captures.ts';
import { ethernet, INNER, ip4, ip6, label, tcp, toBytes, udp } from './packets.ts';

const LINK_TYPES = Object.values(LINK_TYPE);
const AROUND = 64;

/** `packet` in the midst of octets that are all `filler`. */
function surround(packet: Uint8Array, filler: number): Uint8Array {
  const bytes = new Uint8Array(packet.length + 2 * AROUND).fill(filler);
  bytes.set(packet, AROUND);
  return bytes;
}

/** What is told, but for the labels of earlier packets. */
const known = (fields: PacketFields): unknown => ({
  ...fields,
  mplsLabels: [...fields.mplsLabels.subarray(0, fields.mplsCount)],
});

/**
 * The claim: no exception, an end within the packet, and the same told whatever lies around the packet, which it would not be if
 * something there had been read.
 */
function check(packet: Uint8Array, linkType: number, fields: PacketFields): void {
  const understood = parsePacket(packet, 0, packet.length, linkType, fields);
  const alone = known(fields);
  if (understood < 0 || understood > packet.length) throw new Error(`understood ${understood} of ${packet.length}`);
  for (const filler of [0x00, 0x45, 0xff]) {
    const again = parsePacket(surround(packet, filler), AROUND, AROUND + packet.length, linkType, fields);
    expect([again, { ...(known(fields) as object), end: 0 }]).toEqual([understood, { ...(alone as object), end: 0 }]);
  }
}

const SEEDS = [
  ethernet('8100', `0001 8100 0002 0800 ${ip4(17, udp(1, 4789, `0800000000000100${ethernet('0800', INNER)}`))}`),
  ethernet(
    '8847',
    `${label(1, false)}${label(2, true)}00000000${ethernet('86dd', ip6(0, `3c00000000000000 2c00000000000000 0600000100000001${tcp(1, 2)}`))}`,
  ),
  ethernet('0800', ip4(47, `b000 0800 00000000 00000001 00000002 ${INNER}`)),
  ethernet(
    '0800',
    ip4(47, `1000 22eb 00000001 2064 0234 00000000 0000 0001 0102030405060708 ${ethernet('0800', INNER)}`),
  ),
  ethernet('0800', ip4(17, udp(1, 2152, `34ff0034deadbeef00000085 01100085 01100000${INNER}`))),
  ethernet('0800', ip4(17, udp(1, 6081, `02406558001234000102800100000000${ethernet('0800', INNER)}`))),
  ethernet(
    '0800',
    ip4(17, udp(1, 3544, `0001 02 04 aabb 01020304 0102030405060708 00 0000 6fc9 3f00fffe ${ip6(6, tcp(1, 2))}`)),
  ),
  ethernet('0800', ip4(17, udp(1, 1701, `4a02 003c 0011 0022 0001 0000 0002 aabb ff03 0021 ${INNER}`))),
  ethernet('0800', ip4(115, `0000002a 5a5a5a5a ${ethernet('0800', INNER)}`)),
  ethernet('8864', `1100 0042 002a 0021 ${INNER}`),
].map(toBytes);

describe('whatever comes', () => {
  it('random octets, every link type', () => {
    const fields = createPacketFields();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...LINK_TYPES), (packet, linkType) => {
        check(packet, linkType, fields);
      }),
      { numRuns: 10_000 },
    );
  });

  it('good packets with octets changed, and cut', () => {
    const fields = createPacketFields();
    const change = fc.tuple(fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(fc.constantFrom(...SEEDS), fc.array(change, { maxLength: 4 }), fc.nat(), (seed, changes, cut) => {
        const packet = seed.slice(0, (cut % seed.length) + 1);
        for (const [at, value] of changes) packet[at % packet.length] = value;
        check(packet, LINK_TYPE.ethernet, fields);
      }),
      { numRuns: 5000 },
    );
  });

  it('every packet cut at every octet tells no more, and nothing else, than the whole one', () => {
    for (const seed of SEEDS) {
      const whole = createPacketFields();
      parsePacket(seed, 0, seed.length, LINK_TYPE.ethernet, whole);
      for (let length = 0; length < seed.length; length++) {
        const cut = createPacketFields();
        check(seed.slice(0, length), LINK_TYPE.ethernet, cut);
        parsePacket(seed, 0, length, LINK_TYPE.ethernet, cut);
        expect(cut.has & ~whole.has, `bits of a packet of ${length} octets`).toBe(0);
      }
    }
  });

  it('a type that leads to itself ends: 64 KiB of labels, tags, options, extensions', () => {
    const fields = createPacketFields();
    for (const unit of ['8100', '00000000', '3c00', '88e70000', '00006558', '0c00000400000000', '0002020400000000']) {
      const packet = toBytes(ethernet('8847', unit.repeat(65_536 / unit.length)));
      for (const linkType of LINK_TYPES) parsePacket(packet, 0, packet.length, linkType, fields);
    }
    expect(fields.mplsCount).toBeLessThanOrEqual(fields.mplsLabels.length);
  });

  it('nothing of one packet stays for the next', () => {
    const fields = createPacketFields();
    const fresh = createPacketFields();
    for (const seed of SEEDS) {
      parsePacket(seed, 0, seed.length, LINK_TYPE.ethernet, fields);
      parsePacket(new Uint8Array(0), 0, 0, LINK_TYPE.ethernet, fields);
      parsePacket(new Uint8Array(0), 0, 0, LINK_TYPE.ethernet, fresh);
      expect(known(fields)).toEqual(known(fresh));
    }
  });

  it('an end behind the array, or before the start', () => {
    const fields = createPacketFields();
    const seed = SEEDS[0] as Uint8Array;
    expect(parsePacket(seed, 0, seed.length + 100, LINK_TYPE.ethernet, fields)).toBeLessThanOrEqual(seed.length);
    expect(parsePacket(seed, 20, 10, LINK_TYPE.ethernet, fields)).toBe(0);
  });
});

describeCorpus('captures, mutated', (corpus) => {
  const folder = join(corpus, 'tcpdump/traffic');
  it('of tcpdump’s tests', async () => {
    const fields = createPacketFields();
    const random = fc.sample(fc.tuple(fc.nat(), fc.nat(255)), { numRuns: 4096, seed: 5 });
    let turn = 0;
    for (const name of readdirSync(folder).filter((file) => /\.pcap(ng)?$/.test(file))) {
      for (const packet of (await capturedPackets(readFileSync(join(folder, name)))).slice(0, 10)) {
        check(packet.data.slice(0, 256), packet.linkType, fields);
        for (let i = 0; i < 4; i++) {
          const bytes = packet.data.slice(0, 256);
          const [at, value] = random[turn++ % random.length] as [number, number];
          if (bytes.length > 0) bytes[at % Math.min(bytes.length, 96)] = value;
          check(bytes, packet.linkType, fields);
        }
      }
    }
    expect(turn).toBeGreaterThan(1000);
  });
});
