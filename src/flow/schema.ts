import {
  BIFLOW_DIRECTIONS,
  DIRECTIONS,
  DROP_REASONS,
  END_REASONS,
  FIREWALL_EVENTS,
  FLOW_TYPES,
  NAT_EVENTS,
  NAT_QUOTA_EVENTS,
  NAT_THRESHOLD_EVENTS,
  RECORD_KINDS,
  SAMPLING_SOURCES,
  TIME_SOURCES,
  TUNNELS,
} from './codes.ts';

/**
 * The one schema: a row per column. From it come the arrays of a batch, the decode plans, the Parquet types, the filter's fields, the
 * JSON keys and the field reference. Adding a field is adding a row.
 */

/**
 * How a column is kept in memory and in a file.
 * `u8` `u16` `u32`: one number a row. `u64`: a pair of 32-bit words a row, low word first (exact, no BigInt). `time`: the same, µs since the
 * epoch. `address`: 128 bits as two `u64` columns, NAME_hi and NAME_lo, IPv4 as ::ffff:a.b.c.d. `mac`: a `u64`. `text`: a code into the
 * batch's dictionary. `extra`: the fields no column takes.
 */
export type ColumnType = 'u8' | 'u16' | 'u32' | 'u64' | 'time' | 'address' | 'mac' | 'text' | 'extra';

/**
 * How a number is shown to people. `enum` columns are codes of our own and are words in every output; `code` columns are IANA's
 * numbers, which stay numbers in machine-readable output and become words in tables.
 */
export type Display = 'number' | 'flags' | 'proto' | 'port' | 'enum' | 'code' | 'hex';

export interface ColumnDefinition {
  readonly name: string;
  readonly type: ColumnType;
  /** `octets`, `packets`, `µs` … or undefined for identifiers. */
  readonly unit: string | undefined;
  /** Elements that feed it, best first: IANA numbers, `PEN/number`, or `v9/number` for vendor numbers of NetFlow v9. */
  readonly elements: readonly (number | string)[];
  readonly label: string;
  readonly about: string;
  readonly display: Display;
  /** For `enum` and `code`: the word of each number. */
  readonly words: Readonly<Record<number, string>> | undefined;
}

type Row = [
  name: string,
  type: ColumnType,
  elements: readonly (number | string)[],
  label: string,
  about: string,
  more?: { unit?: string; display?: Display; words?: Readonly<Record<number, string>> },
];

/** Columns that every record has: what the collector knows of the message it came in, and the times. */
export const COMMON_COLUMNS: readonly string[] = [
  'time_received',
  'exporter',
  'observation_domain',
  'flow_type',
  'record_kind',
  'sampling_rate',
  'sampling_source',
  'time_start',
  'time_end',
  'time_source',
];

const octets = { unit: 'octets' } as const;
const packets = { unit: 'packets' } as const;

// biome-ignore format: one column, one row
const ROWS: readonly Row[] = [
  // What the collector knows of the message a record came in.
  ['time_received', 'time', [], 'received', 'When the datagram arrived.', { unit: 'µs' }],
  ['exporter', 'address', [], 'exporter', 'Address of the exporter: as configured, as the record or its options data name it, the sFlow agent’s, or the sender’s.'],
  ['observation_domain', 'u32', [], 'domain', 'Observation domain (IPFIX), source id (v9), engine type × 256 + engine id (v5 to v8).'],
  ['flow_type', 'u8', [], 'protocol', 'Format of the export message.', { display: 'enum', words: FLOW_TYPES }],
  ['record_kind', 'u8', [], 'kind', 'What the record tells: a flow, a NAT event …', { display: 'enum', words: RECORD_KINDS }],
  ['sampling_rate', 'u32', [], 'sampling', 'One packet in so many was looked at; 0 when the exporter has not said.'],
  ['sampling_source', 'u8', [], 'rate from', 'Where the sampling rate comes from.', { display: 'enum', words: SAMPLING_SOURCES }],
  // Times: fed by many elements, see wire/plan-times.ts.
  ['time_start', 'time', [], 'start', 'First packet of the flow, or the time of the event.', { unit: 'µs' }],
  ['time_end', 'time', [], 'end', 'Last packet of the flow.', { unit: 'µs' }],
  ['time_source', 'u8', [], 'time from', 'Where start and end come from.', { display: 'enum', words: TIME_SOURCES }],
  // The flow key and the counters.
  ['src_addr', 'address', [8, 27], 'source', 'Source address.'],
  ['dst_addr', 'address', [12, 28], 'destination', 'Destination address.'],
  ['src_port', 'u16', [7, 180, 182], 'src port', 'Source port (TCP, UDP, SCTP …).', { display: 'port' }],
  ['dst_port', 'u16', [11, 181, 183], 'dst port', 'Destination port.', { display: 'port' }],
  ['proto', 'u8', [4], 'proto', 'IP protocol number.', { display: 'proto' }],
  ['tcp_flags', 'u16', [6], 'flags', 'TCP control bits of all packets, or-ed.', { display: 'flags' }],
  ['tos', 'u8', [5], 'tos', 'Type of service octet, or IPv6 traffic class.'],
  ['bytes', 'u64', [1, 85, 231, 352, 353, 312], 'bytes', 'Octets, as counted by the exporter (not scaled by sampling).', octets],
  ['packets', 'u64', [2, 86, 298], 'packets', 'Packets, as counted by the exporter (not scaled by sampling).', packets],
  ['reverse_bytes', 'u64', ['29305/1', '29305/85', 232], 'reverse bytes', 'Octets of the other direction (biflow, responder).', octets],
  ['reverse_packets', 'u64', ['29305/2', '29305/86', 299], 'reverse packets', 'Packets of the other direction.', packets],
  ['reverse_tcp_flags', 'u16', ['29305/6'], 'reverse flags', 'TCP control bits of the other direction.', { display: 'flags' }],
  ['reverse_tos', 'u8', ['29305/5'], 'reverse tos', 'Type of service octet of the other direction.'],
  ['reverse_time_start', 'time', [], 'reverse start', 'First packet of the other direction; that of the flow where none was sent.', { unit: 'µs' }],
  ['reverse_time_end', 'time', [], 'reverse end', 'Last packet of the other direction; that of the flow where none was sent.', { unit: 'µs' }],
  ['biflow_direction', 'u8', [239], 'biflow dir', 'How source and destination of a biflow were told apart.', { display: 'code', words: BIFLOW_DIRECTIONS }],
  ['out_bytes', 'u64', [23, 171], 'out bytes', 'Octets leaving the observation point, where both are counted.', octets],
  ['out_packets', 'u64', [24, 172], 'out packets', 'Packets leaving the observation point.', packets],
  ['dropped_bytes', 'u64', [132, 134], 'dropped bytes', 'Octets the exporter dropped.', octets],
  ['dropped_packets', 'u64', [133, 135], 'dropped packets', 'Packets the exporter dropped.', packets],
  ['flow_count', 'u64', [3], 'flow count', 'Original flows in an aggregated record.'],
  // Where the packets went through.
  ['in_if', 'u32', [10], 'in if', 'Ingress interface (ifIndex).'],
  ['out_if', 'u32', [14], 'out if', 'Egress interface (ifIndex).'],
  ['in_physical_if', 'u32', [252], 'in phys if', 'Physical ingress interface.'],
  ['out_physical_if', 'u32', [253], 'out phys if', 'Physical egress interface.'],
  ['in_if_type', 'u16', [368], 'in if type', 'Type of the ingress interface (IANA ifType).'],
  ['out_if_type', 'u16', [369], 'out if type', 'Type of the egress interface (IANA ifType).'],
  ['direction', 'u8', [61], 'direction', 'Direction at the observation point.', { display: 'code', words: DIRECTIONS }],
  ['forwarding_status', 'u8', [89], 'fwd status', 'Forwarding status: 64–127 forwarded, 128–191 dropped, 192–255 consumed.'],
  ['flow_end_reason', 'u8', [136], 'end reason', 'Why the exporter ended the record.', { display: 'code', words: END_REASONS }],
  ['engine_type', 'u8', [38], 'engine type', 'Type of the switching engine.'],
  ['engine_id', 'u8', [39], 'engine id', 'Number of the switching engine.'],
  ['ingress_vrf', 'u32', [234], 'in VRF', 'VRF of the ingress interface.'],
  ['egress_vrf', 'u32', [235], 'out VRF', 'VRF of the egress interface.'],
  ['vpn_id', 'u32', ['41916/4321'], 'VPN', 'VPN number (Viptela).'],
  // Routing.
  ['src_as', 'u32', [16], 'src AS', 'AS number of the source.'],
  ['dst_as', 'u32', [17], 'dst AS', 'AS number of the destination.'],
  ['next_as', 'u32', [128], 'next AS', 'Next AS on the path.'],
  ['prev_as', 'u32', [129], 'prev AS', 'Previous AS on the path.'],
  ['src_mask', 'u8', [9, 29], 'src mask', 'Prefix length of the route to the source.'],
  ['dst_mask', 'u8', [13, 30], 'dst mask', 'Prefix length of the route to the destination.'],
  ['src_prefix', 'address', [44, 170], 'src prefix', 'Source prefix of an aggregated record.'],
  ['dst_prefix', 'address', [45, 169], 'dst prefix', 'Destination prefix of an aggregated record.'],
  ['next_hop', 'address', [15, 62], 'next hop', 'Next hop.'],
  ['bgp_next_hop', 'address', [18, 63], 'BGP next hop', 'BGP next hop.'],
  ['as_path', 'text', [], 'AS path', 'AS path of the route.'],
  ['bgp_communities', 'text', [485], 'communities', 'BGP communities of the route.'],
  ['mpls_labels', 'text', [70, 71, 72, 73, 74, 75, 76, 77, 78, 79], 'MPLS', 'MPLS label stack, top first.'],
  ['mpls_top_label_type', 'u8', [46], 'MPLS type', 'Control protocol that allocated the top label.'],
  ['mpls_top_label_addr', 'address', [47, 140], 'MPLS FEC', 'Address of the top label’s forwarding class.'],
  // Layer 2.
  ['src_mac', 'mac', [56], 'src MAC', 'Source MAC address.'],
  ['dst_mac', 'mac', [80], 'dst MAC', 'Destination MAC address.'],
  ['post_src_mac', 'mac', [81], 'post src MAC', 'Source MAC address after the observation point.'],
  ['post_dst_mac', 'mac', [57], 'post dst MAC', 'Destination MAC address after the observation point.'],
  ['src_vlan', 'u16', [58, 243], 'src VLAN', 'VLAN at the ingress.'],
  ['dst_vlan', 'u16', [59, 254], 'dst VLAN', 'VLAN at the egress.'],
  ['customer_vlan', 'u16', [245], 'customer VLAN', 'Inner VLAN.'],
  ['ethernet_type', 'u16', [256], 'ethertype', 'Ethernet type.', { display: 'hex' }],
  ['l2_segment', 'u64', [351], 'L2 segment', 'Layer 2 segment (VXLAN, NVGRE …).', { display: 'hex' }],
  ['station_mac', 'mac', [365], 'station', 'MAC address of a wireless station.'],
  ['access_point_mac', 'mac', [367], 'access point', 'MAC address of the access point.'],
  ['wlan_ssid', 'text', [147], 'SSID', 'Name of the wireless network.'],
  // Layer 3 and 4 details.
  ['ip_version', 'u8', [60], 'IP version', 'Version of the IP protocol.'],
  ['icmp_type', 'u8', [], 'ICMP type', 'ICMP type (of ICMP and ICMPv6).'],
  ['icmp_code', 'u8', [], 'ICMP code', 'ICMP code.'],
  ['igmp_type', 'u8', [33], 'IGMP type', 'IGMP type.'],
  ['flow_label', 'u32', [31], 'flow label', 'IPv6 flow label.', { display: 'hex' }],
  ['ipv6_options', 'u32', [64], 'IPv6 options', 'IPv6 extension headers seen.', { display: 'hex' }],
  ['ttl', 'u8', [192], 'TTL', 'Time to live.'],
  ['min_ttl', 'u8', [52], 'min TTL', 'Smallest time to live.'],
  ['max_ttl', 'u8', [53], 'max TTL', 'Greatest time to live.'],
  ['min_packet_length', 'u32', [25], 'min length', 'Length of the smallest packet.', octets],
  ['max_packet_length', 'u32', [26], 'max length', 'Length of the largest packet.', octets],
  ['ip_total_length', 'u32', [224], 'IP length', 'Total length of the IP packet.', octets],
  ['fragment_id', 'u32', [54], 'fragment id', 'Identification of the IP packet.'],
  ['fragment_offset', 'u16', [88], 'fragment offset', 'Fragment offset.'],
  ['fragment_flags', 'u8', [197], 'fragment flags', 'Flags beside the fragment offset: 64 do not fragment, 32 more fragments.', { display: 'hex' }],
  ['ip_header_length', 'u8', [189], 'IP header', 'Length of the IP header.', octets],
  ['post_tos', 'u8', [55], 'post tos', 'Type of service octet on leaving.'],
  ['tcp_sequence', 'u32', [184], 'TCP seq', 'TCP sequence number.'],
  // NAT and firewall.
  ['nat_event', 'u8', [230], 'NAT event', 'What happened to the translation.', { display: 'code', words: NAT_EVENTS }],
  ['firewall_event', 'u8', [233, 'v9/40005'], 'fw event', 'What the firewall did.', { display: 'code', words: FIREWALL_EVENTS }],
  ['firewall_extended_event', 'u16', ['v9/33002'], 'fw ext event', 'Extended firewall event (Cisco ASA).'],
  ['post_nat_src_addr', 'address', [225, 281, 'v9/40001'], 'NAT source', 'Source address after translation.'],
  ['post_nat_dst_addr', 'address', [226, 282, 'v9/40002'], 'NAT dest', 'Destination address after translation.'],
  ['post_nat_src_port', 'u16', [227, 'v9/40003'], 'NAT src port', 'Source port after translation.', { display: 'port' }],
  ['post_nat_dst_port', 'u16', [228, 'v9/40004'], 'NAT dst port', 'Destination port after translation.', { display: 'port' }],
  ['nat_realm', 'u8', [229], 'NAT realm', 'Realm the session came from: 1 private, 2 public.'],
  ['nat_pool', 'u32', [283], 'NAT pool', 'NAT pool.'],
  ['nat_pool_name', 'text', [284], 'NAT pool name', 'Name of the NAT pool.'],
  ['nat_instance', 'u32', [463], 'NAT instance', 'Instance of the NAT device.'],
  ['nat_quota_event', 'u32', [466], 'NAT quota', 'Which quota was exceeded.', { display: 'code', words: NAT_QUOTA_EVENTS }],
  ['nat_threshold_event', 'u32', [467], 'NAT threshold', 'Which threshold was reached.', { display: 'code', words: NAT_THRESHOLD_EVENTS }],
  ['port_range_start', 'u16', [361], 'block start', 'First port of a port block.'],
  ['port_range_end', 'u16', [362], 'block end', 'Last port of a port block.'],
  ['port_range_step', 'u16', [363], 'block step', 'Step within a port block.'],
  ['port_range_size', 'u16', [364], 'block size', 'Number of ports in a port block.'],
  ['ingress_acl', 'text', ['v9/33000'], 'in ACL', 'Access list that took or denied the flow, ingress.'],
  ['egress_acl', 'text', ['v9/33001'], 'out ACL', 'Access list that took or denied the flow, egress.'],
  // Identity and application.
  ['original_exporter', 'address', [403, 404, 130, 131], 'original exporter', 'Exporter that the record itself names, behind a mediator or relay.'],
  ['original_domain', 'u32', [405, 149], 'original domain', 'Observation domain that the record itself names.'],
  ['flow_id', 'u64', [148], 'flow id', 'Number the exporter gave the flow.'],
  ['sampler_id', 'u32', [48, 302], 'sampler', 'Sampler or selector that chose the packets.'],
  ['selection_sequence', 'u64', [301], 'sequence', 'Selectors that packets went through one after the other (PSAMP), as numbered by the exporter.'],
  ['class_id', 'u32', [51], 'class', 'Traffic class.'],
  ['app_id', 'text', [95], 'app id', 'Application, as engine:selector.'],
  ['app_name', 'text', [96, 'v9/56701', 'v9/57591', '35632/119'], 'app', 'Name of the application.'],
  ['user_name', 'text', [371, 'v9/40000', 'v9/56702'], 'user', 'Name of the user.'],
  ['interface_name', 'text', [82], 'if name', 'Name of the interface, where records carry it.'],
  ['vrf_name', 'text', [236], 'VRF', 'Name of the VRF, where records carry it.'],
  ['http_host', 'text', [460, '9/12235', '6871/117'], 'host', 'HTTP host.'],
  ['http_target', 'text', [461], 'target', 'HTTP request target.'],
  ['http_method', 'text', [459], 'method', 'HTTP request method.'],
  ['http_status', 'u16', [457], 'status', 'HTTP status code.'],
  ['http_user_agent', 'text', [468], 'user agent', 'HTTP user agent.'],
  ['tls_server_name', 'text', ['35632/188', '6871/294'], 'TLS name', 'TLS server name, of QUIC too.'],
  ['tls_alpn', 'text', [], 'ALPN', 'Application protocols that the TLS or QUIC client offers, best first, with commas between.'],
  ['dns_query', 'text', ['6871/179'], 'DNS name', 'Name asked for.'],
  ['src_dns_name', 'text', [], 'src DNS name', 'Name whose DNS answer told the source address, before the flow began.'],
  ['dst_dns_name', 'text', [], 'dst DNS name', 'Name whose DNS answer told the destination address, before the flow began.'],
  // Sampled packets: sFlow, and packet sections.
  ['agent_addr', 'address', [], 'agent', 'Address by which an sFlow agent names itself.'],
  ['sender', 'address', [], 'sender', 'Address that the datagram came from, where that is not the exporter’s: a relay’s, a translated one.'],
  ['drop_reason', 'u16', [], 'drop reason', 'Why the packet was discarded (sFlow reason code).', { display: 'code', words: DROP_REASONS }],
  ['src_vlan_priority', 'u8', [], 'src priority', 'IEEE 802.1p priority at the ingress.'],
  ['dst_vlan_priority', 'u8', [], 'dst priority', 'IEEE 802.1p priority at the egress.'],
  ['bgp_local_pref', 'u32', [], 'local pref', 'BGP local preference of the route.'],
  ['tunnel', 'u8', [], 'tunnel', 'First encapsulation that the packet is in.', { display: 'enum', words: TUNNELS }],
  ['tunnel_id', 'u32', [], 'tunnel id', 'Identifier of that tunnel: GRE key, VNI, GTP TEID, ERSPAN session, L2TP session, ESP SPI.'],
  ['inner_src_addr', 'address', [], 'inner source', 'Source address of the innermost packet of a tunnel.'],
  ['inner_dst_addr', 'address', [], 'inner dest', 'Destination address of the innermost packet.'],
  ['inner_src_port', 'u16', [], 'inner src port', 'Source port of the innermost packet.', { display: 'port' }],
  ['inner_dst_port', 'u16', [], 'inner dst port', 'Destination port of the innermost packet.', { display: 'port' }],
  ['inner_proto', 'u8', [], 'inner proto', 'IP protocol number of the innermost packet.', { display: 'proto' }],
  ['extra', 'extra', [], 'extra', 'Fields of the record that no column takes, as a JSON object by element name.'],
];

/** Every column, in the order of the file; the index in this list is the column's number everywhere. */
export const COLUMNS: readonly ColumnDefinition[] = ROWS.map(([name, type, elements, label, about, more]) => ({
  name,
  type,
  unit: more?.unit,
  elements,
  label,
  about,
  display: more?.display ?? 'number',
  words: more?.words,
}));

const INDEX: ReadonlyMap<string, number> = new Map(COLUMNS.map((column, index) => [column.name, index]));

/** The column's number, or -1 when there is none of that name. */
export function findColumn(name: string): number {
  return INDEX.get(name) ?? -1;
}

/** The column's number. Throws a RangeError for a name that is not in the table: for names written in code, not for input. */
export function columnIndex(name: string): number {
  const index = INDEX.get(name);
  if (index === undefined) throw new RangeError(`no column '${name}' in the schema`);
  return index;
}
