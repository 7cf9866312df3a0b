import { writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { encodePcap } from '../helpers/pcap.ts';
import { runProcess } from '../helpers/processes.ts';
import { tempFolder } from '../helpers/temp.ts';
import { requireTool } from '../helpers/tools.ts';
import { address, type Shown } from './encode-records.ts';

/* Export datagrams as tshark dissects them: every field of every record, by our names. */

const PORT = 20_550;

/** What stands in a part of a packet, by the name of the field: all its values, from the parts within it too. */
export type Values = ReadonlyMap<string, readonly string[]>;

/**
 * The records of export datagrams, as `read` makes them of the parts that it knows to be one.
 *
 * @param atMillis when they are said to have come, ms since the epoch
 */
export async function dissected(
  datagrams: readonly Uint8Array[],
  atMillis: number,
  dissector: 'cflow' | 'sflow',
  read: (values: Values, clock: Values) => Shown,
): Promise<Shown[]> {
  const file = tempFolder('tshark').join('x.pcap');
  const loopback = [0, 0, 0xffff, 0x7f000001] as const;
  const ends = { source: loopback, sourcePort: 50_000, destination: loopback, destinationPort: PORT };
  writeFileSync(file, encodePcap(datagrams.map((payload) => ({ time: atMillis * 1000, ...ends, payload }))));
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

/** A record of NetFlow or IPFIX. */
export function fromCflow(values: Values, clock: Values): Shown {
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
