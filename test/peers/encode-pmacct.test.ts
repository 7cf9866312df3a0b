import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Protocol } from '#weir/export/encoder.js';
import { freeUdpPort } from '../helpers/free-port.ts';
import { startProcess } from '../helpers/processes.ts';
import { tempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import {
  address,
  HOP,
  MACS,
  NAT,
  number,
  type Row,
  recordsFor,
  type Shown,
  sendEncoded,
  TIMES,
  table,
  without,
} from './encode-records.ts';

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
    const folder = tempFolder(daemon);
    const port = await freeUdpPort();
    const output = folder.join('out.json');
    const settings = [
      'daemonize: false',
      `${daemon}_ip: 127.0.0.1`,
      `${daemon}_port: ${port}`,
      `${daemon}_as: netflow`,
      `${daemon}_net: netflow`,
      'timestamps_rfc3339: true',
      'timestamps_utc: true',
      'plugins: print[a]',
      `aggregate[a]: ${keys}`,
      'print_output[a]: json',
      `print_output_file[a]: ${output}`,
      'print_refresh_time[a]: 1',
      'print_output_file_append[a]: true',
    ];
    writeFileSync(folder.join('conf'), `${settings.join('\n')}\n`);
    const running = startProcess(requireTool(daemon), ['-f', folder.join('conf')]);
    try {
      // The core process listens before its plugin does.
      await running.waitFor('cache entries');
      await sleep(500);
      await sendEncoded(protocol, port);
      const rows = () => (existsSync(output) ? readFileSync(output, 'utf8').trim().split('\n') : []);
      const expected = recordsFor(protocol).map((record) => shownByPmacct(record, protocol));
      for (let tries = 0; tries < 100 && rows().length < expected.length; tries++) await sleep(100);
      await sleep(200);
      const found = rows().map((line) => fromPmacct(JSON.parse(line) as Row));
      expect(table(found, names)).toEqual(table(expected, names));
    } finally {
      running.kill();
      await running.finished;
    }
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

function fromPmacct(row: Row): Shown {
  const text = (name: string): string | undefined => {
    const value = row[name];
    return value === undefined || value === '' ? undefined : address(String(value));
  };
  const time = (name: string): string | undefined =>
    row[name] === undefined ? undefined : new Date(String(row[name])).toISOString();
  return {
    src_addr: text('ip_src'),
    dst_addr: text('ip_dst'),
    src_port: number(row, 'port_src'),
    dst_port: number(row, 'port_dst'),
    proto: row['ip_proto'] === 'tcp' ? 6 : 17,
    tos: number(row, 'tos'),
    tcp_flags: number(row, 'tcp_flags'),
    bytes: number(row, 'bytes'),
    packets: number(row, 'packets'),
    in_if: number(row, 'iface_in'),
    out_if: number(row, 'iface_out'),
    src_as: number(row, 'as_src'),
    dst_as: number(row, 'as_dst'),
    src_mask: number(row, 'mask_src'),
    dst_mask: number(row, 'mask_dst'),
    src_mac: text('mac_src'),
    dst_mac: text('mac_dst'),
    vlan: number(row, 'vlan'),
    bgp_next_hop: text('peer_ip_dst'),
    direction: row['sampling_direction'] === 'e' ? 1 : 0,
    sampling_rate: number(row, 'sampling_rate'),
    mpls_labels: `${number(row, 'mpls_label_top')},${number(row, 'mpls_label_bottom')}`,
    nat_event: number(row, 'nat_event'),
    post_nat_src_addr: text('post_nat_ip_src'),
    post_nat_dst_addr: text('post_nat_ip_dst'),
    post_nat_src_port: number(row, 'post_nat_port_src'),
    post_nat_dst_port: number(row, 'post_nat_port_dst'),
    time_start: time('timestamp_start'),
    time_end: time('timestamp_end'),
  };
}
