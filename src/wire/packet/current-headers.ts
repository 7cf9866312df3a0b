import { HAS, type PacketFields, type PacketHeaders, resetIp, TUNNEL } from './packet-fields.ts';

const ETHERNET_BITS = HAS.srcMac | HAS.dstMac | HAS.etherType | HAS.vlan | HAS.customerVlan;
const IP_BITS =
  HAS.ip | HAS.addresses | HAS.fragmentId | HAS.ports | HAS.tcpSequence | HAS.tcpFlags | HAS.icmp | HAS.igmp;

/**
 * Where the next Ethernet header goes to: one that begins the packet to `out`; any later one, and any behind an IP header, to `out.inner`, in place
 * of the one before.
 */
export function beginEthernet(out: PacketFields): PacketHeaders {
  if (out.ethernetCount++ === 0 && out.ipCount === 0) return out;
  out.inner.has &= ~ETHERNET_BITS;
  return out.inner;
}

/** The headers of the Ethernet header met last, or of the one that would stand here. */
export function ethernetHeaders(out: PacketFields): PacketHeaders {
  return out.ethernetCount > 1 || out.ipCount > 0 ? out.inner : out;
}

/** Where the next IP header goes to, as `beginEthernet`. */
export function beginIp(out: PacketFields): PacketHeaders {
  if (out.ipCount++ === 0) return out;
  const { inner } = out;
  inner.has &= ~IP_BITS;
  resetIp(inner);
  out.hasInner = 1;
  return inner;
}

/** The headers of the IP packet met last: where its transport header goes to. */
export function ipHeaders(out: PacketFields): PacketHeaders {
  return out.ipCount > 1 ? out.inner : out;
}

/** Notes a tunnel, unless an outer one is noted already. */
export function noteTunnel(out: PacketFields, kind: number): void {
  if (out.tunnel === TUNNEL.none) out.tunnel = kind;
}

/** Notes a tunnel and its identifier, unless an outer one is noted already. */
export function noteTunnelId(out: PacketFields, kind: number, id: number): void {
  if (out.tunnel !== TUNNEL.none) return;
  out.tunnel = kind;
  out.tunnelId = id;
  out.has |= HAS.tunnelId;
}

/** Notes a layer 2 segment (IE 351), unless an outer one is noted already. `type`: 1 VXLAN, 2 NVGRE, 0 others. */
export function noteSegment(out: PacketFields, type: number, segment: number): void {
  if ((out.has & HAS.l2Segment) !== 0) return;
  out.l2SegmentHigh = type << 24;
  out.l2SegmentLow = segment;
  out.has |= HAS.l2Segment;
}

/** Brings the end of what is to be read nearer, where a header tells a length that is shorter than what is left. */
export function narrow(out: PacketFields, end: number): void {
  if (end < out.end) out.end = end;
}
