import { LINK_TYPE } from '#weir/wire/packet/link-types.js';
import { payload16, transportHeader, withoutPorts, withoutRarePorts } from './headers.ts';
import { damaged, ofEach, type Reason, without } from './reasons.ts';
import { datagramOf, insideOf, type SeenPacket } from './seen-packets.ts';

const UNREAD_LINKS: readonly number[] = [
  8, // SLIP
  LINK_TYPE.ppp,
  LINK_TYPE.pppHdlc,
  LINK_TYPE.ciscoHdlc,
  LINK_TYPE.ieee80211,
  LINK_TYPE.frameRelay,
  LINK_TYPE.ieee80211Radiotap,
  LINK_TYPE.ipv6,
  LINK_TYPE.nflog,
  LINK_TYPE.linuxCooked2,
];
const [ICMP, IPV4, TCP, UDP, IPV6, GRE, ESP, ICMPV6] = [1, 4, 6, 17, 41, 47, 50, 58] as const;
/** What it knows as the first header behind IPv6's. */
const KNOWN_HEADERS: readonly number[] = [IPV4, TCP, UDP, IPV6, GRE, ESP, ICMPV6];

/** What nfpcapd 1.7.1 makes of packets otherwise than weir, with `--tunnels outer`. */
export const NFPCAPD_REASONS: readonly Reason[] = [
  {
    why: 'it does not read the link type',
    apply: without(({ linkType }) => UNREAD_LINKS.includes(linkType)),
    traces: `ndpi/traffic/BGP_Cisco_hdlc_slarp.pcap tcpdump/traffic/icmp-cksum-oobr-2.pcap tcpdump/traffic/icmp-cksum-oobr-4.pcapng
      tcpdump/traffic/icmp-icmp_print-oobr-2.pcap tcpdump/traffic/icmp-rfc5837.pcap tcpdump/traffic/icmp_inft_name_length_zero.pcap
      tcpdump/traffic/icmpv6_nodeinfo_queryipv4.pcap tcpdump/traffic/icmpv6_nodeinfo_queryipv6.pcap tcpdump/traffic/icmpv6_nodeinfo_replyipv4.pcap
      tcpdump/traffic/icmpv6_nodeinfo_replyipv6.pcap tcpdump/traffic/ipv6-mobility-header-oobr.pcap tcpdump/traffic/ipv6-next-header-oobr-1.pcap
      tcpdump/traffic/ipv6-next-header-oobr-2.pcap tcpdump/traffic/ipv6-rthdr-oobr.pcap tcpdump/traffic/ipv6_mobility_1.pcap
      tcpdump/traffic/ipv6hdr-heapoverflow.pcap tcpdump/traffic/mpls-traceroute.pcap zeek/traces/icmp/icmp6-mldv2.pcap zeek/traces/linux_dlt_sll2.pcap
      zeek/traces/nflog-http.pcap zeek/traces/radiotap.pcap zeek/traces/wlanmon.pcap`,
  },
  {
    why: 'in Ethernet it reads VLAN tags, MPLS labels and PPPoE, and nothing else before the IP packet',
    apply: without(
      ({ linkType, tags, labels, offset }) =>
        // PPPoE is in none of the traces that have something else.
        linkType === LINK_TYPE.ethernet && offset !== 14 + 4 * (tags + labels),
    ),
    traces: `akvorado/decap/mpls-eompls-cw.pcap akvorado/decap/mpls-eompls-invalid-cw.pcap tcpdump/traffic/icmp-rfc8335-missing-bytes.pcap tcpdump/traffic/nsh.pcap
      zeek/traces/cisco-fabric-path.pcap zeek/traces/pbb.pcap zeek/traces/snap-tcp.pcap zeek/traces/vntag.pcap zeek/traces/vntag_vlan_sandwich_clean.pcap`,
  },
  {
    why: 'it meters the packet inside IP in IP and plain GRE, knows PPTP’s GRE by its call, and drops all other GRE',
    apply: (packets) => packets.flatMap(insideTunnels),
    traces: `akvorado/decap/gre-v4-key.pcap akvorado/decap/gre-v4-plain.pcap akvorado/decap/gre-v6-plain.pcap akvorado/decap/ipv4-ipv4.pcap
      akvorado/decap/ipv4-ipv6.pcap akvorado/decap/vlan-ipv6.pcap ndpi/traffic/4in4tunnel.pcap ndpi/traffic/4in6tunnel.pcap ndpi/traffic/6in4tunnel.pcap
      ndpi/traffic/6in6tunnel.pcap ndpi/traffic/gre.pcapng ndpi/traffic/syslog.pcap tcpdump/traffic/NHRP-responder-address.pcap
      tcpdump/traffic/erspan-type-i-1.pcap tcpdump/traffic/erspan-type-i-2.pcap tcpdump/traffic/erspan-type-i-3.pcap tcpdump/traffic/erspan-type-i-4.pcap
      tcpdump/traffic/erspan-type-ii-1.pcap tcpdump/traffic/erspan-type-ii-2.pcap tcpdump/traffic/erspan-type-ii-3.pcap
      tcpdump/traffic/erspan-type-iii-ft-0.pcap tcpdump/traffic/erspan-type-iii-ft-7.pcap tcpdump/traffic/gre-heapoverflow-2.pcap
      tcpdump/traffic/various_gre.pcap zeek/traces/erspanI.pcap zeek/traces/erspanII.pcap zeek/traces/erspanIII.pcap
      zeek/traces/trunc/mpls-6in6-6in6-4in6-trunc.pcap zeek/traces/tunnels/4in4.pcap zeek/traces/tunnels/4in6.pcap zeek/traces/tunnels/6in4.pcap
      zeek/traces/tunnels/6in6.pcap zeek/traces/tunnels/6in6in6.pcap zeek/traces/tunnels/gre-aruba-amsdu.pcap zeek/traces/tunnels/gre-erspan3-dot1q.pcap
      zeek/traces/tunnels/gre-pptp.pcap zeek/traces/tunnels/gre-sample.pcap zeek/traces/tunnels/gre-within-gre.pcap
      zeek/traces/tunnels/mpls-6in6-6in6-invalid-version-6.pcap zeek/traces/tunnels/ping6-in-ipv4.pcap zeek/traces/tunnels/tunnel-direct-bypass.pcap`,
  },
  {
    why: 'it puts fragments of IPv4 together, with the padding of the last, and counts datagrams; those that are not whole, or whose last fragment came first, are not counted',
    apply: putTogether,
    traces: `ndpi/traffic/badpackets.pcap ndpi/traffic/dns_fragmented.pcap ndpi/traffic/fuzz-2006-06-26-2594.pcap ndpi/traffic/fuzz-2006-09-29-28586.pcap
      ndpi/traffic/fuzz-2020-02-16-11740.pcap ndpi/traffic/ip_fragmented_garbage.pcap tcpdump/traffic/esp_truncated.pcap
      tcpdump/traffic/ikev1_id_ipv6_addr_subnet-oobr.pcap zeek/traces/ipv4/fragmented-1.pcap zeek/traces/ipv4/fragmented-2.pcap
      zeek/traces/ipv4/fragmented-3.pcap zeek/traces/ipv4/fragmented-4.pcap zeek/traces/ipv4/fragmented-syn.pcap
      zeek/traces/trunc/mpls-6in6-6in6-4in6-trunc.pcap zeek/traces/tunnels/gtp/gtp1_gn_normal_incl_fragmentation.pcap
      zeek/traces/tunnels/gtp/gtp2_different_udp_port.pcap`,
  },
  {
    why: 'IPv6 extension headers are a protocol, and nothing behind them is read',
    apply: ofEach((packet) => {
      const first = packet.octets[6] as number;
      return packet.version !== 6 || KNOWN_HEADERS.includes(first) ? packet : { ...withoutPorts(packet), proto: first };
    }),
    traces: `akvorado/decap/srv6-end-dt6.pcap ndpi/traffic/android.pcap ndpi/traffic/dns_fragmented.pcap ndpi/traffic/wechat.pcap
      tcpdump/traffic/bigtcp-ipv6-hbh.pcap tcpdump/traffic/dccp_partial_csum_v6_longer.pcap tcpdump/traffic/dccp_partial_csum_v6_simple.pcap
      tcpdump/traffic/erspan-type-iii-pb-1.pcap tcpdump/traffic/icmpv6.pcap tcpdump/traffic/ipv6-routing-header.pcap
      tcpdump/traffic/ipv6-srh-ext-header.pcap tcpdump/traffic/ipv6-srh-insert-cksum.pcap tcpdump/traffic/ipv6-srh-ipproto-ether.pcap
      tcpdump/traffic/ipv6-srh-tlv-hmac.pcap tcpdump/traffic/ipv6-srh-tlv-pad1-padn-5.pcap tcpdump/traffic/ipv6-too-long-jumbo.pcap
      tcpdump/traffic/ipv6_frag6_negative_len.pcap tcpdump/traffic/ipv6_jumbogram_1.pcap tcpdump/traffic/ipv6_jumbogram_invalid_length.pcap
      tcpdump/traffic/ipv6_missing_jumbo_payload_option.pcap zeek/traces/chksums/ip6-hoa-tcp-good-chksum.pcap
      zeek/traces/chksums/ip6-route0-udp-good-chksum.pcap zeek/traces/icmp/icmp6-nd-options.pcap zeek/traces/ipv6-fragmented-dns.pcap
      zeek/traces/ipv6-hbh-routing0.pcap zeek/traces/ipv6-http-atomic-frag.pcap zeek/traces/ipv6_zero_len_ah.pcap zeek/traces/pppoe.pcap`,
  },
  {
    why: 'a length of 0, as of jumbograms and offloaded segmentation, is taken for one',
    apply: ofEach((packet) => (packet.ipLength === 0 ? { ...packet, bytes: packet.version === 6 ? 40 : 0 } : packet)),
    traces: `tcpdump/traffic/bigtcp-ipv4.pcap tcpdump/traffic/bigtcp-ipv6-hbh.pcap tcpdump/traffic/bigtcp-ipv6.pcap tcpdump/traffic/icmp-length-zero.pcapng
      tcpdump/traffic/icmpv6-length-zero.pcapng tcpdump/traffic/ipv4_tcp_http_xml_tso.pcap tcpdump/traffic/ipv6-too-long-jumbo.pcap
      tcpdump/traffic/ipv6_frag6_negative_len.pcap tcpdump/traffic/ipv6_jumbogram_1.pcap tcpdump/traffic/ipv6_jumbogram_invalid_length.pcap
      tcpdump/traffic/ipv6_missing_jumbo_payload_option.pcap`,
  },
  {
    why: 'it drops UDP in packets of length 0',
    apply: without(({ ipLength, proto }) => ipLength === 0 && proto === UDP),
    traces: `tcpdump/traffic/bigtcp-ipv4-geneve-ipv4.pcap tcpdump/traffic/bigtcp-ipv4-geneve-ipv6.pcap tcpdump/traffic/bigtcp-ipv4-vxlan-ipv4.pcap
      tcpdump/traffic/bigtcp-ipv4-vxlan-ipv6.pcap tcpdump/traffic/bigtcp-ipv6-geneve-ipv4.pcap tcpdump/traffic/bigtcp-ipv6-geneve-ipv6.pcap
      tcpdump/traffic/bigtcp-ipv6-vxlan-ipv4.pcap tcpdump/traffic/bigtcp-ipv6-vxlan-ipv6.pcap`,
  },
  {
    why: 'it reads as many octets as the capture says that packets were cut at, though there is one more',
    apply: ofEach((packet) => ({ ...packet, captured: Math.min(packet.captured, 73 - packet.offset) })),
    traces: 'tcpdump/traffic/mptcp-dss-oobr.pcap',
  },
  {
    why: 'it drops packets without a whole transport header, with all its options',
    apply: without((packet) => {
      const { proto, captured, bytes, headerLength } = packet;
      return (proto === ICMP ? Math.min(captured, bytes) : captured) < headerLength + transportHeader(packet);
    }),
    traces: `ndpi/traffic/fuzz-2006-09-29-28586.pcap tcpdump/traffic/heapoverflow-tcp_print.pcap tcpdump/traffic/icmp-icmp_print-oobr-1.pcap
      tcpdump/traffic/mptcp-dss-oobr.pcap tcpdump/traffic/udp-length-heapoverflow.pcap zeek/traces/tcp/truncated-header.pcap
      zeek/traces/trunc/icmp-header-trunc.pcap zeek/traces/trunc/ipv4-internally-truncated-header.pcap zeek/traces/trunc/ipv4-truncated-broken-header.pcap`,
  },
  {
    why: 'SCTP and DCCP have no ports',
    apply: ofEach(withoutRarePorts),
    traces: `ndpi/traffic/sctp.cap tcpdump/traffic/dccp_options-oobr.pcap tcpdump/traffic/dccp_partial_csum_v4_longer.pcap
      tcpdump/traffic/dccp_partial_csum_v4_simple.pcap zeek/traces/cisco-fabric-path.pcap zeek/traces/communityid/sctp.pcap`,
  },
  {
    why: 'it reads an IPv4 header that says that it is 4 octets long',
    apply: damaged('17 241.168.1.2 27315 > 192.168.1.1 0', 72),
    traces: 'ndpi/traffic/fuzz-2006-06-26-2594.pcap',
  },
  {
    why: 'in a frame of the Ethernet type of IPv4 it reads a header that says version 6',
    apply: damaged('0 8011:4af7:c0a8:102:c0a8:101:b0b:35 0 > 34:4489:e530:100:1:: 0', 27778),
    traces: 'ndpi/traffic/fuzz-2006-06-26-2594.pcap',
  },
  {
    why: 'in a frame of the Ethernet type of IPv4 it reads a header that says version 6',
    apply: damaged('64 fc11:4daa:aaaa:aaaa:aaaa:aaaa:aaaa:aaaa 0 > aaaa:aaaa:aaaa:aaaa:aaaa:aaaa:aaaa:aaaa 0', 1642),
    traces: 'ndpi/traffic/fuzz-2020-02-16-11740.pcap',
  },
];

function insideTunnels(packet: SeenPacket): SeenPacket[] {
  const { proto, headerLength } = packet;
  if (proto === IPV4 || proto === IPV6) return insideAt(packet, headerLength);
  if (proto !== GRE) return [packet];
  const [flags, type] = [payload16(packet, 0), payload16(packet, 2)];
  if ((flags & 7) === 1) return [{ ...packet, dport: payload16(packet, 6) }];
  const isPlain = flags === 0 && (type === 0x0800 || type === 0x86dd);
  return isPlain ? insideAt(packet, headerLength + 4) : [];
}

function insideAt(packet: SeenPacket, at: number): SeenPacket[] {
  const inside = insideOf(packet, at);
  return inside === undefined ? [] : insideTunnels(inside);
}

function putTogether(packets: readonly SeenPacket[]): SeenPacket[] {
  const open = new Map<string, SeenPacket[]>();
  return packets.flatMap((packet) => {
    if (!packet.isFragment || packet.version !== 4) return [packet];
    const key = datagramOf(packet);
    const parts = [...(open.get(key) ?? []), packet];
    open.set(key, parts);
    const [first, last] = [parts.find((one) => one.fragmentOffset === 0), parts.find((one) => !one.hasMoreFragments)];
    if (first === undefined || last === undefined) return [];
    open.delete(key);
    return [{ ...first, bytes: first.headerLength + last.fragmentOffset + last.captured - last.headerLength }];
  });
}
