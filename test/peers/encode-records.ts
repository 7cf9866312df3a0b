import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEncoder, type Protocol } from '#weir/export/encoder.js';
import type { FlowRecord } from '#weir/flow/record.js';
import { formatAddress, parseAddress } from '#weir/util/address.js';

/** Records that every peer gets, and the peers' answers in the same words. */

const COUNT = 60;

/** A time of now, so that no peer has a reason to doubt it; whole seconds. */
export const NOW = Math.floor(Date.now() / 1000) * 1000;

const iso = (ms: number): string => new Date(ms).toISOString();

/** Names of the columns that the records have, in groups that a format or a peer has or lacks. */
export const KEY = ['src_addr', 'dst_addr', 'src_port', 'dst_port', 'proto', 'tos', 'tcp_flags', 'bytes', 'packets'];
export const INTERFACES = ['in_if', 'out_if'];
export const TIMES = ['time_start', 'time_end'];
export const AS = ['src_as', 'dst_as'];
export const MASKS = ['src_mask', 'dst_mask'];
export const HOP = ['next_hop'];
export const MACS = ['src_mac', 'dst_mac'];
export const POST_MACS = ['post_src_mac', 'post_dst_mac'];
export const VLANS = ['src_vlan', 'dst_vlan'];
export const VRFS = ['ingress_vrf', 'egress_vrf'];
export const NAT = ['nat_event', 'post_nat_src_addr', 'post_nat_dst_addr', 'post_nat_src_port', 'post_nat_dst_port'];

/** The columns of the fixed formats, but for those in `gone`. */
export function without(...gone: string[][]): string[] {
  return [KEY, INTERFACES, TIMES, AS, MASKS, HOP].filter((names) => !gone.includes(names)).flat();
}

/**
 * Sixty records with values that differ in every field; every third is IPv6 where the format has it. For sFlow they are samples; formats with templates carry
 * more columns, and every fifth record a translation.
 */
export function recordsFor(protocol: Protocol): FlowRecord[] {
  const isSflow = protocol === 'sflow';
  const hasTemplates = protocol === 'netflow9' || protocol === 'ipfix';
  const hasIpv6 = isSflow || hasTemplates;
  return Array.from({ length: COUNT }, (_, i): FlowRecord => {
    const isIpv6 = hasIpv6 && i % 3 === 0;
    const proto = i % 2 === 0 ? 6 : 17;
    return {
      observation_domain: isSflow ? 0 : 1,
      record_kind: isSflow ? 'sample' : 'flow',
      sampling_rate: isSflow ? 100 : 0,
      time_start: iso(NOW - 60_000 + i * 7),
      time_end: iso(NOW - 5000 + i * 3),
      src_addr: isIpv6 ? `2001:db8:0:1::${(i + 1).toString(16)}` : `10.1.${i}.1`,
      dst_addr: isIpv6 ? `2001:db8:0:2::${(i + 1).toString(16)}` : `10.2.${i}.2`,
      src_port: 1024 + i,
      dst_port: 40_000 + i,
      proto,
      tcp_flags: proto === 6 ? 0x10 + (i % 8) : 0,
      tos: (i * 4) % 256,
      bytes: 1000 + i * 11,
      packets: isSflow ? 1 : 3 + i,
      in_if: 100 + i,
      out_if: 200 + i,
      src_as: 64_000 + i,
      dst_as: 65_000 + i,
      src_mask: 8 + (i % 24),
      dst_mask: 9 + (i % 23),
      next_hop: isIpv6 ? '2001:db8:0:9::9' : `10.9.${i}.9`,
      ...(isSflow || hasTemplates ? { ...linkLayer(i), bgp_next_hop: isIpv6 ? '2001:db8:0:8::8' : `10.8.${i}.8` } : {}),
      ...(isSflow ? { ttl: 10 + i } : {}),
      ...(hasTemplates ? more(i) : {}),
      ...(hasTemplates && isIpv6 ? { flow_label: 70_000 + i } : {}),
      ...(hasTemplates && !isIpv6 && i % 5 === 0 ? translation(i) : {}),
    };
  });
}

const linkLayer = (i: number): FlowRecord => ({
  src_vlan: 10 + i,
  dst_vlan: 110 + i,
  src_mac: `02:00:00:00:01:${hex(i)}`,
  dst_mac: `02:00:00:00:02:${hex(i)}`,
});

const more = (i: number): FlowRecord => ({
  post_src_mac: `02:00:00:00:03:${hex(i)}`,
  post_dst_mac: `02:00:00:00:04:${hex(i)}`,
  ingress_vrf: 300 + i,
  egress_vrf: 400 + i,
  direction: i % 2,
  forwarding_status: 64 + (i % 3),
  flow_end_reason: 1 + (i % 5),
  min_ttl: 1 + i,
  max_ttl: 100 + i,
  mpls_labels: `${1000 + i},${2000 + i}`,
});

const translation = (i: number): FlowRecord => ({
  nat_event: 4 + (i % 2),
  post_nat_src_addr: `10.3.${i}.3`,
  post_nat_dst_addr: `10.4.${i}.4`,
  post_nat_src_port: 3000 + i,
  post_nat_dst_port: 4000 + i,
});

function hex(number: number): string {
  return number.toString(16).padStart(2, '0');
}

/** Sends the encoded records to a UDP port of this host. */
export async function sendEncoded(protocol: Protocol, port: number): Promise<void> {
  const socket = createSocket('udp4');
  for (const message of encodedFor(protocol)) {
    await new Promise((resolve) => socket.send(message, port, '127.0.0.1', resolve));
    await sleep(2);
  }
  socket.close();
}

export function encodedFor(protocol: Protocol): Uint8Array[] {
  const encoder = createEncoder({ protocol, agent: '192.0.2.1', sample: 'header' });
  return encoder.encode(recordsFor(protocol), { exportMillis: NOW });
}

/** One spelling of addresses. */
export function address(text: string): string {
  const words = parseAddress(text);
  return words === undefined ? text : formatAddress(...words);
}

/** Lines of the columns `names`, sorted: what two lists of records have in common, or not. Peers show what is absent as 0, or as nothing. */
export function table(records: readonly Shown[], names: readonly string[]): string[] {
  const value = (record: Shown, name: string): string => String((record[name] as string | undefined) || 0);
  return records.map((record) => names.map((name) => `${name}=${value(record, name)}`).join(' ')).sort();
}

/** A record as a peer has it, by our names. */
export type Shown = Readonly<Record<string, FlowRecord[string] | undefined>>;

/** A row of a peer's JSON. */
export type Row = Readonly<Record<string, string | number | undefined>>;

/** What a peer shows as a number; 0 when it does not show it. */
export function number(row: Row, name: string): number {
  return Number(row[name] ?? 0);
}
