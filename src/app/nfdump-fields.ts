import { protocolNumber } from '../filter/protocols.ts';
import { parseTimeLiteral } from '../filter/time-literal.ts';
import { parseFlags, parseMac } from '../filter/values.ts';
import { type Address, parseAddress } from '../util/address.ts';
import type { Zone } from '../util/zone.ts';

/** A value for a column: numbers and times (µs) as bigint. */
export type FieldValue = bigint | Address | string;

/** Reads the text of a field; undefined when it is none of that kind. */
type Read = (text: string, zone: Zone) => FieldValue | undefined;

interface Field {
  /** nfdump's names: of its CSV (1.6 and 1.7), and of its JSON (1.6 and 1.7). */
  readonly names: readonly string[];
  readonly column: string;
  readonly read: Read;
  /** A 0 is a value. Elsewhere it is what nfdump writes for fields that a record does not have. */
  readonly keepsZero?: true;
}

const whole: Read = (text) => (/^\d{1,20}$/.test(text) ? BigInt(text) : undefined);
const address: Read = (text) => parseAddress(text);
const mac: Read = (text) => parseMac(text);
const proto: Read = (text, zone) => whole(text, zone) ?? optional(protocolNumber(text));
/** `...AP.SF`, or a number. */
const flags: Read = (text, zone) => whole(text, zone) ?? optional(parseFlags(text.replaceAll('.', '')) ?? 0);
/** A time of the clock, or ms since the epoch. */
const time: Read = (text, zone) => (/^\d{11,14}$/.test(text) ? BigInt(text) * 1000n : parseTimeLiteral(text, zone));

function optional(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(value);
}

// biome-ignore format: one field, one row
const FIELDS: readonly Field[] = [
  { names: ['ts', 'firstSeen', 'first', 't_first'], column: 'time_start', read: time },
  { names: ['te', 'lastSeen', 'last', 't_last'], column: 'time_end', read: time },
  { names: ['tr', 'received', 't_received'], column: 'time_received', read: time },
  { names: ['sa', 'srcAddr', 'src4_addr', 'src6_addr'], column: 'src_addr', read: address, keepsZero: true },
  { names: ['da', 'dstAddr', 'dst4_addr', 'dst6_addr'], column: 'dst_addr', read: address, keepsZero: true },
  { names: ['sp', 'srcPort', 'src_port'], column: 'src_port', read: whole, keepsZero: true },
  { names: ['dp', 'dstPort', 'dst_port'], column: 'dst_port', read: whole, keepsZero: true },
  { names: ['pr', 'proto'], column: 'proto', read: proto, keepsZero: true },
  { names: ['flg', 'flags', 'tcp_flags'], column: 'tcp_flags', read: flags, keepsZero: true },
  { names: ['stos', 'srcTos', 'src_tos', 'tos'], column: 'tos', read: whole, keepsZero: true },
  { names: ['ipkt', 'packets', 'in_packets'], column: 'packets', read: whole, keepsZero: true },
  { names: ['ibyt', 'bytes', 'in_bytes'], column: 'bytes', read: whole, keepsZero: true },
  { names: ['opkt', 'out_packets'], column: 'out_packets', read: whole },
  { names: ['obyt', 'out_bytes'], column: 'out_bytes', read: whole },
  { names: ['flows', 'fl', 'aggr_flows'], column: 'flow_count', read: whole },
  { names: ['in', 'input', 'input_snmp'], column: 'in_if', read: whole, keepsZero: true },
  { names: ['out', 'output', 'output_snmp'], column: 'out_if', read: whole, keepsZero: true },
  { names: ['sas', 'srcAS', 'src_as'], column: 'src_as', read: whole, keepsZero: true },
  { names: ['das', 'dstAS', 'dst_as'], column: 'dst_as', read: whole, keepsZero: true },
  { names: ['next_as'], column: 'next_as', read: whole },
  { names: ['prev_as'], column: 'prev_as', read: whole },
  { names: ['smk', 'src_mask'], column: 'src_mask', read: whole },
  { names: ['dmk', 'dst_mask'], column: 'dst_mask', read: whole },
  { names: ['dtos', 'dst_tos'], column: 'post_tos', read: whole },
  { names: ['dir', 'direction'], column: 'direction', read: whole },
  { names: ['fwd', 'fwd_status'], column: 'forwarding_status', read: whole },
  { names: ['nh', 'ip4_next_hop', 'ip6_next_hop'], column: 'next_hop', read: address },
  { names: ['nhb', 'bgp4_next_hop', 'bgp6_next_hop'], column: 'bgp_next_hop', read: address },
  { names: ['svln', 'src_vlan'], column: 'src_vlan', read: whole },
  { names: ['dvln', 'dst_vlan'], column: 'dst_vlan', read: whole },
  { names: ['ismc', 'in_src_mac'], column: 'src_mac', read: mac },
  { names: ['odmc', 'out_dst_mac'], column: 'post_dst_mac', read: mac },
  { names: ['idmc', 'in_dst_mac'], column: 'dst_mac', read: mac },
  { names: ['osmc', 'out_src_mac'], column: 'post_src_mac', read: mac },
  { names: ['ra', 'ip4_router', 'ip6_router'], column: 'exporter', read: address },
  { names: ['icmp_type'], column: 'icmp_type', read: whole, keepsZero: true },
  { names: ['icmp_code'], column: 'icmp_code', read: whole, keepsZero: true },
  { names: ['user_name'], column: 'user_name', read: (text) => text },
  { names: ['src4_xlt_ip', 'src6_xlt_ip'], column: 'post_nat_src_addr', read: address },
  { names: ['dst4_xlt_ip', 'dst6_xlt_ip'], column: 'post_nat_dst_addr', read: address },
  { names: ['src_xlt_port'], column: 'post_nat_src_port', read: whole },
  { names: ['dst_xlt_port'], column: 'post_nat_dst_port', read: whole },
  { names: ['nat_event_id'], column: 'nat_event', read: whole },
  { names: ['event_id'], column: 'firewall_event', read: whole },
  { names: ['ingress_vrf'], column: 'ingress_vrf', read: whole },
  { names: ['egress_vrf'], column: 'egress_vrf', read: whole },
  { names: ['pblock_start'], column: 'port_range_start', read: whole },
  { names: ['pblock_end'], column: 'port_range_end', read: whole },
  { names: ['pblock_step'], column: 'port_range_step', read: whole },
  { names: ['pblock_size'], column: 'port_range_size', read: whole },
];

const BY_NAME = new Map(FIELDS.flatMap((field) => field.names.map((name) => [name, field])));

/** Whether a column of nfdump's output is one that is read. */
export function isNfdumpField(name: string): boolean {
  return BY_NAME.has(name) || name === 'td' || name === 'duration' || name === 'eng' || /^mpls_?\d+$/.test(name);
}

/**
 * A record of nfdump's CSV or JSON as values of columns. Fields that nfdump writes as 0 for want of a value are left out; so are those that no column takes.
 * Returns the name of the field that cannot be read instead, or what is missing.
 */
export function readNfdumpRecord(
  fields: Iterable<readonly [name: string, text: string]>,
  zone: Zone,
  exporter?: Address,
): ReadonlyMap<string, FieldValue> | string {
  const values = new Map<string, FieldValue>();
  const labels: string[] = [];
  let duration: number | undefined;
  for (const [name, text] of fields) {
    if (text === '') continue;
    const field = BY_NAME.get(name);
    if (field !== undefined) {
      // ICMP has type and code where others have the port: `8.0`.
      const icmp = name === 'dp' || name === 'dstPort' ? /^(\d{1,3})\.(\d{1,3})$/.exec(text) : null;
      if (icmp !== null) {
        values.set('icmp_type', BigInt(icmp[1] as string)).set('icmp_code', BigInt(icmp[2] as string));
        continue;
      }
      const value = field.read(text, zone);
      if (value === undefined) return name;
      if (field.keepsZero === true || !isNothing(value)) values.set(field.column, value);
    } else if (name === 'td' || name === 'duration') {
      duration = Number(text);
    } else if (name === 'eng') {
      const [type = '0', id = '0'] = text.split('/');
      if (!/^\d{1,3}$/.test(type) || !/^\d{1,3}$/.test(id)) return name;
      if (type !== '0' || id !== '0') values.set('engine_type', BigInt(type)).set('engine_id', BigInt(id));
    } else if (/^mpls_?\d+$/.test(name)) {
      const label = /^\d+/.exec(text)?.[0];
      if (label !== undefined && !/^0(-0)*$/.test(text)) labels.push(label);
    }
  }
  if (labels.length > 0) values.set('mpls_labels', labels.join(','));
  const start = values.get('time_start');
  if (typeof start !== 'bigint') return 'no time of the first packet';
  // nfdump's CSV cuts times to whole seconds, and has milliseconds in the duration.
  if (duration !== undefined && duration >= 0)
    values.set('time_end', start + BigInt(Math.round(duration * 1000)) * 1000n);
  if (exporter !== undefined && !values.has('exporter')) values.set('exporter', exporter);
  // When it came is not told by all forms; it was not before its end.
  if (!values.has('time_received')) values.set('time_received', values.get('time_end') ?? start);
  if (values.get('flow_count') === 1n) values.delete('flow_count');
  return values;
}

function isNothing(value: FieldValue): boolean {
  if (typeof value === 'bigint') return value === 0n;
  if (typeof value === 'string') return value === '';
  const [w0, w1, w2, w3] = value;
  return w0 === 0 && w1 === 0 && (w2 === 0 || w2 === 0xffff) && w3 === 0;
}
