import type { FlowBatch } from '../flow/batch.ts';
import { slotOf } from '../flow/slots.ts';
import { HAS } from '../wire/packet/packet-fields.ts';
import type { RecordContext } from '../wire/record-context.ts';
import { type FlowSample, INTERFACE_FORMAT, RECORD } from '../wire/sflow/flow-sample.ts';
import { directionOf, GROUP, isVariable } from './sflow-layout.ts';

const RATE = slotOf('sampling_rate');
const RATE_SOURCE = slotOf('sampling_source');
const TIME_START = slotOf('time_start');
const TIME_END = slotOf('time_end');
const IN_IF = slotOf('in_if');
const OUT_IF = slotOf('out_if');
const AGENT = slotOf('agent_addr');
const USER = slotOf('user_name');
const URL_PATH = slotOf('http_target');
const URL_HOST = slotOf('http_host');
const BYTES = slotOf('bytes');
const PACKETS = slotOf('packets');
const DROPPED_BYTES = slotOf('dropped_bytes');
const DROPPED_PACKETS = slotOf('dropped_packets');
const SRC_MAC = slotOf('src_mac');
const DST_MAC = slotOf('dst_mac');
const ETHERNET_TYPE = slotOf('ethernet_type');
const SRC_VLAN = slotOf('src_vlan');
const DST_VLAN = slotOf('dst_vlan');
const CUSTOMER_VLAN = slotOf('customer_vlan');
const SRC_PRIORITY = slotOf('src_vlan_priority');
const DST_PRIORITY = slotOf('dst_vlan_priority');
const SRC_ADDR = slotOf('src_addr');
const DST_ADDR = slotOf('dst_addr');
const PROTO = slotOf('proto');
const TOS = slotOf('tos');
const IP_VERSION = slotOf('ip_version');
const IP_LENGTH = slotOf('ip_total_length');
const TTL = slotOf('ttl');
const FRAGMENT_ID = slotOf('fragment_id');
const FRAGMENT_OFFSET = slotOf('fragment_offset');
const FRAGMENT_FLAGS = slotOf('fragment_flags');
const IP_HEADER_LENGTH = slotOf('ip_header_length');
const FLOW_LABEL = slotOf('flow_label');
const IPV6_OPTIONS = slotOf('ipv6_options');
const SRC_PORT = slotOf('src_port');
const DST_PORT = slotOf('dst_port');
const TCP_FLAGS = slotOf('tcp_flags');
const TCP_SEQUENCE = slotOf('tcp_sequence');
const ICMP_TYPE = slotOf('icmp_type');
const ICMP_CODE = slotOf('icmp_code');
const IGMP_TYPE = slotOf('igmp_type');
const MPLS_LABELS = slotOf('mpls_labels');
const SEGMENT = slotOf('l2_segment');
const TUNNEL = slotOf('tunnel');
const TUNNEL_ID = slotOf('tunnel_id');
const INNER_SRC = slotOf('inner_src_addr');
const INNER_DST = slotOf('inner_dst_addr');
const INNER_PROTO = slotOf('inner_proto');
const INNER_SRC_PORT = slotOf('inner_src_port');
const INNER_DST_PORT = slotOf('inner_dst_port');
const NEXT_HOP = slotOf('next_hop');
const SRC_MASK = slotOf('src_mask');
const DST_MASK = slotOf('dst_mask');
const SRC_AS = slotOf('src_as');
const DST_AS = slotOf('dst_as');
const PREV_AS = slotOf('prev_as');
const NEXT_AS = slotOf('next_as');
const AS_PATH = slotOf('as_path');
const BGP_NEXT_HOP = slotOf('bgp_next_hop');
const COMMUNITIES = slotOf('bgp_communities');
const LOCAL_PREF = slotOf('bgp_local_pref');
const DIRECTION = slotOf('direction');
const DROP_REASON = slotOf('drop_reason');
const NAT_SRC = slotOf('post_nat_src_addr');
const NAT_DST = slotOf('post_nat_dst_addr');
const NAT_SRC_PORT = slotOf('post_nat_src_port');
const NAT_DST_PORT = slotOf('post_nat_dst_port');
const SSID = slotOf('wlan_ssid');
const BSSID = slotOf('access_point_mac');
const EXTRA = slotOf('extra');

type Arrays = FlowBatch['arrays'];

/**
 * Writes a sample into row `row` of a batch whose run has the layout of `mask`. `context` has the arrival and the sampling rate that
 * holds for this sample, `agent` is the agent's address. Columns that all rows of a message share are the batch's business.
 */
export function writeSample(
  batch: FlowBatch,
  row: number,
  mask: number,
  sample: FlowSample,
  context: RecordContext,
  agent: ArrayLike<number>,
): void {
  const { arrays } = batch;
  const { packet } = sample;
  const low = context.receivedMicros >>> 0;
  const high = (context.receivedMicros / 4_294_967_296) >>> 0;
  set32(arrays, RATE, row, context.samplingRate);
  set8(arrays, RATE_SOURCE, row, context.samplingSource);
  set64(arrays, TIME_START, row, high, low);
  set64(arrays, TIME_END, row, high, low);
  set32(arrays, IN_IF, row, sample.inFormat === INTERFACE_FORMAT.ifIndex ? sample.input : 0);
  set32(arrays, OUT_IF, row, sample.outFormat === INTERFACE_FORMAT.ifIndex ? sample.output : 0);
  setWords(arrays, AGENT, row, agent);
  const hasUrl = (sample.has & RECORD.url) !== 0;
  set32(arrays, USER, row, sample.has & RECORD.user ? batch.textCode(sample.userName) : 0);
  set32(arrays, URL_PATH, row, hasUrl ? batch.textCode(sample.url) : 0);
  set32(arrays, URL_HOST, row, hasUrl ? batch.textCode(sample.host) : 0);
  set32(arrays, MPLS_LABELS, row, labelsOf(sample, batch));
  if (mask & GROUP.notification) {
    set64(arrays, DROPPED_PACKETS, row, 0, 1);
    if (mask & GROUP.counters) set64(arrays, DROPPED_BYTES, row, 0, sample.frameLength);
  } else if (mask & GROUP.counters) {
    set64(arrays, BYTES, row, 0, sample.frameLength);
    set64(arrays, PACKETS, row, 0, 1);
  }
  if (mask & GROUP.macs) {
    set64(arrays, SRC_MAC, row, packet.srcMacHigh, packet.srcMacLow);
    set64(arrays, DST_MAC, row, packet.dstMacHigh, packet.dstMacLow);
  }
  if (mask & GROUP.etherType) set16(arrays, ETHERNET_TYPE, row, packet.etherType);
  if (mask & (GROUP.srcVlan | GROUP.dstVlan | GROUP.customerVlan | GROUP.srcPriority | GROUP.dstPriority))
    writeVlans(arrays, row, mask, sample);
  if (mask & GROUP.ip) writeIp(arrays, row, mask, sample);
  if (mask & (GROUP.segment | GROUP.tunnel | GROUP.tunnelId | GROUP.inner)) writeTunnel(batch, row, mask, sample);
  if (mask & (GROUP.router | GROUP.gateway)) writeRoute(batch, row, mask, sample);
  if (mask & GROUP.direction) set8(arrays, DIRECTION, row, directionOf(sample));
  if (mask & GROUP.discard) {
    set16(arrays, DROP_REASON, row, Math.min(sample.reason >= 0 ? sample.reason : sample.output, 0xffff));
  }
  if (mask & (GROUP.nat | GROUP.natPort | GROUP.wlan)) writeRare(batch, row, mask, sample);
  if (sample.extras.length > 0) set32(arrays, EXTRA, row, 1 + keepExtras(batch, sample, context));
}

/** Code of the label stack: the sampled header's, or else the one that the device tells of; 0 without one. */
function labelsOf({ packet, has, mplsIn }: FlowSample, batch: FlowBatch): number {
  if (packet.has & HAS.mpls) return batch.textCode(packet.mplsLabels.subarray(0, packet.mplsCount).join(','));
  return has & RECORD.mpls && mplsIn !== '' ? batch.textCode(mplsIn) : 0;
}

function writeVlans(arrays: Arrays, row: number, mask: number, sample: FlowSample): void {
  const { packet } = sample;
  const isSwitched = (sample.has & RECORD.switch) !== 0;
  if (mask & GROUP.srcVlan) {
    // The switch knows best; what it calls untagged may carry a tag in the sampled header.
    const isKnown = isSwitched && sample.srcVlan !== 0xffff_ffff && (sample.srcVlan !== 0 || !(packet.has & HAS.vlan));
    set16(arrays, SRC_VLAN, row, isKnown ? sample.srcVlan : packet.vlan);
  }
  if (mask & GROUP.dstVlan) set16(arrays, DST_VLAN, row, sample.dstVlan);
  if (mask & GROUP.customerVlan) set16(arrays, CUSTOMER_VLAN, row, packet.customerVlan);
  if (mask & GROUP.srcPriority) set8(arrays, SRC_PRIORITY, row, sample.srcPriority);
  if (mask & GROUP.dstPriority) set8(arrays, DST_PRIORITY, row, sample.dstPriority);
}

function writeIp(arrays: Arrays, row: number, mask: number, sample: FlowSample): void {
  const { packet } = sample;
  set128(arrays, SRC_ADDR, row, packet.src0, packet.src1, packet.src2, packet.src3);
  set128(arrays, DST_ADDR, row, packet.dst0, packet.dst1, packet.dst2, packet.dst3);
  set8(arrays, PROTO, row, packet.proto);
  set8(arrays, TOS, row, packet.tos);
  set8(arrays, IP_VERSION, row, packet.ipVersion);
  set32(arrays, IP_LENGTH, row, packet.ipLength);
  if (mask & GROUP.ttl) set8(arrays, TTL, row, packet.ttl);
  if (mask & GROUP.fragment) {
    set32(arrays, FRAGMENT_ID, row, packet.fragmentId);
    set16(arrays, FRAGMENT_OFFSET, row, packet.fragmentOffset);
    set8(arrays, FRAGMENT_FLAGS, row, packet.fragmentFlags);
    set8(arrays, IP_HEADER_LENGTH, row, packet.ipHeaderLength);
  }
  if (mask & GROUP.ipv6) {
    set32(arrays, FLOW_LABEL, row, packet.flowLabel);
    set32(arrays, IPV6_OPTIONS, row, packet.ipv6ExtensionHeaders);
  }
  if (mask & GROUP.ports) {
    set16(arrays, SRC_PORT, row, packet.srcPort);
    set16(arrays, DST_PORT, row, packet.dstPort);
  }
  if (mask & GROUP.tcpFlags) set16(arrays, TCP_FLAGS, row, packet.tcpFlags);
  if (mask & GROUP.tcpSequence) set32(arrays, TCP_SEQUENCE, row, packet.tcpSequence);
  if (mask & GROUP.icmp) {
    set8(arrays, ICMP_TYPE, row, packet.icmpType);
    set8(arrays, ICMP_CODE, row, packet.icmpCode);
  }
  if (mask & GROUP.igmp) set8(arrays, IGMP_TYPE, row, packet.igmpType);
}

function writeTunnel(batch: FlowBatch, row: number, mask: number, sample: FlowSample): void {
  const { arrays } = batch;
  const { packet } = sample;
  const { inner } = packet;
  if (mask & GROUP.segment) {
    if (packet.has & HAS.l2Segment) set64(arrays, SEGMENT, row, packet.l2SegmentHigh, packet.l2SegmentLow);
    else set64(arrays, SEGMENT, row, 0, sample.vni);
  }
  if (mask & GROUP.tunnel) set8(arrays, TUNNEL, row, packet.tunnel);
  if (mask & GROUP.tunnelId) set32(arrays, TUNNEL_ID, row, packet.tunnelId);
  if (mask & GROUP.inner) {
    set128(arrays, INNER_SRC, row, inner.src0, inner.src1, inner.src2, inner.src3);
    set128(arrays, INNER_DST, row, inner.dst0, inner.dst1, inner.dst2, inner.dst3);
    set8(arrays, INNER_PROTO, row, inner.proto);
  }
  if (mask & GROUP.innerPorts) {
    set16(arrays, INNER_SRC_PORT, row, inner.srcPort);
    set16(arrays, INNER_DST_PORT, row, inner.dstPort);
  }
}

function writeRoute(batch: FlowBatch, row: number, mask: number, sample: FlowSample): void {
  const { arrays } = batch;
  if (mask & GROUP.router) {
    setWords(arrays, NEXT_HOP, row, sample.nextHop);
    set8(arrays, SRC_MASK, row, sample.srcMask);
    set8(arrays, DST_MASK, row, sample.dstMask);
  }
  if (mask & GROUP.gateway) {
    set32(arrays, SRC_AS, row, sample.srcAs);
    set32(arrays, DST_AS, row, sample.dstAs);
    set32(arrays, PREV_AS, row, sample.srcPeerAs);
    set32(arrays, NEXT_AS, row, sample.dstPeerAs);
    set32(arrays, AS_PATH, row, batch.textCode(sample.asPath));
  }
  if (mask & GROUP.gatewayNextHop) setWords(arrays, BGP_NEXT_HOP, row, sample.gatewayNextHop);
  if (mask & GROUP.gatewayPolicy) {
    set32(arrays, COMMUNITIES, row, batch.textCode(sample.communities));
    set32(arrays, LOCAL_PREF, row, sample.localPref);
  }
}

function writeRare(batch: FlowBatch, row: number, mask: number, sample: FlowSample): void {
  const { arrays } = batch;
  if (mask & GROUP.nat) {
    setWords(arrays, NAT_SRC, row, sample.natSrc);
    setWords(arrays, NAT_DST, row, sample.natDst);
  }
  if (mask & GROUP.natPort) {
    set16(arrays, NAT_SRC_PORT, row, sample.natSrcPort);
    set16(arrays, NAT_DST_PORT, row, sample.natDstPort);
  }
  if (mask & GROUP.wlan) {
    set32(arrays, SSID, row, batch.textCode(sample.ssid));
    set64(arrays, BSSID, row, sample.bssidHigh, sample.bssidLow);
  }
}

/** Copies the values that no column takes to the batch's heap. Returns the offset of the first. */
function keepExtras(batch: FlowBatch, sample: FlowSample, context: RecordContext): number {
  const first = batch.heapUsed;
  for (const { bytes, start, length, type } of sample.extras) {
    context.keep(batch, bytes, start, length, isVariable(type));
  }
  return first;
}

function set8(arrays: Arrays, slot: number, row: number, value: number): void {
  (arrays[slot] as Uint8Array)[row] = value;
}

function set16(arrays: Arrays, slot: number, row: number, value: number): void {
  (arrays[slot] as Uint16Array)[row] = value;
}

function set32(arrays: Arrays, slot: number, row: number, value: number): void {
  (arrays[slot] as Uint32Array)[row] = value;
}

function set64(arrays: Arrays, slot: number, row: number, high: number, low: number): void {
  const words = arrays[slot] as Uint32Array;
  words[row * 2] = low;
  words[row * 2 + 1] = high;
}

function set128(arrays: Arrays, slot: number, row: number, a: number, b: number, c: number, d: number): void {
  set64(arrays, slot, row, a, b);
  set64(arrays, slot + 1, row, c, d);
}

function setWords(arrays: Arrays, slot: number, row: number, words: ArrayLike<number>): void {
  set128(arrays, slot, row, words[0] as number, words[1] as number, words[2] as number, words[3] as number);
}
