/**
 * What may follow in a packet. Every reader is a function `(bytes, offset, out) → offset` of one kind of header: it takes what it finds into
 * `out`, sets `out.next` to the layer that follows and returns where that begins. A header that is not whole before `out.end` leaves `out.next`
 * at `LAYER.cut`. Numbers: IEEE 802 EtherTypes and "Assigned Internet Protocol Numbers" (IANA).
 */
export const LAYER = {
  /** Something that is not read: another protocol, an unusual version. */
  unknown: 0,
  /** The packet ends within or before the header. */
  cut: 1,
  /** Data of the transport protocol, or of a fragment. */
  payload: 2,
  encrypted: 3,
  /** The codes above stop the parser; those from here on are read. */
  ethernet: 4,
  llc: 5,
  serviceInstance: 6,
  mpls: 7,
  ppp: 8,
  pppoe: 9,
  pppHdlc: 10,
  ciscoHdlc: 11,
  /** The address family of null and loop. */
  family: 12,
  linuxCooked: 13,
  linuxCooked2: 14,
  ieee80211: 15,
  swappedIeee80211: 16,
  radiotap: 17,
  nflog: 18,
  /** IPv4 or IPv6, told by the first four bits. */
  ip: 19,
  ipv4: 20,
  ipv6: 21,
  tcp: 22,
  udp: 23,
  udpLite: 24,
  /** SCTP, DCCP: two port numbers first. */
  ports: 25,
  icmp: 26,
  igmp: 27,
  gre: 28,
  greMetadata: 29,
  erspan2: 30,
  erspan3: 31,
  authentication: 32,
  esp: 33,
  capwap: 34,
  ayiya: 35,
  /** Tags with an Ethernet type behind them: VN-Tag, Cisco metadata. */
  etherTag: 36,
  macSec: 37,
  fabricPath: 38,
  /** NSH. */
  networkService: 39,
  frameRelay: 40,
  etherIp: 41,
  l2tp: 42,
  l2tp3: 43,
  vxlan: 44,
  vxlanGpe: 45,
  geneve: 46,
  gtpU: 47,
  teredo: 48,
} as const;

/** The code of `LAYER` from which on there is a reader. */
export const FIRST_READ_LAYER = LAYER.ethernet;

export const ETHER_TYPE = {
  ipv4: 0x0800,
  vlan: 0x8100,
  /** 802.1ad service tag. */
  serviceVlan: 0x88a8,
  /** QinQ before 802.1ad. */
  oldServiceVlan: 0x9100,
  otherServiceVlan: 0x9200,
  ipv6: 0x86dd,
  transparentEthernet: 0x6558,
  ppp: 0x880b,
  mpls: 0x8847,
  mplsMulticast: 0x8848,
  pppoeDiscovery: 0x8863,
  pppoeSession: 0x8864,
  jumboLlc: 0x8870,
  erspan2: 0x88be,
  erspan3: 0x22eb,
  /** 802.1BR's forerunner (Cisco). */
  vnTag: 0x8926,
  ciscoMetadata: 0x8909,
  fabricPath: 0x8903,
  macSec: 0x88e5,
  networkService: 0x894f,
  serviceInstance: 0x88e7,
} as const;

/** The layer that an Ethernet type announces, VLAN tags left out. */
export function layerOfEtherType(etherType: number): number {
  switch (etherType) {
    case ETHER_TYPE.ipv4:
      return LAYER.ipv4;
    case ETHER_TYPE.ipv6:
      return LAYER.ipv6;
    case ETHER_TYPE.mpls:
    case ETHER_TYPE.mplsMulticast:
      return LAYER.mpls;
    case ETHER_TYPE.pppoeDiscovery:
    case ETHER_TYPE.pppoeSession:
      return LAYER.pppoe;
    case ETHER_TYPE.serviceInstance:
      return LAYER.serviceInstance;
    case ETHER_TYPE.transparentEthernet:
      return LAYER.ethernet;
    case ETHER_TYPE.ppp:
      return LAYER.ppp;
    case ETHER_TYPE.jumboLlc:
      return LAYER.llc;
    case ETHER_TYPE.macSec:
      return LAYER.macSec;
    case ETHER_TYPE.fabricPath:
      return LAYER.fabricPath;
    case ETHER_TYPE.networkService:
      return LAYER.networkService;
    case ETHER_TYPE.vnTag:
    case ETHER_TYPE.ciscoMetadata:
      return LAYER.etherTag;
    default:
      return LAYER.unknown;
  }
}

/** Whether an Ethernet type is that of a VLAN tag. */
export function isVlanTag(etherType: number): boolean {
  return (
    etherType === ETHER_TYPE.vlan ||
    etherType === ETHER_TYPE.serviceVlan ||
    etherType === ETHER_TYPE.oldServiceVlan ||
    etherType === ETHER_TYPE.otherServiceVlan
  );
}

/** IP protocol numbers that are read or gone through. */
export const PROTOCOL = {
  hopByHop: 0,
  icmp: 1,
  igmp: 2,
  ipv4: 4,
  tcp: 6,
  udp: 17,
  dccp: 33,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  gre: 47,
  esp: 50,
  authentication: 51,
  icmpv6: 58,
  noNextHeader: 59,
  destinationOptions: 60,
  etherIp: 97,
  ipComp: 108,
  l2tp: 115,
  sctp: 132,
  mobility: 135,
  udpLite: 136,
  mpls: 137,
  ethernet: 143,
} as const;

const PROTOCOL_LAYERS = new Uint8Array(256);
for (const [protocol, layer] of [
  [PROTOCOL.icmp, LAYER.icmp],
  [PROTOCOL.igmp, LAYER.igmp],
  [PROTOCOL.ipv4, LAYER.ipv4],
  [PROTOCOL.tcp, LAYER.tcp],
  [PROTOCOL.udp, LAYER.udp],
  [PROTOCOL.dccp, LAYER.ports],
  [PROTOCOL.ipv6, LAYER.ipv6],
  [PROTOCOL.gre, LAYER.gre],
  [PROTOCOL.esp, LAYER.esp],
  [PROTOCOL.authentication, LAYER.authentication],
  [PROTOCOL.icmpv6, LAYER.icmp],
  [PROTOCOL.noNextHeader, LAYER.payload],
  [PROTOCOL.etherIp, LAYER.etherIp],
  [PROTOCOL.l2tp, LAYER.l2tp3],
  [PROTOCOL.sctp, LAYER.ports],
  [PROTOCOL.udpLite, LAYER.udpLite],
  [PROTOCOL.mpls, LAYER.mpls],
  [PROTOCOL.ethernet, LAYER.ethernet],
] as const) {
  PROTOCOL_LAYERS[protocol] = layer;
}

/** The layer that an IP protocol number announces, IPv6 extension headers left out. */
export function layerOfProtocol(protocol: number): number {
  return PROTOCOL_LAYERS[protocol] as number;
}
