import { LAYER } from '#weir/wire/packet/layers.js';
import { LINK_TYPE } from '#weir/wire/packet/link-types.js';
import { createPacketFields, HAS, type PacketHeaders, TUNNEL } from '#weir/wire/packet/packet-fields.js';
import { parsePacket } from '#weir/wire/packet/parse-packet.js';

/*
 * Packets by hand, as hexadecimal text. Every builder takes what it carries, so that a packet reads from the outside in. The layouts are
 * those of the standards named at each builder, written down anew: they do not use the parser's constants.
 */

/** A number as hexadecimal digits of so many octets. */
export const digits = (value: number, octets: number): string => value.toString(16).padStart(octets * 2, '0');
const lengthOf = (hex: string): number => hex.replaceAll(/\s/g, '').length / 2;

export const MAC_A = '02aa00000001';
export const MAC_B = '02bb00000002';
export const MAC_C = '02cc00000003';
export const MAC_D = '02dd00000004';

/** IEEE 802.3: destination, source, type. */
export const ethernet = (type: string, payload: string, to = MAC_B, from = MAC_A): string =>
  `${to}${from}${type}${payload}`;

export interface Ip4 {
  from?: string;
  to?: string;
  tos?: string;
  id?: string;
  /** Flags and offset. */
  fragment?: string;
  ttl?: string;
  options?: string;
  /** Total length, in place of the true one. */
  length?: number;
}

/** RFC 791 section 3.1. Addresses as eight digits. */
export const ip4 = (protocol: number, payload: string, how: Ip4 = {}): string => {
  const options = how.options ?? '';
  const header = 20 + lengthOf(options);
  return [
    digits(0x40 + header / 4, 1),
    how.tos ?? '00',
    digits(how.length ?? header + lengthOf(payload), 2),
    how.id ?? '0000',
    how.fragment ?? '0000',
    how.ttl ?? '40',
    digits(protocol, 1),
    '0000',
    how.from ?? 'c0000201',
    how.to ?? 'c6336402',
    options,
    payload,
  ].join('');
};

export const IP6_A = '20010db8000000000000000000000001';
export const IP6_B = '20010db8000000000000000000000002';

/** RFC 8200 section 3. Addresses as 32 digits. */
export const ip6 = (
  next: number,
  payload: string,
  how: { from?: string; to?: string; start?: string; hops?: string; length?: number } = {},
): string =>
  `${how.start ?? '60000000'}${digits(how.length ?? lengthOf(payload), 2)}${digits(next, 1)}${how.hops ?? '40'}` +
  `${how.from ?? IP6_A}${how.to ?? IP6_B}${payload}`;

/** RFC 9293: ports, sequence, acknowledgement, header length and control bits, window, checksum, urgent pointer. */
export const tcp = (from: number, to: number, flags = '5018', sequence = '01020304'): string =>
  `${digits(from, 2)}${digits(to, 2)}${sequence}00000000${flags}ffff00000000`;

/** RFC 768. */
export const udp = (from: number, to: number, payload = ''): string =>
  `${digits(from, 2)}${digits(to, 2)}${digits(8 + lengthOf(payload), 2)}0000${payload}`;

/** RFC 3032: label, traffic class 0, TTL 64. */
export const label = (value: number, isBottom: boolean): string => digits(value * 4096 + (isBottom ? 256 : 0) + 64, 4);

/** The packet inside the tunnels of these tests, and what is told of it. */
export const INNER = ip4(6, tcp(40000, 443), { from: '0a000001', to: '0a000002' });
export const INNER_TOLD = { src: '10.0.0.1', dst: '10.0.0.2', proto: 6, srcPort: 40000, dstPort: 443 };
export const OUTER_TOLD = { src: '192.0.2.1', dst: '198.51.100.2' };

export const toBytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));

const NO_HEADERS = 0;

/** What headers tell, with names for what is there only. */
function headersTold(headers: PacketHeaders): Record<string, unknown> {
  const has = (bits: number): boolean => (headers.has & bits) !== 0;
  const mac = (high: number, low: number): string => digits(high, 2) + digits(low, 4);
  return {
    ...(has(HAS.srcMac) && { srcMac: mac(headers.srcMacHigh, headers.srcMacLow) }),
    ...(has(HAS.dstMac) && { dstMac: mac(headers.dstMacHigh, headers.dstMacLow) }),
    ...(has(HAS.etherType) && { etherType: digits(headers.etherType, 2) }),
    ...(has(HAS.vlan) && { vlan: headers.vlan }),
    ...(has(HAS.customerVlan) && { customerVlan: headers.customerVlan }),
    ...(has(HAS.ip) && {
      ipVersion: headers.ipVersion,
      proto: headers.proto,
      tos: headers.tos,
      ttl: headers.ttl,
      ipLength: headers.ipLength,
      isFragment: headers.isFragment,
      fragmentOffset: headers.fragmentOffset,
      flowLabel: headers.flowLabel,
      ipv6ExtensionHeaders: headers.ipv6ExtensionHeaders,
    }),
    ...(has(HAS.fragmentId) && { fragmentId: headers.fragmentId }),
    ...(has(HAS.addresses) && {
      src: addressText(headers.src0, headers.src1, headers.src2, headers.src3),
      dst: addressText(headers.dst0, headers.dst1, headers.dst2, headers.dst3),
    }),
    ...(has(HAS.ports) && { srcPort: headers.srcPort, dstPort: headers.dstPort }),
    ...(has(HAS.tcpSequence) && { tcpSequence: headers.tcpSequence }),
    ...(has(HAS.tcpFlags) && { tcpFlags: headers.tcpFlags }),
    ...(has(HAS.icmp) && { icmpType: headers.icmpType, icmpCode: headers.icmpCode }),
    ...(has(HAS.igmp) && { igmpType: headers.igmpType }),
  };
}

/** IPv4 with dots, IPv6 as 32 digits. */
export function addressText(a: number, b: number, c: number, d: number): string {
  if (a === 0 && b === 0 && c === 0xffff) return [d >>> 24, (d >>> 16) & 255, (d >>> 8) & 255, d & 255].join('.');
  return [a, b, c, d].map((word) => digits(word, 4)).join('');
}

export interface Told extends Record<string, unknown> {
  inner?: Record<string, unknown>;
  understood: number;
}

/** What `parsePacket` tells of a packet: fields that are there, by name; `inner` when it has something; `next` by name. */
export function tell(packet: string | Uint8Array, linkType: number = LINK_TYPE.ethernet): Told {
  const bytes = typeof packet === 'string' ? toBytes(packet) : packet;
  const fields = createPacketFields();
  const understood = parsePacket(bytes, 0, bytes.length, linkType, fields);
  const has = (bits: number): boolean => (fields.has & bits) !== 0;
  const nameOf = (codes: Readonly<Record<string, number>>, code: number): string | undefined =>
    Object.keys(codes).find((name) => codes[name] === code);
  return {
    ...headersTold(fields),
    ...(has(HAS.mpls) && { labels: [...fields.mplsLabels.subarray(0, fields.mplsCount)] }),
    ...(has(HAS.serviceInstance) && { serviceInstance: fields.serviceInstance }),
    ...(has(HAS.l2Segment) && { segment: [fields.l2SegmentHigh >>> 24, fields.l2SegmentLow] }),
    ...(fields.tunnel !== TUNNEL.none && { tunnel: nameOf(TUNNEL, fields.tunnel) }),
    ...(has(HAS.tunnelId) && { tunnelId: fields.tunnelId }),
    ...(fields.inner.has !== NO_HEADERS && { inner: headersTold(fields.inner) }),
    hasInner: fields.hasInner,
    next: nameOf(LAYER, fields.next),
    understood,
  };
}
