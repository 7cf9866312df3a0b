import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeHeaders } from '#weir/meter/any-packet.js';
import { OBSERVATION_WORDS } from '#weir/meter/observation.js';
import { UsualPackets } from '#weir/meter/usual-packet.js';
import { LINK_TYPE } from '#weir/wire/packet/link-types.js';
import { createPacketFields, HAS } from '#weir/wire/packet/packet-fields.js';
import { parsePacket } from '#weir/wire/packet/parse-packet.js';
import { describeCorpus } from '../helpers/corpus.ts';
import { capturedPackets } from '../wire/packet/captures.ts';
import { frameOf, packetsArbitrary } from './plain-packet.ts';

const fields = createPacketFields();
const AROUND = 32;

/**
 * What the quick way reads of a packet is what the parser finds; with `seesTunnels` nothing that has an inner packet goes the quick way. Returns whether it
 * went that way.
 */
function check(packet: Uint8Array, seesTunnels: boolean): boolean {
  const bytes = new Uint8Array(packet.length + 2 * AROUND).fill(0x45);
  bytes.set(packet, AROUND);
  const quick = new Int32Array(OBSERVATION_WORDS);
  if (!new UsualPackets(seesTunnels).read(bytes, AROUND, AROUND + packet.length, quick)) return false;
  parsePacket(packet, 0, packet.length, LINK_TYPE.ethernet, fields);
  expect(fields.has & HAS.addresses).not.toBe(0);
  expect(fields.isFragment).toBe(0);
  if (seesTunnels) expect(fields.hasInner).toBe(0);
  const thorough = new Int32Array(OBSERVATION_WORDS);
  writeHeaders(fields, fields, packet.length, thorough);
  expect([...quick]).toEqual([...thorough]);
  return true;
}

describe('the quick way through usual packets', () => {
  it('reads random packets as the parser does, whole and cut', () => {
    let taken = 0;
    fc.assert(
      fc.property(packetsArbitrary, fc.nat(80), fc.boolean(), (packets, cut, seesTunnels) => {
        for (const packet of packets.slice(0, 20)) {
          const frame = frameOf(packet);
          if (check(frame, seesTunnels)) taken++;
          check(frame.subarray(0, Math.min(cut, frame.length)), seesTunnels);
        }
      }),
    );
    expect(taken).toBeGreaterThan(100);
  });

  it('reads packets with wrong octets as the parser does, or leaves them to it', () => {
    const change = fc.tuple(fc.nat(70), fc.nat(255));
    fc.assert(
      fc.property(
        packetsArbitrary,
        fc.array(change, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        (packets, changes, seesTunnels) => {
          for (const packet of packets.slice(0, 10)) {
            const frame = frameOf(packet);
            for (const [at, octet] of changes) frame[at % frame.length] = octet;
            check(frame, seesTunnels);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describeCorpus('the quick way through the traces of the corpus', (corpus) => {
  it.each(['zeek/traces', 'ndpi/traffic', 'tcpdump/traffic'])('%s reads as the parser does', async (folder) => {
    let usual = 0;
    for (const entry of readdirSync(join(corpus, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      for (const packet of await capturedPackets(readFileSync(join(entry.parentPath, entry.name)))) {
        if (packet.linkType !== LINK_TYPE.ethernet) continue;
        if (check(packet.data, false)) usual++;
        check(packet.data, true);
      }
    }
    expect(usual).toBeGreaterThan(300);
  });
});
