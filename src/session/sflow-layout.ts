import { createLayout, type ExtraField, type Layout } from '../flow/layout.ts';
import { COMMON_COLUMNS, columnIndex } from '../flow/schema.ts';
import { slotOf } from '../flow/slots.ts';
import { HAS, type PacketFields } from '../wire/packet/packet-fields.ts';
import { type ExtraValue, type FlowSample, INTERFACE_FORMAT, RECORD } from '../wire/sflow/flow-sample.ts';

/** Groups of columns that a sample has together, as bits of a row's mask. */
export const GROUP = {
  counters: 1 << 0,
  macs: 1 << 1,
  etherType: 1 << 2,
  srcVlan: 1 << 3,
  dstVlan: 1 << 4,
  customerVlan: 1 << 5,
  srcPriority: 1 << 6,
  ip: 1 << 7,
  ttl: 1 << 8,
  fragment: 1 << 9,
  ipv6: 1 << 10,
  ports: 1 << 11,
  tcpFlags: 1 << 12,
  tcpSequence: 1 << 13,
  icmp: 1 << 14,
  igmp: 1 << 15,
  dstPriority: 1 << 16,
  segment: 1 << 17,
  tunnel: 1 << 18,
  inner: 1 << 19,
  innerPorts: 1 << 20,
  router: 1 << 21,
  gateway: 1 << 22,
  gatewayNextHop: 1 << 23,
  gatewayPolicy: 1 << 24,
  direction: 1 << 25,
  discard: 1 << 26,
  nat: 1 << 27,
  natPort: 1 << 28,
  wlan: 1 << 29,
  /** A discarded-packet notification: its packet was not forwarded, so it counts as dropped. */
  notification: 1 << 30,
  tunnelId: 1 << 31,
} as const;

const ALWAYS = [
  ...COMMON_COLUMNS,
  'in_if',
  'out_if',
  'agent_addr',
  // Texts cost nothing where they are absent: code 0 is no value.
  'user_name',
  'http_target',
  'http_host',
  'mpls_labels',
];

const COLUMNS_OF: readonly (readonly [group: number, columns: readonly string[]])[] = [
  [GROUP.macs, ['src_mac', 'dst_mac']],
  [GROUP.etherType, ['ethernet_type']],
  [GROUP.srcVlan, ['src_vlan']],
  [GROUP.dstVlan, ['dst_vlan']],
  [GROUP.customerVlan, ['customer_vlan']],
  [GROUP.srcPriority, ['src_vlan_priority']],
  [GROUP.dstPriority, ['dst_vlan_priority']],
  [GROUP.ip, ['src_addr', 'dst_addr', 'proto', 'tos', 'ip_version', 'ip_total_length']],
  [GROUP.ttl, ['ttl']],
  [GROUP.fragment, ['fragment_id', 'fragment_offset', 'fragment_flags', 'ip_header_length']],
  [GROUP.ipv6, ['flow_label', 'ipv6_options']],
  [GROUP.ports, ['src_port', 'dst_port']],
  [GROUP.tcpFlags, ['tcp_flags']],
  [GROUP.tcpSequence, ['tcp_sequence']],
  [GROUP.icmp, ['icmp_type', 'icmp_code']],
  [GROUP.igmp, ['igmp_type']],
  [GROUP.segment, ['l2_segment']],
  [GROUP.tunnel, ['tunnel']],
  [GROUP.tunnelId, ['tunnel_id']],
  [GROUP.inner, ['inner_src_addr', 'inner_dst_addr', 'inner_proto']],
  [GROUP.innerPorts, ['inner_src_port', 'inner_dst_port']],
  [GROUP.router, ['next_hop', 'src_mask', 'dst_mask']],
  [GROUP.gateway, ['src_as', 'dst_as', 'prev_as', 'next_as', 'as_path']],
  [GROUP.gatewayNextHop, ['bgp_next_hop']],
  [GROUP.gatewayPolicy, ['bgp_communities', 'bgp_local_pref']],
  [GROUP.direction, ['direction']],
  [GROUP.discard, ['drop_reason', 'forwarding_status']],
  [GROUP.nat, ['post_nat_src_addr', 'post_nat_dst_addr']],
  [GROUP.natPort, ['post_nat_src_port', 'post_nat_dst_port']],
  [GROUP.wlan, ['wlan_ssid', 'access_point_mac']],
];

/** forwardingStatus 128: dropped, the reason told elsewhere. */
const DROPPED = 128;
const RECEIVE_TIME = 3;
const SAMPLE_KIND = 4;
const DISCARD_KIND = 6;
/** An unknown VLAN or priority has all bits set. */
const UNKNOWN = 0xffff_ffff;
/** Layouts before all are made anew: an agent that makes up structures must not fill memory. */
const MAX_LAYOUTS = 1_024;

/** Which groups of columns a sample fills. */
export function groupsOf(sample: FlowSample): number {
  const { packet, has } = sample;
  let mask = packetGroups(packet, (has & RECORD.header) !== 0);
  if ((has & RECORD.packet) !== 0) mask |= GROUP.counters;
  if (has & ~(RECORD.packet | RECORD.header)) mask |= recordGroups(sample, mask);
  if (sample.reason >= 0) mask |= GROUP.notification | GROUP.discard;
  else if (sample.outFormat === INTERFACE_FORMAT.discarded) mask |= GROUP.discard;
  if (directionOf(sample) >= 0) mask |= GROUP.direction;
  return mask;
}

/**
 * The direction at the interface that took the sample: 0 ingress, 1 egress, −1 when the sample does not tell (both interfaces are the data source, or none is,
 * or it is no interface). What came in elsewhere and left by several interfaces was sampled on leaving by one of them.
 */
export function directionOf({ sourceClass, sourceIndex, inFormat, input, outFormat, output }: FlowSample): number {
  if (sourceClass !== 0) return -1;
  const isIngress = inFormat === INTERFACE_FORMAT.ifIndex && input === sourceIndex;
  const isEgress =
    outFormat === INTERFACE_FORMAT.multiple ? !isIngress && input !== 0 : outFormat === 0 && output === sourceIndex;
  return isIngress === isEgress ? -1 : isIngress ? 0 : 1;
}

function packetGroups(packet: PacketFields, isHeader: boolean): number {
  const { has } = packet;
  let mask = 0;
  if (has & (HAS.srcMac | HAS.dstMac)) mask |= GROUP.macs;
  if (has & HAS.etherType) mask |= GROUP.etherType;
  if (has & HAS.vlan) mask |= GROUP.srcVlan;
  if (has & HAS.customerVlan) mask |= GROUP.customerVlan;
  if (has & HAS.ip) {
    mask |= GROUP.ip;
    if (isHeader) {
      mask |= GROUP.ttl;
      if (packet.ipVersion === 6) mask |= GROUP.ipv6;
      if (packet.ipVersion === 4 || packet.isFragment === 1) mask |= GROUP.fragment;
    }
    if (has & HAS.ports) mask |= GROUP.ports;
    if (has & HAS.tcpFlags) mask |= GROUP.tcpFlags;
    if (has & HAS.tcpSequence) mask |= GROUP.tcpSequence;
    if (has & HAS.icmp) mask |= GROUP.icmp;
    if (has & HAS.igmp) mask |= GROUP.igmp;
  }
  if (has & HAS.l2Segment) mask |= GROUP.segment;
  if (packet.tunnel !== 0) mask |= GROUP.tunnel;
  if (has & HAS.tunnelId) mask |= GROUP.tunnelId;
  if (packet.hasInner === 1) {
    mask |= GROUP.inner;
    if (packet.inner.has & HAS.ports) mask |= GROUP.innerPorts;
  }
  return mask;
}

function recordGroups(sample: FlowSample, before: number): number {
  const { has } = sample;
  let mask = 0;
  if (has & RECORD.switch) {
    if (sample.srcVlan !== UNKNOWN && (sample.srcVlan !== 0 || !(before & GROUP.srcVlan))) mask |= GROUP.srcVlan;
    if (sample.dstVlan !== UNKNOWN) mask |= GROUP.dstVlan;
    if (sample.srcPriority !== UNKNOWN) mask |= GROUP.srcPriority;
    if (sample.dstPriority !== UNKNOWN) mask |= GROUP.dstPriority;
  }
  if (has & RECORD.router) mask |= GROUP.router;
  if (has & RECORD.gateway) mask |= GROUP.gateway;
  if (has & RECORD.gatewayNextHop) mask |= GROUP.gatewayNextHop;
  if (has & RECORD.gatewayPolicy) mask |= GROUP.gatewayPolicy;
  if (has & RECORD.vni) mask |= GROUP.segment;
  if (has & RECORD.nat) mask |= GROUP.nat;
  if (has & RECORD.natPort) mask |= GROUP.natPort;
  if (has & RECORD.wlan) mask |= GROUP.wlan;
  return mask;
}

/** Layouts of samples, made once for each set of groups and values without a column. */
export class SflowLayouts {
  readonly #plain = new Map<number, Layout>();
  readonly #withExtras = new Map<string, Layout>();
  readonly #also: readonly string[];

  /** `also` are columns that all the layouts have beside those of their samples. */
  constructor(also: readonly string[]) {
    this.#also = also;
  }

  find(mask: number, extras: readonly ExtraValue[]): Layout {
    if (extras.length === 0) {
      let layout = this.#plain.get(mask);
      if (layout === undefined) {
        if (this.#plain.size >= MAX_LAYOUTS) this.#plain.clear();
        this.#plain.set(mask, (layout = layoutOf(mask, [], this.#also)));
      }
      return layout;
    }
    let key = String(mask);
    for (const { name, type, length } of extras) key += ` ${name} ${isVariable(type) ? '' : length}`;
    let layout = this.#withExtras.get(key);
    if (layout === undefined) {
      if (this.#withExtras.size >= MAX_LAYOUTS) this.#withExtras.clear();
      const fields = extras.map(({ name, type, length }) => {
        return { name, type, length: isVariable(type) ? 65_535 : length };
      });
      this.#withExtras.set(key, (layout = layoutOf(mask, fields, this.#also)));
    }
    return layout;
  }
}

/** Whether the length stands before each value in the batch's heap. */
export function isVariable(type: ExtraValue['type']): boolean {
  return type === 'string' || type === 'octetArray';
}

function layoutOf(mask: number, extras: readonly ExtraField[], also: readonly string[]): Layout {
  const names = [...ALWAYS, ...also];
  for (const [group, columns] of COLUMNS_OF) if (mask & group) names.push(...columns);
  const isNotification = (mask & GROUP.notification) !== 0;
  if (isNotification) names.push('dropped_packets');
  if (mask & GROUP.counters) names.push(...(isNotification ? ['dropped_bytes'] : ['bytes', 'packets']));
  if (extras.length > 0) names.push('extra');
  const fixed: [number, number][] = [
    [slotOf('record_kind'), isNotification ? DISCARD_KIND : SAMPLE_KIND],
    [slotOf('time_source'), RECEIVE_TIME],
  ];
  if (mask & GROUP.discard) fixed.push([slotOf('forwarding_status'), DROPPED]);
  return createLayout(names.map(columnIndex), extras, fixed);
}
