/*
 * sFlow versions 2 and 4: samples (InMon's version 2; RFC 3176 section 5). Nothing has a length, so what is unknown ends the datagram.
 *
 * Every sample     u32 type: 1 flow, 2 counters
 *   flow sample    u32 sequence  u32 source id: class << 24 | index  u32 sampling rate  u32 sample pool  u32 drops  u32 input  u32 output
 *                  u32 packet data type: 1 header (u32 protocol  u32 frame length  opaque header), 2 IPv4, 3 IPv6
 *                  u32 number of extended data, each u32 type: 1 switch, 2 router, 3 gateway, 4 user, 5 URL (version 4)
 *   counters       u32 sequence  u32 source id  u32 polling interval, s
 *                  u32 counters type: 1 generic, 2 Ethernet, 3 token ring, 4 FDDI, 5 100BaseVG, 6 WAN, 7 VLAN; all but VLAN begin with
 *                  the generic interface counters, FDDI and WAN have nothing else
 */
import { u32 } from '../../util/octets.ts';
import { readUrl, readUser } from './context-records.ts';
import { padded } from './datagram.ts';
import { type FlowSample, readSampleHead } from './flow-sample.ts';
import { readSampledHeader, readSampledIp } from './packet-records.ts';
import { readGateway, readRouter, readSwitch } from './routing-records.ts';

/** Types of samples. */
export const LEGACY_SAMPLE = { flow: 1, counters: 2 } as const;

/** Octets of the structures by counters type, as data formats of version 5: what follows the head of a counters sample. */
export const LEGACY_COUNTERS: Readonly<Record<number, readonly number[]>> = {
  1: [1],
  2: [1, 2],
  3: [1, 3],
  4: [1],
  5: [1, 4],
  6: [1],
  7: [5],
};

/**
 * Reads a flow sample behind its type. Returns the offset behind it; −1 when it is cut off or holds what cannot be skipped: `out` has what was read
 * before (nothing when its `has` is 0).
 */
export function readLegacyFlowSample(bytes: Uint8Array, start: number, version: number, out: FlowSample): number {
  const end = bytes.length;
  if (start + 32 > end) return -1;
  const output = u32(bytes, start + 24);
  readSampleHead(bytes, start, out);
  out.inFormat = 0;
  out.input = u32(bytes, start + 20);
  // The highest bit says that there are several interfaces, the others how many.
  out.outFormat = output >>> 31 === 1 ? 2 : 0;
  out.output = output & 0x7fff_ffff;
  let p = readPacketData(bytes, start + 28, end, version, out);
  if (p < 0 || p + 4 > end) return -1;
  const extended = u32(bytes, p);
  p += 4;
  out.records = 1 + extended;
  if (extended > (end - p) / 4) return -1;
  for (let i = 0; i < extended && p >= 0; i++) p = readExtendedData(bytes, p, end, version, out);
  return p;
}

function readPacketData(bytes: Uint8Array, start: number, end: number, version: number, out: FlowSample): number {
  const data = start + 4;
  switch (u32(bytes, start)) {
    case 1: {
      if (!readSampledHeader(bytes, data, end, version, out)) return -1;
      return data + 12 + padded(u32(bytes, data + 8));
    }
    case 2:
      return readSampledIp(bytes, data, end, 1, out) ? data + 32 : -1;
    case 3:
      return readSampledIp(bytes, data, end, 4, out) ? data + 56 : -1;
    default:
      return -1;
  }
}

function readExtendedData(bytes: Uint8Array, start: number, end: number, version: number, out: FlowSample): number {
  if (start + 8 > end) return -1;
  const data = start + 4;
  switch (u32(bytes, start)) {
    case 1:
      return readSwitch(bytes, data, end, out) ? data + 16 : -1;
    case 2:
      return readRouter(bytes, data, end, out);
    case 3:
      return readGateway(bytes, data, end, version, out);
    case 4:
      return readUser(bytes, data, end, version, out);
    case 5:
      return readUrl(bytes, data, end, version, out);
    default:
      return -1;
  }
}
