import type { Structure } from './structure.ts';

/**
 * Counter structures by data format (enterprise << 12 | format), fields in order and by the names of the specification: sFlow Version 5 section
 * 5.4 (1–5, 1001), "sFlow 802.11 Structures" (6, 1002), "sFlow LAG Counters Structure" (7), "sFlow OpenFlow Structures" (1004, 1005),
 * "sFlow Host Structures" (2000–2010, 2100–2104), "sFlow HTTP Structures" (2201), "sFlow Application Structures" (2202, 2203, 2206), NVIDIA's GPU structure (enterprise
 * 5703) and Broadcom's switch tables (4413, 3). Adapters (2001) and optics (10) hold lists: see `readCounterRecord`.
 */
// biome-ignore format: one structure, one row
export const COUNTER_STRUCTURES: ReadonlyMap<number, Structure> = new Map<number, Structure>([
  [1, { name: 'interface', fields: [['ifIndex', 'u32'], ['ifType', 'u32'], ['ifSpeed', 'u64'], ['ifDirection', 'u32'], ['ifStatus', 'u32'], ['ifInOctets', 'u64'], ['ifInUcastPkts', 'u32'], ['ifInMulticastPkts', 'u32'], ['ifInBroadcastPkts', 'u32'], ['ifInDiscards', 'u32'], ['ifInErrors', 'u32'], ['ifInUnknownProtos', 'u32'], ['ifOutOctets', 'u64'], ['ifOutUcastPkts', 'u32'], ['ifOutMulticastPkts', 'u32'], ['ifOutBroadcastPkts', 'u32'], ['ifOutDiscards', 'u32'], ['ifOutErrors', 'u32'], ['ifPromiscuousMode', 'u32']] }],
  [2, words('ethernet', 'dot3StatsAlignmentErrors dot3StatsFCSErrors dot3StatsSingleCollisionFrames dot3StatsMultipleCollisionFrames dot3StatsSQETestErrors dot3StatsDeferredTransmissions dot3StatsLateCollisions dot3StatsExcessiveCollisions dot3StatsInternalMacTransmitErrors dot3StatsCarrierSenseErrors dot3StatsFrameTooLongs dot3StatsInternalMacReceiveErrors dot3StatsSymbolErrors')],
  [3, words('token_ring', 'dot5StatsLineErrors dot5StatsBurstErrors dot5StatsACErrors dot5StatsAbortTransErrors dot5StatsInternalErrors dot5StatsLostFrameErrors dot5StatsReceiveCongestions dot5StatsFrameCopiedErrors dot5StatsTokenErrors dot5StatsSoftErrors dot5StatsHardErrors dot5StatsSignalLoss dot5StatsTransmitBeacons dot5StatsRecoverys dot5StatsLobeWires dot5StatsRemoves dot5StatsSingles dot5StatsFreqErrors')],
  [4, { name: 'vg', fields: [['dot12InHighPriorityFrames', 'u32'], ['dot12InHighPriorityOctets', 'u64'], ['dot12InNormPriorityFrames', 'u32'], ['dot12InNormPriorityOctets', 'u64'], ['dot12InIPMErrors', 'u32'], ['dot12InOversizeFrameErrors', 'u32'], ['dot12InDataErrors', 'u32'], ['dot12InNullAddressedFrames', 'u32'], ['dot12OutHighPriorityFrames', 'u32'], ['dot12OutHighPriorityOctets', 'u64'], ['dot12TransitionIntoTrainings', 'u32'], ['dot12HCInHighPriorityOctets', 'u64'], ['dot12HCInNormPriorityOctets', 'u64'], ['dot12HCOutHighPriorityOctets', 'u64']] }],
  [5, { name: 'vlan', fields: [['vlan_id', 'u32'], ['octets', 'u64'], ['ucastPkts', 'u32'], ['multicastPkts', 'u32'], ['broadcastPkts', 'u32'], ['discards', 'u32']] }],
  [6, words('wlan', 'dot11TransmittedFragmentCount dot11MulticastTransmittedFrameCount dot11FailedCount dot11RetryCount dot11MultipleRetryCount dot11FrameDuplicateCount dot11RTSSuccessCount dot11RTSFailureCount dot11ACKFailureCount dot11ReceivedFragmentCount dot11MulticastReceivedFrameCount dot11FCSErrorCount dot11TransmittedFrameCount dot11WEPUndecryptableCount dot11QoSDiscardedFragmentCount dot11AssociatedStationCount dot11QoSCFPollsReceivedCount dot11QoSCFPollsUnusedCount dot11QoSCFPollsUnusableCount dot11QoSCFPollsLostCount')],
  // The port's state is four octets: actor and partner, administrative and operational.
  [7, { name: 'lag', fields: [['dot3adAggPortActorSystemID', 'mac'], ['dot3adAggPortPartnerOperSystemID', 'mac'], ['dot3adAggPortAttachedAggID', 'u32'], ['dot3adAggPortState', 'u32'], ['dot3adAggPortStatsLACPDUsRx', 'u32'], ['dot3adAggPortStatsMarkerPDUsRx', 'u32'], ['dot3adAggPortStatsMarkerResponsePDUsRx', 'u32'], ['dot3adAggPortStatsUnknownRx', 'u32'], ['dot3adAggPortStatsIllegalRx', 'u32'], ['dot3adAggPortStatsLACPDUsTx', 'u32'], ['dot3adAggPortStatsMarkerPDUsTx', 'u32'], ['dot3adAggPortStatsMarkerResponsePDUsTx', 'u32']] }],
  [1001, { name: 'processor', fields: [['cpu5s', 'u32'], ['cpu1m', 'u32'], ['cpu5m', 'u32'], ['total_memory', 'u64'], ['free_memory', 'u64']] }],
  [1002, words('radio', 'elapsed_time on_channel_time on_channel_busy_time')],
  [1004, { name: 'openflow_port', fields: [['openflow_datapath_id', 'u64'], ['openflow_port', 'u32']] }],
  [1005, { name: 'port_name', fields: [['port_name', 'string']] }],
  [2000, { name: 'host_description', fields: [['hostname', 'string'], ['uuid', 'uuid'], ['machine_type', 'u32'], ['os_name', 'u32'], ['os_release', 'string']] }],
  [2002, words('host_parent', 'container_type container_index')],
  [2003, { name: 'host_cpu', fields: [['load_one', 'f32'], ['load_five', 'f32'], ['load_fifteen', 'f32'], ['proc_run', 'u32'], ['proc_total', 'u32'], ['cpu_num', 'u32'], ['cpu_speed', 'u32'], ['uptime', 'u32'], ['cpu_user', 'u32'], ['cpu_nice', 'u32'], ['cpu_system', 'u32'], ['cpu_idle', 'u32'], ['cpu_wio', 'u32'], ['cpu_intr', 'u32'], ['cpu_sintr', 'u32'], ['interrupts', 'u32'], ['contexts', 'u32'], ['cpu_steal', 'u32'], ['cpu_guest', 'u32'], ['cpu_guest_nice', 'u32']] }],
  [2004, { name: 'host_memory', fields: [['mem_total', 'u64'], ['mem_free', 'u64'], ['mem_shared', 'u64'], ['mem_buffers', 'u64'], ['mem_cached', 'u64'], ['swap_total', 'u64'], ['swap_free', 'u64'], ['page_in', 'u32'], ['page_out', 'u32'], ['swap_in', 'u32'], ['swap_out', 'u32']] }],
  [2005, { name: 'host_disk', fields: [['disk_total', 'u64'], ['disk_free', 'u64'], ['part_max_used', 'u32'], ['reads', 'u32'], ['bytes_read', 'u64'], ['read_time', 'u32'], ['writes', 'u32'], ['bytes_written', 'u64'], ['write_time', 'u32']] }],
  [2006, { name: 'host_net', fields: [['bytes_in', 'u64'], ['pkts_in', 'u32'], ['errs_in', 'u32'], ['drops_in', 'u32'], ['bytes_out', 'u64'], ['pkts_out', 'u32'], ['errs_out', 'u32'], ['drops_out', 'u32']] }],
  [2007, words('host_ip', 'ipForwarding ipDefaultTTL ipInReceives ipInHdrErrors ipInAddrErrors ipForwDatagrams ipInUnknownProtos ipInDiscards ipInDelivers ipOutRequests ipOutDiscards ipOutNoRoutes ipReasmTimeout ipReasmReqds ipReasmOKs ipReasmFails ipFragOKs ipFragFails ipFragCreates')],
  [2008, words('host_icmp', 'icmpInMsgs icmpInErrors icmpInDestUnreachs icmpInTimeExcds icmpInParamProbs icmpInSrcQuenchs icmpInRedirects icmpInEchos icmpInEchoReps icmpInTimestamps icmpInAddrMasks icmpInAddrMaskReps icmpOutMsgs icmpOutErrors icmpOutDestUnreachs icmpOutTimeExcds icmpOutParamProbs icmpOutSrcQuenchs icmpOutRedirects icmpOutEchos icmpOutEchoReps icmpOutTimestamps icmpOutTimestampReps icmpOutAddrMasks icmpOutAddrMaskReps')],
  [2009, words('host_tcp', 'tcpRtoAlgorithm tcpRtoMin tcpRtoMax tcpMaxConn tcpActiveOpens tcpPassiveOpens tcpAttemptFails tcpEstabResets tcpCurrEstab tcpInSegs tcpOutSegs tcpRetransSegs tcpInErrs tcpOutRsts tcpInCsumErrors')],
  [2010, words('host_udp', 'udpInDatagrams udpNoPorts udpInErrors udpOutDatagrams udpRcvbufErrors udpSndbufErrors udpInCsumErrors')],
  [2100, { name: 'virtual_node', fields: [['mhz', 'u32'], ['cpus', 'u32'], ['memory', 'u64'], ['memory_free', 'u64'], ['num_domains', 'u32']] }],
  [2101, words('virtual_cpu', 'state cpuTime nrVirtCpu')],
  [2102, { name: 'virtual_memory', fields: [['memory', 'u64'], ['maxMemory', 'u64']] }],
  [2103, { name: 'virtual_disk', fields: [['capacity', 'u64'], ['allocation', 'u64'], ['available', 'u64'], ['rd_req', 'u32'], ['rd_bytes', 'u64'], ['wr_req', 'u32'], ['wr_bytes', 'u64'], ['errs', 'u32']] }],
  [2104, { name: 'virtual_net', fields: [['rx_bytes', 'u64'], ['rx_packets', 'u32'], ['rx_errs', 'u32'], ['rx_drop', 'u32'], ['tx_bytes', 'u64'], ['tx_packets', 'u32'], ['tx_errs', 'u32'], ['tx_drop', 'u32']] }],
  [2201, words('http', 'method_option_count method_get_count method_head_count method_post_count method_put_count method_delete_count method_trace_count method_connect_count method_other_count status_1XX_count status_2XX_count status_3XX_count status_4XX_count status_5XX_count status_other_count')],
  [2202, { name: 'app_operations', fields: [['application', 'string'], ...words('', 'success other timeout internal_error bad_request forbidden too_large not_implemented not_found unavailable unauthorized').fields] }],
  [2203, { name: 'app_resources', fields: [['user_time', 'u32'], ['system_time', 'u32'], ['mem_used', 'u64'], ['mem_max', 'u64'], ['fd_open', 'u32'], ['fd_max', 'u32'], ['conn_open', 'u32'], ['conn_max', 'u32']] }],
  [2206, words('app_workers', 'workers_active workers_idle workers_max req_delayed req_dropped')],
  [(5703 << 12) | 1, { name: 'gpu', fields: [['device_count', 'u32'], ['processes', 'u32'], ['gpu_time', 'u32'], ['mem_time', 'u32'], ['mem_total', 'u64'], ['mem_free', 'u64'], ['ecc_errors', 'u32'], ['energy', 'u32'], ['temperature', 'u32'], ['fan_speed', 'u32']] }],
  [(4413 << 12) | 3, words('switch_tables', 'bcm_host_entries bcm_host_entries_max bcm_ipv4_entries bcm_ipv4_entries_max bcm_ipv6_entries bcm_ipv6_entries_max bcm_ipv4_ipv6_entries bcm_ipv4_ipv6_entries_max bcm_long_ipv6_entries bcm_long_ipv6_entries_max bcm_total_routes bcm_total_routes_max bcm_ecmp_nexthops bcm_ecmp_nexthops_max bcm_mac_entries bcm_mac_entries_max bcm_ipv4_neighbors bcm_ipv6_neighbors bcm_ipv4_routes bcm_ipv6_routes bcm_acl_ingress_entries bcm_acl_ingress_entries_max bcm_acl_ingress_counters bcm_acl_ingress_counters_max bcm_acl_ingress_meters bcm_acl_ingress_meters_max bcm_acl_ingress_slices bcm_acl_ingress_slices_max bcm_acl_egress_entries bcm_acl_egress_entries_max bcm_acl_egress_counters bcm_acl_egress_counters_max bcm_acl_egress_meters bcm_acl_egress_meters_max bcm_acl_egress_slices bcm_acl_egress_slices_max')],
]);

/** A structure of 32-bit words. */
function words(name: string, fields: string): Structure {
  return { name, fields: fields.split(' ').map((field) => [field, 'u32'] as const) };
}
