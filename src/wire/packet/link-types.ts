/**
 * Link types that `parsePacket` reads: the LINKTYPE_ numbers of the pcap registry (https://www.tcpdump.org/linktypes.html).
 */
export const LINK_TYPE = {
  /** BSD loopback: the address family in the byte order of the machine that captured. */
  null: 0,
  ethernet: 1,
  ppp: 9,
  /** Raw IP as DLT_RAW of most systems (12) and of OpenBSD (14): files hold these although the registry has 101. */
  rawBsd: 12,
  rawOpenBsd: 14,
  /** PPP in HDLC-like framing (RFC 1662), or Cisco HDLC where the first octet says so. */
  pppHdlc: 50,
  /** The whole PPPoE frame, from its version and type on. */
  pppEther: 51,
  raw: 101,
  ciscoHdlc: 104,
  ieee80211: 105,
  frameRelay: 107,
  loop: 108,
  linuxCooked: 113,
  ieee80211Radiotap: 127,
  /** An MPLS label stack, and what it carries. */
  mpls: 219,
  ipv4: 228,
  ipv6: 229,
  nflog: 239,
  linuxCooked2: 276,
} as const;
