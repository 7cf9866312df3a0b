import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { freeUdpPort } from '../helpers/free-port.ts';
import { startProcess } from '../helpers/processes.ts';
import { tempFolder } from '../helpers/temp.ts';
import { requireTool } from '../helpers/tools.ts';
import { address, number, type Row, type Shown } from './encode-records.ts';

/**
 * Runs a collector of pmacct, which prints each flow by these keys (`aggregate` of its configuration), until it has as many as are expected.
 *
 * @param send sends export datagrams to a port of 127.0.0.1
 */
export async function collectedByPmacct(
  daemon: 'nfacctd' | 'sfacctd',
  keys: string,
  send: (port: number) => Promise<void>,
  expected: number,
): Promise<Shown[]> {
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
    await send(port);
    const rows = () => (existsSync(output) ? readFileSync(output, 'utf8').trim().split('\n') : []);
    for (let tries = 0; tries < 100 && rows().length < expected; tries++) await sleep(100);
    await sleep(200);
    return rows().map((line) => fromPmacct(JSON.parse(line) as Row));
  } finally {
    running.kill();
    await running.finished;
  }
}

const PROTOCOLS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, 'ipv6-icmp': 58 };

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
    proto: PROTOCOLS[String(row['ip_proto'])] ?? number(row, 'ip_proto'),
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
