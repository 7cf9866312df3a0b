import { readFileSync } from 'node:fs';
import type { FlowRecord } from '#weir/flow/record.js';

/* pmacct's output (a JSON object a line) for its own captures: flows of equal keys are added up. */

const PROTOCOLS: Readonly<Record<string, number>> = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  'ipv6-icmp': 58,
  gre: 47,
  ospf: 89,
  pim: 103,
  vrrp: 112,
};
const FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECN', 'CWR'];
const FORWARDING: readonly (readonly [word: string, first: number])[] = [
  ['UNKNOWN', 0],
  ['FORWARDED', 64],
  ['DROPPED', 128],
  ['CONSUMED', 192],
];

const NO_MAC = '00:00:00:00:00:00';

/** Times are pmacct's own here (nfacctd_time_new), and prefixes those of its BGP session. */
export interface PmacctLine {
  readonly peer_ip_src: string;
  readonly ip_src: string;
  readonly ip_dst: string;
  readonly port_src: number;
  readonly port_dst: number;
  readonly ip_proto: string;
  readonly tos: number;
  readonly iface_in: number;
  readonly iface_out: number;
  readonly tcp_flags: readonly string[];
  readonly fwd_status: string;
  readonly mac_src?: string;
  readonly mac_dst?: string;
  readonly custom_primitives?: Readonly<Record<string, string>>;
  readonly packets: number;
  readonly bytes: number;
}

export function pmacctLines(file: string): PmacctLine[] {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as PmacctLine);
}

/** What pmacct's line says, by our columns; counters apart. */
function pmacctKey(line: PmacctLine): Record<string, unknown> {
  const primitives = line.custom_primitives ?? {};
  return {
    src_addr: line.ip_src,
    dst_addr: line.ip_dst,
    src_port: line.port_src,
    dst_port: line.port_dst,
    proto: PROTOCOLS[line.ip_proto] ?? Number(line.ip_proto),
    tos: line.tos,
    in_if: line.iface_in,
    out_if: line.iface_out,
    forwarding_status: line.fwd_status.split(' ')[0],
    src_mac: line.mac_src ?? NO_MAC,
    dst_mac: line.mac_dst ?? NO_MAC,
    ingress_vrf: Number(primitives['vrf_id_ingress'] ?? 0),
    egress_vrf: Number(primitives['vrf_id_egress'] ?? 0),
  };
}

/** The same of a record of ours: pmacct has 0 where there is nothing, and MAC addresses where it was told to. */
function recordKey(record: FlowRecord, isMacTold: boolean): Record<string, unknown> {
  const number = (name: string): number => Number(record[name] ?? 0);
  const inner = 'inner_proto' in record ? 'inner_' : '';
  const extra = (record['extra'] ?? {}) as Record<string, number>;
  const forwarding = number('forwarding_status');
  return {
    src_addr: record[`${inner}src_addr`],
    dst_addr: record[`${inner}dst_addr`],
    ...Object.fromEntries(['src_port', 'dst_port', 'proto'].map((name) => [name, number(`${inner}${name}`)])),
    // Of a packet in a packet, pmacct tells the octet of the inner one.
    tos: extra['ipClassOfService'] ?? number('tos'),
    ...Object.fromEntries(['in_if', 'out_if'].map((name) => [name, number(name)])),
    forwarding_status: FORWARDING.findLast(([, first]) => forwarding >= first)?.[0],
    src_mac: isMacTold ? (record['src_mac'] ?? NO_MAC) : NO_MAC,
    dst_mac: isMacTold ? (record['dst_mac'] ?? NO_MAC) : NO_MAC,
    ingress_vrf: number('ingress_vrf'),
    egress_vrf: number('egress_vrf'),
  };
}

/** What goes by, with the key of its flow; TCP flags of equal keys are or-ed. */
export interface Counted {
  readonly key: Record<string, unknown>;
  readonly packets: number;
  readonly bytes: number;
  readonly flags: number;
}

export function lineCounted(line: PmacctLine): Counted {
  const flags = line.tcp_flags.reduce((bits, flag) => bits | (1 << FLAGS.indexOf(flag)), 0);
  return { key: pmacctKey(line), packets: line.packets, bytes: line.bytes, flags };
}

export function recordCounted(record: FlowRecord, isMacTold: boolean): Counted {
  const number = (name: string): number => Number(record[name] ?? 0);
  // Of a packet in a packet, pmacct tells the flags of the inner one.
  const inner = (record['extra'] as Record<string, number> | undefined)?.['tcpControlBits'];
  const flags = (inner ?? number('tcp_flags')) & 255;
  return { key: recordKey(record, isMacTold), packets: number('packets'), bytes: number('bytes'), flags };
}

/** Adds up what has equal keys: the sums as text by the key's text. */
export function addUp(flows: readonly Counted[]): Map<string, string> {
  const sums = new Map<string, [packets: number, bytes: number, flags: number]>();
  for (const { key, packets, bytes, flags } of flows) {
    const text = JSON.stringify(key);
    const [p, b, f] = sums.get(text) ?? [0, 0, 0];
    sums.set(text, [p + packets, b + bytes, f | flags]);
  }
  return new Map(
    [...sums].map(([key, [packets, bytes, flags]]) => [key, `${packets} packets, ${bytes} bytes, flags ${flags}`]),
  );
}
