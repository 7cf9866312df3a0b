import { u16, u32 } from '../util/octets.ts';

/*
 * BGP communities of the route to the destination in IPFIX: bgpDestinationCommunityList (485, RFC 8549), a basicList (RFC 6313 section 4.5.1) of bgpCommunity:
 *
 *     | semantic 8 | element 483 16 | element length 4 16 | community 32 | community 32 | …
 */

const BGP_COMMUNITY = 483;
/** A route has all of its communities. */
const ALL_OF = 3;
const HEADER = 5;

/** A list as the column `bgp_communities` has it: `64500:1 64500:2`. Empty for what is no list of bgpCommunity; octets of half a community are left out. */
export function communitiesText(bytes: Uint8Array, offset: number, length: number): string {
  if (length < HEADER || u16(bytes, offset + 1) !== BGP_COMMUNITY || u16(bytes, offset + 3) !== 4) return '';
  const parts: string[] = [];
  for (let p = offset + HEADER; p + 4 <= offset + length; p += 4) {
    const community = u32(bytes, p);
    parts.push(`${community >>> 16}:${community & 0xffff}`);
  }
  return parts.join(' ');
}

/** The communities of such a text as numbers. */
export function communityNumbers(text: string): number[] {
  return Array.from(
    text.matchAll(/(\d+):(\d+)/g),
    ([, upper, lower]) => ((Number(upper) & 0xffff) * 65_536 + (Number(lower) & 0xffff)) >>> 0,
  );
}

/** The list with these communities; also one of none is a list. */
export function communityList(communities: readonly number[]): Uint8Array {
  const octets = new Uint8Array(HEADER + communities.length * 4);
  const view = new DataView(octets.buffer);
  view.setUint8(0, ALL_OF);
  view.setUint16(1, BGP_COMMUNITY);
  view.setUint16(3, 4);
  communities.forEach((community, index) => view.setUint32(HEADER + index * 4, community));
  return octets;
}
