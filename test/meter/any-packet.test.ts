import { describe, expect, it } from 'vitest';
import { LINK_TYPE } from '#weir/wire/packet/link-types.js';
import { ethernet, ip4, ip6, tcp, toBytes } from '../wire/packet/packets.ts';
import { Metering, T0 } from './metering.ts';

/** An authentication header of ICMP, RFC 4302 section 2. */
const authenticated = (type: string): string => `01040000 00000001 00000002 ${'00'.repeat(12)} ${type}000000 00000000`;
const NO_NEXT_HEADER = 59;

/** Octets of one packet's flow. */
function metered(frames: readonly string[], linkType: number = LINK_TYPE.ethernet): unknown[] {
  const metering = new Metering();
  for (const frame of frames) metering.packet(toBytes(frame), T0, linkType);
  return metering.end().map(({ proto, packets, bytes }) => ({ proto, packets, bytes }));
}

describe('packets that are not usual', () => {
  it('what an authentication header covers makes no flows of its own, as the record has no place for it', () => {
    const packets = ['08', '03'].map((type) => ip4(51, authenticated(type)));
    const expected = [{ proto: 51, packets: 2, bytes: 104 }];
    expect(metered(packets, LINK_TYPE.raw)).toEqual(expected);
    expect(metered(packets.map((packet) => ethernet('0800', packet)))).toEqual(expected);
  });

  it('IPv6 without payload is 40 octets, with padding behind it or not', () => {
    const empty = ethernet('86dd', ip6(NO_NEXT_HEADER, ''));
    expect(metered([empty, `${empty}${'00'.repeat(6)}`])).toEqual([{ proto: 59, packets: 2, bytes: 80 }]);
  });

  it('a length of 0 before a payload fills the frame: the network card cuts it later', () => {
    const offloaded = `${ethernet('86dd', ip6(6, tcp(1, 2), { length: 0 }))}${'00'.repeat(3000)}`;
    expect(metered([offloaded])).toEqual([{ proto: 6, packets: 1, bytes: 40 + 20 + 3000 }]);
  });
});
