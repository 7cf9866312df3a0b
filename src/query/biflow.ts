import { fileType, SQL_TIME_END, sqlName } from './sql-text.ts';

/*
 * A biflow record (RFC 5103, and the initiator and responder of firewalls) has both directions of a conversation in one row. Split, it is two rows,
 * each with its own source, counters and times, as an exporter of uniflows would have sent them.
 */

/** Columns of the files that change places in the row of the other direction. */
const SWAPPED: ReadonlyMap<string, string> = new Map(
  [
    ['src_addr_hi', 'dst_addr_hi'],
    ['src_addr_lo', 'dst_addr_lo'],
    ['src_port', 'dst_port'],
    ['src_as', 'dst_as'],
    ['src_mask', 'dst_mask'],
    ['src_prefix_hi', 'dst_prefix_hi'],
    ['src_prefix_lo', 'dst_prefix_lo'],
    ['src_mac', 'dst_mac'],
    ['src_vlan', 'dst_vlan'],
    ['in_if', 'out_if'],
    ['in_physical_if', 'out_physical_if'],
    ['in_if_type', 'out_if_type'],
    ['ingress_vrf', 'egress_vrf'],
    ['next_as', 'prev_as'],
    ['post_nat_src_addr_hi', 'post_nat_dst_addr_hi'],
    ['post_nat_src_addr_lo', 'post_nat_dst_addr_lo'],
    ['post_nat_src_port', 'post_nat_dst_port'],
  ].flatMap(([a, b]): [string, string][] => [
    [a as string, b as string],
    [b as string, a as string],
  ]),
);

/** Columns of the other direction, under the name that they have in a row of their own. */
const REVERSE: ReadonlyMap<string, string> = new Map([
  ['bytes', 'reverse_bytes'],
  ['packets', 'reverse_packets'],
  ['tcp_flags', 'reverse_tcp_flags'],
  ['tos', 'reverse_tos'],
]);

/** Columns that tell of the first direction alone: NULL in the row of the other one. */
const FORWARD_ONLY: ReadonlySet<string> = new Set(
  'direction next_hop_hi next_hop_lo bgp_next_hop_hi bgp_next_hop_lo as_path bgp_communities icmp_type icmp_code out_bytes out_packets dropped_bytes dropped_packets ttl min_ttl max_ttl min_packet_length max_packet_length ip_total_length fragment_id fragment_offset fragment_flags ip_header_length flow_label post_tos post_src_mac post_dst_mac tcp_sequence'.split(
    ' ',
  ),
);

const REVERSE_START = 'coalesce("reverse_time_start", "time_start")';
const REVERSE_END = `coalesce("reverse_time_end", ${SQL_TIME_END})`;
const HAS_REVERSE = '(coalesce("reverse_packets", 0) > 0 OR coalesce("reverse_bytes", 0) > 0)';

/** Columns of the files that `splitBiflows` reads to give the columns `names`. */
export function biflowColumns(names: readonly string[]): string[] {
  const needed = new Set(['reverse_packets', 'reverse_bytes']);
  for (const name of names) {
    needed.add(name);
    const other = SWAPPED.get(name) ?? REVERSE.get(name);
    if (other !== undefined) needed.add(other);
    if (name === 'time_start' || name === 'duration')
      for (const time of ['time_start', 'duration', 'reverse_time_start', 'reverse_time_end']) needed.add(time);
  }
  return [...needed];
}

/** What to put behind FROM for the columns `names` of `scan`, which has `biflowColumns(names)`, with a row for each direction of a biflow. */
export function splitBiflows(scan: string, names: readonly string[]): string {
  const list = names.length > 0 ? names : ['packets'];
  const select = (value: (name: string) => string): string =>
    list.map((name) => `${value(name)} AS ${sqlName(name)}`).join(', ');
  const forward = `SELECT ${select(forwardValue)} FROM ${scan}`;
  return `(${forward} UNION ALL SELECT ${select(reverseValue)} FROM ${scan} WHERE ${HAS_REVERSE})`;
}

function forwardValue(name: string): string {
  if (name.startsWith('reverse_')) return `NULL::${fileType(name)}`;
  if (name === 'record_kind') return 'CASE WHEN "record_kind" = 1 THEN 0::UTINYINT ELSE "record_kind" END';
  return sqlName(name);
}

function reverseValue(name: string): string {
  const other = SWAPPED.get(name) ?? REVERSE.get(name);
  if (other !== undefined) return `${sqlName(other)}::${fileType(name)}`;
  if (name === 'time_start') return REVERSE_START;
  if (name === 'duration') return `(epoch_us(${REVERSE_END}) - epoch_us(${REVERSE_START}))::${fileType(name)}`;
  return FORWARD_ONLY.has(name) ? `NULL::${fileType(name)}` : forwardValue(name);
}
