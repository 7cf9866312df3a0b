/* Codes of the columns that are enumerations: our own, IANA's and sFlow's, each with its word. */

/** Codes of `flow_type`; 1 to 4 are those of GoFlow's FlowType. */
export const FLOW_TYPES = {
  1: 'sflow_5',
  2: 'netflow_v5',
  3: 'netflow_v9',
  4: 'ipfix',
  11: 'netflow_v1',
  12: 'sflow_2',
  14: 'sflow_4',
  16: 'netflow_v6',
  17: 'netflow_v7',
  18: 'netflow_v8',
  // Never in a message: records of our own metering process and NAT exporter, on their way to the store.
  21: 'meter',
  22: 'nat',
} as const;

/** Codes of `record_kind`. */
export const RECORD_KINDS = {
  0: 'flow',
  1: 'biflow',
  2: 'nat_event',
  3: 'firewall_event',
  4: 'sample',
  5: 'aggregate',
  6: 'discard',
} as const;

/** Codes of `sampling_source`: where the rate of a record comes from. */
export const SAMPLING_SOURCES = {
  0: 'unknown',
  1: 'header',
  2: 'record',
  3: 'sampler',
  4: 'interface',
  5: 'domain',
  6: 'default',
  7: 'override',
} as const;

/** Codes of `time_source`: where the times of a record come from, in the order they are tried. */
export const TIME_SOURCES = { 0: 'flow', 1: 'event', 2: 'export', 3: 'receive' } as const;

export const DIRECTIONS = { 0: 'ingress', 1: 'egress' } as const;
/** IANA: biflowDirection (239), RFC 5103 section 6.3. */
export const BIFLOW_DIRECTIONS = { 0: 'arbitrary', 1: 'initiator', 2: 'reverse_initiator', 3: 'perimeter' } as const;
/** IANA: flowEndReason (136). */
export const END_REASONS = { 1: 'idle', 2: 'active', 3: 'end', 4: 'forced', 5: 'resources' } as const;
/** IANA: natEvent (230), RFC 8158 section 4.3. */
export const NAT_EVENTS = {
  1: 'create',
  2: 'delete',
  3: 'addresses_exhausted',
  4: 'nat44_create',
  5: 'nat44_delete',
  6: 'nat64_create',
  7: 'nat64_delete',
  8: 'nat44_bib_create',
  9: 'nat44_bib_delete',
  10: 'nat64_bib_create',
  11: 'nat64_bib_delete',
  12: 'ports_exhausted',
  13: 'quota_exceeded',
  14: 'address_create',
  15: 'address_delete',
  16: 'port_block_allocation',
  17: 'port_block_deallocation',
  18: 'threshold_reached',
} as const;
/** IANA: natQuotaExceededEvent (466), RFC 8158 section 5.7. */
export const NAT_QUOTA_EVENTS = {
  1: 'session_entries',
  2: 'bib_entries',
  3: 'entries_per_user',
  4: 'active_hosts',
  5: 'fragments_pending',
} as const;
/** IANA: natThresholdEvent (467), RFC 8158 section 5.8. */
export const NAT_THRESHOLD_EVENTS = {
  1: 'pool_high',
  2: 'pool_low',
  3: 'mapping_high',
  4: 'mapping_per_user_high',
  5: 'global_mapping_high',
} as const;
/** IANA: firewallEvent (233). */
export const FIREWALL_EVENTS = {
  0: 'ignore',
  1: 'created',
  2: 'deleted',
  3: 'denied',
  4: 'alert',
  5: 'update',
} as const;

/** sFlow: "Dropped Packet Notification Structures" (drop_reason); below 256 these are the codes of ICMP's destination unreachable (RFC 1812). */
// biome-ignore format: pairs
export const DROP_REASONS = {
  0: 'net_unreachable', 1: 'host_unreachable', 2: 'protocol_unreachable', 3: 'port_unreachable', 4: 'frag_needed',
  5: 'src_route_failed', 6: 'dst_net_unknown', 7: 'dst_host_unknown', 8: 'src_host_isolated', 9: 'dst_net_prohibited',
  10: 'dst_host_prohibited', 11: 'dst_net_tos_unreachable', 12: 'dst_host_tos_unreachable', 13: 'comm_admin_prohibited',
  14: 'host_precedence_violation', 15: 'precedence_cutoff', 256: 'unknown', 257: 'ttl_exceeded', 258: 'acl',
  259: 'no_buffer_space', 260: 'red', 261: 'traffic_shaping', 262: 'pkt_too_big', 263: 'src_mac_is_multicast',
  264: 'vlan_tag_mismatch', 265: 'ingress_vlan_filter', 266: 'ingress_spanning_tree_filter', 267: 'port_list_is_empty',
  268: 'port_loopback_filter', 269: 'blackhole_route', 270: 'non_ip', 271: 'uc_dip_over_mc_dmac',
  272: 'dip_is_loopback_address', 273: 'sip_is_mc', 274: 'sip_is_loopback_address', 275: 'ip_header_corrupted',
  276: 'ipv4_sip_is_limited_bc', 277: 'ipv6_mc_dip_reserved_scope', 278: 'ipv6_mc_dip_interface_local_scope',
  279: 'unresolved_neigh', 280: 'mc_reverse_path_forwarding', 281: 'non_routable_packet', 282: 'decap_error',
  283: 'overlay_smac_is_mc', 284: 'unknown_l2', 285: 'unknown_l3', 286: 'unknown_l3_exception', 287: 'unknown_buffer',
  288: 'unknown_tunnel', 289: 'unknown_l4', 290: 'sip_is_unspecified', 291: 'mlag_port_isolation',
  292: 'blackhole_arp_neigh', 293: 'src_mac_is_dmac', 294: 'dmac_is_reserved', 295: 'sip_is_class_e',
  296: 'mc_dmac_mismatch', 297: 'sip_is_dip', 298: 'dip_is_local_network', 299: 'dip_is_link_local',
  300: 'overlay_smac_is_dmac', 301: 'egress_vlan_filter', 302: 'uc_reverse_path_forwarding', 303: 'split_horizon',
} as const;
/** Encapsulations; the codes are those of TUNNEL in wire/packet. */
// biome-ignore format: pairs
export const TUNNELS = {
  0: 'none', 1: 'ipv4', 2: 'ipv6', 3: 'gre', 4: 'nvgre', 5: 'erspan', 6: 'vxlan', 7: 'geneve', 8: 'gtp_u', 9: 'teredo',
  10: 'l2tp', 11: 'ethernet', 12: 'mpls', 13: 'esp',
} as const;
