import type { FlowBatch } from '../flow/batch.ts';
import { columnIndex } from '../flow/schema.ts';
import { FIRST_SLOT } from '../flow/slots.ts';
import { LINK_TYPE } from './packet/link-types.ts';
import { HAS, type PacketFields } from './packet/packet-fields.ts';
import { parsePacket, parseTransport } from './packet/parse-packet.ts';

/*
 * Elements that hold the beginning of a packet, or of its payload: dataLinkFrameSection (315), ipHeaderPacketSection (313), ipPayloadPacketSection (314),
 * mplsLabelStackSection (316), mplsPayloadPacketSection (317), of RFC 5477 section 8.5 and RFC 7133 sections 3 and 4, and Cisco's layer2packetSectionData (104,
 * RFC 7270). Records with one of them often have no other field of the packet, so that its headers give the columns that no field gives.
 */

/** Link types of the elements, best first. */
export const SECTION_LINK_TYPES: ReadonlyMap<number, number> = new Map([
  [315, LINK_TYPE.ethernet],
  [104, LINK_TYPE.ethernet],
  [313, LINK_TYPE.raw],
  [317, LINK_TYPE.raw],
  [316, LINK_TYPE.mpls],
]);

/** Columns that one number of the packet's headers gives. */
const NUMBERS: readonly (readonly [column: string, read: (packet: PacketFields) => number])[] = [
  ['proto', (packet) => packet.proto],
  ['tos', (packet) => packet.tos],
  ['ttl', (packet) => packet.ttl],
  ['ip_version', (packet) => packet.ipVersion],
  ['ip_total_length', (packet) => packet.ipLength],
  ['src_port', (packet) => packet.srcPort],
  ['dst_port', (packet) => packet.dstPort],
  ['tcp_flags', (packet) => packet.tcpFlags],
  ['tcp_sequence', (packet) => packet.tcpSequence],
  ['icmp_type', (packet) => packet.icmpType],
  ['icmp_code', (packet) => packet.icmpCode],
  ['flow_label', (packet) => packet.flowLabel],
  ['fragment_id', (packet) => packet.fragmentId],
  ['fragment_offset', (packet) => packet.fragmentOffset],
  ['ethernet_type', (packet) => packet.etherType],
  ['src_vlan', (packet) => packet.vlan],
  ['customer_vlan', (packet) => packet.customerVlan],
  ['inner_src_port', (packet) => packet.inner.srcPort],
  ['inner_dst_port', (packet) => packet.inner.dstPort],
  ['inner_proto', (packet) => packet.inner.proto],
];

type Write = (packet: PacketFields, batch: FlowBatch, row: number) => void;

const slot = (name: string): number => FIRST_SLOT[columnIndex(name)] as number;

/** Columns of two words or more. */
const WIDE: readonly (readonly [column: string, write: (slot: number) => Write])[] = [
  ['src_addr', (at) => (p, batch, row) => putAddress(batch, at, row, p.src0, p.src1, p.src2, p.src3)],
  ['dst_addr', (at) => (p, batch, row) => putAddress(batch, at, row, p.dst0, p.dst1, p.dst2, p.dst3)],
  [
    'inner_src_addr',
    (at) =>
      ({ inner: p }, batch, row) =>
        putAddress(batch, at, row, p.src0, p.src1, p.src2, p.src3),
  ],
  [
    'inner_dst_addr',
    (at) =>
      ({ inner: p }, batch, row) =>
        putAddress(batch, at, row, p.dst0, p.dst1, p.dst2, p.dst3),
  ],
  ['src_mac', (at) => (p, batch, row) => putPair(batch, at, row, p.srcMacLow, p.srcMacHigh)],
  ['dst_mac', (at) => (p, batch, row) => putPair(batch, at, row, p.dstMacLow, p.dstMacHigh)],
  ['l2_segment', (at) => (p, batch, row) => putPair(batch, at, row, p.l2SegmentLow, p.l2SegmentHigh)],
  ['packets', (at) => (_, batch, row) => putPair(batch, at, row, 1, 0)],
  ['bytes', (at) => (p, batch, row) => putPair(batch, at, row, p.ipLength, 0)],
  [
    'mpls_labels',
    (at) => (p, batch, row) => {
      const labels = batch.arrays[at];
      const text = (p.has & HAS.mpls) === 0 ? '' : p.mplsLabels.subarray(0, p.mplsCount).join(',');
      if (labels !== undefined) labels[row] = batch.textCode(text);
    },
  ],
];

/** ipPayloadPacketSection: only records that tell the protocol say what it is. */
export const PAYLOAD_SECTION = 314;

/** Columns that a transport header gives. */
const OF_TRANSPORT: ReadonlySet<string> = new Set(
  'src_port dst_port tcp_flags tcp_sequence icmp_type icmp_code packets'.split(' '),
);

/** What the section of a plan's records gives: link type, columns, and how each is written. */
export interface SectionPlan {
  readonly linkType: number;
  /** The section begins behind the IP header. */
  readonly isPayload: boolean;
  /** Whether another field of the record tells which fragment the packet is. */
  readonly knowsFragment: boolean;
  readonly columns: readonly number[];
  readonly writes: readonly Write[];
}

/**
 * The plan for the section element `id` in records whose other fields give the columns `taken`. With `isSample` the record counts neither packets nor
 * octets: it stands for one packet, as long as its IP header says.
 */
export function sectionPlan(id: number, taken: ReadonlySet<number>, isSample: boolean): SectionPlan {
  const columns: number[] = [];
  const writes: Write[] = [];
  const isPayload = id === PAYLOAD_SECTION;
  const add = (name: string, write: Write): void => {
    const column = columnIndex(name);
    if (isPayload && !OF_TRANSPORT.has(name)) return;
    if (taken.has(column) || (!isSample && (name === 'bytes' || name === 'packets'))) return;
    columns.push(column);
    writes.push(write);
  };
  for (const [name, read] of NUMBERS) {
    const at = slot(name);
    add(name, (packet, batch, row) => {
      const array = batch.arrays[at];
      if (array !== undefined) array[row] = read(packet);
    });
  }
  for (const [name, write] of WIDE) add(name, write(slot(name)));
  const linkType = SECTION_LINK_TYPES.get(id) ?? LINK_TYPE.ethernet;
  return { linkType, isPayload, knowsFragment: taken.has(columnIndex('fragment_offset')), columns, writes };
}

/** Reads the section at `offset` and writes the plan's columns; those that the packet has nothing for become 0. */
export function writeSection(
  plan: SectionPlan,
  packet: PacketFields,
  bytes: Uint8Array,
  offset: number,
  length: number,
  batch: FlowBatch,
  row: number,
): void {
  const end = offset + length;
  if (plan.isPayload) parseTransport(bytes, offset, end, payloadProtocol(plan, batch, row), packet);
  else parsePacket(bytes, offset, end, plan.linkType, packet);
  for (const write of plan.writes) write(packet, batch, row);
}

const PROTO = slot('proto');
const FRAGMENT_OFFSET = slot('fragment_offset');
/** IPv6-NoNxt: nothing that could be read. */
const NO_HEADER = 59;

/** What follows the IP header of a row, whose other fields are written by now. Fragments but the first have no transport header. */
function payloadProtocol({ knowsFragment }: SectionPlan, { arrays }: FlowBatch, row: number): number {
  const isLater = knowsFragment && arrays[FRAGMENT_OFFSET]?.[row] !== 0;
  return isLater ? NO_HEADER : (arrays[PROTO]?.[row] ?? NO_HEADER);
}

function putPair(batch: FlowBatch, at: number, row: number, low: number, high: number): void {
  const words = batch.arrays[at];
  if (words === undefined) return;
  words[row * 2] = low;
  words[row * 2 + 1] = high;
}

function putAddress(batch: FlowBatch, at: number, row: number, w0: number, w1: number, w2: number, w3: number): void {
  putPair(batch, at, row, w1, w0);
  putPair(batch, at + 1, row, w3, w2);
}
