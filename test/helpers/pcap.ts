import { LINK_TYPE } from '#weir/wire/packet/link-types.js';
import { type OutgoingDatagram, PCAP_OVERHEAD, pcapFileHeader, writePcapRecord } from '#weir/wire/pcap/writer.js';

/** A whole pcap file in memory. */
export function encodePcap(datagrams: readonly OutgoingDatagram[], linkType: number = LINK_TYPE.ethernet): Uint8Array {
  const length = datagrams.reduce((sum, { payload }) => sum + payload.length + PCAP_OVERHEAD, 24);
  const bytes = new Uint8Array(length);
  bytes.set(pcapFileHeader(linkType));
  let at = 24;
  for (const datagram of datagrams) at = writePcapRecord(bytes, at, datagram, linkType);
  return bytes.subarray(0, at);
}
