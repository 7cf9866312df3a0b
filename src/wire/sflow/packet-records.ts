/*
 * What an agent says of the sampled packet itself (sFlow Version 5, section 5.4, flow_data formats 1–4; the same in RFC 3176)
 *
 *   sampled_header    u32 header protocol   u32 frame length   u32 octets stripped from its end (version 5 only)   opaque header
 *   sampled_ethernet  u32 length   mac source   mac destination   u32 Ethernet type
 *   sampled_ipv4      u32 length of the IP packet   u32 protocol   ipv4 source   ipv4 destination   u32 source port
 *                     u32 destination port   u32 TCP flags   u32 type of service
 *   sampled_ipv6      the same with ipv6 addresses and u32 priority
 */
import { u16, u32 } from '../../util/octets.ts';
import { LINK_TYPE } from '../packet/link-types.ts';
import { HAS } from '../packet/packet-fields.ts';
import { parsePacket } from '../packet/parse-packet.ts';
import { type FlowSample, RECORD } from './flow-sample.ts';

/** Link types of header protocols 0–17; −1 for those whose headers are not read (token ring, FDDI, X.25 …). */
const LINK_TYPES: readonly number[] = [
  -1,
  LINK_TYPE.ethernet,
  -1,
  -1,
  -1,
  LINK_TYPE.frameRelay,
  -1,
  LINK_TYPE.ppp,
  -1,
  -1,
  LINK_TYPE.raw,
  LINK_TYPE.ipv4,
  LINK_TYPE.ipv6,
  LINK_TYPE.mpls,
  LINK_TYPE.pppHdlc,
  LINK_TYPE.ieee80211,
  -1,
  -1,
];

/** Protocols whose ports are ports: TCP, UDP, DCCP, SCTP, UDP-Lite. */
export function hasPorts(proto: number): boolean {
  return proto === 6 || proto === 17 || proto === 132 || proto === 33 || proto === 136;
}

/**
 * Parses a sampled_header record of version `version`. The first header of a sample counts. Returns false when the record is cut off; what is there of
 * the header is used then too.
 */
export function readSampledHeader(
  bytes: Uint8Array,
  start: number,
  end: number,
  version: number,
  out: FlowSample,
): boolean {
  const data = start + (version === 5 ? 16 : 12);
  if (data > end) return false;
  const protocol = u32(bytes, start);
  const length = u32(bytes, data - 4);
  const isWhole = length <= end - data;
  if ((out.has & RECORD.header) !== 0) return isWhole;
  const linkType = LINK_TYPES[protocol] ?? -1;
  const stop = isWhole ? data + length : end;
  if (linkType >= 0) parsePacket(bytes, data, stop, linkType, out.packet);
  else out.extras.push({ name: 'sampledHeader', type: 'octetArray', bytes, start: data, length: stop - data });
  if (linkType < 0) out.extras.push({ name: 'headerProtocol', type: 'unsigned32', bytes, start: start, length: 4 });
  out.frameLength = u32(bytes, start + 4);
  out.has |= RECORD.packet | RECORD.header;
  return isWhole;
}

/** sampled_ethernet. Ignored beside a sampled header, which says the same and more. */
export function readSampledEthernet(bytes: Uint8Array, start: number, end: number, out: FlowSample): boolean {
  if (start + 24 > end) return false;
  if ((out.has & RECORD.header) !== 0) return true;
  const { packet } = out;
  packet.srcMacHigh = u16(bytes, start + 4);
  packet.srcMacLow = u32(bytes, start + 6);
  packet.dstMacHigh = u16(bytes, start + 12);
  packet.dstMacLow = u32(bytes, start + 14);
  packet.etherType = u32(bytes, start + 20) & 0xffff;
  packet.has |= HAS.srcMac | HAS.dstMac | HAS.etherType;
  // The frame is longer than the IP packet that another record may tell of.
  out.frameLength = u32(bytes, start);
  out.has |= RECORD.packet;
  return true;
}

/** sampled_ipv4 or, with `words` 4, sampled_ipv6. Ignored beside a sampled header. */
export function readSampledIp(bytes: Uint8Array, start: number, end: number, words: 1 | 4, out: FlowSample): boolean {
  const ports = start + 8 + words * 8;
  if (ports + 16 > end) return false;
  if ((out.has & RECORD.header) !== 0) return true;
  const { packet } = out;
  const isIpv4 = words === 1;
  const source = start + 8 + words * 4;
  const destination = source + words * 4;
  packet.ipVersion = isIpv4 ? 4 : 6;
  packet.src0 = isIpv4 ? 0 : u32(bytes, source - 16);
  packet.src1 = isIpv4 ? 0 : u32(bytes, source - 12);
  packet.src2 = isIpv4 ? 0xffff : u32(bytes, source - 8);
  packet.src3 = u32(bytes, source - 4);
  packet.dst0 = isIpv4 ? 0 : u32(bytes, destination - 16);
  packet.dst1 = isIpv4 ? 0 : u32(bytes, destination - 12);
  packet.dst2 = isIpv4 ? 0xffff : u32(bytes, destination - 8);
  packet.dst3 = u32(bytes, destination - 4);
  packet.ipLength = u32(bytes, start);
  packet.proto = u32(bytes, start + 4) & 255;
  packet.tos = u32(bytes, ports + 12) & 255;
  packet.has |= HAS.ip;
  if (hasPorts(packet.proto)) {
    packet.srcPort = u32(bytes, ports) & 0xffff;
    packet.dstPort = u32(bytes, ports + 4) & 0xffff;
    packet.has |= HAS.ports;
  }
  if (packet.proto === 6) {
    packet.tcpFlags = u32(bytes, ports + 8) & 0x1ff;
    packet.has |= HAS.tcpFlags;
  }
  if ((out.has & RECORD.packet) === 0) out.frameLength = packet.ipLength;
  out.has |= RECORD.packet;
  return true;
}
