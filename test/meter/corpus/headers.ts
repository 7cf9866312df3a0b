import type { SeenPacket } from './seen-packets.ts';

/* Of the headers of packets, what others look at and weir does not. */

const ICMP = 1;
const TCP = 6;
const UDP = 17;
const LEAST = { [ICMP]: 8, [TCP]: 20, [UDP]: 8 } as const satisfies Record<number, number>;

/** Octets that the transport header takes as it says itself; 0 of protocols that have none here. */
export function transportHeader({ proto, octets, headerLength }: SeenPacket): number {
  const least = (LEAST as Readonly<Record<number, number>>)[proto] ?? 0;
  if (proto !== TCP) return least;
  return Math.max(least, ((octets[headerLength + 12] ?? 0) >> 4) * 4);
}

/** Whether the checksum of a whole TCP or UDP packet over IPv4 is wrong. */
export function hasWrongChecksum({ version, proto, octets, ipLength, headerLength }: SeenPacket): boolean {
  if (version !== 4 || (proto !== TCP && proto !== UDP) || octets.length < ipLength) return false;
  const at = headerLength + (proto === TCP ? 16 : 6);
  if (proto === UDP && octets[at] === 0 && octets[at + 1] === 0) return false;
  let sum = proto + ipLength - headerLength;
  const add = (from: number, to: number): void => {
    for (let i = from; i < to; i++) sum += (octets[i] as number) << ((i - from) % 2 === 0 ? 8 : 0);
  };
  add(12, 20);
  add(headerLength, ipLength);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum !== 0xffff;
}

/** The 16 bits at an octet of what follows the IP header. */
export function payload16({ octets, headerLength }: SeenPacket, at: number): number {
  return ((octets[headerLength + at] ?? 0) << 8) | (octets[headerLength + at + 1] ?? 0);
}

/** Protocols that have ports, but not with everybody: DCCP, SCTP, UDP-Lite. */
const RARELY_PORTED: readonly number[] = [33, 132, 136];

export function withoutRarePorts(packet: SeenPacket): SeenPacket {
  return RARELY_PORTED.includes(packet.proto) ? withoutPorts(packet) : packet;
}

export function withoutPorts(packet: SeenPacket): SeenPacket {
  return { ...packet, sport: 0, dport: 0 };
}

/** ICMP by its ends only. */
export function withoutType(packet: SeenPacket): SeenPacket {
  return packet.proto === 1 || packet.proto === 58 ? { ...packet, dport: 0 } : packet;
}
