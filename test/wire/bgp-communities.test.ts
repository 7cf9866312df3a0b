import { describe, expect, it } from 'vitest';
import { communitiesText, communityList, communityNumbers } from '#weir/wire/bgp-communities.js';
import { testDecoder } from '../session/decoder.ts';
import { message, set, templateSet, u8, u16, u32, VARIABLE, variable } from './build.ts';

const COMMUNITY = 64_500 * 65_536 + 1;

describe('bgpDestinationCommunityList (485, RFC 8549)', () => {
  it.each([true, false])('is the column bgp_communities (mayCompile %s)', (mayCompile) => {
    const decoder = testDecoder({ mayCompile });
    const list = (...communities: number[]) => [...u8(3), ...u16(483), ...u16(4), ...communities.flatMap(u32)];
    const records = [
      list(COMMUNITY, 0xffff_029a),
      list(COMMUNITY),
      list(),
      [],
      // Not of bgpCommunity; of another length; half a community; an enterprise's element.
      [...u8(3), ...u16(16), ...u16(4), ...u32(64_500)],
      [...u8(3), ...u16(483), ...u16(2), ...u16(64_500)],
      [...list(COMMUNITY), 1, 2],
      [...u8(3), ...u16(0x8000 + 483), ...u16(4), ...u32(9), ...u32(COMMUNITY)],
    ].map((octets, index) => [...u16(index), ...variable(octets)]);
    const template = templateSet(10, 256, [
      [7, 2],
      [485, VARIABLE],
    ]);
    const found = Array.from({ length: 200 }, (_, n) =>
      decoder.feed(message(10, [template, set(256, ...records)], { sequence: n * records.length })),
    );
    // Often enough to be compiled; the same from the first to the last.
    for (const decoded of found)
      expect(decoded.map(({ bgp_communities: text }) => text ?? '')).toEqual([
        '64500:1 65535:666',
        '64500:1',
        '',
        '',
        '',
        '',
        '64500:1',
        '',
      ]);
    expect(decoder.faults()).toEqual({});
  });

  it('is written as it is read', () => {
    const octets = communityList(communityNumbers('64500:1 65535:666'));
    expect([...octets]).toEqual([3, ...u16(483), ...u16(4), ...u32(COMMUNITY), ...u32(0xffff_029a)]);
    expect(communitiesText(octets, 0, octets.length)).toBe('64500:1 65535:666');
    expect([...communityList([])]).toEqual([3, ...u16(483), ...u16(4)]);
  });
});
