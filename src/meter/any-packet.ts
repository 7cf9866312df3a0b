import { LAYER, layerOfEtherType, layerOfProtocol } from '../wire/packet/layers.ts';
import { HAS, type PacketFields, type PacketHeaders, TUNNEL } from '../wire/packet/packet-fields.ts';
import { HAS_ETHER_TYPE, HAS_MACS, HAS_MPLS, sortIpv6Ends, TAGGED, WORD, writeIpv4Ends } from './observation.ts';

const BOTH_MACS = HAS.srcMac | HAS.dstMac;
/** Octets of UDP's header, and of IPv6 extension headers at least. */
const SHORTEST_HEADER = 8;

/**
 * What `parsePacket` found in a packet, as words (the key's further columns and `WORD.interface` are left as they are).
 *
 * @param ip whose IP packet is taken: `fields` itself, or its `inner`; has `HAS.addresses`
 * @param length of the whole packet on the wire, for IP packets that do not tell their length
 */
export function writeHeaders(fields: PacketFields, ip: PacketHeaders, length: number, words: Int32Array): void {
  const isInner = ip !== fields;
  // The frame that an inner packet lies in, where it has one of its own.
  writeLinkLayer((ip.has & HAS.dstMac) !== 0 ? ip : fields, words);
  words[WORD.tunnel] = isInner ? fields.tunnel : 0;
  words[WORD.tunnelId] = isInner ? fields.tunnelId : 0;
  words[WORD.length] = ip.ipLength === 0 ? lengthUntold(ip, length - ip.ipOffset) : ip.ipLength;
  words[WORD.flags] = ip.tcpFlags;
  words[WORD.ttl] = ip.ttl;
  words[WORD.tos] = ip.tos | (ip.flowLabel << 8);
  if (!isInner && hasLabels(fields)) words[WORD.link] = (words[WORD.link] as number) | HAS_MPLS;
  // Behind an authentication header are ports of another protocol than the packet's.
  writeEnds(ip, hasPorts(ip.proto) ? portsOf(ip) : 0, words);
}

/**
 * Octets of a packet whose header says 0: a jumbogram (RFC 2675), or one that the network card cuts later, which fills the frame. IPv6 without any payload says so
 * too: what is left of its frame then is padding, shorter than any header.
 *
 * @param rest octets of the frame from the IP header on
 */
function lengthUntold({ ipVersion, ipHeaderLength }: PacketHeaders, rest: number): number {
  const isEmpty = ipVersion === 6 && rest < ipHeaderLength + SHORTEST_HEADER;
  return isEmpty ? ipHeaderLength : Math.max(0, rest);
}

/** Whether the first IP packet itself is behind MPLS labels, and not one in a tunnel. */
function hasLabels({ has, etherType, tunnel }: PacketFields): boolean {
  if ((has & HAS.mpls) === 0) return false;
  return (has & HAS.etherType) !== 0 ? layerOfEtherType(etherType) === LAYER.mpls : tunnel === TUNNEL.none;
}

/** Writes addresses, protocol and these ports (source × 65536 + destination), sorted. */
function writeEnds(ip: PacketHeaders, ports: number, words: Int32Array): void {
  if (ip.ipVersion === 4) {
    writeIpv4Ends(words, ip.src3, ip.dst3, ports, ip.proto);
    return;
  }
  words[WORD.lowerUpper] = ip.src0;
  words[WORD.lowerUpper + 1] = ip.src1;
  words[WORD.lowerUpper + 2] = ip.src2;
  words[WORD.lower] = ip.src3;
  words[WORD.higherUpper] = ip.dst0;
  words[WORD.higherUpper + 1] = ip.dst1;
  words[WORD.higherUpper + 2] = ip.dst2;
  words[WORD.higher] = ip.dst3;
  sortIpv6Ends(words, ports, ip.proto);
}

/** The ports of a packet that has them (source × 65536 + destination), type × 256 + code of ICMP; else 0. */
export function portsOf(ip: PacketHeaders): number {
  if ((ip.has & HAS.ports) !== 0) return ip.srcPort * 65_536 + ip.dstPort;
  return (ip.has & HAS.icmp) !== 0 ? ip.icmpType * 256 + ip.icmpCode : 0;
}

/** Whether packets of this protocol have ports, or a type and code, that its later fragments lack. */
export function hasPorts(proto: number): boolean {
  switch (layerOfProtocol(proto)) {
    case LAYER.tcp:
    case LAYER.udp:
    case LAYER.udpLite:
    case LAYER.ports:
    case LAYER.icmp:
      return true;
    default:
      return false;
  }
}

function writeLinkLayer(fields: PacketHeaders, words: Int32Array): void {
  const { has } = fields;
  const vlan = (has & HAS.vlan) !== 0 ? fields.vlan | TAGGED : 0;
  const customer = (has & HAS.customerVlan) !== 0 ? fields.customerVlan | TAGGED : 0;
  words[WORD.vlans] = vlan | (customer << 16);
  const hasType = (has & HAS.etherType) !== 0;
  // Linux cooked tells the sender's address only; one without the other would be 00:00:00:00:00:00.
  const hasMacs = (has & BOTH_MACS) === BOTH_MACS;
  words[WORD.link] = (hasType ? fields.etherType | HAS_ETHER_TYPE : 0) | (hasMacs ? HAS_MACS : 0);
  words[WORD.macs] = hasMacs ? (fields.srcMacHigh << 16) | fields.dstMacHigh : 0;
  words[WORD.srcMac] = hasMacs ? fields.srcMacLow : 0;
  words[WORD.dstMac] = hasMacs ? fields.dstMacLow : 0;
}
