/**
 * The head of a packet, rebuilt from what a flow record tells: Ethernet, IPv4 (RFC 791) or IPv6 (RFC 8200), and the beginning of TCP, UDP, SCTP or ICMP. Fields that no
 * record has are zero; IPv4 has a right checksum, the transport protocols none, since their payload is not known.
 */

/** What the packet is to say. Addresses are four words, IPv4 as ::ffff:a.b.c.d. */
export interface PacketHead {
  srcMacHigh: number;
  srcMacLow: number;
  dstMacHigh: number;
  dstMacLow: number;
  readonly source: Uint32Array;
  readonly destination: Uint32Array;
  isIpv6: boolean;
  proto: number;
  tos: number;
  ttl: number;
  flowLabel: number;
  fragmentId: number;
  /** In units of 8 octets. */
  fragmentOffset: number;
  fragmentFlags: number;
  srcPort: number;
  dstPort: number;
  tcpFlags: number;
  tcpSequence: number;
  icmpType: number;
  icmpCode: number;
  /** Octets of the IP packet; raised to what its headers need. */
  ipLength: number;
}

export const ETHERNET = 14;

const ICMP = 1;
const TCP = 6;
const UDP = 17;
const ICMP6 = 58;
const SCTP = 132;
const HEADERS: Readonly<Record<number, number>> = { [ICMP]: 8, [TCP]: 20, [UDP]: 8, [ICMP6]: 8, [SCTP]: 12 };

/** Zeros everywhere. */
export function createPacketHead(): PacketHead {
  return {
    srcMacHigh: 0,
    srcMacLow: 0,
    dstMacHigh: 0,
    dstMacLow: 0,
    source: new Uint32Array(4),
    destination: new Uint32Array(4),
    isIpv6: false,
    proto: 0,
    tos: 0,
    ttl: 0,
    flowLabel: 0,
    fragmentId: 0,
    fragmentOffset: 0,
    fragmentFlags: 0,
    srcPort: 0,
    dstPort: 0,
    tcpFlags: 0,
    tcpSequence: 0,
    icmpType: 0,
    icmpCode: 0,
    ipLength: 0,
  };
}

/** Writes it at `at`, where the memory is zero. Returns the offset behind it. */
export function writePacketHead(view: DataView, at: number, head: PacketHead): number {
  view.setUint16(at, head.dstMacHigh);
  view.setUint32(at + 2, head.dstMacLow);
  view.setUint16(at + 6, head.srcMacHigh);
  view.setUint32(at + 8, head.srcMacLow);
  view.setUint16(at + 12, head.isIpv6 ? 0x86dd : 0x0800);
  // A later fragment has no transport header.
  const transport = head.fragmentOffset > 0 && !head.isIpv6 ? 0 : (HEADERS[head.proto] ?? 0);
  const ip = at + ETHERNET;
  const next = head.isIpv6 ? writeIpv6(view, ip, head, transport) : writeIpv4(view, ip, head, transport);
  if (transport > 0) writeTransport(view, next, head, Math.max(head.ipLength - (next - ip), transport));
  return next + transport;
}

function writeIpv4(view: DataView, at: number, head: PacketHead, transport: number): number {
  view.setUint8(at, 0x45);
  view.setUint8(at + 1, head.tos);
  view.setUint16(at + 2, Math.min(Math.max(head.ipLength, 20 + transport), 65_535));
  view.setUint16(at + 4, head.fragmentId);
  view.setUint16(at + 6, ((head.fragmentFlags & 0xe0) << 8) | (head.fragmentOffset & 0x1fff));
  view.setUint8(at + 8, head.ttl);
  view.setUint8(at + 9, head.proto);
  view.setUint32(at + 12, head.source[3] as number);
  view.setUint32(at + 16, head.destination[3] as number);
  let sum = 0;
  for (let p = at; p < at + 20; p += 2) sum += view.getUint16(p);
  sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(at + 10, ~(sum + (sum >>> 16)));
  return at + 20;
}

function writeIpv6(view: DataView, at: number, head: PacketHead, transport: number): number {
  view.setUint32(at, 0x6000_0000 + head.tos * 0x10_0000 + (head.flowLabel & 0xf_ffff));
  view.setUint16(at + 4, Math.min(Math.max(head.ipLength - 40, transport), 65_535));
  view.setUint8(at + 6, head.proto);
  view.setUint8(at + 7, head.ttl);
  for (let i = 0; i < 4; i++) {
    view.setUint32(at + 8 + i * 4, head.source[i] as number);
    view.setUint32(at + 24 + i * 4, head.destination[i] as number);
  }
  return at + 40;
}

function writeTransport(view: DataView, at: number, head: PacketHead, length: number): void {
  if (head.proto === ICMP || head.proto === ICMP6) {
    view.setUint8(at, head.icmpType);
    view.setUint8(at + 1, head.icmpCode);
    return;
  }
  view.setUint16(at, head.srcPort);
  view.setUint16(at + 2, head.dstPort);
  if (head.proto === TCP) {
    view.setUint32(at + 4, head.tcpSequence);
    view.setUint16(at + 12, 0x5000 | (head.tcpFlags & 0x1ff));
  } else if (head.proto === UDP) view.setUint16(at + 4, Math.min(length, 65_535));
}
