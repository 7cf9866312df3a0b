/**
 * What the meter takes from one packet, as 32-bit words (signed, so that V8 computes with integers) of an array that is used again and again. The first
 * words are the flow key:
 *
 *      0  port of the lower end × 65536 + that of the higher one; of ICMP type × 256 + code as the port of the destination
 *      1  protocol + IP version × 256
 *      2  last 32 bits of the lower end's address      3  of the higher end's
 *      4  first 96 bits of the lower end's address     7  of the higher end's        (IPv4: 0, 0, ffff)
 *     10  further columns of the key (`key.ts`)
 *
 * and behind them comes what is not in the key. The ends of a packet are sorted by address, then by port, so that both directions of a
 * conversation have one key; `direction` tells which of them sent it.
 */
export const WORD = {
  ports: 0,
  protocol: 1,
  lower: 2,
  higher: 3,
  lowerUpper: 4,
  higherUpper: 7,
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
  /** Ethernet type; `HAS_ETHER_TYPE`, `HAS_MACS`, `HAS_MPLS`. */
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

/** Third word of an IPv4 address in 128 bits. */
const MAPPED = 0xffff;
const ICMP = 1;
const ICMPV6 = 58;

/** Writes the ends of an IPv4 packet, sorted. All are 32 bits of any sign; `ports` as in the packet: source × 65536 + destination. */
export function writeIpv4Ends(words: Int32Array, source: number, destination: number, ports: number, proto: number) {
  const order = compare(source, destination);
  const isSwapped = order > 0 || (order === 0 && isHigherPort(ports, proto));
  words[WORD.ports] = isSwapped ? (ports << 16) | (ports >>> 16) : ports;
  words[WORD.protocol] = proto | (4 << 8);
  words[WORD.lower] = isSwapped ? destination : source;
  words[WORD.higher] = isSwapped ? source : destination;
  words[WORD.lowerUpper] = 0;
  words[WORD.lowerUpper + 1] = 0;
  words[WORD.lowerUpper + 2] = MAPPED;
  words[WORD.higherUpper] = 0;
  words[WORD.higherUpper + 1] = 0;
  words[WORD.higherUpper + 2] = MAPPED;
  words[WORD.direction] = isSwapped ? 1 : 0;
}

/** Order of two words as unsigned numbers: negative, 0 or positive. */
function compare(one: number, other: number): number {
  const a = one ^ 0x8000_0000;
  const b = other ^ 0x8000_0000;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Writes protocol, version and ports of an IPv6 packet, and sorts its ends: the source stands at the lower end, the destination at the higher one. */
export function sortIpv6Ends(words: Int32Array, ports: number, proto: number): void {
  let order = 0;
  for (let i = 0; i < 3 && order === 0; i++)
    order = compare(words[WORD.lowerUpper + i] as number, words[WORD.higherUpper + i] as number);
  if (order === 0) order = compare(words[WORD.lower] as number, words[WORD.higher] as number);
  words[WORD.ports] = ports;
  words[WORD.protocol] = proto | (6 << 8);
  words[WORD.direction] = 0;
  if (order <= 0 && (order < 0 || !isHigherPort(ports, proto))) return;
  swapEnds(words);
  words[WORD.direction] = 1;
}

/** Has the ends change places. */
export function swapEnds(words: Int32Array): void {
  const ports = words[WORD.ports] as number;
  words[WORD.ports] = (ports << 16) | (ports >>> 16);
  swap(words, WORD.lower, WORD.higher);
  for (let i = 0; i < 3; i++) swap(words, WORD.lowerUpper + i, WORD.higherUpper + i);
}

function swap(words: Int32Array, one: number, other: number): void {
  const word = words[one] as number;
  words[one] = words[other] as number;
  words[other] = word;
}

/** Writes ports (source × 65536 + destination) into an observation whose ends are sorted by address. */
export function writePorts(words: Int32Array, ports: number): void {
  if (hasEqualEnds(words)) words[WORD.direction] = isHigherPort(ports, (words[WORD.protocol] as number) & 0xff) ? 1 : 0;
  words[WORD.ports] = words[WORD.direction] === 1 ? (ports << 16) | (ports >>> 16) : ports;
}

/** Whether a packet was sent from an address to itself. */
export function hasEqualEnds(words: Int32Array): boolean {
  for (let i = 0; i < 3; i++) if (words[WORD.lowerUpper + i] !== words[WORD.higherUpper + i]) return false;
  return words[WORD.lower] === words[WORD.higher];
}

/** Ends with the same address are sorted by port; ICMP's type and code belong to the packet and not to an end. */
function isHigherPort(ports: number, proto: number): boolean {
  return proto !== ICMP && proto !== ICMPV6 && ports >>> 16 > (ports & 0xffff);
}
