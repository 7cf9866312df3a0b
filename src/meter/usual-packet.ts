import { viewOf } from '../util/octets.ts';
import { ETHER_TYPE, LAYER, PROTOCOL } from '../wire/packet/layers.ts';
import { layerOfPorts, looksLikeTeredo } from '../wire/packet/udp-tunnels.ts';
import { HAS_ETHER_TYPE, HAS_MACS, sortIpv6Ends, TAGGED, WORD, writeIpv4Ends } from './observation.ts';

/**
 * Headers of usual packets: Ethernet, one VLAN tag at most, IPv4 without options or IPv6 without extension headers, TCP, UDP or ICMP; not a fragment, and
 * nothing cut. Their layout is that of `wire/packet`; `parsePacket` would find the same in them, more slowly.
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

/** Reads usual packets into observations. What it keeps is only a view of the octets it was given last. */
export class UsualPackets {
  readonly #seesTunnels: boolean;
  #bytes: Uint8Array = new Uint8Array(0);
  #view = viewOf(this.#bytes);

  /** `seesTunnels` false: what UDP carries does not matter. */
  constructor(seesTunnels: boolean) {
    this.#seesTunnels = seesTunnels;
  }

  /**
   * Reads a packet of `LINK_TYPE.ethernet` into `words` (the key's further columns and `WORD.interface` are left as they are).
   *
   * @returns false when the packet is not a usual one, or may hold a tunnel that matters: `words` are then of no use
   */
  read(bytes: Uint8Array, start: number, end: number, words: Int32Array): boolean {
    // Through a view a number of 32 bits is one access. A capture comes in pieces of many packets, so that views are rarely made.
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = viewOf(bytes);
    }
    const view = this.#view;
    let at = start + ETHERNET_HEADER;
    if (at + TAG > end) return false;
    let type = view.getUint16(start + 12);
    words[WORD.vlans] = 0;
    if (type === ETHER_TYPE.vlan) {
      words[WORD.vlans] = TAGGED | (view.getUint16(at) & 0x0fff);
      type = view.getUint16(at + 2);
      at += TAG;
    }
    if (type === ETHER_TYPE.ipv4) {
      if (!this.#readIpv4(view, at, end, words)) return false;
    } else if (type !== ETHER_TYPE.ipv6 || !this.#readIpv6(view, at, end, words)) return false;
    words[WORD.link] = type | HAS_ETHER_TYPE | HAS_MACS;
    words[WORD.macs] = (view.getUint16(start + 6) << 16) | view.getUint16(start);
    words[WORD.srcMac] = view.getInt32(start + 8);
    words[WORD.dstMac] = view.getInt32(start + 2);
    words[WORD.tunnel] = 0;
    words[WORD.tunnelId] = 0;
    return true;
  }

  #readIpv4(view: DataView, at: number, end: number, words: Int32Array): boolean {
    if (at + IPV4_HEADER > end) return false;
    const first = view.getInt32(at);
    const length = first & 0xffff;
    if (first >>> 24 !== PLAIN_IPV4 || (view.getUint16(at + 6) & FRAGMENT) !== 0) return false;
    const life = view.getUint16(at + 8);
    const proto = life & 0xff;
    const known = Math.min(end, at + length);
    if (!this.#readTransport(view, at + IPV4_HEADER, known, proto, PROTOCOL.icmp, words)) return false;
    words[WORD.length] = length;
    words[WORD.tos] = (first >>> 16) & 0xff;
    words[WORD.ttl] = life >>> 8;
    writeIpv4Ends(words, view.getInt32(at + 12), view.getInt32(at + 16), words[WORD.ports] as number, proto);
    return true;
  }

  #readIpv6(view: DataView, at: number, end: number, words: Int32Array): boolean {
    if (at + IPV6_HEADER > end) return false;
    const first = view.getInt32(at);
    const payload = view.getUint16(at + 4);
    const proto = view.getUint8(at + 6);
    if (first >>> 28 !== 6) return false;
    // Payload length 0 (jumbograms, offload) leaves nothing here and goes the other way.
    const known = Math.min(end, at + IPV6_HEADER + payload);
    if (!this.#readTransport(view, at + IPV6_HEADER, known, proto, PROTOCOL.icmpv6, words)) return false;
    words[WORD.length] = payload + IPV6_HEADER;
    words[WORD.tos] = ((first >>> 20) & 0xff) | ((first & 0xfffff) << 8);
    words[WORD.ttl] = view.getUint8(at + 7);
    for (let i = 0; i < 3; i++) {
      words[WORD.lowerUpper + i] = view.getInt32(at + 8 + 4 * i);
      words[WORD.higherUpper + i] = view.getInt32(at + 24 + 4 * i);
    }
    words[WORD.lower] = view.getInt32(at + 20);
    words[WORD.higher] = view.getInt32(at + 36);
    sortIpv6Ends(words, words[WORD.ports] as number, proto);
    return true;
  }

  /** Writes the ports as they are in the packet, and the TCP control bits. Returns false when this is no usual transport header. */
  #readTransport(view: DataView, at: number, end: number, proto: number, icmp: number, words: Int32Array): boolean {
    words[WORD.flags] = 0;
    if (proto === PROTOCOL.tcp) {
      if (at + TCP_START > end) return false;
      words[WORD.flags] = view.getUint16(at + 12) & 0x0fff;
      words[WORD.ports] = view.getInt32(at);
      return true;
    }
    if (proto === PROTOCOL.udp) {
      if (at + UDP_HEADER > end || (this.#seesTunnels && this.#mayBeTunnel(view, at, end))) return false;
      words[WORD.ports] = view.getInt32(at);
      return true;
    }
    if (proto !== icmp || at + ICMP_HEADER > end) return false;
    words[WORD.ports] = view.getUint16(at);
    return true;
  }

  #mayBeTunnel(view: DataView, at: number, end: number): boolean {
    if (layerOfPorts(view.getUint16(at), view.getUint16(at + 2)) !== LAYER.payload) return true;
    return looksLikeTeredo(this.#bytes, at + UDP_HEADER, view.getUint16(at + 4) - UDP_HEADER, end);
  }
}
