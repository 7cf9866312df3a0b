import { addRecord, type Fields, newValues, type Rules, type SourceValues, type Theirs } from './compare-values.ts';
import { type DecodedRecord, decodeWhole } from './decoded-case.ts';
import { type Places, valueAt } from './field-names.ts';
import { SENDER, telegrafCases } from './values-telegraf.ts';

/* Telegraf's expected lines of sFlow: samples, discarded packets, and counters of interfaces. */

// biome-ignore format: pairs
const FLOWS: Places = {
  version: 'header.version', sys_uptime: 'header.sysUptime', agent_ip: 'agent_addr', agent_subid: 'observation_domain',
  seq_number: '=sequence_number', in_total_packets: '=sample_pool', sampling_drops: '=drops', sampling_interval: 'sampling_rate',
  in_snmp: '=input', out_snmp: '=output', src: 'src_addr', dst: 'dst_addr', src_port: 'src_port', dst_port: 'dst_port',
  in_src_mac: 'src_mac', out_dst_mac: 'dst_mac', l2_bytes: 'bytes', ipv4_total_len: 'ip_total_length', ipv4_id: 'fragment_id',
  fragment_offset: 'fragment_offset', src_tos: 'tos', ttl: 'ttl', vlan_src: 'src_vlan', vlan_dst: 'dst_vlan',
  vlan_src_priority: 'src_vlan_priority', vlan_dst_priority: 'dst_vlan_priority', reason: 'drop_reason', protocol: 'proto',
  datalink_frame_type: 'ethernet_type', l2_protocol: '=header_protocol', direction: 'direction',
};
// biome-ignore format: pairs
const COUNTERS: Places = {
  version: 'header.version', sys_uptime: 'header.sysUptime', agent_ip: '=agent_addr', agent_subid: '=sub_agent',
  seq_number: '=sequence', in_snmp: '=source_index', interface: '=if_index', interface_type: '=if_type', speed: '=if_speed',
  promiscuous: '=if_promiscuous', in_bytes: '=in_octets', in_unicast_packets_total: '=in_unicast',
  in_mcast_packets_total: '=in_multicast', in_broadcast_packets_total: '=in_broadcast', in_dropped_packets: '=in_discards',
  in_errors: '=in_errors', in_unknown_protocol: '=in_unknown_protos', out_bytes: '=out_octets',
  out_unicast_packets_total: '=out_unicast', out_mcast_packets_total: '=out_multicast',
  out_broadcast_packets_total: '=out_broadcast', out_dropped_packets: '=out_discards', out_errors: '=out_errors',
  errors_alignment: '=dot3StatsAlignmentErrors', errors_fcs: '=dot3StatsFCSErrors',
  collision_frames_single: '=dot3StatsSingleCollisionFrames', collision_frames_multi: '=dot3StatsMultipleCollisionFrames',
  errors_sqetest: '=dot3StatsSQETestErrors', deferred: '=dot3StatsDeferredTransmissions',
  collisions_late: '=dot3StatsLateCollisions', collisions_excessive: '=dot3StatsExcessiveCollisions',
  errors_symbols: '=dot3StatsSymbolErrors', errors_carrier_sense: '=dot3StatsCarrierSenseErrors',
  errors_frame_too_long: '=dot3StatsFrameTooLongs', errors_internal_mac_rx: '=dot3StatsInternalMacReceiveErrors',
  errors_internal_mac_tx: '=dot3StatsInternalMacTransmitErrors', port_name: '=port_name',
};
/** Their words for numbers of ours: versions, protocols, Ethernet types, directions, sFlow's header protocols. */
const WORDS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  version: { sFlowV5: 5 },
  protocol: { tcp: 6, udp: 17, icmp: 1, hopopt: 0 },
  datalink_frame_type: { IPv4: 0x0800, IPv6: 0x86dd },
  l2_protocol: { 'ETHERNET-ISO8023': 1 },
  direction: { ingress: 0, egress: 1 },
  ip_version: { IPv4: 4, IPv6: 6 },
  status: { up: 3 },
};
/** All bits set: what the agent could not give, or a tag that is not there. */
const UNKNOWN = new Set(['4294967295', '18446744073709551615']);
/** Octets of an IPv4 header without options, of an IPv6 header without extensions. */
const HEADER: Readonly<Record<number, number>> = { 4: 20, 6: 40 };

const rules: Rules = {
  value: (field, record) => {
    const { kind, columns, elements, header } = record;
    const length = Number(columns['ip_total_length']);
    const version = Number(columns['ip_version']);
    switch (field) {
      case 'status':
        return elements['if_status'];
      case 'type':
        return (elements['kinds'] as string[] | undefined)?.includes('ethernet') === true ? 'IEEE 802.3' : undefined;
      case 'ip_total_len':
      case 'ipv6_total_len':
        // They mean the payload.
        return length - (HEADER[version] ?? 0);
      case 'ip_version':
        // Of the packet; where there is none, of the agent's address.
        return columns['ip_version'] ?? (String(header['agentAddress']).includes(':') ? 6 : 4);
      case 'ipv4_inet_header_len':
        return Number(columns['ip_header_length']) / 4;
      case 'fragment_flags':
        return Number(columns['fragment_flags']) >> 5;
      case 'out_queue':
        return (columns['extra'] as Record<string, unknown> | undefined)?.['egressQueue'];
      default:
        return valueAt(kind === 'counters' ? COUNTERS : FLOWS, field, record) ?? 'unknown';
    }
  },
  outside: (field) => (field === 'source' ? SENDER : undefined),
  reason: (where, { field, theirs, ours }) => {
    if (!where.endsWith('sflow_issue_15918')) return undefined;
    if (field === 'in_snmp' && ours !== 'unknown')
      return 'the data source in place of the input of packets that were sampled on leaving';
    if (field === 'protocol' && theirs === 0) return 'the hop-by-hop header in place of the protocol behind it';
    return undefined;
  },
};

function plain(field: string, text: string): Theirs {
  if (UNKNOWN.has(text)) return 'unknown';
  // A letter stands for each bit that is set.
  if (field === 'fragment_flags') return Number.parseInt(text.replaceAll('.', '0').replaceAll(/[^0]/g, '1'), 2);
  return WORDS[field]?.[text] ?? (/^\d+$/.test(text) ? Number(text) : text);
}

export function telegrafSflowValues(corpus: string): SourceValues {
  const values = newValues();
  for (const { name, lines, datagrams } of telegrafCases(corpus)) {
    if (!name.startsWith('sflow')) continue;
    const { records } = decodeWhole(datagrams);
    const taken = new Set<DecodedRecord>();
    for (const { fields } of lines) {
      const theirs: Fields = fields.map(([field, text]) => [field, plain(field, text)]);
      const isCounters = fields.some(([field]) => field === 'interface');
      const candidates = records.filter(({ kind }) => kind === (isCounters ? 'counters' : 'data'));
      addRecord(values, `telegraf/${name}`, theirs, candidates, rules, taken);
    }
    if (taken.size < records.length)
      values.unexplained.push(`telegraf/${name}: ${records.length - taken.size} records too many`);
  }
  return values;
}
