import { u16, u32 } from '../../util/octets.ts';
import { beginEthernet, ethernetHeaders, narrow, noteTunnel } from './current-headers.ts';
import { ETHER_TYPE, isVlanTag, LAYER, layerOfEtherType } from './layers.ts';
import { HAS, type PacketFields, type PacketHeaders, TUNNEL } from './packet-fields.ts';

/**
 * Ethernet (IEEE 802.3), VLAN tags (802.1Q), service instances (802.1ah) and LLC/SNAP (802.2, RFC 1042).
 *
 *     Ethernet                        VLAN tag, behind type 8100 …       I-TAG, behind type 88e7
 *      0  destination   48             0  priority 3, drop 1,              0  priority 3, drop 1, UCA 1, reserved 3
 *      6  source        48                identifier           12          1  service instance     24
 *     12  type          16             2  type                 16          4  a whole Ethernet header
 *         up to 1500: the length
 *         of an LLC frame
 *
 *     LLC      0  DSAP 8, SSAP 8, control 8       SNAP    aa aa 03, OUI 24, protocol 16 (an Ethernet type when the OUI is 0)
 */
const ETHERNET_HEADER = 14;
const TAG = 4;
const MAX_TAGS = 8;
/** 802.3 section 3.2.6: up to here a length, from `FIRST_TYPE` on a type. */
const MAX_LENGTH = 1500;
const FIRST_TYPE = 0x0600;

export function readEthernet(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  const left = out.end - offset;
  if (left < 6) return offset;
  // Tunnels with a header of their own were noted there.
  if (out.ipCount > 0) noteTunnel(out, TUNNEL.ethernet);
  const headers = beginEthernet(out);
  readDestination(bytes, offset, headers);
  if (left < 12) return offset + 6;
  readSource(bytes, offset + 6, headers);
  if (left < ETHERNET_HEADER) return offset + 12;
  return readType(bytes, offset + 12, offset + ETHERNET_HEADER, headers, out);
}

/** The MAC address at `offset` as the destination; the caller has checked that it is there. */
export function readDestination(bytes: Uint8Array, offset: number, headers: PacketHeaders): void {
  headers.dstMacHigh = u16(bytes, offset);
  headers.dstMacLow = u32(bytes, offset + 2);
  headers.has |= HAS.dstMac;
}

/** The MAC address at `offset` as the source. */
export function readSource(bytes: Uint8Array, offset: number, headers: PacketHeaders): void {
  headers.srcMacHigh = u16(bytes, offset);
  headers.srcMacLow = u32(bytes, offset + 2);
  headers.has |= HAS.srcMac;
}

/**
 * Goes on from a type field at `typeAt` (the caller has checked that it is there) and what it announces at `payload`: through VLAN tags, to
 * what they carry.
 */
export function readType(
  bytes: Uint8Array,
  typeAt: number,
  payload: number,
  headers: PacketHeaders,
  out: PacketFields,
): number {
  let at = payload;
  let type = u16(bytes, typeAt);
  for (let tags = 0; isVlanTag(type); tags++) {
    out.next = tags === MAX_TAGS ? LAYER.unknown : LAYER.cut;
    if (tags === MAX_TAGS || at + 2 > out.end) return at;
    noteVlan(headers, u16(bytes, at) & 0x0fff);
    if (at + TAG > out.end) return at + 2;
    type = u16(bytes, at + 2);
    at += TAG;
  }
  if (type <= MAX_LENGTH) {
    narrow(out, at + type);
    out.next = LAYER.llc;
  } else if (type < FIRST_TYPE) {
    out.next = LAYER.unknown;
  } else {
    headers.etherType = type;
    headers.has |= HAS.etherType;
    out.next = layerOfEtherType(type);
  }
  return at;
}

function noteVlan(headers: PacketHeaders, identifier: number): void {
  if ((headers.has & HAS.vlan) === 0) {
    headers.vlan = identifier;
    headers.has |= HAS.vlan;
  } else if ((headers.has & HAS.customerVlan) === 0) {
    headers.customerVlan = identifier;
    headers.has |= HAS.customerVlan;
  }
}

/** I-TAG of 802.1ah. */
export function readServiceInstance(bytes: Uint8Array, offset: number, out: PacketFields): number {
  if (offset + 4 > out.end) {
    out.next = LAYER.cut;
    return offset;
  }
  if ((out.has & HAS.serviceInstance) === 0) {
    out.serviceInstance = u32(bytes, offset) & 0xffffff;
    out.has |= HAS.serviceInstance;
  }
  out.next = LAYER.ethernet;
  return offset + 4;
}

/** DSAP and SSAP of SNAP, and of IP (802.2 "DoD IP"). */
const SNAP_SAPS = 0xaaaa;
const IP_SAPS = 0x0606;
const UNNUMBERED = 0x03;
/** RFC 1042, and 802.1H for types that are otherwise bridged. */
const OUI_ETHERNET = 0x000000;
const OUI_802_1H = 0x0000f8;

export function readLlc(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + 3 > out.end) return offset;
  out.next = LAYER.unknown;
  if (bytes[offset + 2] !== UNNUMBERED) return offset;
  const saps = u16(bytes, offset);
  if (saps === IP_SAPS) {
    out.next = LAYER.ipv4;
    return offset + 3;
  }
  return saps === SNAP_SAPS ? readSnap(bytes, offset + 3, out) : offset + 3;
}

/** SNAP from the OUI on. */
export function readSnap(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + 5 > out.end) return offset;
  out.next = LAYER.unknown;
  const at = offset + 5;
  const oui = (u16(bytes, offset) << 8) | (bytes[offset + 2] as number);
  if (oui !== OUI_ETHERNET && oui !== OUI_802_1H) return at;
  return readType(bytes, offset + 3, at, ethernetHeaders(out), out);
}

/**
 * Whether an Ethernet frame may well begin at `offset`: its type is one that is carried, and an IP header begins where the type says so.
 * For encapsulations that do not tell what they carry.
 */
export function looksLikeEthernet(bytes: Uint8Array, offset: number, end: number): boolean {
  if (offset + ETHERNET_HEADER + 1 > end) return false;
  const type = u16(bytes, offset + 12);
  const version = (bytes[offset + ETHERNET_HEADER] as number) >> 4;
  if (type === ETHER_TYPE.ipv4) return version === 4;
  if (type === ETHER_TYPE.ipv6) return version === 6;
  return isVlanTag(type) || type === 0x0806 || (type >= FIRST_TYPE && layerOfEtherType(type) !== LAYER.unknown);
}
