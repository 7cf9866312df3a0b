import { u16, u32 } from '../../util/octets.ts';
import { LAYER, layerOfProtocol, PROTOCOL } from './layers.ts';
import { HAS, type PacketFields, type PacketHeaders } from './packet-fields.ts';

/**
 * Extension headers of IPv6 (RFC 8200 section 4).
 *
 *     options, routing                      fragment (44), 8 octets             authentication (51), RFC 4302
 *      0  next header          8             0  next header          8            0  next header               8
 *      1  length, in units     8             2  offset 13, 2 bits,                1  length, in units of 4     8
 *         of 8 octets less 1                    more fragments 1                     octets less 2
 *                                            4  identification      32
 */
const MAX_EXTENSIONS = 16;

/** Bits of ipv6ExtensionHeaders (IE 64): bit 0 of the registry's figure is the highest. */
const EXTENSION_BIT = {
  destinationOptions: 0x8000_0000,
  hopByHop: 0x4000_0000,
  /** "Unknown Layer 4 header (compressed, encrypted, not supported)". */
  unknownLayer4: 0x1000_0000,
  firstFragment: 0x0800_0000,
  routing: 0x0400_0000,
  laterFragment: 0x0200_0000,
  mobility: 0x0008_0000,
  esp: 0x0004_0000,
  authentication: 0x0002_0000,
  compression: 0x0001_0000,
} as const;

/** Goes through the extension headers from `offset` on; `ip.proto` is the Next Header that announced the first of them. */
export function readExtensions(bytes: Uint8Array, offset: number, ip: PacketHeaders, out: PacketFields): number {
  let at = offset;
  let seen = 0;
  let protocol = ip.proto;
  out.next = LAYER.unknown;
  for (let count = 0; count < MAX_EXTENSIONS; count++) {
    const bit = bitOf(protocol);
    if (bit === 0) break;
    seen |= bit;
    if (isLast(protocol)) break;
    const length = at + 2 <= out.end ? lengthOf(protocol, bytes[at + 1] as number) : 0;
    if (length === 0 || at + length > out.end) {
      ip.ipv6ExtensionHeaders = seen >>> 0;
      out.next = LAYER.cut;
      return at;
    }
    if (protocol === PROTOCOL.fragment) {
      const fragment = u16(bytes, at + 2);
      ip.fragmentOffset = fragment >> 3;
      ip.fragmentFlags = (fragment & 1) << 5;
      ip.isFragment = (fragment & 0xfff9) !== 0 ? 1 : 0;
      ip.fragmentId = u32(bytes, at + 4);
      ip.has |= HAS.fragmentId;
      if (ip.fragmentOffset !== 0) seen = (seen & ~bit) | EXTENSION_BIT.laterFragment;
    }
    protocol = bytes[at] as number;
    ip.proto = protocol;
    at += length;
    if (ip.fragmentOffset !== 0) {
      ip.ipv6ExtensionHeaders = seen >>> 0;
      out.next = LAYER.payload;
      return at;
    }
  }
  out.next = protocol === PROTOCOL.mobility ? LAYER.payload : layerOfProtocol(protocol);
  if (out.next === LAYER.unknown) seen |= EXTENSION_BIT.unknownLayer4;
  ip.ipv6ExtensionHeaders = seen >>> 0;
  return at;
}

function bitOf(protocol: number): number {
  switch (protocol) {
    case PROTOCOL.hopByHop:
      return EXTENSION_BIT.hopByHop;
    case PROTOCOL.routing:
      return EXTENSION_BIT.routing;
    case PROTOCOL.fragment:
      return EXTENSION_BIT.firstFragment;
    case PROTOCOL.esp:
      return EXTENSION_BIT.esp;
    case PROTOCOL.authentication:
      return EXTENSION_BIT.authentication;
    case PROTOCOL.destinationOptions:
      return EXTENSION_BIT.destinationOptions;
    case PROTOCOL.ipComp:
      return EXTENSION_BIT.compression;
    case PROTOCOL.mobility:
      return EXTENSION_BIT.mobility;
    default:
      return 0;
  }
}

/** Headers behind which nothing can be read, or nothing comes (RFC 6275 section 6.1.1). */
function isLast(protocol: number): boolean {
  return protocol === PROTOCOL.esp || protocol === PROTOCOL.ipComp || protocol === PROTOCOL.mobility;
}

function lengthOf(protocol: number, field: number): number {
  if (protocol === PROTOCOL.fragment) return 8;
  return protocol === PROTOCOL.authentication ? (field + 2) * 4 : (field + 1) * 8;
}
