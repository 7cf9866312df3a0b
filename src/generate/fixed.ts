import { createFixedLayout } from './fixed-layout.ts';
import type { Flow } from './flows.ts';

/*
 * Datagrams of NetFlow v1, v5, v6 and v7, written; layouts and sources stand in `wire/netflow-v1.ts` to `wire/netflow-v7.ts`. Their records begin alike:
 *
 *  0 srcaddr   4 dstaddr   8 nexthop   12 u16 input   14 u16 output   16 u32 packets   20 u32 octets   24 u32 first ms   28 u32 last ms
 * 32 u16 srcport   34 u16 dstport
 *
 * v1 goes on with          36 pad 16   38 protocol   39 ToS   40 TCP flags   41 pad, up to 48
 * v5, v6, v7 go on with    36 pad   37 TCP flags   38 protocol   39 ToS   40 u16 src_as   42 u16 dst_as   44 src_mask   45 dst_mask   46 pad
 */

const V1_TO_V7 = { times: { start: 24, end: 28 }, counters: { packets: 16, bytes: 20 } } as const;

export const NETFLOW1 = createFixedLayout({
  version: 1,
  header: 16,
  record: 48,
  most: 24,
  ...V1_TO_V7,
  writeRecord(view, at, flow) {
    writeBeginning(view, at, flow);
    view.setUint8(at + 38, flow.protocol);
    view.setUint8(at + 39, flow.tos);
    view.setUint8(at + 40, flow.tcpFlags);
  },
});

const V5_TO_V7 = {
  header: 24,
  ...V1_TO_V7,
  writeRecord(view: DataView, at: number, flow: Flow): void {
    const { from, to } = flow;
    writeBeginning(view, at, flow);
    view.setUint8(at + 37, flow.tcpFlags);
    view.setUint8(at + 38, flow.protocol);
    view.setUint8(at + 39, flow.tos);
    view.setUint16(at + 40, from.as, false);
    view.setUint16(at + 42, to.as, false);
    view.setUint8(at + 44, from.mask);
    view.setUint8(at + 45, to.mask);
  },
} as const;

export const NETFLOW5 = createFixedLayout({ version: 5, ...V5_TO_V7, record: 48, most: 30, samplingAt: 22 });
export const NETFLOW6 = createFixedLayout({ version: 6, ...V5_TO_V7, record: 52, most: 27 });
export const NETFLOW7 = createFixedLayout({ version: 7, ...V5_TO_V7, record: 52, most: 27 });

function writeBeginning(view: DataView, at: number, flow: Flow): void {
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
}
