/*
 * sFlow version 5: samples (sflow.org, "sFlow Version 5", section 5.3; "sFlow Dropped Packet Notification Structures")
 *
 * Every sample    u32 data format: enterprise << 12 | format   u32 length of what follows, octets
 *   1 flow sample            u32 sequence  u32 source id: class << 24 | index  u32 sampling rate  u32 sample pool  u32 drops
 *                            u32 input  u32 output: format << 30 | value   u32 number of flow records …
 *   3 expanded flow sample   u32 sequence  u32 source class  u32 source index  u32 rate  u32 pool  u32 drops
 *                            u32 input format  u32 input  u32 output format  u32 output  u32 number of flow records …
 *   2 counter sample         u32 sequence  u32 source id  u32 number of counter records …
 *   4 expanded counter s.    u32 sequence  u32 source class  u32 source index  u32 number of counter records …
 *   5 discarded packet       u32 sequence  u32 source class  u32 source index  u32 drops  u32 input  u32 output  u32 reason
 *                            u32 number of flow records …
 * Every record    u32 data format   u32 length   data
 */
import { u32 } from '../../util/octets.ts';
import { type FlowSample, readSampleHead } from './flow-sample.ts';

/** Data formats of samples. */
export const SAMPLE = {
  flow: 1,
  counters: 2,
  expandedFlow: 3,
  expandedCounters: 4,
  discardedPacket: 5,
} as const;

export interface CounterSample {
  sequence: number;
  sourceClass: number;
  sourceIndex: number;
  records: number;
}

/** Reads a flow sample up to its records. Returns the offset of the first record, −1 when the sample ends before it. */
export function readFlowSample(bytes: Uint8Array, start: number, end: number, out: FlowSample): number {
  if (start + 32 > end) return -1;
  const input = u32(bytes, start + 20);
  const output = u32(bytes, start + 24);
  readSampleHead(bytes, start, out);
  out.inFormat = input >>> 30;
  out.input = input & 0x3fff_ffff;
  out.outFormat = output >>> 30;
  out.output = output & 0x3fff_ffff;
  out.records = u32(bytes, start + 28);
  return start + 32;
}

/** The same for an expanded flow sample. */
export function readExpandedFlowSample(bytes: Uint8Array, start: number, end: number, out: FlowSample): number {
  if (start + 44 > end) return -1;
  out.sequence = u32(bytes, start);
  out.sourceClass = u32(bytes, start + 4);
  out.sourceIndex = u32(bytes, start + 8);
  out.rate = u32(bytes, start + 12);
  out.pool = u32(bytes, start + 16);
  out.drops = u32(bytes, start + 20);
  out.inFormat = u32(bytes, start + 24);
  out.input = u32(bytes, start + 28);
  out.outFormat = u32(bytes, start + 32);
  out.output = u32(bytes, start + 36);
  out.records = u32(bytes, start + 40);
  return start + 44;
}

/** The same for a discarded-packet notification. It is no sample: each is one packet, so its rate is 1. */
export function readDiscardedPacket(bytes: Uint8Array, start: number, end: number, out: FlowSample): number {
  if (start + 32 > end) return -1;
  out.sequence = u32(bytes, start);
  out.sourceClass = u32(bytes, start + 4);
  out.sourceIndex = u32(bytes, start + 8);
  out.rate = 1;
  out.pool = 0;
  out.drops = u32(bytes, start + 12);
  out.inFormat = 0;
  out.input = u32(bytes, start + 16);
  out.outFormat = 0;
  out.output = u32(bytes, start + 20);
  out.reason = u32(bytes, start + 24);
  out.records = u32(bytes, start + 28);
  return start + 32;
}

/** Reads a counter sample up to its records. Returns the offset of the first record, −1 when the sample ends before it. */
export function readCounterSample(
  bytes: Uint8Array,
  start: number,
  end: number,
  isExpanded: boolean,
  out: CounterSample,
): number {
  const length = isExpanded ? 16 : 12;
  if (start + length > end) return -1;
  const source = u32(bytes, start + 4);
  out.sequence = u32(bytes, start);
  out.sourceClass = isExpanded ? source : source >>> 24;
  out.sourceIndex = isExpanded ? u32(bytes, start + 8) : source & 0xff_ffff;
  out.records = u32(bytes, start + length - 4);
  return start + length;
}
