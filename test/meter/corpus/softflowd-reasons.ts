import { LINK_TYPE } from '#weir/wire/packet/link-types.js';
import { transportHeader, withoutPorts, withoutRarePorts } from './headers.ts';
import { damaged, ofEach, type Reason, without } from './reasons.ts';

const READ_LINKS: readonly number[] = [
  LINK_TYPE.null,
  LINK_TYPE.loop,
  LINK_TYPE.ethernet,
  LINK_TYPE.raw,
  LINK_TYPE.rawBsd,
  LINK_TYPE.linuxCooked,
];
const ETHERNET_HEADER = 14;
const TAG = 4;
const AUTHENTICATION = 51;

/** What softflowd 1.1.0 makes of packets otherwise than weir. */
export const SOFTFLOWD_REASONS: readonly Reason[] = [
  {
    why: 'it does not read the link type',
    apply: without(({ linkType }) => !READ_LINKS.includes(linkType)),
    traces: `ndpi/traffic/BGP_Cisco_hdlc_slarp.pcap ndpi/traffic/dlt_ppp.pcap tcpdump/traffic/icmp-cksum-oobr-2.pcap tcpdump/traffic/icmp-cksum-oobr-4.pcapng
      tcpdump/traffic/icmp-icmp_print-oobr-2.pcap tcpdump/traffic/icmp-rfc5837.pcap tcpdump/traffic/icmp_inft_name_length_zero.pcap
      tcpdump/traffic/icmpv6_nodeinfo_queryipv4.pcap tcpdump/traffic/icmpv6_nodeinfo_queryipv6.pcap tcpdump/traffic/icmpv6_nodeinfo_replyipv4.pcap
      tcpdump/traffic/icmpv6_nodeinfo_replyipv6.pcap tcpdump/traffic/ipv6-mobility-header-oobr.pcap tcpdump/traffic/ipv6-next-header-oobr-1.pcap
      tcpdump/traffic/ipv6-next-header-oobr-2.pcap tcpdump/traffic/ipv6-rthdr-oobr.pcap tcpdump/traffic/ipv6_mobility_1.pcap
      tcpdump/traffic/ipv6hdr-heapoverflow.pcap tcpdump/traffic/mpls-traceroute.pcap zeek/traces/icmp/icmp6-mldv2.pcap zeek/traces/linux_dlt_sll2.pcap
      zeek/traces/nflog-http.pcap zeek/traces/ppp/quic-interop-retry.pcap zeek/traces/radiotap.pcap zeek/traces/wlanmon.pcap`,
  },
  {
    why: 'in Ethernet it reads one VLAN tag or MPLS labels, and nothing else before the IP packet',
    apply: without(
      ({ linkType, tags, labels, offset }) =>
        linkType === LINK_TYPE.ethernet && (tags > 1 || offset !== ETHERNET_HEADER + TAG * (tags + labels)),
    ),
    traces: `akvorado/decap/mpls-eompls-cw.pcap akvorado/decap/mpls-eompls-invalid-cw.pcap ndpi/traffic/4in4tunnel.pcap ndpi/traffic/dns.pcap
      ndpi/traffic/ipv6_in_gtp.pcap ndpi/traffic/syslog.pcap tcpdump/traffic/icmp-rfc8335-missing-bytes.pcap tcpdump/traffic/nsh.pcap
      zeek/traces/cisco-fabric-path.pcap zeek/traces/pbb.pcap zeek/traces/pppoe-over-qinq.pcap zeek/traces/pppoe.pcap zeek/traces/q-in-q.pcap
      zeek/traces/snap-tcp.pcap zeek/traces/vlan-pcp-dei.pcapng zeek/traces/vlan-qinqinq.pcap zeek/traces/vntag.pcap
      zeek/traces/vntag_vlan_sandwich_clean.pcap`,
  },
  {
    why: 'in BSD loopback it knows IPv6 by the address family of its own system only',
    apply: without(({ linkType, version }) => linkType === LINK_TYPE.null && version === 6),
    traces: `tcpdump/traffic/icmpv6-RFC2894-RR.pcap`,
  },
  {
    why: 'it drops IPv4 packets whose header is not whole',
    apply: without(({ version, captured, headerLength }) => version === 4 && captured < headerLength),
    traces: `zeek/traces/trunc/ipv4-internally-truncated-header.pcap zeek/traces/trunc/ipv4-truncated-broken-header.pcap`,
  },
  {
    why: 'it counts what the frame has behind its link layer: MPLS labels, padding, trailers, what the capture claims to have cut',
    apply: ofEach((packet) => ({ ...packet, bytes: packet.onWire + TAG * packet.labels })),
    traces: `akvorado/decap/mpls-explicit-null-ipv4.pcap akvorado/decap/mpls-explicit-null-ipv6.pcap akvorado/decap/mpls-ipv4.pcap akvorado/decap/mpls-ipv6.pcap
      ndpi/traffic/1kxun.pcap ndpi/traffic/4in6tunnel.pcap ndpi/traffic/badpackets.pcap ndpi/traffic/fuzz-2006-06-26-2594.pcap
      ndpi/traffic/fuzz-2006-09-29-28586.pcap ndpi/traffic/fuzz-2020-02-16-11740.pcap ndpi/traffic/fuzz-2021-06-07-c6c72a0a56.pcap
      ndpi/traffic/http_asymmetric.pcapng ndpi/traffic/ip_fragmented_garbage.pcap ndpi/traffic/natpmp.pcap ndpi/traffic/synscan.pcap
      ndpi/traffic/syslog.pcap ndpi/traffic/tcp_scan.pcapng ndpi/traffic/telnet.pcap ndpi/traffic/wechat.pcap scapy/netflowv9.pcap
      tcpdump/sflow/sflow_print-segv.pcap tcpdump/traffic/IGMP_V1.pcap tcpdump/traffic/IGMP_V2.pcap tcpdump/traffic/dccp_options-oobr.pcap
      tcpdump/traffic/dns_tcp.pcap tcpdump/traffic/dns_tcp_8053.pcap tcpdump/traffic/erspan-type-iii-pb-1.pcap tcpdump/traffic/esp_truncated.pcap
      tcpdump/traffic/gre-heapoverflow-2.pcap tcpdump/traffic/heapoverflow-in_checksum.pcap tcpdump/traffic/heapoverflow-ip_demux_print.pcap
      tcpdump/traffic/heapoverflow-tcp_print.pcap tcpdump/traffic/icmp-cksum-oobr-1.pcap tcpdump/traffic/icmp-cksum-oobr-3.pcapng
      tcpdump/traffic/icmp-icmp_print-oobr-1.pcap tcpdump/traffic/ikev1_id_ipv6_addr_subnet-oobr.pcap tcpdump/traffic/ip6_frag_asan.pcap
      tcpdump/traffic/ipcomp-heapoverflow.pcap tcpdump/traffic/ipv6_invalid_length_2.pcap tcpdump/traffic/l2tp-avp-overflow.pcap
      tcpdump/traffic/tcp_header_heapoverflow.pcap tcpdump/traffic/tfo-5c1fa7f9ae91.pcap tcpdump/traffic/udp-length-heapoverflow.pcap
      zeek/traces/chksums/localhost-bad-chksum.pcap zeek/traces/cisco-fabric-path.pcap zeek/traces/icmp/icmp-destunreach-udp.pcap
      zeek/traces/ipv4/fragmented-1.pcap zeek/traces/ipv4/fragmented-2.pcap zeek/traces/mixed-vlan-mpls.pcap zeek/traces/mpls-in-vlan.pcap
      zeek/traces/tcp-http-with-padding.pcap zeek/traces/tcp/ctu-64702-888.pcap zeek/traces/tcp/fin_retransmission.pcap zeek/traces/tcp/options.pcap
      zeek/traces/tcp/truncated-header.pcap zeek/traces/trunc/ip6-ext-trunc.pcap zeek/traces/trunc/mpls-6in6-6in6-4in6-trunc.pcap
      zeek/traces/tunnels/geneve-truncated.pcapng zeek/traces/tunnels/gtp/gtp10_not_0xff.pcap zeek/traces/tunnels/gtp/gtp1_gn_normal_incl_fragmentation.pcap
      zeek/traces/tunnels/gtp/gtp2_different_udp_port.pcap zeek/traces/tunnels/mpls-6in6-6in6-invalid-version-6.pcap`,
  },
  {
    why: 'later fragments of IPv4 have no ports',
    apply: ofEach((packet) => (packet.version === 4 && packet.fragmentOffset > 0 ? withoutPorts(packet) : packet)),
    traces: `ndpi/traffic/dns_fragmented.pcap ndpi/traffic/ip_fragmented_garbage.pcap zeek/traces/ipv4/fragmented-1.pcap zeek/traces/ipv4/fragmented-2.pcap
      zeek/traces/ipv4/fragmented-3.pcap zeek/traces/ipv4/fragmented-4.pcap zeek/traces/ipv4/fragmented-syn.pcap
      zeek/traces/tunnels/gtp/gtp1_gn_normal_incl_fragmentation.pcap zeek/traces/tunnels/gtp/gtp2_different_udp_port.pcap`,
  },
  {
    why: 'later fragments of IPv6 have no ports and protocol 0',
    apply: ofEach((packet) =>
      packet.version === 6 && packet.fragmentOffset > 0 ? { ...withoutPorts(packet), proto: 0 } : packet,
    ),
    traces: `ndpi/traffic/dns_fragmented.pcap tcpdump/traffic/ipv6_frag6_negative_len.pcap zeek/traces/ipv6-fragmented-dns.pcap`,
  },
  {
    why: 'SCTP and DCCP have no ports',
    apply: ofEach(withoutRarePorts),
    traces: `ndpi/traffic/sctp.cap tcpdump/traffic/dccp_options-oobr.pcap tcpdump/traffic/dccp_partial_csum_v4_longer.pcap
      tcpdump/traffic/dccp_partial_csum_v4_simple.pcap tcpdump/traffic/dccp_partial_csum_v6_longer.pcap tcpdump/traffic/dccp_partial_csum_v6_simple.pcap
      zeek/traces/cisco-fabric-path.pcap zeek/traces/communityid/sctp.pcap`,
  },
  {
    why: 'TCP and UDP of which less than the shortest header was captured have no ports',
    apply: ofEach((packet) => {
      const least = Math.min(20, transportHeader(packet));
      return packet.captured < packet.headerLength + least ? withoutPorts(packet) : packet;
    }),
    traces: `ndpi/traffic/fuzz-2006-06-26-2594.pcap tcpdump/traffic/tcp_header_heapoverflow.pcap tcpdump/traffic/udp-length-heapoverflow.pcap`,
  },
  {
    why: 'the IPv6 authentication header is a protocol, and nothing behind it is read',
    apply: ofEach((packet) =>
      packet.version === 6 && packet.octets[6] === AUTHENTICATION
        ? { ...withoutPorts(packet), proto: AUTHENTICATION }
        : packet,
    ),
    traces: `zeek/traces/ipv6_zero_len_ah.pcap`,
  },
  {
    why: 'where an IPv6 extension header is cut, the protocol is 0',
    apply: ofEach((packet) =>
      packet.version === 6 && [43, 44].includes(packet.proto) ? { ...packet, proto: 0 } : packet,
    ),
    traces: `tcpdump/traffic/ip6_frag_asan.pcap tcpdump/traffic/ipv6-srh-tlv-pad1-padn-5-trunc.pcap`,
  },
  {
    why: 'it reads an IPv4 header that says that it is 4 octets long',
    apply: damaged('17 241.168.1.2 27315 > 192.168.1.1 0', 72),
    traces: 'ndpi/traffic/fuzz-2006-06-26-2594.pcap',
  },
];
