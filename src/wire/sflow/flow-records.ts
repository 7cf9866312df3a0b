/*
 * Flow records of version 5 (sFlow Version 5, section 5.3): u32 data format (enterprise << 12 | format), u32 length, data. Formats are those of
 * sflow.org's list of structure numbers. What has no column is kept by the names below; what weir does not know, as octets.
 */
import { u32 } from '../../util/octets.ts';
import { readSocket, readUrl, readUser, readVni, readWlan, readWlanPayload } from './context-records.ts';
import { padded } from './datagram.ts';
import type { ExtraValue, FlowSample } from './flow-sample.ts';
import { readSampledEthernet, readSampledHeader, readSampledIp } from './packet-records.ts';
import {
  readGateway,
  readMpls,
  readNat,
  readNatPort,
  readRouter,
  readSwitch,
  readVlanTunnel,
} from './routing-records.ts';
import { type FieldKind, type StructureField, walkFields } from './structure.ts';

/** Fields of the structures that are only carried through, by data format. Names are ours in the style of IANA's, after sflow.org's. */
// biome-ignore format: one structure, one row
const STRUCTURES: ReadonlyMap<number, readonly StructureField[]> = new Map<number, readonly StructureField[]>([
  [1008, [['mplsTunnelLspName', 'string'], ['mplsTunnelId', 'u32'], ['mplsTunnelCos', 'u32']]],
  [1009, [['mplsVcInstanceName', 'string'], ['mplsVllVcId', 'u32'], ['mplsVcLabelCos', 'u32']]],
  [1010, [['mplsFtnDescription', 'string'], ['mplsFtnMask', 'u32']]],
  [1011, [['mplsFecPrefixLength', 'u32']]],
  [1021, ethernet('tunnelEgress')],
  [1022, ethernet('tunnelIngress')],
  [1023, ip('tunnelEgress', 'ipv4', 'Tos')],
  [1024, ip('tunnelIngress', 'ipv4', 'Tos')],
  [1025, ip('tunnelEgress', 'ipv6', 'Priority')],
  [1026, ip('tunnelIngress', 'ipv6', 'Priority')],
  [1027, [['decapsulateEgressOffset', 'u32']]],
  [1028, [['decapsulateIngressOffset', 'u32']]],
  [1036, [['egressQueue', 'u32']]],
  [1037, [['aclNumber', 'u32'], ['aclName', 'string'], ['aclDirection', 'u32']]],
  [1038, [['dropFunction', 'string']]],
  [1039, [['transitDelay', 'u32']]],
  [1040, [['queueDepth', 'u32']]],
  [1041, [['hardwareTrapGroup', 'string'], ['hardwareTrap', 'string']]],
  [1042, [['linuxDropReason', 'string']]],
  [2102, [['proxySocketProtocol', 'u32'], ['proxySocketLocalAddress', 'ipv4'], ['proxySocketRemoteAddress', 'ipv4'], ['proxySocketLocalPort', 'u32'], ['proxySocketRemotePort', 'u32']]],
  [2103, [['proxySocketProtocol', 'u32'], ['proxySocketLocalAddress', 'ipv6'], ['proxySocketRemoteAddress', 'ipv6'], ['proxySocketLocalPort', 'u32'], ['proxySocketRemotePort', 'u32']]],
  [2202, [['application', 'string'], ['operation', 'string'], ['attributes', 'string'], ['statusDescription', 'string'], ['requestOctets', 'u64'], ['responseOctets', 'u64'], ['durationMicroseconds', 'u32'], ['status', 'u32']]],
  [2203, [['parentApplication', 'string'], ['parentOperation', 'string'], ['parentAttributes', 'string']]],
  [2204, [['initiator', 'string']]],
  [2205, [['target', 'string']]],
  [2209, [['tcpInfoDirection', 'u32'], ['tcpInfoSendMss', 'u32'], ['tcpInfoReceiveMss', 'u32'], ['tcpInfoUnacked', 'u32'], ['tcpInfoLost', 'u32'], ['tcpInfoRetransmitted', 'u32'], ['tcpInfoPathMtu', 'u32'], ['tcpInfoRtt', 'u32'], ['tcpInfoRttVariance', 'u32'], ['tcpInfoCongestionWindow', 'u32'], ['tcpInfoReordering', 'u32'], ['tcpInfoMinRtt', 'u32']]],
  [2210, [['srcEntityClass', 'u32'], ['srcEntityIndex', 'u32'], ['dstEntityClass', 'u32'], ['dstEntityIndex', 'u32']]],
]);

function ethernet(prefix: string): StructureField[] {
  return [
    [`${prefix}Length`, 'u32'],
    [`${prefix}SrcMac`, 'mac'],
    [`${prefix}DstMac`, 'mac'],
    [`${prefix}EthernetType`, 'u32'],
  ];
}

function ip(prefix: string, kind: 'ipv4' | 'ipv6', tos: string): StructureField[] {
  return [
    [`${prefix}Length`, 'u32'],
    [`${prefix}Protocol`, 'u32'],
    [`${prefix}SrcAddress`, kind],
    [`${prefix}DstAddress`, kind],
    [`${prefix}SrcPort`, 'u32'],
    [`${prefix}DstPort`, 'u32'],
    [`${prefix}TcpFlags`, 'u32'],
    [`${prefix}${tos}`, 'u32'],
  ];
}

/**
 * Reads the flow records of a sample between `start` and `end` into `out`. Returns false when a record does not fit, or is shorter than its
 * structure: what came before it counts.
 */
export function readFlowRecords(bytes: Uint8Array, start: number, end: number, out: FlowSample): boolean {
  let isWhole = true;
  let p = start;
  for (let i = out.records; i > 0; i--) {
    if (p + 8 > end) return false;
    const format = u32(bytes, p);
    const length = u32(bytes, p + 4);
    p += 8;
    if (length > end - p) {
      // A sampled header that the datagram cuts off is worth reading as far as it goes.
      readFlowRecord(bytes, p, end, format, out);
      return false;
    }
    if (!readFlowRecord(bytes, p, p + length, format, out)) isWhole = false;
    p += padded(length);
  }
  return isWhole;
}

function readFlowRecord(bytes: Uint8Array, start: number, end: number, format: number, out: FlowSample): boolean {
  switch (format) {
    case 1:
      return readSampledHeader(bytes, start, end, 5, out);
    case 2:
      return readSampledEthernet(bytes, start, end, out);
    case 3:
      return readSampledIp(bytes, start, end, 1, out);
    case 4:
      return readSampledIp(bytes, start, end, 4, out);
    case 1001:
      return readSwitch(bytes, start, end, out);
    case 1002:
      return readRouter(bytes, start, end, out) >= 0;
    case 1003:
      return readGateway(bytes, start, end, 5, out) >= 0;
    case 1004:
      return readUser(bytes, start, end, 5, out) >= 0;
    case 1005:
      return readUrl(bytes, start, end, 5, out) >= 0;
    case 1006:
      return readMpls(bytes, start, end, out);
    case 1007:
      return readNat(bytes, start, end, out);
    case 1012:
      return readVlanTunnel(bytes, start, end, out);
    case 1013:
      return readWlanPayload(bytes, start, end, out);
    case 1014:
      return readWlan(bytes, start, end, false, out);
    case 1015:
      return readWlan(bytes, start, end, true, out);
    case 1020:
      return readNatPort(bytes, start, end, out);
    case 1029:
    case 1030:
      return readVni(bytes, start, end, out);
    case 2100:
      return readSocket(bytes, start, end, 1, out);
    case 2101:
      return readSocket(bytes, start, end, 4, out);
    default:
      return readOther(bytes, start, end, format, out);
  }
}

/** Carries a structure through: by the fields of its table, or whole as `enterprise/format`. */
function readOther(bytes: Uint8Array, start: number, end: number, format: number, out: FlowSample): boolean {
  const fields = STRUCTURES.get(format);
  if (fields === undefined) {
    const name = `sflow:${format >>> 12}/${format & 0xfff}`;
    out.extras.push({ name, type: 'octetArray', bytes, start, length: end - start });
    return true;
  }
  let visited = 0;
  walkFields(fields, bytes, start, end, (name, kind, offset, length) => {
    visited++;
    if (length > 0) out.extras.push({ name, type: TYPE_OF[kind], bytes, start: offset, length });
  });
  return visited === fields.length;
}

const TYPE_OF: Readonly<Record<FieldKind, ExtraValue['type']>> = {
  u32: 'unsigned32',
  i32: 'unsigned32',
  f32: 'unsigned32',
  u64: 'unsigned64',
  mac: 'macAddress',
  ipv4: 'ipv4Address',
  ipv6: 'ipv6Address',
  uuid: 'octetArray',
  string: 'string',
  octets: 'octetArray',
  address: 'octetArray',
};
