import { u16, u32 } from '../../util/octets.ts';
import { ethernetHeaders, noteTunnelId } from './current-headers.ts';
import { readType } from './ethernet.ts';
import { ETHER_TYPE, LAYER } from './layers.ts';
import { type PacketFields, TUNNEL } from './packet-fields.ts';

/**
 * What stands between an Ethernet type of its own and the frame's payload.
 *
 *     VN-Tag (8926)          Cisco metadata (8909)          MACsec (88e5, IEEE 802.1AE section 9)        NSH (894f, RFC 8300 section 2)
 *      0  tag    32           0  version 8                   0  version 1, ES 1, SC 1, SCB 1,             0  version 2, O 1, U 1, TTL 6,
 *      4  type   16           1  length 8, in units             encrypted 1, changed 1, AN 2                 length 6, in units of 4 octets
 *                                of 4 octets                 1  short length 8                            2  U 4, MD type 4
 *     FabricPath (8903)       2  options                     2  packet number 32                          3  next protocol 8
 *      0  tag 10, TTL 6          type 16                     6  SCI 64, with SC                           4  path 24, index 8
 *      2  Ethernet frame                                        type 16, when not encrypted               8  context
 */
const VN_TAG = 4;
const METADATA_HEADER = 2;

/** VN-Tag and Cisco metadata, told apart by the type before them. */
export function readEtherTag(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + METADATA_HEADER > out.end) return offset;
  const headers = ethernetHeaders(out);
  const length = headers.etherType === ETHER_TYPE.vnTag ? VN_TAG : METADATA_HEADER + (bytes[offset + 1] as number) * 4;
  const typeAt = offset + length;
  if (typeAt + 2 > out.end) return offset;
  return readType(bytes, typeAt, typeAt + 2, headers, out);
}

export function readFabricPath(_bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + 2 > out.end) return offset;
  out.next = LAYER.ethernet;
  return offset + 2;
}

const SECTAG = 6;
const HAS_SCI = 0x20;
const ENCRYPTED_OR_CHANGED = 0x0c;

export function readMacSec(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + SECTAG > out.end) return offset;
  const control = bytes[offset] as number;
  const typeAt = offset + SECTAG + ((control & HAS_SCI) !== 0 ? 8 : 0);
  if ((control & ENCRYPTED_OR_CHANGED) !== 0) {
    out.next = LAYER.encrypted;
    return Math.min(typeAt, out.end);
  }
  if (typeAt + 2 > out.end) return offset;
  return readType(bytes, typeAt, typeAt + 2, ethernetHeaders(out), out);
}

const NSH_HEADER = 8;

/** Numbers of "NSH Next Protocol", the same as those of VXLAN-GPE: IPv4, IPv6, Ethernet, NSH, MPLS. */
const SERVICE_PROTOCOLS: readonly number[] = [
  LAYER.unknown,
  LAYER.ipv4,
  LAYER.ipv6,
  LAYER.ethernet,
  LAYER.networkService,
  LAYER.mpls,
];

/** The layer that a next protocol of NSH or VXLAN-GPE announces. */
export function layerOfServiceProtocol(protocol: number): number {
  return SERVICE_PROTOCOLS[protocol] ?? LAYER.unknown;
}

export function readNetworkService(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + NSH_HEADER > out.end) return offset;
  const length = (u16(bytes, offset) & 0x3f) * 4;
  out.next = LAYER.unknown;
  if (length < NSH_HEADER) return offset;
  noteTunnelId(out, TUNNEL.networkService, u32(bytes, offset + 4) >>> 8);
  out.next = LAYER.cut;
  if (offset + length > out.end) return offset + NSH_HEADER;
  out.next = layerOfServiceProtocol(bytes[offset + 3] as number);
  return offset + length;
}
