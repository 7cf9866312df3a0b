import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Protocol } from '#weir/export/encoder.js';
import { encodePcap } from '../helpers/pcap.ts';
import { runProcess } from '../helpers/processes.ts';
import { tempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import {
  AS,
  address,
  encodedFor,
  MACS,
  MASKS,
  NAT,
  NOW,
  POST_MACS,
  recordsFor,
  type Shown,
  TIMES,
  table,
  VLANS,
  VRFS,
  without,
} from './encode-records.ts';

/* What weir encodes, as tshark dissects it: every field of every record. */

const PORT = 20_550;
const TEMPLATED = [
  ...without(),
  ...MACS,
  ...POST_MACS,
  ...VLANS,
  ...VRFS,
  ...NAT,
  'bgp_next_hop',
  'direction',
  'forwarding_status',
  'flow_end_reason',
  'min_ttl',
  'max_ttl',
  'flow_label',
  'mpls_labels',
];

describeWithTool('tshark', 'what weir encodes, in tshark', () => {
  it.each([
    ['netflow1', without(AS, MASKS)],
    ['netflow5', without()],
    ['netflow7', without()],
    ['netflow9', TEMPLATED],
    ['ipfix', TEMPLATED],
  ] as const)('%s', async (protocol, names) => {
    const found = await dissected(protocol, 'cflow', fromCflow);
    expect(table(found, names)).toEqual(table(recordsFor(protocol), names));
  });

  it('sFlow: the rebuilt headers are packets, and the records beside them', async () => {
    const names = [...without(TIMES), ...MACS, ...VLANS, 'bgp_next_hop', 'ttl', 'sampling_rate'];
    const found = await dissected('sflow', 'sflow', fromSflow);
    const expected = recordsFor('sflow').map((record) => ({ ...record, packets: undefined }));
    expect(table(found, names)).toEqual(table(expected, names));
  });
});

/** What stands in a part of a packet, by the name of the field: all its values, from the parts within it too. */
type Values = ReadonlyMap<string, readonly string[]>;

/** The records of the encoded datagrams, as `read` makes them of the parts that it knows to be one. */
async function dissected(
  protocol: Protocol,
  dissector: 'cflow' | 'sflow',
  read: (values: Values, clock: Values) => Shown,
): Promise<Shown[]> {
  const file = tempFolder('tshark').join('x.pcap');
  const loopback = [0, 0, 0xffff, 0x7f000001] as const;
  const ends = { source: loopback, sourcePort: 50_000, destination: loopback, destinationPort: PORT };
  writeFileSync(file, encodePcap(encodedFor(protocol).map((payload) => ({ time: NOW * 1000, ...ends, payload }))));
  const args = ['-r', file, '-d', `udp.port==${PORT},${dissector}`, '-T', 'json', '--no-duplicate-keys'];
  const { code, stdout, stderr } = await runProcess(requireTool('tshark'), args);
  expect(code, stderr).toBe(0);
  expect(stdout).not.toContain('_ws.malformed');
  const packets = JSON.parse(stdout) as { _source: { layers: Record<string, unknown> } }[];
  return packets.flatMap(({ _source: { layers } }) => {
    const clock = valuesOf(layers[dissector], /^(?!.*(pdu|Set) )/);
    return partsOf(layers[dissector], dissector).map((part) => read(valuesOf(part), clock));
  });
}

/** The parts of a dissected message that are a record each. */
function partsOf(node: unknown, dissector: 'cflow' | 'sflow'): unknown[] {
  if (typeof node !== 'object' || node === null) return [];
  if (Array.isArray(node)) return node.flatMap((one) => partsOf(one, dissector));
  const isRecord =
    dissector === 'cflow' ? 'cflow.srcaddr' in node || 'cflow.srcaddrv6' in node : 'Raw packet header' in node;
  return isRecord ? [node] : Object.values(node).flatMap((one) => partsOf(one, dissector));
}

function valuesOf(node: unknown, wanted = /./, values = new Map<string, string[]>()): Map<string, string[]> {
  if (typeof node !== 'object' || node === null) return values;
  for (const [name, value] of Object.entries(node)) {
    if (!wanted.test(name)) continue;
    for (const one of [value as unknown].flat()) {
      if (typeof one === 'string') values.set(name, [...(values.get(name) ?? []), one]);
      else valuesOf(one, wanted, values);
    }
  }
  return values;
}

/** Fields of tshark for the columns. */
const CFLOW: Readonly<Record<string, string>> = {
  src_port: 'srcport',
  dst_port: 'dstport',
  proto: 'protocol',
  tos: 'tos',
  tcp_flags: 'tcpflags',
  in_if: 'inputint',
  out_if: 'outputint',
  src_as: 'srcas',
  dst_as: 'dstas',
  ingress_vrf: 'ingress_vrfid',
  egress_vrf: 'egress_vrfid',
  direction: 'direction',
  flow_end_reason: 'flow_end_reason',
  min_ttl: 'ttl_min',
  max_ttl: 'ttl_max',
  flow_label: 'ipv6flowlabel',
  src_vlan: 'vlanid',
  dst_vlan: 'post_vlanid',
  nat_event: 'nat_event',
  post_nat_src_port: 'post_naptsource_transport_port',
  post_nat_dst_port: 'post_naptdestination_transport_port',
};

function fromCflow(values: Values, clock: Values): Shown {
  const first = (...names: string[]): string | undefined =>
    names.map((name) => values.get(`cflow.${name}`)?.[0]).find((value) => value !== undefined);
  const text = (...names: string[]): string | undefined => {
    const value = first(...names);
    return value === undefined ? undefined : address(value);
  };
  const fixed = Object.fromEntries(Object.entries(CFLOW).map(([column, name]) => [column, Number(first(name) ?? 0)]));
  const labels = values.get('cflow.mpls_label') ?? [];
  // Stamps of sysUptime are shown as seconds of it, other times as text.
  const [seconds = 0] = (clock.get('cflow.unix_secs') ?? []).map(Number);
  const [uptime = 0] = (clock.get('cflow.sysuptime') ?? []).map(Number);
  const time = (relative: string, absolute: string): string => {
    const stamp = first(relative);
    const ms = stamp === undefined ? Date.parse(first(absolute) ?? '') : (seconds - uptime + Number(stamp)) * 1000;
    return new Date(Math.round(ms)).toISOString();
  };
  return {
    ...fixed,
    src_addr: text('srcaddr', 'srcaddrv6'),
    dst_addr: text('dstaddr', 'dstaddrv6'),
    next_hop: text('nexthop', 'nexthopv6'),
    bgp_next_hop: text('bgpnexthop', 'bgpnexthopv6'),
    bytes: Number(first('octets', 'octets64')),
    packets: Number(first('packets', 'packets64')),
    src_mask: Number(first('srcmask', 'srcmaskv6') ?? 0),
    dst_mask: Number(first('dstmask', 'dstmaskv6') ?? 0),
    src_mac: first('srcmac'),
    dst_mac: first('dstmac'),
    post_src_mac: first('post_srcmac'),
    post_dst_mac: first('post_dstmac'),
    post_nat_src_addr: text('post_natsource_ipv4_address'),
    post_nat_dst_addr: text('post_natdestination_ipv4_address'),
    // Shown as two: the state, and the reason for it.
    forwarding_status:
      Number(first('forwarding_status') ?? 0) * 64 + Number(first('forwarding_status_forward_code') ?? 0),
    mpls_labels: labels.slice(0, 2).join(','),
    time_start: time('timestart', 'abstimestart'),
    time_end: time('timeend', 'abstimeend'),
  };
}

function fromSflow(values: Values): Shown {
  const first = (...names: string[]): string | undefined =>
    names.map((name) => values.get(name)?.[0]).find((value) => value !== undefined);
  const value = (...names: string[]): number => Number(first(...names) ?? 0);
  // The gateway's record names its next hop as the router's does.
  const [nextHop, bgpNextHop] = ['sflow_245.nexthop', 'sflow_245.nexthop.v6']
    .flatMap((name) => values.get(name) ?? [])
    .map((text) => address(text));
  return {
    src_addr: address(first('ip.src', 'ipv6.src') ?? ''),
    dst_addr: address(first('ip.dst', 'ipv6.dst') ?? ''),
    src_port: value('tcp.srcport', 'udp.srcport'),
    dst_port: value('tcp.dstport', 'udp.dstport'),
    proto: value('ip.proto', 'ipv6.nxt'),
    ttl: value('ip.ttl', 'ipv6.hlim'),
    tos: value('ip.dsfield', 'ipv6.tclass'),
    tcp_flags: value('tcp.flags'),
    bytes: value('sflow_245.header.frame_length'),
    sampling_rate: value('sflow.flow_sample.sampling_rate'),
    in_if: value('sflow.flow_sample.input_interface'),
    out_if: value('sflow.flow_sample.output_interface_value'),
    src_mac: first('eth.src'),
    dst_mac: first('eth.dst'),
    src_vlan: value('sflow_245.vlan.in'),
    dst_vlan: value('sflow_245.vlan.out'),
    next_hop: nextHop,
    bgp_next_hop: bgpNextHop,
    src_mask: value('sflow_245.nexthop.src_mask'),
    dst_mask: value('sflow_245.nexthop.dst_mask'),
    src_as: value('sflow_245.srcAS'),
    dst_as: value('sflow_245.dstAS'),
  };
}

describe('the records that peers get', () => {
  it('differ in every field, so that no two can be mixed up', () => {
    const names = ['src_addr', 'dst_addr', 'src_port', 'dst_port', 'bytes', 'in_if', 'out_if', 'src_as', 'dst_as'];
    for (const protocol of ['netflow5', 'ipfix', 'sflow'] as const) {
      const records = recordsFor(protocol);
      for (const name of names) expect(new Set(records.map((record) => record[name])).size, name).toBe(records.length);
    }
  });
});
