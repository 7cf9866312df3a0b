/** IP protocols that have a name people use, by their IANA keyword in lower case; `icmp6` is nfdump's word for ipv6-icmp. */
export const PROTOCOLS: Readonly<Record<string, number>> = {
  hopopt: 0,
  icmp: 1,
  igmp: 2,
  ggp: 3,
  ipip: 4,
  st: 5,
  tcp: 6,
  cbt: 7,
  egp: 8,
  igp: 9,
  pup: 12,
  udp: 17,
  hmp: 20,
  rdp: 27,
  irtp: 28,
  dccp: 33,
  idpr: 35,
  ipv6: 41,
  'ipv6-route': 43,
  'ipv6-frag': 44,
  idrp: 45,
  rsvp: 46,
  gre: 47,
  esp: 50,
  ah: 51,
  swipe: 53,
  mobile: 55,
  icmp6: 58,
  'ipv6-nonxt': 59,
  'ipv6-opts': 60,
  vmtp: 81,
  eigrp: 88,
  ospf: 89,
  mtp: 92,
  etherip: 97,
  encap: 98,
  pim: 103,
  ipcomp: 108,
  vrrp: 112,
  l2tp: 115,
  isis: 124,
  sctp: 132,
  fc: 133,
  'mpls-in-ip': 137,
  shim6: 140,
};

/** Other spellings that a filter takes. */
export const PROTOCOL_ALIASES: Readonly<Record<string, number>> = {
  'ipv6-icmp': 58,
  icmpv6: 58,
  ipencap: 4,
  'rsvp-e2e-ignore': 134,
  udplite: 136,
};

/** Names that stand alone in a filter: `tcp` for `proto tcp`. */
export const BARE_PROTOCOLS: readonly string[] = ['tcp', 'udp', 'icmp', 'icmp6', 'sctp', 'gre', 'esp'];

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(PROTOCOLS).map(([name, number]) => [number, name]));

/** The word for a protocol number, or undefined. */
export function protocolName(number: number): string | undefined {
  return NAMES.get(number);
}

/** The number of a protocol's name (any case), or undefined. */
export function protocolNumber(name: string): number | undefined {
  const key = name.toLowerCase();
  if (Object.hasOwn(PROTOCOLS, key)) return PROTOCOLS[key];
  return Object.hasOwn(PROTOCOL_ALIASES, key) ? PROTOCOL_ALIASES[key] : undefined;
}
