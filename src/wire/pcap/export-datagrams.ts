/*
 * UDP datagrams out of captured packets.
 *
 * IPv4 (RFC 791 section 3.1)  0 u4 version, u4 header length in words   2 u16 total length   4 u16 identification
 *                             6 u3 flags (more fragments 2000), u13 offset / 8   9 u8 protocol   12 source   16 destination
 * IPv6 (RFC 8200 section 3)   0 u4 version   4 u16 payload length   6 u8 next header   8 source   24 destination   40 …
 *   extension headers         0 u8 next header   1 u8 length / 8 - 1 (authentication header: length / 4 - 2)
 *   fragment header (44)      0 u8 next header   2 u16 offset / 8 << 3, more fragments 1   4 u32 identification
 * UDP (RFC 768)               0 u16 source port   2 u16 destination port   4 u16 length   6 u16 checksum
 */
import type { Address } from '../../util/address.ts';
import { viewOf } from '../../util/octets.ts';
import { createFragmentTable } from './fragments.ts';
import { findIpHeader } from './link-layer.ts';
import { type Packet } from './packet.ts';

/** One UDP datagram as captured. `payload` may be a view of the capture's chunk: copy what is to be kept. */
export interface Datagram {
  /** Microseconds since the epoch, 0 when the capture gives no time. */
  readonly time: number;
  readonly source: Address;
  readonly sourcePort: number;
  readonly destination: Address;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
  /** The capture holds less of the payload than was sent (a short snap length). */
  readonly truncated: boolean;
}

/** What became of the packets that are no whole UDP datagram. */
export interface DatagramStats {
  datagrams: number;
  /** Datagrams cut short by the capture's snap length; they are among `datagrams`. */
  truncated: number;
  /** Packets of a link type this reader does not know. */
  unknownLinkType: number;
  /** Frames without IP, and IP packets without UDP. */
  otherProtocol: number;
  /** Headers cut off or contradicting themselves. */
  malformed: number;
  /** Fragments taken for reassembly. */
  fragments: number;
  /** Fragmented datagrams that never became whole. */
  fragmentsLost: number;
}

const UDP = 17;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
/** Hop-by-hop, routing, destination options, mobility, HIP, shim6. */
const EXTENSIONS: readonly number[] = [0, 43, 60, 135, 139, 140];

/** Takes packets one at a time and gives the UDP datagrams in them; see `createDatagramExtractor`. */
export interface DatagramExtractor {
  readonly stats: DatagramStats;
  /** The datagram that this packet holds or completes, or undefined (counted by cause). Never throws. */
  readonly take: (packet: Packet) => Datagram | undefined;
}

/** An extractor for the packets of one capture. It keeps at most 64 fragmented datagrams in waiting. */
export function createDatagramExtractor(): DatagramExtractor {
  const fragments = createFragmentTable();
  const stats: DatagramStats = {
    datagrams: 0,
    truncated: 0,
    unknownLinkType: 0,
    otherProtocol: 0,
    malformed: 0,
    fragments: 0,
    fragmentsLost: 0,
  };

  const udp = (ip: IpPayload, bytes: Uint8Array, time: number): Datagram | undefined => {
    if (bytes.length < 8) {
      stats.malformed++;
      return undefined;
    }
    const view = viewOf(bytes);
    const stated = view.getUint16(4, false);
    // Length 0 means "as long as the IP packet" (RFC 2675), and captures of packets not yet segmented by the card show it too.
    const length = stated === 0 ? Math.max(8, ip.length) : stated;
    if (length < 8) {
      stats.malformed++;
      return undefined;
    }
    const payload = bytes.subarray(8, Math.min(length, bytes.length));
    const truncated = payload.length < length - 8;
    stats.datagrams++;
    if (truncated) stats.truncated++;
    return {
      time,
      source: ip.source,
      sourcePort: view.getUint16(0, false),
      destination: ip.destination,
      destinationPort: view.getUint16(2, false),
      payload,
      truncated,
    };
  };

  return {
    stats,
    take(packet: Packet): Datagram | undefined {
      const start = findIpHeader(packet.linkType, packet.data);
      if (start < 0) {
        if (start === -2) stats.unknownLinkType++;
        else stats.otherProtocol++;
        return undefined;
      }
      const ip = readIp(packet.data.subarray(start));
      if (ip === undefined) {
        stats.malformed++;
        return undefined;
      }
      if (ip.protocol !== UDP) {
        stats.otherProtocol++;
        return undefined;
      }
      if (ip.fragment === undefined) return udp(ip, ip.bytes, packet.time);
      stats.fragments++;
      const { key, offset, more } = ip.fragment;
      if (ip.bytes.length < ip.length) {
        stats.malformed++;
        return undefined;
      }
      const whole = fragments.add(key, packet.time, offset, more, ip.bytes);
      stats.fragmentsLost = fragments.lost() + fragments.pending();
      return whole === undefined ? undefined : udp({ ...ip, length: whole.length }, whole, packet.time);
    },
  };
}

interface IpPayload {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: number;
  /** Length of the payload on the wire, as the IP header states it. */
  readonly length: number;
  /** As much of it as was captured. */
  readonly bytes: Uint8Array;
  readonly fragment: { readonly key: string; readonly offset: number; readonly more: boolean } | undefined;
}

function readIp(bytes: Uint8Array): IpPayload | undefined {
  return (bytes[0] ?? 0) >> 4 === 4 ? readIpv4(bytes) : readIpv6(bytes);
}

function readIpv4(bytes: Uint8Array): IpPayload | undefined {
  const headerLength = ((bytes[0] ?? 0) & 15) * 4;
  if (headerLength < 20 || bytes.length < headerLength) return undefined;
  const view = viewOf(bytes);
  const stated = view.getUint16(2, false);
  // 0 stands in captures of packets that the network card segments later.
  const total = stated === 0 ? bytes.length : stated;
  if (total < headerLength) return undefined;
  const source = [0, 0, 0xffff, view.getUint32(12, false)] as const;
  const destination = [0, 0, 0xffff, view.getUint32(16, false)] as const;
  const protocol = view.getUint8(9);
  const field = view.getUint16(6, false);
  const offset = (field & 0x1fff) * 8;
  const more = (field & 0x2000) !== 0;
  const key = `${source[3]} ${destination[3]} ${view.getUint16(4, false)} ${protocol}`;
  return {
    source,
    destination,
    protocol,
    length: total - headerLength,
    bytes: bytes.subarray(headerLength, Math.min(total, bytes.length)),
    fragment: more || offset > 0 ? { key, offset, more } : undefined,
  };
}

function readIpv6(bytes: Uint8Array): IpPayload | undefined {
  if (bytes.length < 40) return undefined;
  const view = viewOf(bytes);
  const word = (at: number) => view.getUint32(at, false);
  const source = [word(8), word(12), word(16), word(20)] as const;
  const destination = [word(24), word(28), word(32), word(36)] as const;
  const stated = view.getUint16(4, false);
  const end = stated === 0 ? bytes.length : 40 + stated;
  let protocol = view.getUint8(6);
  let at = 40;
  let fragment: IpPayload['fragment'];
  for (;;) {
    if (!EXTENSIONS.includes(protocol) && protocol !== AUTHENTICATION && protocol !== FRAGMENT) break;
    if (at + 8 > bytes.length) return undefined;
    if (protocol === FRAGMENT) {
      const field = view.getUint16(at + 2, false);
      const key = `${source.join(' ')} ${destination.join(' ')} ${word(at + 4)}`;
      const offset = field & 0xfff8;
      const more = (field & 1) !== 0;
      protocol = view.getUint8(at);
      // An offset of 0 with nothing to follow is a whole datagram ("atomic fragment", RFC 6946).
      if (offset > 0 || more) fragment = { key, offset, more };
      at += 8;
      // Headers inside the fragmented part are reassembled with it; exporters send none, so only plain UDP is followed.
      if (fragment !== undefined) break;
      continue;
    }
    const length = view.getUint8(at + 1);
    const step = protocol === AUTHENTICATION ? (length + 2) * 4 : (length + 1) * 8;
    protocol = view.getUint8(at);
    at += step;
  }
  if (at > end || at > bytes.length) return undefined;
  const payload = bytes.subarray(at, Math.min(end, bytes.length));
  return { source, destination, protocol, length: end - at, bytes: payload, fragment };
}
