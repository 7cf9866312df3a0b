/*
 * A pcap file of UDP datagrams, written: file header and record header as `pcap.ts` describes them (big-endian, µs), and in each record
 *
 *   [Ethernet  0 destination 02:00:00:00:00:02   6 source 02:00:00:00:00:01   12 u16 type]   only with link type 1
 *   IPv4       20 bytes, header checksum set, TTL 64, "don't fragment";  UDP checksum 0 (RFC 768: not computed)
 *   IPv6       40 bytes, hop limit 64;                                   UDP checksum set (RFC 8200 section 8.1: must be)
 *   UDP        8 bytes, then the payload
 *
 * Source: draft-ietf-opsawg-pcap sections 4 and 5.
 */
import type { Address } from '../../util/address.ts';
import { viewOf } from '../../util/octets.ts';
import { LINK_TYPE } from '../packet/link-types.ts';

/** What is written of one datagram; a `Datagram` as read from a capture will do. */
export interface OutgoingDatagram {
  /** Microseconds since the epoch. */
  readonly time: number;
  readonly source: Address;
  readonly sourcePort: number;
  readonly destination: Address;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
}

/** The 24 bytes that a pcap file of the given link type (`LINK_TYPE.ethernet` or `LINK_TYPE.raw`) begins with. */
export function pcapFileHeader(linkType: number = LINK_TYPE.ethernet): Uint8Array {
  const bytes = new Uint8Array(24);
  const view = viewOf(bytes);
  view.setUint32(0, 0xa1b2c3d4, false);
  view.setUint16(4, 2, false);
  view.setUint16(6, 4, false);
  view.setUint32(16, 262_144, false);
  view.setUint32(20, linkType, false);
  return bytes;
}

/** Most bytes that `writePcapRecord` puts around a payload. */
export const PCAP_OVERHEAD = 16 + 14 + 40 + 8;

/**
 * Writes one datagram as a pcap record into `into` at `at`, which must have `PCAP_OVERHEAD` + payload bytes left; returns the offset
 * after it. IPv6 is written when one of the addresses is not IPv4 (::ffff:0:0/96). The payload is at most 65,507 bytes (RFC 768).
 */
export function writePcapRecord(into: Uint8Array, at: number, datagram: OutgoingDatagram, linkType: number): number {
  const { time, source, destination, payload } = datagram;
  const view = viewOf(into);
  const isV4 = isIpv4(source) && isIpv4(destination);
  const linkLength = linkType === LINK_TYPE.ethernet ? 14 : 0;
  const udpLength = 8 + payload.length;
  const captured = linkLength + (isV4 ? 20 : 40) + udpLength;
  const seconds = Math.floor(time / 1_000_000);
  view.setUint32(at, seconds, false);
  view.setUint32(at + 4, Math.floor(time - seconds * 1_000_000), false);
  view.setUint32(at + 8, captured, false);
  view.setUint32(at + 12, captured, false);
  let position = at + 16;
  if (linkLength > 0) {
    view.setUint32(position, 0x02000000, false);
    view.setUint32(position + 4, 0x00020200, false);
    view.setUint32(position + 8, 0x00000001, false);
    view.setUint16(position + 12, isV4 ? 0x0800 : 0x86dd, false);
    position += 14;
  }
  const udp = position + (isV4 ? 20 : 40);
  if (isV4) writeIpv4(view, position, source[3], destination[3], udpLength);
  else writeIpv6(view, position, source, destination, udpLength);
  view.setUint16(udp, datagram.sourcePort, false);
  view.setUint16(udp + 2, datagram.destinationPort, false);
  view.setUint16(udp + 4, udpLength, false);
  view.setUint16(udp + 6, 0, false);
  into.set(payload, udp + 8);
  if (!isV4) view.setUint16(udp + 6, udpChecksumIpv6(view, udp - 32, udp, udpLength), false);
  return udp + udpLength;
}

function isIpv4(address: Address): boolean {
  return address[0] === 0 && address[1] === 0 && address[2] === 0xffff;
}

function writeIpv4(view: DataView, at: number, source: number, destination: number, udpLength: number): void {
  view.setUint16(at, 0x4500, false);
  view.setUint16(at + 2, 20 + udpLength, false);
  view.setUint32(at + 4, 0x00004000, false);
  view.setUint32(at + 8, 0x40110000, false);
  view.setUint32(at + 12, source, false);
  view.setUint32(at + 16, destination, false);
  view.setUint16(at + 10, fold(sumWords(view, at, 20)), false);
}

function writeIpv6(view: DataView, at: number, source: Address, destination: Address, udpLength: number): void {
  view.setUint32(at, 0x60000000, false);
  view.setUint16(at + 4, udpLength, false);
  view.setUint16(at + 6, 0x1140, false);
  for (let word = 0; word < 4; word++) {
    view.setUint32(at + 8 + word * 4, source[word] ?? 0, false);
    view.setUint32(at + 24 + word * 4, destination[word] ?? 0, false);
  }
}

/** Over the pseudo-header (both addresses at `addresses`, length, protocol 17) and the datagram; 0 is sent as ffff (RFC 768). */
function udpChecksumIpv6(view: DataView, addresses: number, udp: number, udpLength: number): number {
  return fold(sumWords(view, addresses, 32) + udpLength + 17 + sumWords(view, udp, udpLength)) || 0xffff;
}

/** Sum of the 16-bit words; a last odd byte counts as the upper half of a word. */
function sumWords(view: DataView, at: number, length: number): number {
  let sum = 0;
  for (let i = 0; i + 1 < length; i += 2) sum += view.getUint16(at + i, false);
  return length % 2 === 0 ? sum : sum + view.getUint8(at + length - 1) * 256;
}

/** The Internet checksum of a sum of words (RFC 1071). */
function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}
