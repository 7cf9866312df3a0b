import { ETHER_TYPE, LAYER, PROTOCOL } from '../wire/packet/layers.ts';
import { layerOfPorts, looksLikeTeredo } from '../wire/packet/udp-tunnels.ts';
import { HAS_ETHER_TYPE, HAS_MACS, sortIpv6Ends, TAGGED, WORD, writeIpv4Ends } from './observation.ts';

/**
 * Headers of usual packets: Ethernet, one VLAN tag at most, IPv4 without options or IPv6 without extension headers, TCP, UDP or ICMP; not a fragment, and
 * nothing cut. Their layout is that of `wire/packet`; `parsePacket` would find the same in them, at a third of the speed.
 */
const ETHERNET_HEADER = 14;
const TAG = 4;
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const UDP_HEADER = 8;
/** From the TCP header's start to behind its control bits. */
const TCP_START = 14;
const ICMP_HEADER = 4;
/** Version 4, header of 5 words. */
const PLAIN_IPV4 = 0x45;
/** More fragments, and the offset. */
const FRAGMENT = 0x3fff;

/**
 * Reads a packet of `LINK_TYPE.ethernet` into `words` (the key's further columns and `WORD.interface` are left as they are).
 *
 * @param seesTunnels false: what UDP carries does not matter
 * @returns false when the packet is not a usual one, or may hold a tunnel that matters: `words` are then of no use
 */
export function readUsualPacket(
  bytes: Uint8Array,
  start: number,
  end: number,
  seesTunnels: boolean,
  words: Uint32Array,
): boolean {
  let at = start + ETHERNET_HEADER;
  if (at + TAG > end) return false;
  let type = ((bytes[start + 12] as number) << 8) | (bytes[start + 13] as number);
  let vlan = 0;
  if (type === ETHER_TYPE.vlan) {
    vlan = TAGGED | ((((bytes[at] as number) << 8) | (bytes[at + 1] as number)) & 0x0fff);
    type = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    at += TAG;
  }
  words[WORD.vlans] = vlan;
  if (type === ETHER_TYPE.ipv4) {
    if (!readIpv4(bytes, at, end, seesTunnels, words)) return false;
  } else if (type !== ETHER_TYPE.ipv6 || !readIpv6(bytes, at, end, seesTunnels, words)) return false;
  words[WORD.link] = type | HAS_ETHER_TYPE | HAS_MACS;
  words[WORD.macs] =
    ((bytes[start + 6] as number) << 24) |
    ((bytes[start + 7] as number) << 16) |
    ((bytes[start] as number) << 8) |
    (bytes[start + 1] as number);
  words[WORD.srcMac] = word(bytes, start + 8);
  words[WORD.dstMac] = word(bytes, start + 2);
  words[WORD.tunnel] = 0;
  words[WORD.tunnelId] = 0;
  return true;
}

function readIpv4(bytes: Uint8Array, at: number, end: number, seesTunnels: boolean, words: Uint32Array): boolean {
  if (at + IPV4_HEADER > end || bytes[at] !== PLAIN_IPV4) return false;
  if (((((bytes[at + 6] as number) << 8) | (bytes[at + 7] as number)) & FRAGMENT) !== 0) return false;
  const length = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
  const proto = bytes[at + 9] as number;
  const known = Math.min(end, at + length);
  const ports = readTransport(bytes, at + IPV4_HEADER, known, proto, PROTOCOL.icmp, seesTunnels, words);
  if (ports < 0) return false;
  words[WORD.length] = length;
  words[WORD.tos] = bytes[at + 1] as number;
  words[WORD.ttl] = bytes[at + 8] as number;
  writeIpv4Ends(words, word(bytes, at + 12) >>> 0, word(bytes, at + 16) >>> 0, ports, proto);
  return true;
}

function readIpv6(bytes: Uint8Array, at: number, end: number, seesTunnels: boolean, words: Uint32Array): boolean {
  if (at + IPV6_HEADER > end) return false;
  const first = word(bytes, at);
  const payload = ((bytes[at + 4] as number) << 8) | (bytes[at + 5] as number);
  const proto = bytes[at + 6] as number;
  if (first >>> 28 !== 6) return false;
  // Payload length 0 (jumbograms, offload) leaves nothing here and goes the other way.
  const known = Math.min(end, at + IPV6_HEADER + payload);
  const ports = readTransport(bytes, at + IPV6_HEADER, known, proto, PROTOCOL.icmpv6, seesTunnels, words);
  if (ports < 0) return false;
  words[WORD.length] = payload + IPV6_HEADER;
  words[WORD.tos] = ((first >>> 20) & 0xff) | ((first & 0xfffff) << 8);
  words[WORD.ttl] = bytes[at + 7] as number;
  for (let i = 0; i < 8; i++) words[i] = word(bytes, at + 8 + 4 * i);
  sortIpv6Ends(words, ports, proto);
  return true;
}

/** Source port × 65536 + destination port, or -1 when this is no usual transport header. Sets the TCP control bits. */
function readTransport(
  bytes: Uint8Array,
  at: number,
  end: number,
  proto: number,
  icmp: number,
  seesTunnels: boolean,
  words: Uint32Array,
): number {
  if (proto === PROTOCOL.tcp) {
    if (at + TCP_START > end) return -1;
    words[WORD.flags] = (((bytes[at + 12] as number) << 8) | (bytes[at + 13] as number)) & 0x0fff;
    return word(bytes, at) >>> 0;
  }
  words[WORD.flags] = 0;
  if (proto === PROTOCOL.udp) {
    if (at + UDP_HEADER > end || (seesTunnels && mayBeTunnel(bytes, at, end))) return -1;
    return word(bytes, at) >>> 0;
  }
  if (proto !== icmp || at + ICMP_HEADER > end) return -1;
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function mayBeTunnel(bytes: Uint8Array, at: number, end: number): boolean {
  const ports = word(bytes, at);
  if (layerOfPorts(ports >>> 16, ports & 0xffff) !== LAYER.payload) return true;
  const length = ((bytes[at + 4] as number) << 8) | (bytes[at + 5] as number);
  return looksLikeTeredo(bytes, at + UDP_HEADER, length - UDP_HEADER, end);
}

/** 32 bits at `at`, signed: what is stored into words needs no sign. */
function word(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}
