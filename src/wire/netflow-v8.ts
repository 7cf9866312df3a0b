import { u16, u32 } from '../util/octets.ts';
import { type FixedField, fixedFields, PAD, recordLength } from './fixed-fields.ts';
import { readV6Header, type V6Header } from './netflow-v6.ts';
import type { FieldSpecifier } from './template.ts';

/**
 * NetFlow version 8: what a router has aggregated by one of fourteen schemes, all records of a datagram by the same one. Sources: Cisco IOS 12.0(3)T,
 * "NetFlow Aggregation" (schemes 1–5), and 12.0(15)S, "NetFlow ToS-Based Router Aggregation", figures 1–7 (header, schemes 9–14); Cisco's header files
 * as flow-tools has them (ftlib.h) for the Catalyst's schemes 6–8.
 *
 *     header, 28 octets
 *      0  version = 8            16            20  engine type 8, engine id 8
 *      2  count                  16            22  aggregation scheme 8, version of its records 8 (= 2)
 *      4  sysUptime, ms          32            24  sampling mode 2, interval 14
 *      8  time, s                32            26  reserved              16
 *     12  time, rest in ns       32
 *     16  flow sequence          32            of this scheme's export stream
 *
 * Records of the schemes 1–5 and 9–14 begin alike; their keys follow, in the order of the lists below:
 *
 *      0  flows 32, packets 32, octets 32, first 32, last 32: sysUptime, ms
 *
 * Interfaces, ports and AS numbers have 16 bits, prefixes and addresses 32, masks, protocol and ToS 8.
 */
export const V8_HEADER = 28;

export interface V8Header extends V6Header {
  scheme: number;
  /** Version of the record formats: 2; 0 comes from Juniper. */
  schemeVersion: number;
  /** One packet in so many; 0 when the exporter says nothing. */
  samplingInterval: number;
}

/** Reads the header at offset 0 into `header`; the caller has checked that 28 octets are there. */
export function readV8Header(bytes: Uint8Array, header: V8Header): void {
  readV6Header(bytes, header);
  header.scheme = bytes[22] as number;
  header.schemeVersion = bytes[23] as number;
  header.samplingInterval = u16(bytes, 24) & 0x3fff;
}

export interface V8Scheme {
  readonly name: string;
  /** Octets of a record. */
  readonly length: number;
  /** The record as a template in the numbers of NetFlow v9. */
  readonly fields: readonly FieldSpecifier[];
  /** The same with the source's mask before the destination's; undefined without both. */
  readonly sourceMaskFirst: readonly FieldSpecifier[] | undefined;
}

type Keys = readonly FixedField[];

const AGGREGATED: Keys = [
  [3, 4],
  [2, 4],
  [1, 4],
  [22, 4],
  [21, 4],
];
/** The Catalyst's records end with what exceeded the traffic contract, and the router that was bypassed. */
const EXCEEDED: Keys = [
  ['extra_pkts', 4],
  [43, 4],
];
const COUNTED = AGGREGATED.slice(1);
const AS_PAIR: Keys = [
  [16, 2],
  [17, 2],
];
const PORTS: Keys = [
  [7, 2],
  [11, 2],
];
const INTERFACES: Keys = [
  [10, 2],
  [14, 2],
];
const PREFIXES: Keys = [
  [44, 4],
  [45, 4],
  [13, 1],
  [9, 1],
];

function scheme(name: string, ...parts: readonly Keys[]): V8Scheme {
  const keys = parts.flat();
  const fields = fixedFields(keys);
  const others = keys.map(([field, length]) => [field === 9 ? 13 : field === 13 ? 9 : field, length] as const);
  const sourceMaskFirst = parts.includes(PREFIXES) ? fixedFields(others) : undefined;
  return { name, fields, length: recordLength(fields), sourceMaskFirst };
}

/** The schemes by their number. */
// biome-ignore format: one scheme, one row
export const V8_SCHEMES: ReadonlyMap<number, V8Scheme> = new Map([
  [1, scheme('AS', AGGREGATED, AS_PAIR, INTERFACES)],
  [2, scheme('protocol-port', AGGREGATED, [[4, 1], [PAD, 3]], PORTS)],
  [3, scheme('source prefix', AGGREGATED, [[44, 4], [9, 1], [PAD, 1], [16, 2], [10, 2], [PAD, 2]])],
  [4, scheme('destination prefix', AGGREGATED, [[45, 4], [13, 1], [PAD, 1], [17, 2], [14, 2], [PAD, 2]])],
  [5, scheme('prefix', AGGREGATED, PREFIXES, [[PAD, 2]], AS_PAIR, INTERFACES)],
  [6, scheme('destination', [[12, 4]], COUNTED, [[14, 2], [5, 1], ['marked_tos', 1]], EXCEEDED)],
  [7, scheme('source-destination', [[12, 4], [8, 4]], COUNTED, [[14, 2], [10, 2], [5, 1], ['marked_tos', 1], [PAD, 2]], EXCEEDED)],
  [8, scheme('full flow', [[12, 4], [8, 4], [11, 2], [7, 2]], COUNTED, [[14, 2], [10, 2], [5, 1], [4, 1], ['marked_tos', 1], [PAD, 1]], EXCEEDED)],
  [9, scheme('AS-ToS', AGGREGATED, AS_PAIR, INTERFACES, [[5, 1], [PAD, 3]])],
  [10, scheme('protocol-port-ToS', AGGREGATED, [[4, 1], [5, 1], [PAD, 2]], PORTS, INTERFACES)],
  [11, scheme('source prefix-ToS', AGGREGATED, [[44, 4], [9, 1], [5, 1], [16, 2], [10, 2], [PAD, 2]])],
  [12, scheme('destination prefix-ToS', AGGREGATED, [[45, 4], [13, 1], [5, 1], [17, 2], [14, 2], [PAD, 2]])],
  [13, scheme('prefix-ToS', AGGREGATED, PREFIXES, [[5, 1], [PAD, 1]], AS_PAIR, INTERFACES)],
  [14, scheme('prefix-port-ToS', AGGREGATED, PREFIXES, [[5, 1], [4, 1]], PORTS, INTERFACES)],
]);

/**
 * Whether records with both prefixes (schemes 5, 13, 14) have the source's mask before the destination's. flow-tools and pmacct read the destination's
 * first, Wireshark the source's, and Junos sends either ("caida-compliant"). A prefix has no bits beyond its mask: the first record for which only
 * one order fits decides. Undefined when there is none in [start, end).
 */
export function v8SourceMaskFirst(bytes: Uint8Array, start: number, end: number, length: number): boolean | undefined {
  for (let p = start; p + length <= end; p += length) {
    const source = u32(bytes, p + 20);
    const destination = u32(bytes, p + 24);
    const one = bytes[p + 28] as number;
    const two = bytes[p + 29] as number;
    const sourceFirst = fits(source, one) && fits(destination, two);
    const destinationFirst = fits(destination, one) && fits(source, two);
    if (sourceFirst !== destinationFirst) return sourceFirst;
  }
  return undefined;
}

function fits(prefix: number, mask: number): boolean {
  if (mask >= 32) return mask === 32;
  return prefix << mask === 0;
}
