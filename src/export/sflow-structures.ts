/*
 * Structures of an sFlow version 5 flow sample, as they are written; their layouts stand in `wire/sflow`. All in 32-bit words, network order. Every writer
 * gets the offset at which its record begins and returns the offset behind it.
 */
import { communityNumbers } from '../wire/bgp-communities.ts';
import { type PacketHead, writePacketHead } from './packet-header.ts';

/** Numbers of flow records (sFlow Version 5, section 5.4). */
const RECORD = {
  header: 1,
  ipv4: 3,
  ipv6: 4,
  switch: 1001,
  router: 1002,
  gateway: 1003,
  user: 1004,
  url: 1005,
  mpls: 1006,
  nat: 1007,
  natPort: 1020,
  vniIngress: 1030,
} as const;
const ETHERNET_PROTOCOL = 1;
/** Character set of user names: UTF-8 (IANA, MIBenum). */
const UTF8 = 106;
/** Direction of a URL: the destination is the server. */
const TO_SERVER = 2;
/** An address that is not known has this type and no octets. */
const UNKNOWN_ADDRESS = 0;
/** Types of AS path segments. */
const SET = 1;
const SEQUENCE = 2;
/** Numbers of an AS path, and communities, at most; more would not leave room in a datagram. */
const MOST = 32;

/** Fills in the length of the record that begins at `at` and ends at `end`. */
function endRecord(view: DataView, at: number, type: number, end: number): number {
  view.setUint32(at, type);
  view.setUint32(at + 4, end - at - 8);
  return end;
}

/** An address as XDR union: IPv4 when it is mapped. */
export function writeAddress(view: DataView, at: number, words: ArrayLike<number>): number {
  const isIpv4 = words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
  if (isIpv4) {
    view.setUint32(at, 1);
    view.setUint32(at + 4, words[3] as number);
    return at + 8;
  }
  view.setUint32(at, 2);
  for (let i = 0; i < 4; i++) view.setUint32(at + 4 + i * 4, words[i] as number);
  return at + 20;
}

/** sampled_header: the frame's length, nothing stripped, and its head as far as it is known. */
export function writeSampledHeader(view: DataView, at: number, head: PacketHead, frameLength: number): number {
  const data = at + 24;
  const end = writePacketHead(view, data, head);
  view.setUint32(at + 8, ETHERNET_PROTOCOL);
  view.setUint32(at + 12, frameLength);
  view.setUint32(at + 20, end - data);
  // Opaque data is filled up to whole words; the memory is zero.
  return endRecord(view, at, RECORD.header, (end + 3) & ~3);
}

/** sampled_ipv4 or sampled_ipv6. */
export function writeSampledIp(view: DataView, at: number, head: PacketHead): number {
  view.setUint32(at + 8, head.ipLength);
  view.setUint32(at + 12, head.proto);
  let p = at + 16;
  for (const address of [head.source, head.destination]) {
    for (let i = head.isIpv6 ? 0 : 3; i < 4; i++, p += 4) view.setUint32(p, address[i] as number);
  }
  view.setUint32(p, head.srcPort);
  view.setUint32(p + 4, head.dstPort);
  view.setUint32(p + 8, head.tcpFlags);
  view.setUint32(p + 12, head.tos);
  return endRecord(view, at, head.isIpv6 ? RECORD.ipv6 : RECORD.ipv4, p + 16);
}

/** extended_switch. */
export function writeSwitch(
  view: DataView,
  at: number,
  srcVlan: number,
  srcPriority: number,
  dstVlan: number,
  dstPriority: number,
): number {
  view.setUint32(at + 8, srcVlan);
  view.setUint32(at + 12, srcPriority);
  view.setUint32(at + 16, dstVlan);
  view.setUint32(at + 20, dstPriority);
  return endRecord(view, at, RECORD.switch, at + 24);
}

/** extended_router. */
export function writeRouter(
  view: DataView,
  at: number,
  nextHop: ArrayLike<number>,
  srcMask: number,
  dstMask: number,
): number {
  const p = writeAddress(view, at + 8, nextHop);
  view.setUint32(p, srcMask);
  view.setUint32(p + 4, dstMask);
  return endRecord(view, at, RECORD.router, p + 8);
}

/** What extended_gateway tells; the texts as the columns `as_path` (`64500 64501 {64502 64503}`) and `bgp_communities` (`64500:1 64500:2`) have them. */
export interface Gateway {
  nextHop: ArrayLike<number>;
  srcAs: number;
  srcPeerAs: number;
  /** First and last AS of the path, for records without one. */
  nextAs: number;
  dstAs: number;
  path: string;
  communities: string;
  localPref: number;
}

/** extended_gateway. The router's own AS is not in a record, and sent as 0. */
export function writeGateway(view: DataView, at: number, gateway: Gateway): number {
  let p = writeAddress(view, at + 8, gateway.nextHop);
  view.setUint32(p + 4, gateway.srcAs);
  view.setUint32(p + 8, gateway.srcPeerAs);
  const segments = gateway.path === '' ? shortPath(gateway) : pathSegments(gateway.path);
  view.setUint32(p + 12, segments.length);
  p += 16;
  for (const { type, numbers } of segments) {
    view.setUint32(p, type);
    p = writeList(view, p + 4, numbers);
  }
  p = writeList(view, p, communityNumbers(gateway.communities).slice(0, MOST));
  view.setUint32(p, gateway.localPref);
  return endRecord(view, at, RECORD.gateway, p + 4);
}

/** extended_nat: the addresses after translation. */
export function writeNat(
  view: DataView,
  at: number,
  source: ArrayLike<number>,
  destination: ArrayLike<number>,
): number {
  return endRecord(view, at, RECORD.nat, writeAddress(view, writeAddress(view, at + 8, source), destination));
}

/** extended_nat_port. */
export function writeNatPort(view: DataView, at: number, srcPort: number, dstPort: number): number {
  view.setUint32(at + 8, srcPort);
  view.setUint32(at + 12, dstPort);
  return endRecord(view, at, RECORD.natPort, at + 16);
}

/** extended_mpls with the stack as it came; the stack as it goes and the next hop are not in a record. */
export function writeMpls(view: DataView, at: number, entries: readonly number[]): number {
  view.setUint32(at + 8, UNKNOWN_ADDRESS);
  const p = writeList(
    view,
    at + 12,
    entries.map((entry) => entry << 8),
  );
  return endRecord(view, at, RECORD.mpls, p + 4);
}

/** extended_vni_ingress. */
export function writeVni(view: DataView, at: number, vni: number): number {
  view.setUint32(at + 8, vni);
  return endRecord(view, at, RECORD.vniIngress, at + 12);
}

/** extended_user: the source's; that of the destination is not in a record. */
export function writeUser(view: DataView, at: number, name: Uint8Array): number {
  view.setUint32(at + 8, UTF8);
  const p = writeOctets(view, at + 12, name);
  view.setUint32(p, UTF8);
  return endRecord(view, at, RECORD.user, p + 8);
}

/** extended_url. */
export function writeUrl(view: DataView, at: number, url: Uint8Array, host: Uint8Array): number {
  view.setUint32(at + 8, TO_SERVER);
  return endRecord(view, at, RECORD.url, writeOctets(view, writeOctets(view, at + 12, url), host));
}

/** Opaque data: the length, then the octets, filled up to whole words. */
function writeOctets(view: DataView, at: number, octets: Uint8Array): number {
  view.setUint32(at, octets.length);
  octets.forEach((octet, index) => view.setUint8(at + 4 + index, octet));
  return at + 4 + ((octets.length + 3) & ~3);
}

interface Segment {
  readonly type: number;
  readonly numbers: readonly number[];
}

function shortPath({ nextAs, dstAs }: Gateway): Segment[] {
  if (dstAs === 0 && nextAs === 0) return [];
  return [{ type: SEQUENCE, numbers: nextAs === 0 || nextAs === dstAs ? [dstAs] : [nextAs, dstAs] }];
}

function pathSegments(path: string): Segment[] {
  const segments: Segment[] = [];
  let left = MOST;
  for (const [, set, sequence] of path.matchAll(/\{([\d ]*)\}|(\d+(?: \d+)*)/g)) {
    const numbers = (set ?? sequence ?? '').split(' ').filter(Boolean).map(Number).slice(0, left);
    if (numbers.length > 0) segments.push({ type: set === undefined ? SEQUENCE : SET, numbers });
    left -= numbers.length;
  }
  return segments;
}

function writeList(view: DataView, at: number, numbers: readonly number[]): number {
  view.setUint32(at, numbers.length);
  numbers.forEach((number, index) => view.setUint32(at + 4 + index * 4, number));
  return at + 4 + numbers.length * 4;
}
