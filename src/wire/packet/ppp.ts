import { u16 } from '../../util/octets.ts';
import { ethernetHeaders, narrow } from './current-headers.ts';
import { readSnap, readType } from './ethernet.ts';
import { LAYER, layerOfEtherType } from './layers.ts';
import type { PacketFields } from './packet-fields.ts';

/**
 * PPP (RFC 1661, RFC 1662), PPPoE (RFC 2516 section 4), Cisco HDLC (RFC 1547 section 4.3.1) and frame relay (RFC 2427 section 3; Cisco's
 * encapsulation has an Ethernet type in place of control and NLPID).
 *
 *     PPP                                 PPPoE                              Cisco HDLC
 *      address ff, control 03 (may be      0  version 1, type 1   4 each      0  address 0f unicast, 8f multicast
 *      left out)                           1  code                8           1  control 0
 *      protocol 16, or 8 when its          2  session             16          2  Ethernet type   16
 *      first octet is odd                  4  length              16
 *
 *     frame relay: address 16 to 32, its last octet odd; control 03; a padding octet 0, or none; NLPID 8
 */
const PPPOE_HEADER = 6;
const SESSION_DATA = 0;
const HDLC_HEADER = 4;
const HDLC_UNICAST = 0x0f;
const HDLC_MULTICAST = 0x8f;
const ADDRESS_AND_CONTROL = 0xff03;
const UNNUMBERED = 0x03;

export function readPpp(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  let at = offset;
  if (at + 2 <= out.end && u16(bytes, at) === ADDRESS_AND_CONTROL) at += 2;
  if (at >= out.end) return at;
  let protocol = bytes[at] as number;
  if ((protocol & 1) === 1) {
    at += 1;
  } else {
    if (at + 2 > out.end) return at;
    protocol = u16(bytes, at);
    at += 2;
  }
  out.next = layerOfPppProtocol(protocol);
  return at;
}

/** Numbers of the IANA registry "PPP Data Link Layer Protocol Numbers". */
function layerOfPppProtocol(protocol: number): number {
  switch (protocol) {
    case 0x0021:
      return LAYER.ipv4;
    case 0x0057:
      return LAYER.ipv6;
    case 0x0281:
    case 0x0283:
      return LAYER.mpls;
    default:
      return LAYER.unknown;
  }
}

/** PPPoE of both stages; the discovery stage (types 8863) has a code that is not 0, and nothing behind it is read. */
export function readPppoe(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + PPPOE_HEADER > out.end) return offset;
  out.next = LAYER.unknown;
  if (bytes[offset] !== 0x11) return offset;
  const at = offset + PPPOE_HEADER;
  if (bytes[offset + 1] === SESSION_DATA) {
    narrow(out, at + u16(bytes, offset + 4));
    out.next = LAYER.ppp;
  }
  return at;
}

/** HDLC-like framing on a serial line: Cisco's own, where the address says so, otherwise PPP. */
export function readPppHdlc(bytes: Uint8Array, offset: number, out: PacketFields): number {
  const address = bytes[offset];
  const isCisco = offset < out.end && (address === HDLC_UNICAST || address === HDLC_MULTICAST);
  out.next = isCisco ? LAYER.ciscoHdlc : LAYER.ppp;
  return offset;
}

export function readCiscoHdlc(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + HDLC_HEADER > out.end) return offset;
  return readType(bytes, offset + 2, offset + HDLC_HEADER, ethernetHeaders(out), out);
}

const MAX_ADDRESS = 4;
const NLPID_SNAP = 0x80;
const NLPID_IPV4 = 0xcc;
const NLPID_IPV6 = 0x8e;

export function readFrameRelay(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  let at = offset;
  while (at < out.end && at < offset + MAX_ADDRESS && ((bytes[at] as number) & 1) === 0) at++;
  at++;
  if (at + 2 > out.end) return offset;
  const type = u16(bytes, at);
  if (layerOfEtherType(type) !== LAYER.unknown) return readType(bytes, at, at + 2, ethernetHeaders(out), out);
  out.next = LAYER.unknown;
  if (bytes[at] !== UNNUMBERED) return at;
  at++;
  if (bytes[at] === 0) at++;
  if (at >= out.end) return Math.min(at, out.end);
  const nlpid = bytes[at];
  at++;
  if (nlpid === NLPID_IPV4) out.next = LAYER.ipv4;
  else if (nlpid === NLPID_IPV6) out.next = LAYER.ipv6;
  else if (nlpid === NLPID_SNAP) return readSnap(bytes, at, out);
  return at;
}
