import { corpusFolder } from '../helpers/corpus.ts';
import { repositoryPath } from '../helpers/repository.ts';

/** A capture of traffic for exporters to meter. */
export interface TrafficCapture {
  readonly name: string;
  readonly path: string;
}

/** The traffic recorded for these tests, and, where the corpus is, captures of other people's networks; as various as they come. */
export const CAPTURES: readonly TrafficCapture[] = [
  { name: 'our own traffic', path: repositoryPath('test/captures/traffic.pcap') },
  ...(corpusFolder === undefined
    ? []
    : [
        ['web traffic, IPv4 and IPv6 (zeek)', 'zeek/traces/wikipedia.pcap'],
        ['ICMPv6 (zeek)', 'zeek/traces/communityid/icmp6.pcap'],
        ['SCTP (zeek)', 'zeek/traces/communityid/sctp.pcap'],
        ['1723 packets of video portals (ndpi)', 'ndpi/traffic/1kxun.pcap'],
        ['a SYN scan (ndpi)', 'ndpi/traffic/synscan.pcap'],
        ['fragmented UDP (ndpi)', 'ndpi/traffic/dns_fragmented.pcap'],
        ['multipath TCP (tcpdump)', 'tcpdump/traffic/mptcp-v0.pcap'],
        ['a router’s own export (pmacct)', 'pmacct/500-IPFIXv10-BGP-CISCO-SRv6/traffic-00.pcap'],
      ].map(([name = '', file = '']) => ({ name, path: `${corpusFolder}/${file}` }))),
];
