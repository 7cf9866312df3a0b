import { ascii, ip4, u32, u64 } from '../build.ts';

/** Puts sFlow datagrams together from their parts. Layouts: sFlow Version 5 section 5; RFC 3176 section 5 for versions 2 and 4. */

export type Octets = readonly number[];

/** XDR text: length, octets, padding to whole words. */
export function xdrText(text: string): number[] {
  return xdrOctets(ascii(text));
}

export function xdrOctets(bytes: Octets): number[] {
  return [...u32(bytes.length), ...bytes, ...new Array<number>((4 - (bytes.length % 4)) % 4).fill(0)];
}

/** An XDR address union. */
export function address(text: string): number[] {
  return text.includes(':') ? [...u32(2), ...ip6(text)] : [...u32(1), ...ip4(text)];
}

/** IPv6 with all groups written, or one `::`. */
export function ip6(text: string): number[] {
  const [head = '', tail] = text.split('::');
  const groups = (part: string | undefined): number[] =>
    part === undefined || part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [before, after] = [groups(head), groups(tail)];
  const all = [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
  return all.flatMap((group) => [group >> 8, group & 255]);
}

/** Six octets and two of padding. */
export function mac(text: string): number[] {
  return [...text.split(':').map((pair) => Number.parseInt(pair, 16)), 0, 0];
}

export const words = (...values: readonly number[]): number[] => values.flatMap((value) => u32(value));

/** A flow or counter record of version 5. `format` is enterprise × 4096 + format. */
export function record(format: number, ...data: readonly Octets[]): number[] {
  const body = data.flat();
  const padding = new Array<number>((4 - (body.length % 4)) % 4).fill(0);
  return [...words(format, body.length), ...body, ...padding];
}

export function sample(format: number, ...body: readonly Octets[]): number[] {
  const bytes = body.flat();
  return [...words(format, bytes.length), ...bytes];
}

export interface SampleHead {
  readonly sequence?: number;
  /** class << 24 | index. */
  readonly source?: number;
  readonly rate?: number;
  readonly pool?: number;
  readonly drops?: number;
  readonly input?: number;
  readonly output?: number;
}

const DEFAULT_HEAD = { sequence: 1, source: 3, rate: 100, pool: 100, drops: 0, input: 3, output: 4 };

/** A flow sample (format 1) with these records. */
export function flowSample(records: readonly Octets[], head: SampleHead = {}): number[] {
  const { sequence, source, rate, pool, drops, input, output } = { ...DEFAULT_HEAD, ...head };
  return sample(1, words(sequence, source, rate, pool, drops, input, output, records.length), records.flat());
}

export function counterSample(records: readonly Octets[], sequence = 1, source = 3): number[] {
  return sample(2, words(sequence, source, records.length), records.flat());
}

export interface DatagramHead {
  readonly version?: number;
  readonly agent?: string;
  readonly subAgent?: number;
  readonly sequence?: number;
  readonly uptime?: number;
}

export function datagram(samples: readonly Octets[], head: DatagramHead = {}): Uint8Array {
  const { version = 5, agent = '192.0.2.200', subAgent = 0, sequence = 1, uptime = 60_000 } = head;
  return Uint8Array.from([
    ...u32(version),
    ...address(agent),
    ...(version === 5 ? u32(subAgent) : []),
    ...words(sequence, uptime, samples.length),
    ...samples.flat(),
  ]);
}

/** The sampled_header record of a frame. */
export function header(frame: Octets, { protocol = 1, length = frame.length + 4, stripped = 4 } = {}): number[] {
  return record(1, words(protocol, length, stripped), xdrOctets(frame));
}

/** An Ethernet frame with an IPv4 TCP segment of `length` octets after the Ethernet header, cut to its headers. */
export function tcpFrame({
  src = '198.51.100.7',
  dst = '203.0.113.9',
  srcPort = 51_000,
  dstPort = 443,
  length = 1000,
  vlan = -1,
} = {}): number[] {
  return [
    2,
    0,
    0,
    0,
    0,
    2,
    2,
    0,
    0,
    0,
    0,
    1,
    ...(vlan < 0 ? [] : [0x81, 0x00, vlan >> 8, vlan & 255]),
    8,
    0,
    0x45,
    0x28,
    length >> 8,
    length & 255,
    0x12,
    0x34,
    0x40,
    0,
    63,
    6,
    0,
    0,
    ...ip4(src),
    ...ip4(dst),
    srcPort >> 8,
    srcPort & 255,
    dstPort >> 8,
    dstPort & 255,
    ...u32(0x01020304),
    ...u32(0),
    0x50,
    0x18,
    1,
    0,
    0,
    0,
    0,
    0,
  ];
}

/** The generic interface counters (format 1), each number told apart from the others. */
export const INTERFACE_COUNTERS: Octets = record(
  1,
  words(7, 6),
  u64(10_000_000_000n),
  words(1, 3),
  u64(0x20_0000_0000_0001n),
  words(11, 12, 13, 14, 15, 0xffff_ffff),
  u64(22),
  words(23, 24, 25, 26, 27, 0),
);
