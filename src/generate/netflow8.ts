import { createFixedLayout } from './fixed-layout.ts';

/*
 * Datagrams of NetFlow v8, written: aggregation scheme 14, prefix-port-ToS, which has most of a flow's key. Layout and source stand in
 * `wire/netflow-v8.ts`; the record, 40 octets:
 *
 *  0 flows   4 packets   8 octets   12 first   16 last   20 source prefix   24 destination prefix   28 destination mask   29 source mask
 * 30 ToS   31 protocol   32 u16 source port   34 u16 destination port   36 u16 input   38 u16 output
 */
const PREFIX_PORT_TOS = 14;
const SCHEME_VERSION = 2;

/** Every flow is an aggregate of one. The sequence number counts records. */
export const NETFLOW8 = createFixedLayout({
  version: 8,
  header: 28,
  record: 40,
  most: 35,
  times: { start: 12, end: 16 },
  counters: { packets: 4, bytes: 8 },
  samplingAt: 24,
  writeHeader(view) {
    view.setUint8(22, PREFIX_PORT_TOS);
    view.setUint8(23, SCHEME_VERSION);
  },
  writeRecord(view, at, { from, to, ...flow }) {
    view.setUint32(at, 1, false);
    view.setUint32(at + 4, flow.packets, false);
    view.setUint32(at + 8, flow.bytes, false);
    view.setUint32(at + 20, prefix(from.v4, from.mask), false);
    view.setUint32(at + 24, prefix(to.v4, to.mask), false);
    view.setUint8(at + 28, to.mask);
    view.setUint8(at + 29, from.mask);
    view.setUint8(at + 30, flow.tos);
    view.setUint8(at + 31, flow.protocol);
    view.setUint16(at + 32, flow.sourcePort, false);
    view.setUint16(at + 34, flow.destinationPort, false);
    view.setUint16(at + 36, from.interface, false);
    view.setUint16(at + 38, to.interface, false);
  },
});

function prefix(address: number, mask: number): number {
  return mask === 0 ? 0 : (address & (-1 << (32 - mask))) >>> 0;
}
