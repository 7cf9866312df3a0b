import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createPacketFields, HAS, type PacketHeaders } from '#weir/wire/packet/packet-fields.js';
import { parsePacket } from '#weir/wire/packet/parse-packet.js';
import type { Packet } from '#weir/wire/pcap/packet.js';
import { corpusFolder } from '../../helpers/corpus.ts';
import { describeUnless } from '../../helpers/skip.ts';
import { tempFolder } from '../../helpers/temp.ts';
import { requireTool, toolPath } from '../../helpers/tools.ts';
import { capturedPackets, encodePcapng } from './captures.ts';
import { addressText } from './packets.ts';

/*
 * Every packet trace of the corpus, against tshark's fields of the same packets: addresses of the first and of the innermost IP header, ports,
 * flags, labels, tags.
 */
const FOLDERS = ['akvorado/decap', 'tcpdump/traffic', 'ndpi/traffic', 'zeek/traces'];
const MOST_PER_FILE = 300;

/** Files on which we differ from tshark 4.0, and why we stay with it. */
const DIFFERENCES: Readonly<Record<string, string>> = {
  'akvorado/decap/mpls-eompls-cw.pcap': 'tshark takes the control word (RFC 4385) for the beginning of a MAC address',
  'akvorado/decap/mpls-eompls-invalid-cw.pcap': 'the same; a control word with a sequence number',
  'tcpdump/traffic/bigtcp-ipv6.pcap': 'tshark reads no payload of an IPv6 packet of length 0 (segmentation offload)',
  'tcpdump/traffic/vxlan_port_8472.pcap': 'tshark knows VXLAN on the assigned port only',
  'ndpi/traffic/fuzz-2020-02-16-11740.pcap': 'tshark reads IPv6 behind the Ethernet type of IPv4',
  'tcpdump/traffic/icmp-icmp_print-oobr-1.pcap': 'tshark shows no type of an ICMP message that is too short',
  'tcpdump/traffic/icmp-icmp_print-oobr-2.pcap': 'the same',
  'tcpdump/traffic/icmpv6-length-zero.pcapng': 'tshark reads no payload of an IPv6 packet of length 0',
  'zeek/traces/cisco-fabric-path.pcap': 'tshark shows no ports of an SCTP header that is cut behind them',
  'zeek/traces/tunnels/Teredo.pcap': 'tshark knows Teredo on its port only, unless told to guess',
  'zeek/traces/tunnels/teredo_bubble_with_payload.pcap': 'the same',
  'zeek/traces/trunc/ipv4-internally-truncated-header.pcap': 'tshark shows no addresses where options are cut',
  'zeek/traces/trunc/ipv4-truncated-broken-header.pcap': 'tshark shows nothing of a header longer than its packet',
  ...Object.fromEntries(
    ['ipv4-geneve', 'ipv4-vxlan', 'ipv6-geneve', 'ipv6-vxlan'].flatMap((tunnel) =>
      ['ipv4', 'ipv6'].map((inner) => [
        `tcpdump/traffic/bigtcp-${tunnel}-${inner}.pcap`,
        'tshark reads no payload of a UDP datagram of length 0 (segmentation offload)',
      ]),
    ),
  ),
};

const NAMES = [
  'frame.protocols',
  'eth.src',
  'eth.dst',
  'vlan.id',
  'ieee8021ad.id',
  'mpls.label',
  'ip.src',
  'ip.dst',
  'ip.proto',
  'ip.ttl',
  'ip.len',
  'ip.id',
  'ip.dsfield',
  'ip.frag_offset',
  'ipv6.src',
  'ipv6.dst',
  'ipv6.hlim',
  'ipv6.flow',
  'tcp.srcport',
  'tcp.dstport',
  'tcp.flags',
  'tcp.seq_raw',
  'udp.srcport',
  'udp.dstport',
  'sctp.srcport',
  'sctp.dstport',
  'dccp.srcport',
  'dccp.dstport',
  'icmp.type',
  'icmp.code',
  'icmpv6.type',
  'icmpv6.code',
  'igmp.type',
] as const;
type Row = Readonly<Record<(typeof NAMES)[number], readonly string[]>>;

function tshark(packets: readonly Packet[], folder: string): Row[] {
  const file = join(folder, 'all.pcapng');
  writeFileSync(file, encodePcapng(packets));
  // Each packet by itself: nothing put together, nothing guessed.
  const preferences = [
    'ip.defragment',
    'ipv6.defragment',
    'tcp.desegment_tcp_streams',
    'tcp.relative_sequence_numbers',
  ];
  const output = execFileSync(
    requireTool('tshark'),
    [
      '-n',
      '-r',
      file,
      '-T',
      'fields',
      '-E',
      'occurrence=a',
      ...preferences.flatMap((name) => ['-o', `${name}:FALSE`]),
      ...NAMES.flatMap((name) => ['-e', name]),
    ],
    { encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  return output
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const cells = line.split('\t').map((cell) => (cell === '' ? [] : cell.split(',')));
      return Object.fromEntries(NAMES.map((name, i) => [name, cells[i] ?? []])) as unknown as Row;
    });
}

/** IPv6 text as 32 digits (mapped IPv4 with dots, as ours). */
function addressOf(text: string): string {
  if (!text.includes(':')) return text;
  const [left = '', right] = text.split('::');
  const parts = (side: string): string[] => (side === '' ? [] : side.split(':'));
  const after = right === undefined ? [] : parts(right);
  const zeros = right === undefined ? 0 : 8 - parts(left).length - after.length;
  const words = [...parts(left), ...Array.from({ length: zeros }, () => '0'), ...after].map((part) =>
    part.padStart(4, '0'),
  );
  const [a, b, c, d] = [0, 2, 4, 6].map((i) => Number.parseInt(`${words[i]}${words[i + 1]}`, 16)) as [
    number,
    number,
    number,
    number,
  ];
  return addressText(a, b, c, d);
}

/** Pairs of addresses of the IP headers, without those that ICMP errors quote. */
function ipHeadersOf(row: Row): string[] {
  const pairs: string[] = [];
  let v4 = 0;
  let v6 = 0;
  for (const protocol of row['frame.protocols'][0]?.split(':') ?? []) {
    if (protocol === 'icmp' || protocol === 'icmpv6') break;
    const [source, destination] =
      protocol === 'ip'
        ? [row['ip.src'][v4], row['ip.dst'][v4++]]
        : protocol === 'ipv6'
          ? [row['ipv6.src'][v6], row['ipv6.dst'][v6++]]
          : [];
    if (source !== undefined && destination !== undefined) pairs.push(`${addressOf(source)} ${addressOf(destination)}`);
  }
  return pairs;
}

const has = (headers: PacketHeaders, bits: number): boolean => (headers.has & bits) !== 0;
const pairOf = (h: PacketHeaders): string =>
  `${addressText(h.src0, h.src1, h.src2, h.src3)} ${addressText(h.dst0, h.dst1, h.dst2, h.dst3)}`;
const mac = (high: number, low: number): string =>
  (high.toString(16).padStart(4, '0') + low.toString(16).padStart(8, '0')).replaceAll(/(..)(?=.)/g, '$1:');

/** What differs between what we tell and tshark's fields: empty when nothing does. `compared` counts values. */
function differences(packet: Packet, row: Row, compared: { values: number }): string[] {
  const fields = createPacketFields();
  parsePacket(packet.data, 0, packet.data.length, packet.linkType, fields);
  const found: string[] = [];
  const expectSame = (what: string, ours: unknown, theirs: unknown): void => {
    compared.values++;
    if (String(ours) !== String(theirs)) found.push(`${what}: ${String(ours)}, tshark ${String(theirs)}`);
  };
  /** Inner headers of one kind are somewhere in tshark's list. */
  const expectIn = (what: string, ours: number, ...lists: (readonly string[])[]): void => {
    compared.values++;
    const numbers = lists.flat().map(Number);
    if (!numbers.includes(ours)) found.push(`${what}: ${ours}, tshark ${numbers.join(' ')}`);
  };
  const headers = [fields, fields.inner].filter((h) => has(h, HAS.addresses));
  const theirs = ipHeadersOf(row);
  const first = theirs[0];
  const last = theirs.at(-1);
  const expected = first === undefined || last === undefined ? [] : theirs.length === 1 ? [first] : [first, last];
  expectSame('addresses', headers.map(pairOf).join(', '), expected.join(', '));

  expectSame(
    'labels',
    [...fields.mplsLabels.subarray(0, fields.mplsCount)].join(),
    row['mpls.label'].slice(0, 10).join(),
  );
  if (has(fields, HAS.vlan) && !has(fields, HAS.serviceInstance))
    expectIn('VLAN', fields.vlan, row['vlan.id'], row['ieee8021ad.id']);
  if (has(fields, HAS.customerVlan))
    expectIn('customer VLAN', fields.customerVlan, row['vlan.id'], row['ieee8021ad.id']);
  if (packet.linkType === 1 && row['eth.src'].length > 0 && !row['frame.protocols'].join().includes('cfp')) {
    expectSame('source MAC', mac(fields.srcMacHigh, fields.srcMacLow), row['eth.src'][0]);
    expectSame('destination MAC', mac(fields.dstMacHigh, fields.dstMacLow), row['eth.dst'][0]);
  }
  for (const h of headers) {
    if (h.ipVersion === 4) {
      expectIn('protocol', h.proto, row['ip.proto']);
      expectIn('TTL', h.ttl, row['ip.ttl']);
      expectIn('TOS', h.tos, row['ip.dsfield']);
      expectIn('id', h.fragmentId, row['ip.id']);
      expectIn('fragment offset', h.fragmentOffset, row['ip.frag_offset']);
      // tshark puts the captured length in the place of 0.
      if (h.ipLength !== 0) expectIn('length', h.ipLength, row['ip.len']);
    } else {
      expectIn('hop limit', h.ttl, row['ipv6.hlim']);
      expectIn('flow label', h.flowLabel, row['ipv6.flow']);
    }
    if (has(h, HAS.ports) && h.proto !== 136) {
      expectIn(
        'source port',
        h.srcPort,
        row['tcp.srcport'],
        row['udp.srcport'],
        row['sctp.srcport'],
        row['dccp.srcport'],
      );
      expectIn(
        'destination port',
        h.dstPort,
        row['tcp.dstport'],
        row['udp.dstport'],
        row['sctp.dstport'],
        row['dccp.dstport'],
      );
    }
    // Both are behind the ports, where a cut or impossible header makes tshark stop earlier.
    if (has(h, HAS.tcpFlags) && row['tcp.flags'].length > 0) {
      expectIn('flags', h.tcpFlags, row['tcp.flags']);
      expectIn('sequence', h.tcpSequence, row['tcp.seq_raw']);
    }
    if (has(h, HAS.icmp)) {
      expectIn('ICMP type', h.icmpType, row['icmp.type'], row['icmpv6.type']);
      expectIn('ICMP code', h.icmpCode, row['icmp.code'], row['icmpv6.code']);
    }
    if (has(h, HAS.igmp)) expectIn('IGMP type', h.igmpType, row['igmp.type']);
  }
  return found;
}

const missing =
  corpusFolder === undefined
    ? 'no ../shared/corpus beside this checkout'
    : toolPath('tshark') === undefined
      ? 'tshark not installed'
      : undefined;

describeUnless(missing, 'packet traces of the corpus and tshark', () => {
  it('agree, but for the differences that are listed', { timeout: 120_000 }, async () => {
    const corpus = corpusFolder as string;
    const packets: Packet[] = [];
    const files: string[] = [];
    for (const folder of FOLDERS) {
      const names = readdirSync(join(corpus, folder), { recursive: true, encoding: 'utf8' }).filter((name) =>
        /\.p?cap(ng)?$/.test(name),
      );
      for (const name of names.toSorted()) {
        for (const packet of (await capturedPackets(readFileSync(join(corpus, folder, name)))).slice(
          0,
          MOST_PER_FILE,
        )) {
          packets.push(packet);
          files.push(`${folder}/${name}`);
        }
      }
    }
    expect(packets.length).toBeGreaterThan(5000);
    const rows = tshark(packets, tempFolder('packets').path);
    expect(rows.length).toBe(packets.length);

    const compared = { values: 0 };
    const differing = new Map<string, string>();
    packets.forEach((packet, i) => {
      const found = differences(packet, rows[i] as Row, compared);
      const file = files[i] as string;
      if (found.length > 0 && !differing.has(file))
        differing.set(file, `packet ${i - files.indexOf(file) + 1}: ${found.join('; ')}`);
    });
    const unexplained = [...differing].filter(([file]) => !(file in DIFFERENCES));
    expect(Object.fromEntries(unexplained)).toEqual({});
    // A line of the list that no longer holds is to be taken off it.
    expect([...differing.keys()].toSorted()).toEqual(Object.keys(DIFFERENCES).toSorted());
    expect(compared.values).toBeGreaterThan(50_000);
  });
});
