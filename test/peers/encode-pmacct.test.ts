import { expect, it } from 'vitest';
import type { Protocol } from '#weir/export/encoder.js';
import { describeWithTool } from '../helpers/tools.ts';
import { HOP, MACS, NAT, recordsFor, type Shown, sendEncoded, TIMES, table, without } from './encode-records.ts';
import { collectedByPmacct } from './pmacct-records.ts';

/* What weir encodes, as pmacct prints it: every field that it shows. It has no next hop but BGP's. */

const KEYS =
  'src_host,dst_host,src_port,dst_port,proto,tos,tcpflags,in_iface,out_iface,src_as,dst_as,src_mask,dst_mask';
const LINK_KEYS = 'src_mac,dst_mac,vlan,peer_dst_ip';
const MORE_KEYS =
  'post_nat_src_host,post_nat_dst_host,post_nat_src_port,post_nat_dst_port,nat_event,sampling_direction,mpls_label_top,mpls_label_bottom';
const LINK = [...MACS, 'vlan', 'bgp_next_hop'];
const TEMPLATED = [...without(HOP), ...LINK, ...NAT, 'direction'];

describeWithTool(['nfacctd', 'sfacctd'], 'what weir encodes, in pmacct', () => {
  it.each([
    ['nfacctd', 'netflow5', `${KEYS},timestamp_start,timestamp_end`, without(HOP)],
    [
      'nfacctd',
      'netflow9',
      `${KEYS},timestamp_start,timestamp_end,${LINK_KEYS},${MORE_KEYS}`,
      [...TEMPLATED, 'mpls_labels'],
    ],
    // pmacct 1.7.7 reads MPLS labels of v9 alone.
    ['nfacctd', 'ipfix', `${KEYS},timestamp_start,timestamp_end,${LINK_KEYS},${MORE_KEYS}`, TEMPLATED],
    ['sfacctd', 'sflow', `${KEYS},${LINK_KEYS},sampling_rate`, [...without(HOP, TIMES), ...LINK, 'sampling_rate']],
  ] as const)('%s, %s', async (daemon, protocol, keys, names) => {
    const expected = recordsFor(protocol).map((record) => shownByPmacct(record, protocol));
    const send = (port: number) => sendEncoded(protocol, port);
    const found = await collectedByPmacct(daemon, keys, send, expected.length);
    expect(table(found, names)).toEqual(table(expected, names));
  });
});

/** A record as pmacct 1.7.7 has it. */
function shownByPmacct(record: Shown, protocol: Protocol): Shown {
  const isTranslated = record['nat_event'] !== undefined;
  const isIpv6 = (record['src_addr'] as string).includes(':');
  const whole = (time: unknown): string => new Date(Math.ceil(Date.parse(time as string) / 1000) * 1000).toISOString();
  return {
    ...record,
    // Of the two it shows the one on the side where the packet was observed.
    vlan: record[record['direction'] === 1 ? 'dst_vlan' : 'src_vlan'] ?? 0,
    // An event has neither counters nor a route there.
    ...(isTranslated ? { packets: 0, bytes: 0, bgp_next_hop: '' } : {}),
    // It counts sysUptime stamps in whole seconds, backwards from the header's.
    ...(protocol === 'ipfix' ? {} : { time_start: whole(record['time_start']), time_end: whole(record['time_end']) }),
    // Of the traffic class in a sampled IPv6 header the upper four bits alone.
    ...(protocol === 'sflow' && isIpv6 ? { tos: Number(record['tos']) >> 4 } : {}),
  };
}
