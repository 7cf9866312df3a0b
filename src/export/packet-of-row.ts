import { slotOf } from '../flow/slots.ts';
import type { PacketHead } from './packet-header.ts';
import type { RowReader } from './row-reader.ts';

const SRC_MAC = slotOf('src_mac');
const DST_MAC = slotOf('dst_mac');
const SRC_ADDR = slotOf('src_addr');
const DST_ADDR = slotOf('dst_addr');
/** Columns of 8, 16 or 32 bits that go into the packet's head. */
const HEAD = {
  proto: slotOf('proto'),
  tos: slotOf('tos'),
  ttl: slotOf('ttl'),
  flowLabel: slotOf('flow_label'),
  fragmentId: slotOf('fragment_id'),
  fragmentOffset: slotOf('fragment_offset'),
  fragmentFlags: slotOf('fragment_flags'),
  srcPort: slotOf('src_port'),
  dstPort: slotOf('dst_port'),
  tcpFlags: slotOf('tcp_flags'),
  tcpSequence: slotOf('tcp_sequence'),
  icmpType: slotOf('icmp_type'),
  icmpCode: slotOf('icmp_code'),
} as const;

/** Where the record does not say. */
const USUAL_TTL = 64;

/** Fills in the head of a packet of this row, whose IP packet has `ipLength` octets. */
export function fillPacketHead(head: PacketHead, reader: RowReader, row: number, ipLength: number): void {
  head.srcMacHigh = reader.upper(SRC_MAC, row);
  head.srcMacLow = reader.lower(SRC_MAC, row);
  head.dstMacHigh = reader.upper(DST_MAC, row);
  head.dstMacLow = reader.lower(DST_MAC, row);
  reader.address(SRC_ADDR, row, head.source);
  reader.address(DST_ADDR, row, head.destination);
  head.isIpv6 = !isMapped(head.source) || !isMapped(head.destination);
  head.proto = reader.number(HEAD.proto, row);
  head.tos = reader.number(HEAD.tos, row);
  head.flowLabel = reader.number(HEAD.flowLabel, row);
  head.fragmentId = reader.number(HEAD.fragmentId, row);
  head.fragmentOffset = reader.number(HEAD.fragmentOffset, row);
  head.fragmentFlags = reader.number(HEAD.fragmentFlags, row);
  head.srcPort = reader.number(HEAD.srcPort, row);
  head.dstPort = reader.number(HEAD.dstPort, row);
  head.tcpFlags = reader.number(HEAD.tcpFlags, row);
  head.tcpSequence = reader.number(HEAD.tcpSequence, row);
  head.icmpType = reader.number(HEAD.icmpType, row);
  head.icmpCode = reader.number(HEAD.icmpCode, row);
  head.ttl = reader.has(HEAD.ttl) ? reader.number(HEAD.ttl, row) : USUAL_TTL;
  head.ipLength = ipLength;
}

/** Whether the words are an IPv4 address. */
export function isMapped(words: ArrayLike<number>): boolean {
  return words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
}
