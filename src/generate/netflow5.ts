/*
 * NetFlow v5 datagrams, written. Source: Cisco, "NetFlow Export Datagram Format", tables B-3 and B-4.
 *
 * Header, 24 bytes:  0 u16 version   2 u16 count   4 u32 sysUptime ms   8 u32 unix secs   12 u32 unix nsecs   16 u32 flow sequence
 *                   20 u8 engine type   21 u8 engine id   22 u2 sampling mode, u14 sampling interval
 * Record, 48 bytes:  0 srcaddr   4 dstaddr   8 nexthop   12 u16 input   14 u16 output   16 u32 dPkts   20 u32 dOctets   24 u32 first ms
 *                   28 u32 last ms   32 u16 srcport   34 u16 dstport   36 pad   37 u8 tcp_flags   38 u8 prot   39 u8 tos
 *                   40 u16 src_as   42 u16 dst_as   44 u8 src_mask   45 u8 dst_mask   46 pad
 */
import { viewOf } from '../wire/pcap/packet.ts';
import type { Layout } from './layout.ts';

const HEADER = 24;
const RECORD = 48;
/** Packet interval sampling, in the two bits above the interval. */
const SAMPLING_MODE = 1 << 14;

/** NetFlow v5: at most 30 records, IPv4 only; the sequence number counts flows. */
export const NETFLOW5: Layout = {
  version: 5,
  headerLength: HEADER,
  recordLength: () => RECORD,
  defaultRecords: 30,
  times: { start: 24, end: 28, is: 'uptime' },
  counters: { packets: 16, bytes: 20 },
  datagramLength: (records) => HEADER + records * RECORD,
  shorten: (datagram, records) => viewOf(datagram).setUint16(2, records, false),
  describe: () => undefined,
  patchHeader(view, at, { now, uptime, sequence, domain, sampling }) {
    const seconds = Math.floor(now / 1000);
    view.setUint32(at + 4, uptime, false);
    view.setUint32(at + 8, seconds, false);
    view.setUint32(at + 12, (now - seconds * 1000) * 1_000_000, false);
    view.setUint32(at + 16, sequence, false);
    view.setUint8(at + 21, domain);
    view.setUint16(at + 22, sampling > 1 ? SAMPLING_MODE | sampling : 0, false);
  },
  writeDatagram(into, flows) {
    const view = viewOf(into);
    view.setUint16(0, 5, false);
    view.setUint16(2, flows.length, false);
    for (const [index, flow] of flows.entries()) {
      const at = HEADER + index * RECORD;
      view.setUint32(at, flow.from.v4, false);
      view.setUint32(at + 4, flow.to.v4, false);
      view.setUint32(at + 8, flow.to.nextHop, false);
      view.setUint16(at + 12, flow.from.interface, false);
      view.setUint16(at + 14, flow.to.interface, false);
      view.setUint32(at + 16, flow.packets, false);
      view.setUint32(at + 20, flow.bytes, false);
      view.setUint16(at + 32, flow.sourcePort, false);
      view.setUint16(at + 34, flow.destinationPort, false);
      view.setUint8(at + 37, flow.tcpFlags);
      view.setUint8(at + 38, flow.protocol);
      view.setUint8(at + 39, flow.tos);
      view.setUint16(at + 40, flow.from.as, false);
      view.setUint16(at + 42, flow.to.as, false);
      view.setUint8(at + 44, flow.from.mask);
      view.setUint8(at + 45, flow.to.mask);
    }
  },
};
