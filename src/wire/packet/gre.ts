import { u16, u32 } from '../../util/octets.ts';
import { noteSegment, noteTunnel, noteTunnelId } from './current-headers.ts';
import { ETHER_TYPE, LAYER, layerOfEtherType } from './layers.ts';
import { type PacketFields, TUNNEL } from './packet-fields.ts';

/**
 * GRE (RFC 2784, RFC 2890; version 1: PPTP, RFC 2637 section 4.1), NVGRE (RFC 7637 section 3.2) and ERSPAN (draft-foschiano-erspan-03
 * section 4).
 *
 *     GRE                                     ERSPAN II, 8 octets              ERSPAN III, 12 octets
 *      0  checksum 1, routing 1, key 1,        0  version 4 = 1, VLAN 12        0  version 4 = 2, VLAN 12
 *         sequence 1, … version 3              2  class 3, encapsulation 2,     2  class 3, BSO 2, truncated 1,
 *      2  protocol               16               truncated 1, session 10          session 10
 *      4  checksum 16, reserved 16             4  index                         4  time stamp 32, group tag 16
 *         key                    32                                            10  P 1, frame type 5, hardware 6,
 *         sequence               32                                                direction 1, granularity 2, O 1
 *         acknowledgement 32 (version 1)                                       12  8 more when O is set
 *
 * In NVGRE the key is a segment of 24 bits and a flow id of 8. A frame of ERSPAN I follows GRE at once: no sequence number tells it apart.
 */
const CHECKSUM = 0x8000;
const ROUTING = 0x4000;
const KEY = 0x2000;
const SEQUENCE = 0x1000;
const ACKNOWLEDGEMENT = 0x0080;
const VERSION = 0x0007;
const PPTP = 1;
/** Aruba's access points put 802.11 frames into GRE, with one type per tunnel and class. */
const ARUBA_FIRST = 0x8200;
const ARUBA_LAST = 0x82ff;

export function readGre(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + 4 > out.end) return offset;
  const flags = u16(bytes, offset);
  const protocol = u16(bytes, offset + 2);
  const version = flags & VERSION;
  if (version > PPTP || (flags & ROUTING) !== 0) {
    noteTunnel(out, TUNNEL.gre);
    out.next = LAYER.unknown;
    return offset + 4;
  }
  const hasKey = (flags & KEY) !== 0;
  const keyAt = offset + ((flags & CHECKSUM) !== 0 ? 8 : 4);
  const hasAcknowledgement = version === PPTP && (flags & ACKNOWLEDGEMENT) !== 0;
  const at = keyAt + (hasKey ? 4 : 0) + ((flags & SEQUENCE) !== 0 ? 4 : 0) + (hasAcknowledgement ? 4 : 0);
  if (at > out.end) {
    noteTunnel(out, TUNNEL.gre);
    return offset + 4;
  }

  out.next = layerOfGre(protocol, flags);
  // The mirrored frame's tunnel is ERSPAN; its own header has the session.
  if (protocol === ETHER_TYPE.erspan2 || protocol === ETHER_TYPE.erspan3) {
    if (out.next === LAYER.ethernet) noteTunnel(out, TUNNEL.erspan);
  } else if (!hasKey) {
    noteTunnel(out, TUNNEL.gre);
  } else if (version === PPTP) {
    // The key is the length of the payload and the call.
    noteTunnelId(out, TUNNEL.gre, u16(bytes, keyAt + 2));
  } else if (protocol === ETHER_TYPE.transparentEthernet && (flags & (CHECKSUM | SEQUENCE)) === 0) {
    const segment = u32(bytes, keyAt) >>> 8;
    noteTunnelId(out, TUNNEL.nvgre, segment);
    noteSegment(out, 2, segment);
  } else {
    noteTunnelId(out, TUNNEL.gre, u32(bytes, keyAt));
  }
  return at;
}

const METADATA_FIXED = 4;

/** Cisco metadata in GRE, unlike that in Ethernet (ether-tags.ts): type 16, version 8, length 8 in units of 4 octets, options. */
export function readGreMetadata(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + METADATA_FIXED > out.end) return offset;
  const at = offset + METADATA_FIXED + (bytes[offset + 3] as number) * 4;
  if (at > out.end) return offset;
  out.next = layerOfEtherType(u16(bytes, offset));
  return at;
}

function layerOfGre(protocol: number, flags: number): number {
  if (protocol === ETHER_TYPE.erspan2) return (flags & SEQUENCE) !== 0 ? LAYER.erspan2 : LAYER.ethernet;
  if (protocol === ETHER_TYPE.erspan3) return LAYER.erspan3;
  // PPTP sends bare acknowledgements: no sequence number, no payload.
  if ((flags & VERSION) === PPTP && (flags & SEQUENCE) === 0) return LAYER.payload;
  if (protocol === ETHER_TYPE.ciscoMetadata) return LAYER.greMetadata;
  if (protocol >= ARUBA_FIRST && protocol <= ARUBA_LAST) return LAYER.ieee80211;
  return layerOfEtherType(protocol);
}

export function readErspan2(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + 8 > out.end) return offset;
  noteTunnelId(out, TUNNEL.erspan, u16(bytes, offset + 2) & 0x03ff);
  out.next = LAYER.ethernet;
  return offset + 8;
}

const FRAME_IP = 2;

export function readErspan3(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + 12 > out.end) return offset;
  noteTunnelId(out, TUNNEL.erspan, u16(bytes, offset + 2) & 0x03ff);
  const last = u16(bytes, offset + 10);
  const frameType = (last >> 10) & 0x1f;
  const at = offset + ((last & 1) === 1 ? 20 : 12);
  if (at > out.end) return offset + 12;
  out.next = frameType === 0 ? LAYER.ethernet : frameType === FRAME_IP ? LAYER.ip : LAYER.unknown;
  return at;
}
