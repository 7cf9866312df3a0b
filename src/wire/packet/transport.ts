import { u16, u32 } from '../../util/octets.ts';
import { ipHeaders, narrow } from './current-headers.ts';
import { LAYER } from './layers.ts';
import { HAS, type PacketFields } from './packet-fields.ts';
import { layerOfPorts, looksLikeTeredo } from './udp-tunnels.ts';

/**
 * Transport headers.
 *
 *     TCP (RFC 9293)                         UDP (RFC 768), UDP-Lite (RFC 3828)     ICMP (RFC 792, 4443)
 *      0  source, destination   16 each       0  source, destination   16 each       0  type   8
 *      4  sequence              32            4  length (UDP-Lite: of what is        1  code   8
 *      8  acknowledgement       32               in the checksum)      16
 *     12  header length 4, reserved 4,        6  checksum              16           IGMP (RFC 3376)
 *         control bits 8                                                             0  type   8
 *     14  window …                           SCTP (RFC 9260), DCCP (RFC 4340): ports as in TCP
 */
const PORTS = 4;
const TCP_HEADER = 20;
const UDP_HEADER = 8;
const ICMP_HEADER = 4;

/** The two ports, where they are there; returns where reading went to. */
function readPortNumbers(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + PORTS > out.end) return offset;
  const ip = ipHeaders(out);
  ip.srcPort = u16(bytes, offset);
  ip.dstPort = u16(bytes, offset + 2);
  ip.has |= HAS.ports;
  return offset + PORTS;
}

export function readPorts(bytes: Uint8Array, offset: number, out: PacketFields): number {
  const at = readPortNumbers(bytes, offset, out);
  if (at !== offset) out.next = LAYER.payload;
  return at;
}

export function readTcp(bytes: Uint8Array, offset: number, out: PacketFields): number {
  const at = readPortNumbers(bytes, offset, out);
  if (offset + 8 > out.end) return at;
  const ip = ipHeaders(out);
  ip.tcpSequence = u32(bytes, offset + 4);
  ip.has |= HAS.tcpSequence;
  if (offset + 14 > out.end) return offset + 8;
  const flags = u16(bytes, offset + 12);
  ip.tcpFlags = flags & 0x0fff;
  ip.has |= HAS.tcpFlags;
  const end = offset + Math.max((flags >> 12) * 4, TCP_HEADER);
  if (end > out.end) return offset + 14;
  out.next = LAYER.payload;
  return end;
}

export function readUdp(bytes: Uint8Array, offset: number, out: PacketFields): number {
  const at = readPortNumbers(bytes, offset, out);
  if (offset + UDP_HEADER > out.end) return at;
  const length = u16(bytes, offset + 4);
  // 0 stands in jumbograms and before segmentation offload.
  if (length >= UDP_HEADER) narrow(out, offset + length);
  const ip = ipHeaders(out);
  out.next = layerOfPorts(ip.srcPort, ip.dstPort);
  if (out.next === LAYER.payload && looksLikeTeredo(bytes, offset + UDP_HEADER, length - UDP_HEADER, out.end)) {
    out.next = LAYER.teredo;
  }
  return offset + UDP_HEADER;
}

export function readUdpLite(bytes: Uint8Array, offset: number, out: PacketFields): number {
  const at = readPortNumbers(bytes, offset, out);
  if (offset + UDP_HEADER > out.end) return at;
  out.next = LAYER.payload;
  return offset + UDP_HEADER;
}

/** ICMP and ICMPv6. The packet that an error message quotes is not gone into: it did not pass here. */
export function readIcmp(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + 2 > out.end) return offset;
  const ip = ipHeaders(out);
  ip.icmpType = bytes[offset] as number;
  ip.icmpCode = bytes[offset + 1] as number;
  ip.has |= HAS.icmp;
  if (offset + ICMP_HEADER > out.end) return offset + 2;
  out.next = LAYER.payload;
  return offset + ICMP_HEADER;
}

export function readIgmp(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset >= out.end) return offset;
  const ip = ipHeaders(out);
  ip.igmpType = bytes[offset] as number;
  ip.has |= HAS.igmp;
  out.next = LAYER.payload;
  return offset + 1;
}
