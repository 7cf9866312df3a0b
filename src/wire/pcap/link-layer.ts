/*
 * Where the IP packet begins in a captured frame, by link type. Source: https://www.tcpdump.org/linktypes.html
 *
 * Ethernet (1)        0 destination, 6 source, 12 u16 type; 802.1Q / 802.1ad tags (8100, 88a8, 9100, 9200) put 4 bytes before the type;
 *                     a type up to 1500 is a length: LLC/SNAP aa aa 03 00 00 00, then the type
 * Raw IP (12, 14, 101, 228, 229)   nothing before the IP header
 * Linux cooked (113)  14 u16 type, header of 16 bytes;   version 2 (276)  0 u16 type, header of 20 bytes
 * Null (0), loop (108)  0 u32 address family: 2 is IPv4 everywhere; IPv6 is 10, 24, 28 or 30 by system; in either byte order
 */
import { ETHER_TYPE, isVlanTag } from '../packet/layers.ts';
import { LINK_TYPE } from '../packet/link-types.ts';

const IPV6_FAMILIES: readonly number[] = [10, 24, 28, 30];
const MAX_TAGS = 8;

/**
 * Offset of the IPv4 or IPv6 header in `frame`, or -1 when the frame holds none that can be seen (another protocol, too short) and -2
 * when the link type is none of those above. The caller reads the version from the header's first four bits.
 */
export function findIpHeader(linkType: number, frame: Uint8Array): number {
  switch (linkType) {
    case LINK_TYPE.ethernet:
      return afterType(frame, 12);
    case LINK_TYPE.raw:
    case LINK_TYPE.rawBsd:
    case LINK_TYPE.rawOpenBsd:
    case LINK_TYPE.ipv4:
    case LINK_TYPE.ipv6:
      return ipAt(frame, 0);
    case LINK_TYPE.linuxCooked:
      return afterType(frame, 14);
    case LINK_TYPE.linuxCooked2:
      return isIp(u16(frame, 0)) ? ipAt(frame, 20) : isVlanTag(u16(frame, 0)) ? afterType(frame, 22) : -1;
    case LINK_TYPE.null:
    case LINK_TYPE.loop:
      return isIpFamily(frame) ? ipAt(frame, 4) : -1;
    default:
      return -2;
  }
}

/** Follows VLAN tags and LLC/SNAP from the type field at `at`. */
function afterType(frame: Uint8Array, at: number): number {
  let position = at;
  for (let tags = 0; tags <= MAX_TAGS; tags++) {
    const type = u16(frame, position);
    if (isIp(type)) return ipAt(frame, position + 2);
    if (isVlanTag(type)) position += 4;
    else if (type <= 1500 && u16(frame, position + 2) === 0xaaaa && u16(frame, position + 4) === 0x0300) position += 8;
    else return -1;
  }
  return -1;
}

function isIp(type: number): boolean {
  return type === ETHER_TYPE.ipv4 || type === ETHER_TYPE.ipv6;
}

function isIpFamily(frame: Uint8Array): boolean {
  const family = u16(frame, 0) === 0 ? u16(frame, 2) : (frame[1] ?? 0) * 256 + (frame[0] ?? 0);
  return family === 2 || IPV6_FAMILIES.includes(family);
}

/** `at` when a version 4 or 6 header begins there, else -1. */
function ipAt(frame: Uint8Array, at: number): number {
  const version = (frame[at] ?? 0) >> 4;
  return version === 4 || version === 6 ? at : -1;
}

/** The big-endian number at `at`, or -1 past the end. */
function u16(bytes: Uint8Array, at: number): number {
  return at + 2 <= bytes.length ? (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0) : -1;
}
