import { u16, u32 } from '../../util/octets.ts';
import { beginEthernet, ethernetHeaders, narrow } from './current-headers.ts';
import { readSource, readType } from './ethernet.ts';
import { LAYER } from './layers.ts';
import type { PacketFields } from './packet-fields.ts';

/**
 * Headers that the capturing system put in place of the link layer's (https://www.tcpdump.org/linktypes.html). Network order but for null and
 * the TLVs of NFLOG, which are in the order of the machine that captured.
 *
 *     Linux cooked, 16 octets       version 2, 20 octets         null, loop       NFLOG
 *      0  packet type      16        0  protocol        16        0  family 32     0  family 8, version 8 = 0
 *      2  ARPHRD           16        2  reserved        16                         2  resource id   16
 *      4  address length   16        4  interface       32                         4  TLVs: length 16 (its own 4 octets
 *      6  address          64        8  ARPHRD          16                            counted, padding to 4 not), type 16
 *     14  protocol         16       10  packet type      8
 *                                   11  address length   8
 *                                   12  address         64
 */
const COOKED_HEADER = 16;
const COOKED2_HEADER = 20;
const MAC_LENGTH = 6;

export function readLinuxCooked(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + COOKED_HEADER > out.end) return offset;
  const headers = beginEthernet(out);
  if (u16(bytes, offset + 4) === MAC_LENGTH) readSource(bytes, offset + 6, headers);
  return readCookedProtocol(bytes, offset + 14, offset + COOKED_HEADER, out);
}

export function readLinuxCooked2(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + COOKED2_HEADER > out.end) return offset;
  const headers = beginEthernet(out);
  if (bytes[offset + 11] === MAC_LENGTH) readSource(bytes, offset + 12, headers);
  return readCookedProtocol(bytes, offset, offset + COOKED2_HEADER, out);
}

/** Protocols of Linux that are no Ethernet types: a frame of 802.2 LLC. */
const ETH_P_802_2 = 0x0004;

/** `protocol` is where the Ethernet type stands, `payload` where what it announces begins: side by side only in version 1. */
function readCookedProtocol(bytes: Uint8Array, protocol: number, payload: number, out: PacketFields): number {
  if (u16(bytes, protocol) === ETH_P_802_2) {
    out.next = LAYER.llc;
    return payload;
  }
  return readType(bytes, protocol, payload, ethernetHeaders(out), out);
}

/** Address families of the systems: 2 is IPv4 everywhere. */
const AF_INET = 2;
/** Linux, NetBSD and OpenBSD, FreeBSD, macOS. */
const AF_INET6: readonly number[] = [10, 24, 28, 30];

export function readFamily(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + 4 > out.end) return offset;
  const family = u32(bytes, offset);
  // Families are small: a number that is large in network order is a small one of the other order.
  out.next = layerOfFamily(family > 0xffff ? bytes[offset] : family);
  return offset + 4;
}

function layerOfFamily(family: number | undefined): number {
  if (family === AF_INET) return LAYER.ipv4;
  return family !== undefined && AF_INET6.includes(family) ? LAYER.ipv6 : LAYER.unknown;
}

const NFULA_PAYLOAD = 9;
const MAX_TLVS = 32;

export function readNflog(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + 4 > out.end) return offset;
  out.next = LAYER.unknown;
  const family = layerOfFamily(bytes[offset]);
  if (bytes[offset + 1] !== 0) return offset;
  let at = offset + 4;
  for (let i = 0; i < MAX_TLVS; i++) {
    if (at + 4 > out.end) {
      // The length of the TLV before may lead past the end.
      out.next = LAYER.cut;
      return Math.min(at, out.end);
    }
    // Types are below 256: the octet that is 0 tells the order.
    const isLittle = bytes[at + 3] === 0;
    const first = u16(bytes, at);
    const length = isLittle ? ((first & 0xff) << 8) | (first >> 8) : first;
    const type = bytes[at + (isLittle ? 2 : 3)] as number;
    if (length < 4) return at;
    if ((type & 0x7f) === NFULA_PAYLOAD) {
      narrow(out, at + length);
      out.next = family;
      return at + 4;
    }
    at += (length + 3) & ~3;
  }
  return Math.min(at, out.end);
}
