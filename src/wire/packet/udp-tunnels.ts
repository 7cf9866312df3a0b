import { u16, u32 } from '../../util/octets.ts';
import { narrow, noteSegment, noteTunnel, noteTunnelId } from './current-headers.ts';
import { layerOfServiceProtocol } from './ether-tags.ts';
import { LAYER, layerOfEtherType } from './layers.ts';
import { type PacketFields, TUNNEL } from './packet-fields.ts';

/**
 * Tunnels in UDP, told by the port and by a header that must make sense.
 *
 *     VXLAN (RFC 7348 section 5)       Geneve (RFC 8926 section 3.4)       GTP-U (3GPP TS 29.281 section 5.1)
 *      0  flags 8: 08 segment is set    0  version 2, options length 6,     0  version 3 = 1, protocol type 1 = 1, 0 1,
 *         (GPE: 04 next protocol set)      in units of 4 octets                extension 1, sequence 1, N-PDU 1
 *      3  next protocol 8 (GPE)         1  O 1, C 1, reserved 6             1  message type 8: ff is user data
 *      4  segment 24, reserved 8        2  protocol type  16                2  length        16
 *                                       4  segment 24, reserved 8           4  tunnel endpoint 32
 *                                       8  options                          8  sequence 16, N-PDU 8, next extension 8, when one
 *                                                                              of the three flags is set; then extensions
 *     Teredo (RFC 4380 section 5.1.1): an IPv6 packet, maybe behind an authentication header (0001, client length 8, auth length 8, both
 *     fields, nonce 64, confirmation 8) and an origin indication (0000, port 16, address 32)
 */
const PORT_GRE = 4754;
const PORT_MPLS = 6635;
const PORT_VXLAN = 4789;
/** Linux' own before the assignment. */
const PORT_VXLAN_LINUX = 8472;
const PORT_VXLAN_GPE = 4790;
const PORT_GENEVE = 6081;
const PORT_GTP_U = 2152;
const PORT_TEREDO = 3544;
const PORT_L2TP = 1701;
const PORT_AYIYA = 5072;
const PORT_CAPWAP = 5247;

/** What a UDP datagram carries. Tunnels whose source port is only entropy go by the destination port. */
export function layerOfPorts(source: number, destination: number): number {
  switch (destination) {
    case PORT_VXLAN:
    case PORT_VXLAN_LINUX:
      return LAYER.vxlan;
    case PORT_VXLAN_GPE:
      return LAYER.vxlanGpe;
    case PORT_GENEVE:
      return LAYER.geneve;
    case PORT_GTP_U:
      return LAYER.gtpU;
    case PORT_MPLS:
      return LAYER.mpls;
    case PORT_GRE:
      return LAYER.gre;
    case PORT_TEREDO:
      return LAYER.teredo;
    case PORT_L2TP:
      return LAYER.l2tp;
    case PORT_CAPWAP:
      return LAYER.capwap;
    case PORT_AYIYA:
      return LAYER.ayiya;
    default:
      // Answers of the well-known side.
      if (source === PORT_TEREDO) return LAYER.teredo;
      if (source === PORT_AYIYA) return LAYER.ayiya;
      if (source === PORT_CAPWAP) return LAYER.capwap;
      return source === PORT_L2TP ? LAYER.l2tp : LAYER.payload;
  }
}

const VXLAN_HEADER = 8;
const SEGMENT_SET = 0x08;
const NEXT_PROTOCOL_SET = 0x04;

export function readVxlan(bytes: Uint8Array, offset: number, out: PacketFields): number {
  return readVxlanHeader(bytes, offset, LAYER.ethernet, out);
}

/** VXLAN with a protocol field (draft-ietf-nvo3-vxlan-gpe-12 section 3). */
export function readVxlanGpe(bytes: Uint8Array, offset: number, out: PacketFields): number {
  let layer: number = LAYER.ethernet;
  if (offset + 4 <= out.end && ((bytes[offset] as number) & NEXT_PROTOCOL_SET) !== 0) {
    layer = layerOfServiceProtocol(bytes[offset + 3] as number);
  }
  return readVxlanHeader(bytes, offset, layer, out);
}

function readVxlanHeader(bytes: Uint8Array, offset: number, layer: number, out: PacketFields): number {
  if (offset + VXLAN_HEADER > out.end) {
    out.next = LAYER.cut;
    return offset;
  }
  if (((bytes[offset] as number) & SEGMENT_SET) === 0) {
    out.next = LAYER.payload;
    return offset;
  }
  const segment = u32(bytes, offset + 4) >>> 8;
  noteTunnelId(out, TUNNEL.vxlan, segment);
  noteSegment(out, 1, segment);
  out.next = layer;
  return offset + VXLAN_HEADER;
}

const GENEVE_HEADER = 8;

export function readGeneve(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + GENEVE_HEADER > out.end) return offset;
  const first = bytes[offset] as number;
  if (first >> 6 !== 0) {
    out.next = LAYER.payload;
    return offset;
  }
  const segment = u32(bytes, offset + 4) >>> 8;
  noteTunnelId(out, TUNNEL.geneve, segment);
  noteSegment(out, 0, segment);
  const at = offset + GENEVE_HEADER + (first & 0x3f) * 4;
  if (at > out.end) return offset + GENEVE_HEADER;
  out.next = layerOfEtherType(u16(bytes, offset + 2));
  return at;
}

const GTP_HEADER = 8;
const GTP_OPTIONAL = 4;
const GTP_VERSION_MASK = 0xf0;
const GTP_VERSION_1 = 0x30;
const GTP_OPTIONAL_FLAGS = 0x07;
const GTP_EXTENSION = 0x04;
const USER_DATA = 0xff;
const MAX_GTP_EXTENSIONS = 16;

export function readGtpU(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + GTP_HEADER > out.end) return offset;
  const flags = bytes[offset] as number;
  out.next = LAYER.payload;
  if ((flags & GTP_VERSION_MASK) !== GTP_VERSION_1) return offset;
  let at = offset + GTP_HEADER;
  if (bytes[offset + 1] !== USER_DATA) return at;
  noteTunnelId(out, TUNNEL.gtpU, u32(bytes, offset + 4));
  narrow(out, at + u16(bytes, offset + 2));
  out.next = LAYER.cut;
  if ((flags & GTP_OPTIONAL_FLAGS) !== 0) {
    at += GTP_OPTIONAL;
    if (at > out.end) return at - GTP_OPTIONAL;
    let extension = (flags & GTP_EXTENSION) !== 0 ? (bytes[at - 1] as number) : 0;
    // An extension header: its length in units of 4 octets, content, the type of the next one.
    for (let count = 0; extension !== 0; count++) {
      const length = at < out.end ? (bytes[at] as number) * 4 : 0;
      if (length === 0 || at + length > out.end || count === MAX_GTP_EXTENSIONS) return at;
      at += length;
      extension = bytes[at - 1] as number;
    }
  }
  out.next = LAYER.ip;
  return at;
}

/** 2001:0::/32 (RFC 4380 section 2.6). */
const TEREDO_PREFIX = 0x20010000;
const IPV6_HEADER = 40;

/**
 * Whether a UDP payload of `length` octets is surely Teredo: clients and relays speak to each other on any port. One of the two addresses must be
 * a Teredo address, and the lengths must agree.
 */
export function looksLikeTeredo(bytes: Uint8Array, offset: number, length: number, end: number): boolean {
  if (offset + IPV6_HEADER > end || (bytes[offset] as number) >> 4 !== 6) return false;
  if (u16(bytes, offset + 4) + IPV6_HEADER !== length) return false;
  return u32(bytes, offset + 8) === TEREDO_PREFIX || u32(bytes, offset + 24) === TEREDO_PREFIX;
}

const ORIGIN_LENGTH = 8;
const AUTHENTICATION_FIXED = 13;

export function readTeredo(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  let at = offset;
  if (at + 4 <= out.end && u16(bytes, at) === 0x0001) {
    at += AUTHENTICATION_FIXED + (bytes[at + 2] as number) + (bytes[at + 3] as number);
  }
  if (at + 2 <= out.end && u16(bytes, at) === 0x0000) at += ORIGIN_LENGTH;
  if (at >= out.end) return Math.min(at, out.end);
  out.next = LAYER.payload;
  if ((bytes[at] as number) >> 4 !== 6) return offset;
  noteTunnel(out, TUNNEL.teredo);
  out.next = LAYER.ipv6;
  return at;
}
