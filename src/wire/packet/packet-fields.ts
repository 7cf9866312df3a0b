/**
 * What `parsePacket` finds in a packet: one reusable object of numbers, so that nothing is allocated per packet.
 *
 * A packet may hold another one (tunnels). The first header of a kind is told by the `PacketFields` itself, the innermost one by its
 * `inner`: `src0`–`src3` are the addresses of the first IP header, `inner.src0`–`inner.src3` those of the last when there are two or more. The
 * same rule holds for Ethernet headers, on their own: a frame of Ethernet over MPLS has two Ethernet headers and one IP header, so `inner` has
 * MAC addresses and no IP. An Ethernet header behind an IP header is an inner one also where nothing stands before the IP header. Headers
 * between the first and the innermost are gone through and not kept.
 *
 * Absent is not zero: a field has a meaning only when its bit in `has` is set. After a reset numbers are 0.
 */

/** Bits of `has`: which fields a packet gave. */
export const HAS = {
  /** `srcMacHigh`, `srcMacLow`. */
  srcMac: 1 << 0,
  /** `dstMacHigh`, `dstMacLow`. */
  dstMac: 1 << 1,
  etherType: 1 << 2,
  vlan: 1 << 3,
  customerVlan: 1 << 4,
  /** `ipVersion`, `proto`, `tos`, `ttl`, `ipLength`, `isFragment`, `fragmentOffset`; with `ipVersion` 6 `flowLabel` and `ipv6ExtensionHeaders`. */
  ip: 1 << 5,
  /** `srcPort`, `dstPort` (TCP, UDP, UDP-Lite, DCCP, SCTP); never in a fragment but the first. */
  ports: 1 << 6,
  /** `tcpSequence`. */
  tcpSequence: 1 << 7,
  /** `tcpFlags`. */
  tcpFlags: 1 << 8,
  /** `icmpType`, `icmpCode` (of ICMP and ICMPv6, by `proto`). */
  icmp: 1 << 9,
  igmp: 1 << 10,
  /** `mplsCount`, `mplsLabels`. */
  mpls: 1 << 11,
  /** `serviceInstance`. */
  serviceInstance: 1 << 12,
  /** `l2SegmentHigh`, `l2SegmentLow`. */
  l2Segment: 1 << 13,
  /** `tunnelId`. */
  tunnelId: 1 << 14,
  /** `src0`–`src3`, `dst0`–`dst3`: absent from an IP header that was cut before its end. */
  addresses: 1 << 15,
  /** `fragmentId`: every IPv4 packet, IPv6 packets with a fragment header. */
  fragmentId: 1 << 16,
} as const;

/** Codes of `tunnel`: the first encapsulation that the packet's first IP header carries. Codes of our own. */
export const TUNNEL = {
  none: 0,
  /** IPv4 in IPv4 or in IPv6 (RFC 2003, RFC 2473). */
  ipv4: 1,
  /** IPv6 in IPv4 (6in4, RFC 4213) or in IPv6 (RFC 2473). */
  ipv6: 2,
  gre: 3,
  nvgre: 4,
  /** ERSPAN type I, II, III. */
  erspan: 5,
  vxlan: 6,
  geneve: 7,
  gtpU: 8,
  teredo: 9,
  l2tp: 10,
  /** Ethernet in IP (EtherIP, RFC 3378; protocol 143, RFC 8986). */
  ethernet: 11,
  /** MPLS in IP (RFC 4023) or in UDP (RFC 7510). */
  mpls: 12,
  esp: 13,
  ayiya: 14,
  /** Network service header (RFC 8300) over VXLAN-GPE is VXLAN; this is one that follows IP or Ethernet at once. */
  networkService: 15,
  capwap: 16,
} as const;

/** The headers of one packet, link layer to transport. */
export interface PacketHeaders {
  /** Bits of `HAS`. */
  has: number;
  /** MAC addresses: upper 16 and lower 32 bits. */
  srcMacHigh: number;
  srcMacLow: number;
  dstMacHigh: number;
  dstMacLow: number;
  /** Ethernet type after the VLAN tags (or of SNAP, Linux cooked, Cisco HDLC); absent with plain LLC. */
  etherType: number;
  /** VLAN identifier of the outermost tag, 0–4095. */
  vlan: number;
  /** VLAN identifier of the second tag (QinQ). */
  customerVlan: number;
  /** 4 or 6. */
  ipVersion: number;
  /** Source address as four 32-bit words, first octets in `src0`; IPv4 as ::ffff:a.b.c.d. */
  src0: number;
  src1: number;
  src2: number;
  src3: number;
  /** Destination address, likewise. */
  dst0: number;
  dst1: number;
  dst2: number;
  dst3: number;
  /** IPv4: the Protocol field. IPv6: the Next Header of the last extension header (IE 4). */
  proto: number;
  /** Type of service octet or traffic class. */
  tos: number;
  /** Time to live or hop limit. */
  ttl: number;
  /** IPv6, 20 bits. */
  flowLabel: number;
  /** Octets of the packet before the IP header. */
  ipOffset: number;
  /** Total length of the IP packet in octets, header included, as the header tells it. */
  ipLength: number;
  /** Identification: 16 bits in IPv4, 32 in an IPv6 fragment header. */
  fragmentId: number;
  /** In units of 8 octets, as in the header (IE 88). */
  fragmentOffset: number;
  /** The three flags beside the fragment offset, as the upper bits of an octet (IE 197): 64 do not fragment, 32 more fragments. */
  fragmentFlags: number;
  /** Octets of the IP header, without IPv6's extension headers (IE 189). */
  ipHeaderLength: number;
  /** 1 when the packet is a fragment: offset not 0, or more fragments to come. */
  isFragment: number;
  /** Extension headers met, with the bits of ipv6ExtensionHeaders (IE 64): bit 0 of the registry's figure is the highest of 32. */
  ipv6ExtensionHeaders: number;
  srcPort: number;
  dstPort: number;
  /** TCP control bits and the reserved ones before them: 12 bits (IE 6, RFC 9565). */
  tcpFlags: number;
  tcpSequence: number;
  icmpType: number;
  icmpCode: number;
  igmpType: number;
}

/** Labels kept of one packet's stacks. */
export const MAX_MPLS_LABELS = 10;

/** What a packet tells. Made by `createPacketFields`, filled by `parsePacket`. */
export interface PacketFields extends PacketHeaders {
  /** Label values of 20 bits, top first. Those from `mplsCount` on are of earlier packets. */
  readonly mplsLabels: Uint32Array;
  /** Labels kept, 0 to `MAX_MPLS_LABELS`. */
  mplsCount: number;
  /** I-SID of 802.1ah, 24 bits. */
  serviceInstance: number;
  /** Layer 2 segment as layer2SegmentId (IE 351) has it: type in the top octet (1 VXLAN, 2 NVGRE, 0 others), identifier in the low 24 bits. */
  l2SegmentHigh: number;
  l2SegmentLow: number;
  /** Code of `TUNNEL`. */
  tunnel: number;
  /**
   * Identifier of that tunnel: GRE key, PPTP call, NVGRE, VXLAN and Geneve segment, GTP TEID, ERSPAN session, L2TP tunnel × 65536 + session (v2) or session
   * (v3), ESP SPI.
   */
  tunnelId: number;
  /** 1 when there is an inner IP packet: then `inner.has` has `HAS.ip`. */
  hasInner: number;
  /** The innermost Ethernet header and the innermost IP packet, where there are two or more of them. */
  readonly inner: PacketHeaders;

  /** Code of `LAYER` (layers.ts): what begins behind the octets that were understood. */
  next: number;
  /** The parser's own: end of what is left to read, as lengths in the headers narrow it. */
  end: number;
  /** The parser's own: IP headers met. */
  ipCount: number;
  /** The parser's own: Ethernet headers met. */
  ethernetCount: number;
}

function createHeaders(): PacketHeaders {
  return {
    has: 0,
    srcMacHigh: 0,
    srcMacLow: 0,
    dstMacHigh: 0,
    dstMacLow: 0,
    etherType: 0,
    vlan: 0,
    customerVlan: 0,
    ipVersion: 0,
    src0: 0,
    src1: 0,
    src2: 0,
    src3: 0,
    dst0: 0,
    dst1: 0,
    dst2: 0,
    dst3: 0,
    proto: 0,
    tos: 0,
    ttl: 0,
    flowLabel: 0,
    ipOffset: 0,
    ipLength: 0,
    fragmentId: 0,
    fragmentOffset: 0,
    fragmentFlags: 0,
    ipHeaderLength: 0,
    isFragment: 0,
    ipv6ExtensionHeaders: 0,
    srcPort: 0,
    dstPort: 0,
    tcpFlags: 0,
    tcpSequence: 0,
    icmpType: 0,
    icmpCode: 0,
    igmpType: 0,
  };
}

/** An empty object for `parsePacket` to fill, again and again. */
export function createPacketFields(): PacketFields {
  return {
    ...createHeaders(),
    mplsLabels: new Uint32Array(MAX_MPLS_LABELS),
    mplsCount: 0,
    serviceInstance: 0,
    l2SegmentHigh: 0,
    l2SegmentLow: 0,
    tunnel: TUNNEL.none,
    tunnelId: 0,
    hasInner: 0,
    inner: createHeaders(),
    next: 0,
    end: 0,
    ipCount: 0,
    ethernetCount: 0,
  };
}

/** Everything to 0. */
export function resetPacketFields(fields: PacketFields): void {
  resetHeaders(fields);
  // Only a packet with a second header has touched it.
  if (fields.inner.has !== 0) resetHeaders(fields.inner);
  fields.mplsCount = 0;
  fields.serviceInstance = 0;
  fields.l2SegmentHigh = 0;
  fields.l2SegmentLow = 0;
  fields.tunnel = TUNNEL.none;
  fields.tunnelId = 0;
  fields.hasInner = 0;
  fields.next = 0;
  fields.end = 0;
  fields.ipCount = 0;
  fields.ethernetCount = 0;
}

/** Everything of one set of headers to 0. */
function resetHeaders(headers: PacketHeaders): void {
  headers.has = 0;
  headers.srcMacHigh = 0;
  headers.srcMacLow = 0;
  headers.dstMacHigh = 0;
  headers.dstMacLow = 0;
  headers.etherType = 0;
  headers.vlan = 0;
  headers.customerVlan = 0;
  resetIp(headers);
}

/** Everything from the IP header on to 0, for an inner IP packet that takes the place of one further out. */
export function resetIp(headers: PacketHeaders): void {
  headers.ipVersion = 0;
  headers.src0 = 0;
  headers.src1 = 0;
  headers.src2 = 0;
  headers.src3 = 0;
  headers.dst0 = 0;
  headers.dst1 = 0;
  headers.dst2 = 0;
  headers.dst3 = 0;
  headers.proto = 0;
  headers.tos = 0;
  headers.ttl = 0;
  headers.flowLabel = 0;
  headers.ipOffset = 0;
  headers.ipLength = 0;
  headers.fragmentId = 0;
  headers.fragmentOffset = 0;
  headers.fragmentFlags = 0;
  headers.ipHeaderLength = 0;
  headers.isFragment = 0;
  headers.ipv6ExtensionHeaders = 0;
  headers.srcPort = 0;
  headers.dstPort = 0;
  headers.tcpFlags = 0;
  headers.tcpSequence = 0;
  headers.icmpType = 0;
  headers.icmpCode = 0;
  headers.igmpType = 0;
}
