import { createElementRegistry } from '#weir/elements/registry.js';
import type { FlowRecord } from '#weir/flow/record.js';
import { COLUMNS } from '#weir/flow/schema.js';

/* How the sources of the corpus name fields, and how they write values, against a FlowRecord. */

const registry = createElementRegistry();
const COLUMN_OF: ReadonlyMap<string, string> = new Map(
  COLUMNS.flatMap(({ name, elements }) => elements.map((element) => [String(element), name] as const)),
);

/** Logstash's names of NetFlow v5 and v9 fields, and Telegraf's, with our columns. */
// biome-ignore format: pairs
const NAMED: Readonly<Record<string, string>> = {
  ipv4_src_addr: 'src_addr', ipv4_dst_addr: 'dst_addr', ipv6_src_addr: 'src_addr', ipv6_dst_addr: 'dst_addr',
  l4_src_port: 'src_port', l4_dst_port: 'dst_port', protocol: 'proto', in_pkts: 'packets', in_permanent_bytes: 'bytes',
  in_permanent_pkts: 'packets', out_pkts: 'out_packets', input_snmp: 'in_if', output_snmp: 'out_if',
  ipv6_src_mask: 'src_mask', ipv6_dst_mask: 'dst_mask', ipv4_next_hop: 'next_hop', ipv6_next_hop: 'next_hop',
  in_src_mac: 'src_mac', out_dst_mac: 'post_dst_mac', in_dst_mac: 'dst_mac', out_src_mac: 'post_src_mac',
  first_switched: 'time_start', last_switched: 'time_end', event_time_msec: 'time_end', flow_start_msec: 'time_start',
  flowStartMilliseconds: 'time_start', flowEndMilliseconds: 'time_end', flowStartSeconds: 'time_start',
  flowEndSeconds: 'time_end', flowStartMicroseconds: 'time_start', flowEndMicroseconds: 'time_end',
  ip_protocol_version: 'ip_version', xlate_src_addr_ipv4: 'post_nat_src_addr', xlate_dst_addr_ipv4: 'post_nat_dst_addr',
  xlate_src_port: 'post_nat_src_port', xlate_dst_port: 'post_nat_dst_port', bgp_ipv4_next_hop: 'bgp_next_hop',
  application_id: 'app_id', application_name: 'app_name', conn_id: 'flow_id', fw_event: 'firewall_event',
  fw_ext_event: 'firewall_extended_event', fwd_flow_delta_bytes: 'bytes', rev_flow_delta_bytes: 'reverse_bytes',
  flow_sampler_id: 'sampler_id', user_id: 'user_name', app_id: 'app_name', ipv4_ident: 'fragment_id', dst_tos: 'post_tos',
  // Telegraf's.
  src: 'src_addr', dst: 'dst_addr', in_bytes: 'bytes', in_packets: 'packets', in_total_bytes: 'bytes',
  in_total_packets: 'packets', in_snmp: 'in_if', out_snmp: 'out_if', vlan_src: 'src_vlan', vlan_dst: 'dst_vlan',
  bgp_src_as: 'src_as', bgp_dst_as: 'dst_as', src_tos: 'tos', flow_start_ms: 'time_start', flow_end_ms: 'time_end',
  type_29305_86: 'reverse_packets', type_29305_85: 'reverse_bytes', sampling_interval: 'sampling_rate',
};

/** Our column for a field of theirs; IPFIX fields go by IANA's names. */
export function columnFor(name: string): string | undefined {
  if (name in NAMED) return NAMED[name];
  const element = registry.byName(name);
  if (element === undefined) return COLUMNS.some((column) => column.name === name) ? name : undefined;
  return COLUMN_OF.get(element.enterprise === 0 ? String(element.id) : `${element.enterprise}/${element.id}`);
}

export type Upstream = string | number | boolean | { readonly status?: number; readonly reason?: number };

/** Both as text in one form. */
function same(theirs: Upstream, ours: unknown, column: string | undefined): boolean {
  if (typeof theirs === 'object' && theirs !== null) {
    return Number(ours) === (theirs.status ?? 0) * 64 + (theirs.reason ?? 0);
  }
  if (column?.startsWith('time_') === true) {
    // Seconds or milliseconds as numbers, ISO 8601 with milliseconds as text; one source forgot to fill in the nanoseconds.
    const micros = String(ours).slice(0, -4);
    if (typeof theirs === 'number')
      return new Date(theirs < 1e11 ? theirs * 1000 : theirs).toISOString().slice(0, -1) === micros;
    return theirs
      .toString()
      .replace(/#\{nanos\}/, '')
      .slice(0, 23)
      .replace(/Z$/, '')
      .startsWith(micros.slice(0, 23));
  }
  if (column === 'app_id') return String(theirs).replaceAll('..', ':') === ours;
  return String(theirs).toLowerCase() === String(ours).toLowerCase();
}

export interface Difference {
  readonly field: string;
  readonly theirs: Upstream;
  readonly ours: unknown;
}

export interface Comparison {
  readonly agreeing: string[];
  readonly differing: Difference[];
  /** Differences that `isKnown`. */
  readonly known: Difference[];
  /** Fields that the record of ours does not have under any name known here. */
  readonly absent: string[];
}

/**
 * Their fields against the record of ours that agrees best; fields that the record does not have are left out, and so are differences that
 * `isKnown`.
 */
export function compareBest(
  theirs: readonly (readonly [string, Upstream])[],
  records: readonly FlowRecord[],
  isKnown: (difference: Difference) => boolean,
): Comparison {
  let best: Comparison = { agreeing: [], differing: [], known: [], absent: [] };
  let bestScore = Number.NEGATIVE_INFINITY;
  for (const record of records) {
    const extra = (record['extra'] ?? {}) as Record<string, unknown>;
    const result: Comparison = { agreeing: [], differing: [], known: [], absent: [] };
    for (const [field, value] of theirs) {
      const column = columnFor(field);
      const ours = (column === undefined ? undefined : record[column]) ?? extra[field];
      if (ours === undefined) result.absent.push(field);
      else if (same(value, ours, column)) result.agreeing.push(field);
      else {
        const difference = { field, theirs: value, ours };
        (isKnown(difference) ? result.known : result.differing).push(difference);
      }
    }
    const score = result.agreeing.length - 2 * result.differing.length;
    if (score > bestScore) [best, bestScore] = [result, score];
  }
  return best;
}
