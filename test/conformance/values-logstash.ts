import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { applicationText } from '#weir/wire/application-id.js';
import { corpusCases } from '../session/corpus-cases.ts';
import {
  addRecord,
  type Difference,
  type Fields,
  newValues,
  type Rules,
  type SourceValues,
  type Theirs,
} from './compare-values.ts';
import { caseDatagrams } from './datagrams.ts';
import { type DecodedRecord, decodeWhole } from './decoded-case.ts';
import { headerTime, type Places, valueAt } from './field-names.ts';

/* The expected events of logstash-codec-netflow: whole ones, and single fields of others. */

// biome-ignore format: pairs
const PLACES: Places = {
  flow_seq_num: '', version: 'header.version', flowset_id: 'set', flow_records: 'header.count',
  ipv4_src_addr: 'src_addr', ipv4_dst_addr: 'dst_addr', ipv6_src_addr: 'src_addr', ipv6_dst_addr: 'dst_addr',
  l4_src_port: 'src_port', l4_dst_port: 'dst_port', protocol: 'proto', in_pkts: 'packets', in_bytes: 'bytes',
  in_permanent_bytes: 'bytes', in_permanent_pkts: 'packets', out_pkts: 'out_packets', out_bytes: 'out_bytes',
  input_snmp: 'in_if', output_snmp: 'out_if', src_tos: 'tos', dst_tos: 'post_tos',
  ipv6_src_mask: 'src_mask', ipv6_dst_mask: 'dst_mask', ipv4_next_hop: 'next_hop', ipv6_next_hop: 'next_hop',
  in_src_mac: 'src_mac', out_dst_mac: 'post_dst_mac', in_dst_mac: 'dst_mac', out_src_mac: 'post_src_mac',
  first_switched: 'time_start', last_switched: 'time_end', event_time_msec: 'time_end', flow_start_msec: 'time_start',
  flowStartMilliseconds: 'time_start', flowEndMilliseconds: 'time_end', flowStartSeconds: 'time_start',
  flowEndSeconds: 'time_end', flowStartMicroseconds: 'time_start', flowEndMicroseconds: 'time_end',
  ip_protocol_version: 'ip_version', xlate_src_addr_ipv4: 'post_nat_src_addr', xlate_dst_addr_ipv4: 'post_nat_dst_addr',
  xlate_src_port: 'post_nat_src_port', xlate_dst_port: 'post_nat_dst_port', bgp_ipv4_next_hop: 'bgp_next_hop',
  application_id: 'app_id', application_name: 'app_name', conn_id: 'flow_id', fw_event: 'firewall_event',
  fw_ext_event: 'firewall_extended_event', fwd_flow_delta_bytes: 'bytes', rev_flow_delta_bytes: 'reverse_bytes',
  flow_sampler_id: 'sampler_id', user_id: 'user_name', app_id: 'app_name', ipv4_ident: 'fragment_id',
  flows: '=deltaFlowCount', ipv4_src_prefix: '=sourceIPv4Prefix', tcp_src_port: '=tcpSourcePort',
  udp_dst_port: '=udpDestinationPort', ip_dscp: '=ipDiffServCodePoint', mpls_label_stack_octets: '=mplsLabelStackLength',
  // Options data.
  scope_system: '=System', scope_interface: '=Interface', total_bytes_exp: '=exportedOctetTotalCount',
  total_pkts_exp: '=exportedMessageTotalCount', total_flows_exp: '=exportedFlowRecordTotalCount',
  flow_active_timeout: '=flowActiveTimeout', flow_inactive_timeout: '=flowIdleTimeout',
  sampling_algorithm: '=samplingAlgorithm', sampling_interval: '=samplingInterval', src_traffic_index: '=srcTrafficIndex',
  dst_traffic_index: '=dstTrafficIndex', nprobe_proto: '=l7_proto', meanPacketRate: '=yafMeanPacketRate',
  meanFlowRate: '=yafMeanFlowRate', flowTableFlushEventCount: '=yafFlowTableFlushEventCount',
  flowTablePeakCount: '=yafFlowTablePeakCount', expiredFragmentCount: '=yafExpiredFragmentCount',
  assembledFragmentCount: '=yafAssembledFragmentCount',
  application_description: '=applicationDescription', if_desc: '=interfaceDescription',
};

function value(field: string, record: DecodedRecord): unknown {
  const { header, kind, elements } = record;
  if (field === '@timestamp') return headerTime(header);
  if (field === 'flow_seq_num') return header['flowSequence'] ?? header['sequenceNumber'];
  if (header.version === 5) {
    if (field === 'sampling_algorithm') return header['samplingMode'];
    if (field === 'sampling_interval') return header['samplingInterval'];
    if (field === 'engine_type') return header['engineType'];
    if (field === 'engine_id') return header['engineId'];
  }
  if (field === 'application_id' && kind === 'options') {
    const octets = Buffer.from(String(elements['applicationId']), 'hex');
    return applicationText(octets, 0, octets.length);
  }
  return valueAt(PLACES, field, record);
}

const rules: Rules = {
  value,
  outside: (field) => (field === '@version' ? 'version of the form of Logstash’s events' : undefined),
  reason,
};

function reason(where: string, { field, theirs, ours }: Difference): string | undefined {
  if (field === 'first_switched' || field === 'last_switched') {
    const ahead = Date.parse(theirs as string) - Date.parse(String(ours));
    if (ahead === 1000) return 'a second too much: sysUptime is subtracted with the wrong borrow';
    if (where.includes('FortiOS 5.2.1')) return 'stamps that do not count from the header’s boot';
    if (where.includes('Netflow 5 valid 01')) return 'sysUptime wrapped, which is not handled';
  }
  if (where.includes('Procera') && field.endsWith('IPv6Address') && theirs === '::')
    return 'no IPv6 address beside the IPv4 address';
  return undefined;
}

interface LogstashCase {
  readonly case: string;
  readonly expected_full_events?: readonly {
    readonly json: Readonly<Record<string, unknown>> & { readonly netflow?: Readonly<Record<string, unknown>> };
  }[];
  readonly expected_field_values?: readonly {
    readonly event: number;
    readonly field: string;
    readonly value: unknown;
  }[];
}

/** A value in the form in which ours can be compared with it. */
function plain(field: string, given: unknown): Theirs {
  if (field === 'forwarding_status') {
    const { status = 0, reason: code = 0 } = given as { status?: number; reason?: number };
    return status * 64 + code;
  }
  if (field === 'application_id') return String(given).replaceAll('..', ':');
  if (field.endsWith('_acl_id')) return String(given).replaceAll('-', '');
  if (field === 'mpls_label_stack_octets') {
    const octets = given as { label: number; experimental: number; bottom_of_stack: number; ttl: number };
    return (octets.label * 8 + octets.experimental) * 512 + octets.bottom_of_stack * 256 + octets.ttl;
  }
  // One time of theirs has the name of a variable in it that was to be filled in.
  return typeof given === 'string' ? given.replace('#{nanos}', '') : (given as Theirs);
}

function fieldsOf(members: readonly (readonly [string, unknown])[]): Fields {
  return members.map(([name, given]) => [name, plain(name, given)]);
}

/** What is said of single fields, by event. */
function singleFields({ expected_field_values: single = [] }: LogstashCase): Fields[] {
  const events = new Map<number, [string, unknown][]>();
  for (const { event, field, value: given } of single)
    events.set(event, [...(events.get(event) ?? []), [field.replace(/^netflow\./, ''), given]]);
  return [...events.values()].map(fieldsOf);
}

export async function logstashValues(corpus: string): Promise<SourceValues> {
  const text = readFileSync(join(corpus, 'logstash-codec-netflow/expected.json'), 'utf8');
  const cases = corpusCases(corpus).filter((one) => one.case.startsWith('logstash/'));
  const values = newValues();
  for (const one of JSON.parse(text) as LogstashCase[]) {
    const name = one.case.trim().replaceAll('/', ' ');
    const mine = cases.find((candidate) => candidate.case.replaceAll('/', ' ').endsWith(` ${name}`));
    if (mine === undefined) throw new Error(`Logstash: no case for ${name}`);
    const { records } = decodeWhole(await caseDatagrams(corpus, mine));
    const whole = (one.expected_full_events ?? []).map(({ json: { netflow = {}, ...rest } }) =>
      fieldsOf([...Object.entries(rest), ...Object.entries(netflow)]),
    );
    for (const events of [whole, singleFields(one)]) {
      const taken = new Set<DecodedRecord>();
      for (const event of events) addRecord(values, one.case, event, records, rules, taken);
    }
  }
  return values;
}
