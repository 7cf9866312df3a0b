import { viewOf } from '../wire/pcap/packet.ts';
import type { Flow } from './flows.ts';
import type { Layout } from './layout.ts';

/*
 * Datagrams of NetFlow v1, v5, v6 and v7, written; layouts and sources stand in `wire/netflow-v1.ts` to `wire/netflow-v7.ts`. Their records begin alike:
 *
 *  0 srcaddr   4 dstaddr   8 nexthop   12 u16 input   14 u16 output   16 u32 packets   20 u32 octets   24 u32 first ms   28 u32 last ms
 * 32 u16 srcport   34 u16 dstport
 *
 * v1 goes on with          36 pad 16   38 protocol   39 ToS   40 TCP flags   41 pad, up to 48
 * v5, v6, v7 go on with    36 pad   37 TCP flags   38 protocol   39 ToS   40 u16 src_as   42 u16 dst_as   44 src_mask   45 dst_mask   46 pad
 */

/** Packet interval sampling, in the two bits above the interval. */
const SAMPLING_MODE = 1 << 14;

interface Format {
  readonly version: 1 | 5 | 6 | 7;
  readonly header: number;
  readonly record: number;
  readonly most: number;
}

export const NETFLOW1 = createLayout({ version: 1, header: 16, record: 48, most: 24 });
export const NETFLOW5 = createLayout({ version: 5, header: 24, record: 48, most: 30 });
export const NETFLOW6 = createLayout({ version: 6, header: 24, record: 52, most: 27 });
export const NETFLOW7 = createLayout({ version: 7, header: 24, record: 52, most: 27 });

/** IPv4 only; the sequence number, where there is one, counts flows. */
function createLayout({ version, header, record, most }: Format): Layout {
  return {
    version,
    headerLength: header,
    recordLength: () => record,
    defaultRecords: most,
    mostRecords: most,
    unit: 'flows',
    times: { start: 24, end: 28, is: 'uptime' },
    counters: { packets: 16, bytes: 20 },
    ipv6Shift: 0,
    datagramLength: (records) => header + records * record,
    shorten: (datagram, records) => viewOf(datagram).setUint16(2, records, false),
    describe: () => undefined,
    patchHeader(view, at, { now, uptime, sequence, domain, sampling }) {
      const seconds = Math.floor(now / 1000);
      view.setUint32(at + 4, uptime, false);
      view.setUint32(at + 8, seconds, false);
      view.setUint32(at + 12, (now - seconds * 1000) * 1_000_000, false);
      if (version === 1) return;
      view.setUint32(at + 16, sequence, false);
      view.setUint8(at + 21, domain);
      if (version === 5) view.setUint16(at + 22, sampling > 1 ? SAMPLING_MODE | sampling : 0, false);
    },
    writeDatagram(into, flows) {
      const view = viewOf(into);
      view.setUint16(0, version, false);
      view.setUint16(2, flows.length, false);
      flows.forEach((flow, index) => writeRecord(view, header + index * record, flow, version));
    },
  };
}

function writeRecord(view: DataView, at: number, flow: Flow, version: number): void {
  const { from, to } = flow;
  view.setUint32(at, from.v4, false);
  view.setUint32(at + 4, to.v4, false);
  view.setUint32(at + 8, to.nextHop, false);
  view.setUint16(at + 12, from.interface, false);
  view.setUint16(at + 14, to.interface, false);
  view.setUint32(at + 16, flow.packets, false);
  view.setUint32(at + 20, flow.bytes, false);
  view.setUint16(at + 32, flow.sourcePort, false);
  view.setUint16(at + 34, flow.destinationPort, false);
  view.setUint8(at + 38, flow.protocol);
  view.setUint8(at + 39, flow.tos);
  if (version === 1) {
    view.setUint8(at + 40, flow.tcpFlags);
    return;
  }
  view.setUint8(at + 37, flow.tcpFlags);
  view.setUint16(at + 40, from.as, false);
  view.setUint16(at + 42, to.as, false);
  view.setUint8(at + 44, from.mask);
  view.setUint8(at + 45, to.mask);
}
