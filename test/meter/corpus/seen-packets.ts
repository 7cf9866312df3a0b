import type { MeterOptions } from '#weir/meter/options.js';
import { formatAddress } from '#weir/util/address.js';
import { LINK_TYPE } from '#weir/wire/packet/link-types.js';
import { createPacketFields, HAS, type PacketFields, type PacketHeaders } from '#weir/wire/packet/packet-fields.js';
import { parsePacket } from '#weir/wire/packet/parse-packet.js';
import { type FlowEnds, type FlowSums, sumFlows } from './flow-sums.ts';
import { readTrace, type Trace } from './traces.ts';

/** An IP packet of a trace as weir's parser reads it: its flow, its octets, and what is needed to say what others make of it. */
export interface SeenPacket extends FlowEnds {
  readonly bytes: number;
  readonly linkType: number;
  /** VLAN tags read: 0, 1, or 2 for two and more. */
  readonly tags: number;
  /** MPLS labels before the first IP header. */
  readonly labels: number;
  /** Octets of the frame on the wire. */
  readonly frame: number;
  /** Octets of the frame on the wire from the IP header on, and those of them that were captured. */
  readonly onWire: number;
  readonly captured: number;
  /** Octets before the first IP header. */
  readonly offset: number;
  readonly version: number;
  /** As the IP header tells it; 0 where it does not. */
  readonly ipLength: number;
  readonly headerLength: number;
  readonly isFragment: boolean;
  /** In octets. */
  readonly fragmentOffset: number;
  readonly hasMoreFragments: boolean;
  readonly fragmentId: number;
  readonly extensionHeaders: number;
  /** Code of the first tunnel (`TUNNEL`) that the frame's first IP packet carries; 0 for none. */
  readonly tunnel: number;
  /** The innermost packet that it carries, and the outermost one that it lies in. */
  readonly inner: SeenPacket | undefined;
  readonly outer: SeenPacket | undefined;
  /** From its IP header on, as far as captured. */
  readonly octets: Uint8Array;
}

/** The packets of a trace that are of IP, each once for the packets in it that `tunnels` wants metered. */
export function seePackets(trace: Trace, tunnels: MeterOptions['tunnels'] = 'outer'): SeenPacket[] {
  const fields = createPacketFields();
  const seen: SeenPacket[] = [];
  readTrace(trace, {
    packet(bytes, start, end, originalLength, _time, linkType) {
      parsePacket(bytes, start, end, linkType, fields);
      if ((fields.has & HAS.addresses) === 0) return;
      const data = bytes.slice(start, end);
      const outer = seeBoth(fields, { data, length: Math.max(originalLength, data.length), linkType });
      if (outer.inner === undefined || tunnels !== 'inner') seen.push(outer);
      if (outer.inner !== undefined && tunnels !== 'outer') seen.push(outer.inner);
    },
  });
  return withPorts(seen);
}

/** Their flows. */
export function flowsOf(packets: readonly SeenPacket[]): FlowSums {
  return sumFlows(packets.map((packet) => ({ ...packet, packets: 1 })));
}

interface Frame {
  readonly data: Uint8Array;
  readonly length: number;
  readonly linkType: number;
}

/** The first IP packet of a frame, with the innermost one. */
function seeBoth(fields: PacketFields, frame: Frame): SeenPacket {
  const inner = (fields.inner.has & HAS.addresses) === 0 ? undefined : see(fields, fields.inner, frame);
  const outer = { ...see(fields, fields, frame), inner };
  if (inner !== undefined) inner.outer = outer;
  return outer;
}

function see(fields: PacketFields, ip: PacketHeaders, frame: Frame): SeenPacket & { outer: SeenPacket | undefined } {
  const { has } = ip;
  // An authentication header stays the protocol, whatever it covers.
  const isIcmp = (has & HAS.icmp) !== 0 && (ip.proto === 1 || ip.proto === 58);
  const onWire = frame.length - ip.ipOffset;
  const tags = ((fields.has & HAS.vlan) === 0 ? 0 : 1) + ((fields.has & HAS.customerVlan) === 0 ? 0 : 1);
  return {
    proto: ip.proto,
    src: formatAddress(ip.src0, ip.src1, ip.src2, ip.src3),
    sport: (has & HAS.ports) === 0 ? 0 : ip.srcPort,
    dst: formatAddress(ip.dst0, ip.dst1, ip.dst2, ip.dst3),
    dport: isIcmp ? ip.icmpType * 256 + ip.icmpCode : (has & HAS.ports) === 0 ? 0 : ip.dstPort,
    // IPv6 of length 0 may be empty: then there is nothing behind it but padding.
    bytes: ip.ipLength === 0 ? (ip.ipVersion === 6 && onWire < 48 ? 40 : onWire) : ip.ipLength,
    linkType: frame.linkType,
    tags,
    labels: (fields.has & HAS.mpls) === 0 ? 0 : fields.mplsCount,
    frame: frame.length,
    onWire,
    captured: frame.data.length - ip.ipOffset,
    offset: fields.ipOffset,
    version: ip.ipVersion,
    ipLength: ip.ipLength,
    headerLength: ip.ipHeaderLength,
    isFragment: ip.isFragment === 1,
    fragmentOffset: ip.fragmentOffset * 8,
    hasMoreFragments: (ip.fragmentFlags & 32) !== 0,
    fragmentId: ip.fragmentId,
    extensionHeaders: ip.ipv6ExtensionHeaders,
    tunnel: fields.tunnel,
    inner: undefined,
    outer: undefined,
    octets: frame.data.subarray(ip.ipOffset),
  };
}

/** Who has ports: later fragments have those of their datagram's first one, which may come after them. */
const PORTED = new Set([1, 6, 17, 33, 58, 132, 136]);

function withPorts(packets: readonly SeenPacket[]): SeenPacket[] {
  const known = new Map<string, FlowEnds>();
  const waiting: { readonly packet: SeenPacket; readonly at: number }[] = [];
  const done = packets.map((packet, at) => {
    if (!packet.isFragment || !PORTED.has(packet.proto)) return packet;
    const datagram = datagramOf(packet);
    if (packet.fragmentOffset === 0) known.set(datagram, packet);
    const first = known.get(datagram);
    if (first === undefined) waiting.push({ packet, at });
    return withPortsOf(first, packet);
  });
  for (const { packet, at } of waiting) {
    const first = packets.find(
      (one, i) => i > at && one.isFragment && one.fragmentOffset === 0 && datagramOf(one) === datagramOf(packet),
    );
    done[at] = withPortsOf(first, packet);
  }
  return done;
}

function withPortsOf(first: FlowEnds | undefined, packet: SeenPacket): SeenPacket {
  return first === undefined ? packet : { ...packet, sport: first.sport, dport: first.dport };
}

/** The packet that lies `at` octets behind the start of another one, as if the frame began there; undefined where there is none of IP. */
export function insideOf({ octets, onWire }: SeenPacket, at: number): SeenPacket | undefined {
  const fields = createPacketFields();
  const data = octets.subarray(at);
  parsePacket(data, 0, data.length, LINK_TYPE.raw, fields);
  if ((fields.has & HAS.addresses) === 0) return undefined;
  return seeBoth(fields, { data, length: onWire - at, linkType: LINK_TYPE.raw });
}

/** What fragments of one datagram have in common. */
export function datagramOf({ src, dst, proto, fragmentId }: SeenPacket): string {
  return `${src} ${dst} ${proto} ${fragmentId}`;
}
