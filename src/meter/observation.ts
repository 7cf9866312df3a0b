/**
 * What the meter takes from one packet, as 32-bit words of one array that is used again and again. The first words are the flow key, in the order in
 * which the cache compares them; behind them what is not in the key.
 *
 *      0  address of the lower end, 4 words      9  protocol, IP version × 256
 *      4  address of the higher end, 4 words    10  further columns of the key (`key.ts`)
 *      8  port of the lower end × 65536 + that of the higher end; of ICMP type × 256 + code as the port of the destination
 *
 * The ends of a packet are sorted by address, then by port, so that both directions of a conversation have one key; `direction` tells which of them
 * sent it. IPv4 addresses are ::ffff:a.b.c.d.
 */
export const WORD = {
  lower: 0,
  higher: 4,
  ports: 8,
  protocol: 9,
  further: 10,
  /** IP total length, octets. */
  length: 18,
  /** TCP control bits. */
  flags: 19,
  ttl: 20,
  /** 0: the lower end sent the packet, 1: the higher one. */
  direction: 21,
  /** Type of service octet or traffic class; IPv6 flow label × 256. */
  tos: 22,
  /** Outer VLAN with `TAGGED`, or 0; customer VLAN likewise × 65536. */
  vlans: 23,
  /** Ethernet type; `HAS_ETHER_TYPE`, `HAS_MACS`. */
  link: 24,
  /** MAC addresses: upper 16 bits of the source × 65536 + those of the destination, then the lower 32 of each. */
  macs: 25,
  srcMac: 26,
  dstMac: 27,
  interface: 28,
  /** Encapsulation that an inner packet came in: code of `TUNNEL`, and its identifier. */
  tunnel: 29,
  tunnelId: 30,
} as const;

/** Words of an observation. */
export const OBSERVATION_WORDS = 32;
/** Columns that the key may have beyond the words of every key. */
export const MOST_FURTHER = WORD.length - WORD.further;

/** Set beside a VLAN identifier: 0 is one, too. */
export const TAGGED = 0x1000;
export const HAS_ETHER_TYPE = 1 << 16;
export const HAS_MACS = 1 << 17;
/** The packet has MPLS labels; they are kept apart. */
export const HAS_MPLS = 1 << 18;

/** Upper words of an IPv4 address in 128 bits. */
const MAPPED = 0xffff;
const ICMP = 1;
const ICMPV6 = 58;

/** Writes the ends of an IPv4 packet, sorted. Addresses are 0 to 2³²−1; `ports` as in the packet: source × 65536 + destination, 0 to 2³²−1. */
export function writeIpv4Ends(words: Uint32Array, source: number, destination: number, ports: number, proto: number) {
  const isSwapped = source > destination || (source === destination && isHigherPort(ports, proto));
  words[0] = 0;
  words[1] = 0;
  words[2] = MAPPED;
  words[3] = isSwapped ? destination : source;
  words[4] = 0;
  words[5] = 0;
  words[6] = MAPPED;
  words[7] = isSwapped ? source : destination;
  words[WORD.ports] = isSwapped ? (ports << 16) | (ports >>> 16) : ports;
  words[WORD.protocol] = proto | (4 << 8);
  words[WORD.direction] = isSwapped ? 1 : 0;
}

/** Writes protocol, version and ports of an IPv6 packet, and sorts its ends: the source stands in words 0 to 3, the destination in words 4 to 7. */
export function sortIpv6Ends(words: Uint32Array, ports: number, proto: number): void {
  let order = 0;
  for (let i = 0; i < 4 && order === 0; i++) order = (words[i] as number) - (words[i + 4] as number);
  const isSwapped = order > 0 || (order === 0 && isHigherPort(ports, proto));
  words[WORD.ports] = isSwapped ? (ports << 16) | (ports >>> 16) : ports;
  words[WORD.protocol] = proto | (6 << 8);
  words[WORD.direction] = isSwapped ? 1 : 0;
  if (!isSwapped) return;
  for (let i = 0; i < 4; i++) {
    const source = words[i] as number;
    words[i] = words[i + 4] as number;
    words[i + 4] = source;
  }
}

/** Writes ports (source × 65536 + destination) into an observation whose ends are sorted by address. */
export function writePorts(words: Uint32Array, ports: number): void {
  if (hasEqualEnds(words)) words[WORD.direction] = isHigherPort(ports, (words[WORD.protocol] as number) & 0xff) ? 1 : 0;
  words[WORD.ports] = words[WORD.direction] === 1 ? (ports << 16) | (ports >>> 16) : ports;
}

/** Whether a packet was sent from an address to itself. */
export function hasEqualEnds(words: Uint32Array): boolean {
  return words[0] === words[4] && words[1] === words[5] && words[2] === words[6] && words[3] === words[7];
}

/** Ends with the same address are sorted by port; ICMP's type and code belong to the packet and not to an end. */
function isHigherPort(ports: number, proto: number): boolean {
  return proto !== ICMP && proto !== ICMPV6 && ports >>> 16 > (ports & 0xffff);
}
