import { registry } from './field-names.ts';

/* tshark's names of fields of NetFlow and IPFIX, and how it writes values. */

/** Our elements of tshark's `cflow.` fields, the first that is there. */
// biome-ignore format: pairs
const ELEMENTS: Readonly<Record<string, string>> = {
  inputint: 'ingressInterface', outputint: 'egressInterface', protocol: 'protocolIdentifier', srcport: 'sourceTransportPort|tcpSourcePort|udpSourcePort',
  dstport: 'destinationTransportPort|tcpDestinationPort|udpDestinationPort', srcaddr: 'sourceIPv4Address', dstaddr: 'destinationIPv4Address',
  srcaddrv6: 'sourceIPv6Address', dstaddrv6: 'destinationIPv6Address', packets: 'packetDeltaCount', octets: 'octetDeltaCount',
  permanent_packets: 'packetTotalCount', permanent_octets: 'octetTotalCount', post_packets: 'postPacketDeltaCount|postPacketTotalCount',
  post_octets: 'postOctetDeltaCount|postOctetTotalCount', timestart: 'flowStartSysUpTime', timeend: 'flowEndSysUpTime', tos: 'ipClassOfService',
  tcpflags: 'tcpControlBits', nexthop: 'ipNextHopIPv4Address', nexthopv6: 'ipNextHopIPv6Address', srcas: 'bgpSourceAsNumber',
  dstas: 'bgpDestinationAsNumber', peer_dstas: 'bgpNextAdjacentAsNumber', peer_srcas: 'bgpPrevAdjacentAsNumber',
  srcmask: 'sourceIPv4PrefixLength|sourceIPv6PrefixLength', dstmask: 'destinationIPv4PrefixLength|destinationIPv6PrefixLength',
  srcmaskv6: 'sourceIPv6PrefixLength', dstmaskv6: 'destinationIPv6PrefixLength', ip_version: 'ipVersion', direction: 'flowDirection',
  abstimestart: 'flowStartMilliseconds|flowStartSeconds|flowStartMicroseconds|flowStartNanoseconds|flowStartSysUpTime',
  abstimeend: 'flowEndMilliseconds|flowEndSeconds|flowEndMicroseconds|flowEndNanoseconds|flowEndSysUpTime', srcmac: 'sourceMacAddress',
  dstmac: 'destinationMacAddress', post_srcmac: 'postSourceMacAddress', post_dstmac: 'postDestinationMacAddress',
  post_natsource_ipv4_address: 'postNATSourceIPv4Address|xlate_src_addr_ipv4',
  post_natdestination_ipv4_address: 'postNATDestinationIPv4Address|xlate_dst_addr_ipv4',
  post_naptsource_transport_port: 'postNAPTSourceTransportPort|xlate_src_port',
  post_naptdestination_transport_port: 'postNAPTDestinationTransportPort|xlate_dst_port',
  bgpnexthop: 'bgpNextHopIPv4Address', bgpnexthopv6: 'bgpNextHopIPv6Address', icmp_type_code_ipv4: 'icmpTypeCodeIPv4',
  scope_system: 'System', firewall_event: 'firewallEvent|fw_event', sampler_id: 'samplerId|selectorId', flow_id: 'flowId',
  vlanid: 'vlanId', post_vlanid: 'postVlanId', dot1q_vlan_id: 'dot1qVlanId', ingress_vrfid: 'ingressVRFID', egress_vrfid: 'egressVRFID',
  observation_time_milliseconds: 'observationTimeMilliseconds', icmp_ipv4_type: 'icmpTypeIPv4', icmp_ipv4_code: 'icmpCodeIPv4',
 fw_ext_event: 'fw_ext_event', flow_end_reason: 'flowEndReason',
  ip_dscp: 'ipDiffServCodePoint', ipv6_exthdr: 'ipv6ExtensionHeaders', ipv6flowlabel: 'flowLabelIPv6',
  ingress_physical_interface: 'ingressPhysicalInterface', egress_physical_interface: 'egressPhysicalInterface',
  ttl_max: 'maximumTTL', ttl_min: 'minimumTTL', if_descr: 'interfaceDescription', if_name: 'interfaceName',
  sta_mac_address: 'staMacAddress', sta_ipv4_address: 'staIPv4Address', wlan_ssid: 'wlanSSID', wtp_mac_address: 'wtpMacAddress',
  post_ip_diff_serv_code_point: 'postIpDiffServCodePoint', ingress_acl_id: 'ingress_acl_id', egress_acl_id: 'egress_acl_id',
  aaa_username: 'username', flowsexp: 'exportedFlowRecordTotalCount', packetsexp: 'exportedMessageTotalCount',
  octetsexp: 'exportedOctetTotalCount', sampling_interval: 'samplingInterval', sampling_algorithm: 'samplingAlgorithm',
  appl_name: 'applicationName', appl_desc: 'applicationDescription', flows: 'deltaFlowCount', mpls_label_length: 'mplsLabelStackLength',
  initiator_octets: 'initiatorOctets', responder_octets: 'responderOctets', data_link_frame_size: 'dataLinkFrameSize',
  data_link_frame_section: 'dataLinkFrameSection', tcp_option_map: 'tcpOptions', ethernet_type: 'ethernetType', engine_id: 'engineId',
  ipv6_next_hdr: 'nextHeaderIPv6', private_enterprise_number: 'privateEnterpriseNumber', nat_event: 'natEvent',
  flow_exporter: 'exportingProcessId', dot1q_customer_vlan_id: 'dot1qCustomerVlanId', post_dot1q_vlan_id: 'postDot1qVlanId',
  post_dot1q_customer_vlan_id: 'postDot1qCustomerVlanId', layer2_segment_id: 'layer2SegmentId', observation_point_id: 'observationPointId',
  sys_init_time: 'systemInitTimeMilliseconds', selector_algorithm: 'selectorAlgorithm', sampling_packet_interval: 'samplingPacketInterval',
  sampling_packet_space: 'samplingPacketSpace', sampler_random_interval: 'samplerRandomInterval', sampler_mode: 'samplerMode',
  sampler_name: 'samplerName', srcprefix: 'sourceIPv4Prefix', frag_ident: 'fragmentIdentification', mp_id: 'meteringProcessId', 'pie.juniper.resiliency.cpid': 'commonPropertiesId', 'pie.juniper.resiliency.cpdesc': 'commonPropertiesId',
  length_max: 'maximumIpTotalLength', length_min: 'minimumIpTotalLength', tcp_seq_num: 'tcpSequenceNumber',
  exporter_addr: 'exporterIPv4Address', exporter_addr_v6: 'exporterIPv6Address', flow_active_timeout: 'flowActiveTimeout',
  flow_inactive_timeout: 'flowIdleTimeout', od_id: 'observationDomainId', template_id: 'templateId', toplabeltype: 'mplsTopLabelType',
  toplabeladdr: 'mplsTopLabelIPv4Address', ip_precedence: 'ipPrecedence', drop_total_packets: 'droppedPacketTotalCount',
  ignore_packets: 'ignoredPacketTotalCount', notsent_packets: 'notSentPacketTotalCount', export_protocol_version: 'exportProtocolVersion',
  exporter_protocol: 'exportTransportProtocol', 'appl_id.classification_engine_id': 'applicationId', 'appl_id.selector_id': 'applicationId',
  icmp_ipv6_type: 'icmpTypeCodeIPv6', icmp_ipv6_code: 'icmpTypeCodeIPv6', multicast_replication_factor: 'multicastReplicationFactor', is_multicast: 'isMulticast',
  };
/** Elements of enterprises that tshark spells otherwise than we do, without case and signs. */
// biome-ignore format: pairs
const ENTERPRISE: Readonly<Record<string, string>> = {
  ixial7applicationid: 'ixiaL7AppId', ixial7applicationname: 'ixiaL7AppName', ixiasourceiplatitude: 'ixiaSrcLatitude',
  ixiasourceiplongitude: 'ixiaSrcLongitude', ixiadestinationiplatitude: 'ixiaDstLatitude', ixiadestinationiplongitude: 'ixiaDstLongitude',
  ixiaosdeviceid: 'ixiaDeviceId', ixiaosdevicename: 'ixiaDeviceName', ixiareverseoctetdeltacount: 'ixiaRevOctetDeltaCount',
  ixiareversepacketdeltacount: 'ixiaRevPacketDeltaCount', ixiadestasname: 'ixiaDstAsName', ixiatransactlatencyus: 'ixiaLatency',
};
const PLAIN_NAMES: ReadonlyMap<string, string> = new Map(
  [...registry.list()].map(({ name }) => [squeezed(name), name]),
);

function squeezed(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** Parts of values that are compared as a whole, and octets that tshark does not take apart. */
const SKIPPED: Readonly<Record<string, string>> = {
  timedelta: 'difference of two times beside it',
  string_len_short: 'length of a text beside it',
  string_len_long: 'length of a text beside it',
  unknown_field_type: 'octets of an element that tshark does not know',
  enterprise_private_entry: 'octets of an element that tshark does not know',
  padding: 'padding octets',
};

/** Names of our elements for a field of tshark's, without `cflow.`; a reason as text where it is not to be compared. */
export function elementsFor(field: string): readonly string[] | string {
  if (field.startsWith('tcpflags.')) return 'bits of the flags beside it';
  const skipped = SKIPPED[field];
  if (skipped !== undefined) return skipped;
  const known = ELEMENTS[field];
  if (known !== undefined) return known.split('|');
  const plain = squeezed(field.replace(/^pie\.(?:barracuda|ntop)\./, '').replace(/^pie\./, ''));
  return [ENTERPRISE[plain] ?? PLAIN_NAMES.get(plain) ?? field];
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DATE = /^(\w{3}) +(\d+), (\d{4}) (\d\d:\d\d:\d\d)\.(\d{6})\d{3} UTC$/;

/** A value as ours are written: dates in ISO 8601, seconds of sysUptime in ms, octets with `0x`, numbers of eight digits hexadecimal or not. */
export function plainText(field: string, text: string): string {
  const [, month = '', day = '', year, time, micros] = DATE.exec(text) ?? [];
  if (year !== undefined) {
    const number = String(MONTHS.indexOf(month) + 1).padStart(2, '0');
    return `${year}-${number}-${day.padStart(2, '0')}T${time}.${micros}Z`;
  }
  if (field === 'timestart' || field === 'timeend') return String(Math.round(Number(text) * 1000));
  if (/(?:mac|mac_address)$/.test(field)) return text;
  if (/^[0-9a-f]{2}(?::[0-9a-f]{2})*$/.test(text) && (text.includes(':') || field === 'scope_system'))
    return `0x${text.replaceAll(':', '')}`;
  return text;
}
