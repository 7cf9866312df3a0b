import * as fc from 'fast-check';
import { SECOND, T0 } from './metering.ts';

/** A packet as plain facts: what the oracle meters, and from which the octets are made that the meter gets. */
export interface PlainPacket {
  /** µs. */
  time: number;
  version: 4 | 6;
  from: number;
  to: number;
  proto: number;
  /** ICMP: type and code. */
  fromPort: number;
  toPort: number;
  flags: number;
  tos: number;
  ttl: number;
  vlan: number | undefined;
  /** Octets behind the transport header. */
  more: number;
}

export const TCP = 6;
export const UDP = 17;
export const ICMP = { 4: 1, 6: 58 } as const;
export const SCTP = 132;
export const OSPF = 89;

const HEADER_LENGTHS: Readonly<Record<number, number>> = { [TCP]: 20, [UDP]: 8, 1: 8, 58: 8, [SCTP]: 12, [OSPF]: 24 };

export const hasPorts = (proto: number): boolean => [TCP, UDP, SCTP].includes(proto);
export const isIcmp = (proto: number): boolean => proto === 1 || proto === 58;

/** IP total length. */
export const lengthOf = ({ version, proto, more }: PlainPacket): number =>
  (version === 4 ? 20 : 40) + (HEADER_LENGTHS[proto] ?? 0) + more;

/** Text of an end's address. */
export const addressOf = (version: 4 | 6, host: number): string =>
  version === 4 ? `10.0.0.${host}` : `2001:db8::${host.toString(16)}`;

function addressBytes(version: 4 | 6, host: number): number[] {
  if (version === 4) return [10, 0, 0, host];
  return [0x20, 0x01, 0x0d, 0xb8, ...new Array<number>(11).fill(0), host];
}

const u16 = (value: number): number[] => [value >> 8, value & 0xff];

function transport({ proto, fromPort, toPort, flags, more }: PlainPacket): number[] {
  const length = (HEADER_LENGTHS[proto] ?? 0) + more;
  const bytes = new Array<number>(length).fill(0);
  if (hasPorts(proto)) bytes.splice(0, 4, ...u16(fromPort), ...u16(toPort));
  if (proto === TCP) bytes.splice(12, 2, 0x50 | (flags >> 8), flags & 0xff);
  if (proto === UDP) bytes.splice(4, 2, ...u16(length));
  if (isIcmp(proto)) bytes.splice(0, 2, fromPort & 0xff, toPort & 0xff);
  return bytes;
}

/** The Ethernet frame. */
export function frameOf(packet: PlainPacket): Uint8Array {
  const { version, from, to, proto, tos, ttl, vlan } = packet;
  const body = transport(packet);
  const ends = [...addressBytes(version, from), ...addressBytes(version, to)];
  const header =
    version === 4
      ? [0x45, tos, ...u16(20 + body.length), 0, 0, 0, 0, ttl, proto, 0, 0, ...ends]
      : [0x60 | (tos >> 4), (tos & 15) << 4, 0, 0, ...u16(body.length), proto, ttl, ...ends];
  const tag = vlan === undefined ? [] : [0x81, 0x00, ...u16(vlan)];
  const type = version === 4 ? [0x08, 0x00] : [0x86, 0xdd];
  return Uint8Array.from([2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, ...tag, ...type, ...header, ...body]);
}

const SMALL_PORTS = [53, 80, 1024, 50_000];

/** Who speaks with whom, and by what. */
const conversationArbitrary = fc
  .record({
    version: fc.constantFrom<4 | 6>(4, 4, 6),
    from: fc.integer({ min: 1, max: 3 }),
    to: fc.integer({ min: 1, max: 3 }),
    proto: fc.constantFrom(TCP, TCP, TCP, UDP, UDP, 0, SCTP, OSPF),
    fromPort: fc.constantFrom(...SMALL_PORTS),
    toPort: fc.constantFrom(...SMALL_PORTS),
  })
  .map((packet) => (packet.proto === 0 ? { ...packet, proto: ICMP[packet.version] } : packet));

const packetArbitrary = fc.record({
  conversation: fc.nat(5),
  isBack: fc.boolean(),
  flags: fc.constantFrom(0x002, 0x012, 0x010, 0x018, 0x011, 0x014, 0x004, 0x1c2, 0),
  icmp: fc.constantFrom(0, 3, 8),
  tos: fc.constantFrom(0, 0, 0, 8),
  ttl: fc.constantFrom(64, 64, 64, 64, 64, 0, 1, 255),
  vlan: fc.constantFrom(undefined, undefined, undefined, undefined, 0, 5),
  more: fc.constantFrom(0, 1, 100, 1400),
  gap: fc.constantFrom(0, 1, 1000, SECOND, SECOND, 59 * SECOND, 61 * SECOND, 301 * SECOND, 4000 * SECOND),
});

/** Packets of a few conversations, in the order of their times: bunched, and with gaps that end flows. */
export const packetsArbitrary: fc.Arbitrary<PlainPacket[]> = fc
  .tuple(
    fc.array(conversationArbitrary, { minLength: 1, maxLength: 6 }),
    fc.array(packetArbitrary, { maxLength: 100, size: '+1' }),
  )
  .map(([conversations, packets]) => {
    let time = T0;
    return packets.map(({ conversation: index, isBack, icmp, gap, ...packet }) => {
      time += gap;
      const one = conversations[index % conversations.length] as (typeof conversations)[number];
      const ends = isBack ? { from: one.to, to: one.from, fromPort: one.toPort, toPort: one.fromPort } : {};
      const type = isIcmp(one.proto) ? { fromPort: icmp, toPort: 0 } : {};
      return { ...one, ...ends, ...type, ...packet, time };
    });
  });
