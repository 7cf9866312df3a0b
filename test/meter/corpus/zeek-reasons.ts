import { hasWrongChecksum, transportHeader, withoutRarePorts, withoutType } from './headers.ts';
import { ofEach, type Reason, without } from './reasons.ts';
import { datagramOf, insideOf, type SeenPacket } from './seen-packets.ts';

/** What Zeek does with all packets: it knows ICMP by its ends, and lists what is in tunnels as well as what is around them. */
export const ZEEK_WAYS: Reason['apply'] = ofEach(withoutType);

const [IPV4, IPV6, GRE, NO_NEXT_HEADER] = [4, 41, 47, 59] as const;

/** What Zeek logs of packets otherwise than weir, with `--tunnels both`. */
export const ZEEK_REASONS: readonly Reason[] = [
  {
    why: 'the packet around IP in IP and GRE is no connection',
    apply: without(({ inner, proto }) => inner !== undefined && [IPV4, IPV6, GRE].includes(proto as 4)),
    traces: `zeek/traces/erspanI.pcap zeek/traces/erspanII.pcap zeek/traces/erspanIII.pcap zeek/traces/tunnels/gre-aruba-amsdu.pcap
      zeek/traces/tunnels/gre-pptp.pcap zeek/traces/tunnels/gre-sample.pcap zeek/traces/tunnels/gre-within-gre.pcap`,
  },
  {
    why: 'of tunnels in tunnels it logs those in the middle too',
    apply: (packets) => packets.flatMap((packet) => [packet, ...inTheMiddle(packet)]),
    traces: `zeek/traces/tunnels/geneve-vxlan-dns-truncated.pcap zeek/traces/tunnels/gtp/gtp8_teredo.pcap`,
  },
  {
    why: 'it puts fragments together and counts datagrams; those that are not whole are not counted, nor what they carry',
    apply: putTogether,
    traces: `zeek/traces/tunnels/gtp/gtp1_gn_normal_incl_fragmentation.pcap zeek/traces/tunnels/gtp/gtp2_different_udp_port.pcap`,
  },
  {
    why: 'IPv6 without a next header is no connection',
    apply: without(({ proto }) => proto === NO_NEXT_HEADER),
    traces: `zeek/traces/tunnels/Teredo.pcap zeek/traces/tunnels/gtp/gtp8_teredo.pcap zeek/traces/tunnels/teredo_bubble_with_payload.pcap`,
  },
  {
    why: 'packets with a wrong checksum do not count, nor what they carry',
    apply: without((packet) => hasWrongChecksum(packet.outer ?? packet)),
    // Of the first trace there are logs with and without checksums.
    traces: `core.checksums_ignore_nets/conn-failed.log zeek/traces/tunnels/vxlan-encapsulated-igmp-v2.pcap`,
  },
  {
    why: 'packets without a whole TCP header, with all its options, do not count',
    apply: without((packet) => packet.captured < packet.headerLength + transportHeader(packet)),
    traces: `zeek/traces/vntag_vlan_sandwich_clean.pcap`,
  },
  {
    why: 'SCTP has no ports',
    apply: ofEach(withoutRarePorts),
    traces: `zeek/traces/cisco-fabric-path.pcap zeek/traces/communityid/sctp.pcap`,
  },
  {
    why: 'it reads both frames of an aggregate of 802.11 (A-MSDU)',
    apply: (packets) =>
      packets.flatMap((packet) => (packet.outer === undefined ? [packet] : [packet, { ...packet, bytes: 75 }])),
    traces: 'zeek/traces/tunnels/gre-aruba-amsdu.pcap',
  },
];

/** Packets between the outer and the innermost one: those that lie in the outer one and carry the inner one. */
function inTheMiddle(packet: SeenPacket): SeenPacket[] {
  const { inner, octets, headerLength } = packet;
  if (inner === undefined) return [];
  for (let at = headerLength; at < octets.length; at++) {
    const found = insideOf(packet, at)?.inner;
    const isSame = found?.src === inner.src && found.dst === inner.dst && found.bytes === inner.bytes;
    if (!isSame) continue;
    const middle = insideOf(packet, at) as SeenPacket;
    // Its end is that of the outer packet, unless the inner one's header lies.
    if (middle.ipLength === middle.onWire) return [middle];
  }
  return [];
}

function putTogether(packets: readonly SeenPacket[]): SeenPacket[] {
  const datagrams = new Map<string, SeenPacket[]>();
  for (const packet of packets)
    if (packet.isFragment) datagrams.set(datagramOf(packet), [...(datagrams.get(datagramOf(packet)) ?? []), packet]);
  const replaced = new Map<SeenPacket, SeenPacket | undefined>();
  for (const parts of datagrams.values()) {
    let end = 0;
    for (const { fragmentOffset, bytes, headerLength } of parts.toSorted((a, b) => a.fragmentOffset - b.fragmentOffset))
      if (fragmentOffset === end) end += bytes - headerLength;
    const isWhole = parts.some(
      (one) => !one.hasMoreFragments && one.fragmentOffset + one.bytes - one.headerLength === end,
    );
    for (const part of parts) {
      replaced.set(part, isWhole && part === parts[0] ? { ...part, bytes: part.headerLength + end } : undefined);
      if (!isWhole && part.inner !== undefined) replaced.set(part.inner, undefined);
    }
  }
  return packets
    .map((packet) => (replaced.has(packet) ? replaced.get(packet) : packet))
    .filter((one) => one !== undefined);
}
