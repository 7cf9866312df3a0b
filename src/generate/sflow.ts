import { createPacketHead, ETHERNET, writePacketHead } from '../export/packet-header.ts';
import { viewOf } from '../util/octets.ts';
import type { Flow } from './flows.ts';
import type { Layout } from './layout.ts';

/*
 * Datagrams of sFlow version 5, written: flow samples with the head of one packet of each flow. Layout and source stand in `wire/sflow`. All in words of
 * 32 bits, so a sample has the same length whatever is in it:
 *
 * datagram   0 version 5   4 address type 1   8 agent   12 sub-agent   16 sequence   20 uptime   24 number of samples
 * sample     0 format 1   4 length   8 sequence   12 source   16 rate   20 pool   24 drops   28 input   32 output   36 records: 1
 * record    40 format 1   44 length   48 protocol 1   52 frame length   56 stripped   60 header length   64 header, filled up to whole words
 */
const HEADER = 28;
const DATA = 64;
const TRANSPORT = 20;
/** Address of the agent: 198.18.0.1, of the network for benchmarks (RFC 2544). */
const AGENT = 0xc6120001;
const SOURCE = 1;
const MAC_HIGH = 0x0200;
const TTL = 62;

const headLength = (isIpv6: boolean): number => ETHERNET + (isIpv6 ? 40 : 20) + TRANSPORT;
const sampleLength = (isIpv6: boolean): number => DATA + ((headLength(isIpv6) + 3) & ~3);

/** The sequence number of datagrams counts them; that of samples goes on from one to the next, because all datagrams hold as many. */
export const SFLOW: Layout = {
  version: 'sflow',
  headerLength: HEADER,
  recordLength: sampleLength,
  defaultRecords: 8,
  mostRecords: 500,
  unit: 'messages',
  times: undefined,
  counters: { packets: undefined, bytes: 52 },
  ipv6Shift: 0,
  datagramLength: (records, isIpv6) => HEADER + records * sampleLength(isIpv6),
  shorten: (datagram, records) => viewOf(datagram).setUint32(24, records, false),
  describe: () => undefined,
  /** One packet of the flow, of mean length; octets of a sample are those of the frame. */
  adapt: (flow) => ({ ...flow, packets: 1, bytes: Math.round(flow.bytes / flow.packets) + ETHERNET }),
  patchHeader(view, at, { uptime, sequence, domain, sampling }) {
    view.setUint32(at + 12, domain, false);
    view.setUint32(at + 16, sequence, false);
    view.setUint32(at + 20, uptime, false);
    const samples = view.getUint32(at + 24, false);
    const stride = (view.byteLength - at - HEADER) / samples;
    for (let i = 0; i < samples; i++) {
      const sample = at + HEADER + i * stride;
      const number = sequence * samples + i;
      view.setUint32(sample + 8, number, false);
      view.setUint32(sample + 16, sampling, false);
      view.setUint32(sample + 20, (number + 1) * sampling, false);
    }
  },
  writeDatagram(into, flows, isIpv6) {
    const view = viewOf(into);
    view.setUint32(0, 5, false);
    view.setUint32(4, 1, false);
    view.setUint32(8, AGENT, false);
    view.setUint32(24, flows.length, false);
    flows.forEach((flow, index) => writeSample(view, HEADER + index * sampleLength(isIpv6), flow, isIpv6));
  },
};

function writeSample(view: DataView, at: number, flow: Flow, isIpv6: boolean): void {
  const { from, to } = flow;
  const length = sampleLength(isIpv6);
  view.setUint32(at, 1, false);
  view.setUint32(at + 4, length - 8, false);
  view.setUint32(at + 12, SOURCE, false);
  view.setUint32(at + 28, from.interface, false);
  view.setUint32(at + 32, to.interface, false);
  view.setUint32(at + 36, 1, false);
  view.setUint32(at + 40, 1, false);
  view.setUint32(at + 44, length - 48, false);
  view.setUint32(at + 48, 1, false);
  view.setUint32(at + 52, flow.bytes, false);
  view.setUint32(at + 60, headLength(isIpv6), false);
  const head = createPacketHead();
  head.isIpv6 = isIpv6;
  head.source.set(isIpv6 ? from.v6 : [0, 0, 0xffff, from.v4]);
  head.destination.set(isIpv6 ? to.v6 : [0, 0, 0xffff, to.v4]);
  head.srcMacHigh = MAC_HIGH;
  head.srcMacLow = from.interface;
  head.dstMacHigh = MAC_HIGH;
  head.dstMacLow = to.interface;
  const isIcmp = flow.protocol === 1;
  head.proto = isIcmp && isIpv6 ? 58 : flow.protocol;
  head.tos = flow.tos;
  head.ttl = TTL;
  head.srcPort = flow.sourcePort;
  head.dstPort = flow.destinationPort;
  head.tcpFlags = flow.tcpFlags;
  // Echo request and reply are 8 and 0 in ICMP, 128 and 129 in ICMPv6 (RFC 4443).
  const isRequest = flow.destinationPort === 0x0800;
  head.icmpType = isIpv6 ? (isRequest ? 128 : 129) : isRequest ? 8 : 0;
  head.ipLength = flow.bytes - ETHERNET;
  writePacketHead(view, at + DATA, head);
}
