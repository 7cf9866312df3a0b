import { u16, u32 } from '../../util/octets.ts';
import { beginIp, narrow, noteTunnel } from './current-headers.ts';
import { readExtensions } from './ipv6-extensions.ts';
import { LAYER, layerOfProtocol } from './layers.ts';
import { HAS, type PacketFields, TUNNEL } from './packet-fields.ts';

/**
 * IPv4 (RFC 791 section 3.1) and IPv6 (RFC 8200 section 3).
 *
 *     IPv4                                     IPv6
 *      0  version 4, header length 4            0  version 4, traffic class 8, flow label 20
 *      1  type of service         8             4  payload length    16
 *      2  total length           16             6  next header        8
 *      4  identification         16             7  hop limit          8
 *      6  flags 3, fragment offset 13           8  source           128
 *      8  time to live            8            24  destination      128
 *      9  protocol                8            40  extension headers: ipv6-extensions.ts
 *     10  checksum               16
 *     12  source, destination    32 each
 *     20  options
 */
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
/** Octets of a cut header that are worth telling: up to the protocol. */
const IPV4_START = 10;
const IPV6_START = 8;
const MORE_FRAGMENTS = 0x2000;
const OFFSET_MASK = 0x1fff;
/** Upper words of an IPv4 address in 128 bits. */
const MAPPED = 0xffff;

/** Tells the version by the first four bits. */
export function readIp(bytes: Uint8Array, offset: number, out: PacketFields): number {
  if (offset >= out.end) {
    out.next = LAYER.cut;
    return offset;
  }
  const version = (bytes[offset] as number) >> 4;
  out.next = version === 4 ? LAYER.ipv4 : version === 6 ? LAYER.ipv6 : LAYER.unknown;
  return offset;
}

export function readIpv4(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + IPV4_START > out.end) return offset;
  const first = bytes[offset] as number;
  const headerLength = (first & 0x0f) * 4;
  if (first >> 4 !== 4 || headerLength < IPV4_HEADER) {
    out.next = LAYER.unknown;
    return offset;
  }
  // A tunnel of its own kind (GRE …) was noted before this; without one, IP lies in IP.
  if (out.ipCount > 0) noteTunnel(out, TUNNEL.ipv4);
  const ip = beginIp(out);
  const length = u16(bytes, offset + 2);
  const fragment = u16(bytes, offset + 6);
  const protocol = bytes[offset + 9] as number;
  ip.ipVersion = 4;
  ip.ipOffset = offset;
  ip.tos = bytes[offset + 1] as number;
  ip.ipLength = length;
  ip.fragmentId = u16(bytes, offset + 4);
  ip.fragmentOffset = fragment & OFFSET_MASK;
  ip.fragmentFlags = (fragment >> 8) & 0xe0;
  ip.ipHeaderLength = headerLength;
  ip.isFragment = (fragment & (MORE_FRAGMENTS | OFFSET_MASK)) !== 0 ? 1 : 0;
  ip.ttl = bytes[offset + 8] as number;
  ip.proto = protocol;
  ip.has |= HAS.ip | HAS.fragmentId;
  if (offset + IPV4_HEADER > out.end) return offset + IPV4_START;

  ip.src2 = MAPPED;
  ip.src3 = u32(bytes, offset + 12);
  ip.dst2 = MAPPED;
  ip.dst3 = u32(bytes, offset + 16);
  ip.has |= HAS.addresses;
  const at = offset + headerLength;
  if (at > out.end) return offset + IPV4_HEADER;
  // 0 stands in packets captured before the network card cut them (segmentation offload): their length is not known.
  if (length !== 0) {
    if (length < headerLength) {
      out.next = LAYER.unknown;
      return at;
    }
    narrow(out, offset + length);
  }
  out.next = (fragment & OFFSET_MASK) !== 0 ? LAYER.payload : layerOfProtocol(protocol);
  return at;
}

export function readIpv6(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + IPV6_START > out.end) return offset;
  const first = u32(bytes, offset);
  if (first >>> 28 !== 6) {
    out.next = LAYER.unknown;
    return offset;
  }
  if (out.ipCount > 0) noteTunnel(out, TUNNEL.ipv6);
  const ip = beginIp(out);
  const payloadLength = u16(bytes, offset + 4);
  ip.ipVersion = 6;
  ip.ipOffset = offset;
  ip.ipHeaderLength = IPV6_HEADER;
  ip.tos = (first >>> 20) & 0xff;
  ip.flowLabel = first & 0xfffff;
  ip.ipLength = payloadLength === 0 ? 0 : payloadLength + IPV6_HEADER;
  ip.proto = bytes[offset + 6] as number;
  ip.ttl = bytes[offset + 7] as number;
  ip.has |= HAS.ip;
  if (offset + IPV6_HEADER > out.end) return offset + IPV6_START;

  ip.src0 = u32(bytes, offset + 8);
  ip.src1 = u32(bytes, offset + 12);
  ip.src2 = u32(bytes, offset + 16);
  ip.src3 = u32(bytes, offset + 20);
  ip.dst0 = u32(bytes, offset + 24);
  ip.dst1 = u32(bytes, offset + 28);
  ip.dst2 = u32(bytes, offset + 32);
  ip.dst3 = u32(bytes, offset + 36);
  ip.has |= HAS.addresses;
  const at = offset + IPV6_HEADER;
  // 0 stands for a jumbogram (RFC 2675) or for segmentation offload: the length is not here.
  if (payloadLength !== 0) narrow(out, at + payloadLength);
  return readExtensions(bytes, at, ip, out);
}

/** Authentication header in IPv4 (RFC 4302 section 2); in IPv6 it is an extension header. `proto` stays 51, the Protocol field. */
export function readAuthentication(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + 2 > out.end) return offset;
  const at = offset + ((bytes[offset + 1] as number) + 2) * 4;
  if (at > out.end) return offset;
  out.next = layerOfProtocol(bytes[offset] as number);
  return at;
}
