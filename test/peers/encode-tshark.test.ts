import { describe, expect, it } from 'vitest';
import { describeWithTool } from '../helpers/tools.ts';
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
import { dissected, fromCflow, type Values } from './tshark-records.ts';

/* What weir encodes, as tshark dissects it: every field of every record. */

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
    const found = await dissected(encodedFor(protocol), NOW, 'cflow', fromCflow);
    expect(table(found, names)).toEqual(table(recordsFor(protocol), names));
  });

  it('sFlow: the rebuilt headers are packets, and the records beside them', async () => {
    const names = [...without(TIMES), ...MACS, ...VLANS, 'bgp_next_hop', 'ttl', 'sampling_rate'];
    const found = await dissected(encodedFor('sflow'), NOW, 'sflow', fromSflow);
    const expected = recordsFor('sflow').map((record) => ({ ...record, packets: undefined }));
    expect(table(found, names)).toEqual(table(expected, names));
  });
});

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
