import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { corpusFolder } from '../helpers/corpus.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { describeUnless } from '../helpers/skip.ts';
import { describeWithTool } from '../helpers/tools.ts';
import { BothCollectors } from './both-collectors.ts';
import { lines, type PeerFlow } from './compare.ts';
import { softflowd } from './exporters.ts';
import { weirProbe } from './probe-exporter.ts';

/*
 * softflowd and weir probe meter the same captures and export NetFlow v9 to the same nfcapd, which must store the same flows. Where they differ, softflowd does
 * something that is known, and everything else must agree.
 */

/** What is compared of flows: key, counters, control bits, type of service. */
type Field = 'bytes' | 'tos';

/** What softflowd counts or tells otherwise, and in which captures of the corpus it shows. */
const DIFFERENCES: readonly { readonly why: string; readonly fields: readonly Field[]; readonly captures: string }[] = [
  {
    why: 'softflowd counts padding, trailers and what was cut as the frame has them, weir the IP packet’s own length',
    fields: ['bytes'],
    captures: `ndpi/traffic/1kxun.pcap ndpi/traffic/4in6tunnel.pcap ndpi/traffic/http_asymmetric.pcapng ndpi/traffic/natpmp.pcap
      ndpi/traffic/synscan.pcap ndpi/traffic/tcp_scan.pcapng ndpi/traffic/telnet.pcap zeek/traces/chksums/localhost-bad-chksum.pcap
      zeek/traces/icmp/icmp-destunreach-udp.pcap zeek/traces/mixed-vlan-mpls.pcap zeek/traces/mpls-in-vlan.pcap zeek/traces/tcp/ctu-64702-888.pcap
      zeek/traces/tcp/fin_retransmission.pcap zeek/traces/tcp/options.pcap zeek/traces/tcp/truncated-header.pcap zeek/traces/tcp-http-with-padding.pcap`,
  },
  {
    why: 'softflowd has no type of service for the direction that came second',
    fields: ['tos'],
    captures: `ndpi/traffic/KakaoTalk_talk.pcap ndpi/traffic/ah.pcapng ndpi/traffic/capwap.pcap ndpi/traffic/esp.pcapng ndpi/traffic/http.pcapng
      ndpi/traffic/http_ipv6.pcap ndpi/traffic/ospfv2_add_new_prefix.pcap ndpi/traffic/pptp.pcap zeek/traces/communityid/udp.pcap
      zeek/traces/tcp/retransmit-fast009.pcap zeek/traces/tunnels/gtp/gtp6_gtp_0x32.pcap`,
  },
  {
    why: 'softflowd reads no traffic class of IPv6',
    fields: ['tos'],
    captures: 'ndpi/traffic/hsrp2_ipv6.pcapng ndpi/traffic/vrrp3.pcapng zeek/traces/icmp/icmp6-nd-options.pcap',
  },
  { why: 'both of octets and type of service', fields: ['bytes', 'tos'], captures: 'ndpi/traffic/wechat.pcap' },
];

/** Captures of which both make the very same flows. */
const SAME = `ndpi/traffic/6in4tunnel.pcap ndpi/traffic/6in6tunnel.pcap ndpi/traffic/android.pcap ndpi/traffic/bfd.pcap
  ndpi/traffic/bittorrent_tcp_miss.pcapng ndpi/traffic/cassandra.pcap ndpi/traffic/ftp.pcap ndpi/traffic/gre.pcapng ndpi/traffic/gtp_c.pcap
  ndpi/traffic/icmp-tunnel.pcap ndpi/traffic/kafka.pcapng ndpi/traffic/mongodb.pcap ndpi/traffic/mysql.pcapng ndpi/traffic/pgsql.pcap ndpi/traffic/quic.pcap
  ndpi/traffic/rtp.pcapng ndpi/traffic/sip.pcap ndpi/traffic/snmp.pcap ndpi/traffic/teredo.pcap ndpi/traffic/upnp.pcap ndpi/traffic/vxlan.pcap
  zeek/traces/communityid/icmp.pcap zeek/traces/communityid/icmp6.pcap zeek/traces/communityid/ipv6.pcap zeek/traces/communityid/tcp.pcap
  zeek/traces/dns/dns-corrupt.pcap zeek/traces/erspanII.pcap zeek/traces/ftp/bigtransfer.pcap zeek/traces/http/get.pcap zeek/traces/icmp/5-pings.pcap
  zeek/traces/icmp/icmp-timeexceeded.pcap zeek/traces/icmp/icmp6-ping.pcap zeek/traces/icmp/icmp6-toobig.pcap zeek/traces/icmp_dot1q.pcap
  zeek/traces/pcapng-multi-interface.pcapng zeek/traces/tcp/missing-syn.pcap zeek/traces/tcp/option-sack.pcap zeek/traces/tcp/tcp-fast-open.pcap
  zeek/traces/tunnels/4in4.pcap zeek/traces/tunnels/6in6in6.pcap zeek/traces/tunnels/geneve.pcap zeek/traces/tunnels/gre-pptp.pcap
  zeek/traces/tunnels/vxlan.pcap zeek/traces/udp-broadcast.pcap zeek/traces/wikipedia.pcap`;

interface Comparison {
  readonly capture: string;
  readonly path: string;
  readonly fields: readonly Field[];
  readonly why: string;
}

const words = (text: string): string[] => text.trim().split(/\s+/);
const OF_CORPUS: readonly Comparison[] = [
  ...words(SAME).map((capture) => ({ capture, fields: [], why: 'the same flows' })),
  ...DIFFERENCES.flatMap(({ captures, ...rest }) => words(captures).map((capture) => ({ capture, ...rest }))),
].map((one) => ({ ...one, path: `${corpusFolder ?? ''}/${one.capture}` }));

/** Fragments apart: softflowd makes flows of their own of them. */
const WHOLE = '(ip and ip[6:2] & 0x3fff = 0) or (ip6 and ip6[6] != 44)';
const AT_ONCE = 6;

function comparable(
  { src, sport, dst, dport, proto, packets, bytes, more }: PeerFlow,
  fields: readonly Field[],
): PeerFlow {
  const { tcp_flags, tos } = more;
  return {
    exporter: '',
    src,
    dst,
    proto,
    sport,
    // nfcapd 1.7.1 does not read ICMPv6's type of softflowd's v9.
    dport: proto === 58 ? 0 : dport,
    packets,
    bytes: fields.includes('bytes') ? 0 : bytes,
    reversePackets: 0,
    reverseBytes: 0,
    more: { tcp_flags, tos: fields.includes('tos') ? 0 : tos },
  };
}

function compareAll(comparisons: readonly Comparison[], flags: readonly string[] = []): void {
  const both = new BothCollectors();
  beforeAll(async () => {
    await both.start();
    const waiting = [...comparisons];
    const work = async (): Promise<void> => {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
        await both.meter(`softflowd ${one.capture}`, one.path, softflowd(9, flags));
        await both.meter(`weir ${one.capture}`, one.path, weirProbe(9, flags));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    await both.finish();
  }, 300_000);
  afterAll(() => both.remove());

  it.each(comparisons)('$capture: $why', ({ capture, fields }) => {
    const [theirs, ours] = ['softflowd', 'weir'].map((name) =>
      lines(both.outcome(`${name} ${capture}`).nfdump.map((flow) => comparable(flow, fields))),
    );
    expect(ours?.length).toBeGreaterThan(0);
    expect(ours).toEqual(theirs);
  });

  it('nothing was lost on the way', () => {
    for (const { capture } of comparisons)
      for (const name of ['softflowd', 'weir']) {
        const { sequence, weir, nfdump } = both.outcome(`${name} ${capture}`);
        expect(sequence.received).toBe(sequence.expected);
        expect(weir.length).toBe(nfdump.length);
      }
  });
}

describeWithTool(
  ['softflowd', 'nfcapd', 'nfdump', 'tcpdump'],
  'weir probe and softflowd, metering our own traffic',
  () => {
    const capture = 'traffic.pcap';
    const path = repositoryPath(`test/captures/${capture}`);
    for (const track of ['ip', 'proto', 'full', 'vlan'])
      describe(`-T ${track}`, () => {
        compareAll(
          [{ capture, path, fields: track === 'ip' ? ['tos'] : [], why: 'the same flows' }],
          ['-T', track, WHOLE],
        );
      });
  },
);

describeUnless(
  corpusFolder === undefined ? 'no ../shared/corpus beside this checkout' : undefined,
  'the corpus',
  () => {
    describeWithTool(['softflowd', 'nfcapd', 'nfdump'], 'weir probe and softflowd, metering the same captures', () => {
      compareAll(OF_CORPUS);
    });
  },
);
