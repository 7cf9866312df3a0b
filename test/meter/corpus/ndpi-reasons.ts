import { TUNNEL } from '#weir/wire/packet/packet-fields.js';
import { withoutPorts, withoutRarePorts, withoutType } from './headers.ts';
import { damaged, ofEach, type Reason, without } from './reasons.ts';
import type { SeenPacket } from './seen-packets.ts';

/** What nDPI does with all packets: it counts octets of whole frames, and knows ICMP by its ends. */
export const NDPI_WAYS: Reason['apply'] = ofEach((packet) => ({ ...withoutType(packet), bytes: packet.frame }));

const TCP = 6;
const SHORTEST_TCP = 20;
const SNAP = Buffer.from('aaaa03', 'hex');

/** What nDPI makes of packets otherwise than weir, with `--tunnels inner`. */
export const NDPI_REASONS: readonly Reason[] = [
  {
    why: 'it does not look into Teredo before the tunnel has been answered',
    apply: ofEach((packet) => (packet.tunnel === TUNNEL.teredo ? (packet.outer ?? packet) : packet)),
    traces: `ndpi/traffic/teredo.pcap`,
  },
  {
    why: 'it does not count later fragments',
    apply: without((packet) => packet.fragmentOffset > 0),
    traces: `ndpi/traffic/dns_fragmented.pcap ndpi/traffic/fuzz-2006-06-26-2594.pcap ndpi/traffic/fuzz-2006-09-29-28586.pcap
      ndpi/traffic/fuzz-2020-02-16-11740.pcap ndpi/traffic/ip_fragmented_garbage.pcap`,
  },
  {
    why: 'it drops packets that are shorter than their header says',
    apply: without(({ captured, ipLength }) => captured < ipLength),
    traces: `ndpi/traffic/badpackets.pcap ndpi/traffic/fuzz-2006-06-26-2594.pcap ndpi/traffic/fuzz-2006-09-29-28586.pcap ndpi/traffic/fuzz-2020-02-16-11740.pcap
      ndpi/traffic/fuzz-2021-06-07-c6c72a0a56.pcap ndpi/traffic/telnet.pcap`,
  },
  {
    why: 'it drops CAPWAP that carries a frame of something else than IP',
    apply: without(({ tunnel, outer, octets }) => {
      return tunnel === TUNNEL.capwap && outer === undefined && Buffer.from(octets).includes(SNAP);
    }),
    traces: `ndpi/traffic/capwap.pcap`,
  },
  { why: 'SCTP has no ports', apply: ofEach(withoutRarePorts), traces: `ndpi/traffic/sctp.cap` },
  {
    why: 'TCP of which the IP packet has less than the shortest header has no ports',
    apply: ofEach((packet) => (isShortTcp(packet) ? withoutPorts(packet) : packet)),
    traces: `ndpi/traffic/fuzz-2006-06-26-2594.pcap ndpi/traffic/fuzz-2006-09-29-28586.pcap ndpi/traffic/ip_fragmented_garbage.pcap`,
  },
  {
    why: 'it reads an IPv4 header that says that it is 4 octets long',
    apply: damaged('17 241.168.1.2 27315 > 192.168.1.1 0', 86),
    traces: 'ndpi/traffic/fuzz-2006-06-26-2594.pcap',
  },
  {
    why: 'it takes BSD loopback of an address family that there is not for IPv6',
    apply: damaged('6 3400:3a30:3035:2f75:706c:6f32:643f:6c3d 44288 > 302e::3d00::8001 0', 197),
    traces: 'ndpi/traffic/fuzz-2021-10-13.pcap',
  },
];

function isShortTcp({ proto, bytes, headerLength }: SeenPacket): boolean {
  return proto === TCP && bytes < headerLength + SHORTEST_TCP;
}
