import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runProcess } from '../helpers/processes.ts';
import { describeUnless } from '../helpers/skip.ts';
import {
  AS,
  address,
  encodedFor,
  MACS,
  MASKS,
  NAT,
  POST_MACS,
  recordsFor,
  type Shown,
  table,
  VLANS,
  VRFS,
  without,
} from './encode-records.ts';

/* What weir encodes, as Python netflow parses it: every field that it names. */

const PYTHON = join(homedir(), '.cache/netweir/py/bin/python');
/** Reads hexadecimal datagrams, a line each, and prints the fields of their flows as JSON, with the header's time and sysUptime. */
const SCRIPT = `
import sys, json, netflow
templates = {"netflow": {}, "ipfix": {}}
for line in sys.stdin:
    packet = netflow.parse_packet(bytes.fromhex(line.strip()), templates)
    head = packet.header
    for flow in packet.flows:
        print(json.dumps({**flow.data, "uptime": getattr(head, "uptime", 0), "seconds": getattr(head, "timestamp", 0)}))
`;

const TEMPLATED = [
  ...without(),
  ...MACS,
  ...POST_MACS,
  ...VLANS,
  ...NAT.filter((name) => name !== 'nat_event'),
  'bgp_next_hop',
  'direction',
  'forwarding_status',
  'min_ttl',
  'max_ttl',
  'flow_label',
  'mpls_labels',
];

describeUnless(
  existsSync(PYTHON) ? undefined : 'Python netflow not installed',
  'what weir encodes, in Python netflow',
  () => {
    it.each([
      ['netflow1', without(AS, MASKS)],
      ['netflow5', without()],
      // It has no names for VRFs, the end's reason and the event in v9.
      ['netflow9', TEMPLATED],
      ['ipfix', [...TEMPLATED, ...VRFS, 'nat_event', 'flow_end_reason']],
    ] as const)('%s', async (protocol, names) => {
      const input = encodedFor(protocol)
        .map((message) => `${Buffer.from(message).toString('hex')}\n`)
        .join('');
      const { code, stdout, stderr } = await runProcess(PYTHON, ['-c', SCRIPT], { input });
      expect(code, stderr).toBe(0);
      const found = stdout
        .trim()
        .split('\n')
        .map((line) => fromPython(line));
      expect(table(found, names)).toEqual(table(recordsFor(protocol), names));
    });
  },
);

/** Names of a field in v1 and v5, v9, and IPFIX. */
const NAMES: Readonly<Record<string, string>> = {
  src_addr: 'IPV4_SRC_ADDR IPV6_SRC_ADDR sourceIPv4Address sourceIPv6Address',
  dst_addr: 'IPV4_DST_ADDR IPV6_DST_ADDR destinationIPv4Address destinationIPv6Address',
  next_hop: 'NEXT_HOP IPV4_NEXT_HOP IPV6_NEXT_HOP ipNextHopIPv4Address ipNextHopIPv6Address',
  // BPG: its own spelling.
  bgp_next_hop: 'BGP_IPV4_NEXT_HOP BPG_IPV6_NEXT_HOP bgpNextHopIPv4Address bgpNextHopIPv6Address',
  post_nat_src_addr: 'NF_F_XLATE_SRC_ADDR_IPV4 postNATSourceIPv4Address',
  post_nat_dst_addr: 'NF_F_XLATE_DST_ADDR_IPV4 postNATDestinationIPv4Address',
  post_nat_src_port: 'NF_F_XLATE_SRC_PORT postNAPTSourceTransportPort',
  post_nat_dst_port: 'NF_F_XLATE_DST_PORT postNAPTDestinationTransportPort',
  nat_event: 'natEvent',
  src_port: 'SRC_PORT L4_SRC_PORT sourceTransportPort',
  dst_port: 'DST_PORT L4_DST_PORT destinationTransportPort',
  proto: 'PROTO PROTOCOL protocolIdentifier',
  tos: 'TOS SRC_TOS ipClassOfService',
  tcp_flags: 'TCP_FLAGS tcpControlBits',
  bytes: 'IN_OCTETS IN_BYTES octetDeltaCount',
  packets: 'IN_PACKETS IN_PKTS packetDeltaCount',
  in_if: 'INPUT INPUT_SNMP ingressInterface',
  out_if: 'OUTPUT OUTPUT_SNMP egressInterface',
  src_as: 'SRC_AS bgpSourceAsNumber',
  dst_as: 'DST_AS bgpDestinationAsNumber',
  src_mask: 'SRC_MASK IPV6_SRC_MASK sourceIPv4PrefixLength sourceIPv6PrefixLength',
  dst_mask: 'DST_MASK IPV6_DST_MASK destinationIPv4PrefixLength destinationIPv6PrefixLength',
  src_mac: 'IN_SRC_MAC sourceMacAddress',
  dst_mac: 'IN_DST_MAC destinationMacAddress',
  post_src_mac: 'OUT_SRC_MAC postSourceMacAddress',
  post_dst_mac: 'OUT_DST_MAC postDestinationMacAddress',
  src_vlan: 'SRC_VLAN vlanId',
  dst_vlan: 'DST_VLAN postVlanId',
  ingress_vrf: 'ingressVRFID',
  egress_vrf: 'egressVRFID',
  direction: 'DIRECTION flowDirection',
  forwarding_status: 'FORWARDING_STATUS forwardingStatus',
  flow_end_reason: 'flowEndReason',
  min_ttl: 'MIN_TTL minimumTTL',
  max_ttl: 'MAX_TTL maximumTTL',
  flow_label: 'IPV6_FLOW_LABEL flowLabelIPv6',
  top_label: 'MPLS_LABEL_1 mplsTopLabelStackSection',
  second_label: 'MPLS_LABEL_2 mplsLabelStackSection2',
  time_start: 'FIRST_SWITCHED flowStartMilliseconds',
  time_end: 'LAST_SWITCHED flowEndMilliseconds',
};

function fromPython(line: string): Shown {
  const record: Record<string, string | number> = {};
  const header = JSON.parse(line) as { uptime: number; seconds: number };
  for (const [column, names] of Object.entries(NAMES)) {
    // Addresses of 128 bits come as numbers, which JSON.parse would round.
    const found = new RegExp(`"(${names.replaceAll(' ', '|')})": ("?)([^",}]+)`).exec(line);
    if (found === null) continue;
    const [, name = '', quote, value = ''] = found;
    if (column.endsWith('_addr') || column.endsWith('_hop')) {
      const isWide = BigInt(quote === '' ? value : 0) >> 32n > 0n || /IPv6/.test(name);
      record[column] = quote === '"' ? address(value) : isWide ? ipv6(BigInt(value)) : ipv4(Number(value));
    } else if (column.endsWith('_mac')) record[column] = mac(Number(value));
    else if (name.endsWith('SWITCHED'))
      record[column] = new Date(header.seconds * 1000 - header.uptime + Number(value)).toISOString();
    else if (column.startsWith('time')) record[column] = new Date(Number(value)).toISOString();
    else record[column] = Number(value);
  }
  // The lower four bits of an entry are not the label's.
  const labels = [record['top_label'], record['second_label']].map((entry) => Number(entry ?? 0) >> 4);
  return { ...record, mpls_labels: labels.join(',') };
}

const ipv4 = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
const ipv6 = (value: bigint): string => address(value.toString(16).padStart(32, '0').match(/.{4}/g)?.join(':') ?? '');
const mac = (value: number): string => value.toString(16).padStart(12, '0').match(/../g)?.join(':') ?? '';
