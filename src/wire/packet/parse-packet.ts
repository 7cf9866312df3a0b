import { readFamily, readLinuxCooked, readLinuxCooked2, readNflog } from './capture-headers.ts';
import { readCapwap } from './capwap.ts';
import { readEtherTag, readFabricPath, readMacSec, readNetworkService } from './ether-tags.ts';
import { readEthernet, readLlc, readServiceInstance } from './ethernet.ts';
import { readErspan2, readErspan3, readGre, readGreMetadata } from './gre.ts';
import { readIeee80211, readRadiotap, readSwappedIeee80211 } from './ieee80211.ts';
import { readAuthentication, readIp, readIpv4, readIpv6 } from './ip.ts';
import { readAyiya, readEsp, readEtherIp } from './ip-tunnels.ts';
import { readL2tp, readL2tp3 } from './l2tp.ts';
import { FIRST_READ_LAYER, LAYER, layerOfProtocol } from './layers.ts';
import { LINK_TYPE } from './link-types.ts';
import { readMpls } from './mpls.ts';
import { type PacketFields, resetPacketFields } from './packet-fields.ts';
import { readCiscoHdlc, readFrameRelay, readPpp, readPppHdlc, readPppoe } from './ppp.ts';
import { readIcmp, readIgmp, readPorts, readTcp, readUdp, readUdpLite } from './transport.ts';
import { readGeneve, readGtpU, readTeredo, readVxlan, readVxlanGpe } from './udp-tunnels.ts';

/** Headers gone through in one packet, at most: some ten tunnels in each other. */
const MAX_HEADERS = 40;

/**
 * Reads the headers of one packet, link layer to transport and through tunnels, into `out`, which it resets first. Never throws, never
 * reads outside `start`–`end`, and allocates nothing. A packet that is cut gives what is there; `out.next` tells where reading ended.
 *
 * @param start offset of the link-layer header in `bytes`, not negative
 * @param end offset behind the last octet that was captured; brought down to the end of `bytes`
 * @param linkType a number of `LINK_TYPE`; any other gives an empty `out`
 * @returns how many octets were understood: headers, without the payload of the last
 */
export function parsePacket(
  bytes: Uint8Array,
  start: number,
  end: number,
  linkType: number,
  out: PacketFields,
): number {
  resetPacketFields(out);
  out.end = Math.min(end, bytes.length);
  out.next = layerOfLinkType(linkType);
  let at = start;
  for (let headers = 0; out.next >= FIRST_READ_LAYER && headers < MAX_HEADERS; headers++)
    at = readLayer(bytes, at, out);
  if (out.ipCount > 0) out.ipOffset -= start;
  if (out.hasInner === 1) out.inner.ipOffset -= start;
  return at - start;
}

/** Headers that end the packet's own: behind them comes what it carries. */
const TRANSPORT: readonly number[] = [LAYER.tcp, LAYER.udp, LAYER.udpLite, LAYER.ports, LAYER.icmp, LAYER.igmp];

/**
 * Reads the transport header between `start` and `end` into `out`, as `parsePacket` does; what it is the IP protocol number says. Nothing is read of protocols
 * without such a header, tunnels among them: their packets are others.
 */
export function parseTransport(
  bytes: Uint8Array,
  start: number,
  end: number,
  protocol: number,
  out: PacketFields,
): void {
  resetPacketFields(out);
  out.end = Math.min(end, bytes.length);
  out.next = layerOfProtocol(protocol);
  if (TRANSPORT.includes(out.next)) readLayer(bytes, start, out);
}

/** Reads the one header that `out.next` names. A switch, because calls through a table cannot be inlined. */
function readLayer(bytes: Uint8Array, offset: number, out: PacketFields): number {
  switch (out.next) {
    case LAYER.ethernet:
      return readEthernet(bytes, offset, out);
    case LAYER.ipv4:
      return readIpv4(bytes, offset, out);
    case LAYER.ipv6:
      return readIpv6(bytes, offset, out);
    case LAYER.tcp:
      return readTcp(bytes, offset, out);
    case LAYER.udp:
      return readUdp(bytes, offset, out);
    case LAYER.icmp:
      return readIcmp(bytes, offset, out);
    case LAYER.ports:
      return readPorts(bytes, offset, out);
    case LAYER.udpLite:
      return readUdpLite(bytes, offset, out);
    case LAYER.igmp:
      return readIgmp(bytes, offset, out);
    case LAYER.ip:
      return readIp(bytes, offset, out);
    case LAYER.mpls:
      return readMpls(bytes, offset, out);
    case LAYER.llc:
      return readLlc(bytes, offset, out);
    case LAYER.serviceInstance:
      return readServiceInstance(bytes, offset, out);
    case LAYER.ppp:
      return readPpp(bytes, offset, out);
    case LAYER.pppoe:
      return readPppoe(bytes, offset, out);
    case LAYER.pppHdlc:
      return readPppHdlc(bytes, offset, out);
    case LAYER.ciscoHdlc:
      return readCiscoHdlc(bytes, offset, out);
    case LAYER.family:
      return readFamily(bytes, offset, out);
    case LAYER.linuxCooked:
      return readLinuxCooked(bytes, offset, out);
    case LAYER.linuxCooked2:
      return readLinuxCooked2(bytes, offset, out);
    case LAYER.ieee80211:
      return readIeee80211(bytes, offset, out);
    case LAYER.swappedIeee80211:
      return readSwappedIeee80211(bytes, offset, out);
    case LAYER.radiotap:
      return readRadiotap(bytes, offset, out);
    case LAYER.nflog:
      return readNflog(bytes, offset, out);
    case LAYER.etherTag:
      return readEtherTag(bytes, offset, out);
    case LAYER.macSec:
      return readMacSec(bytes, offset, out);
    case LAYER.fabricPath:
      return readFabricPath(bytes, offset, out);
    case LAYER.networkService:
      return readNetworkService(bytes, offset, out);
    case LAYER.frameRelay:
      return readFrameRelay(bytes, offset, out);
    case LAYER.gre:
      return readGre(bytes, offset, out);
    case LAYER.greMetadata:
      return readGreMetadata(bytes, offset, out);
    case LAYER.erspan2:
      return readErspan2(bytes, offset, out);
    case LAYER.erspan3:
      return readErspan3(bytes, offset, out);
    case LAYER.authentication:
      return readAuthentication(bytes, offset, out);
    case LAYER.esp:
      return readEsp(bytes, offset, out);
    case LAYER.etherIp:
      return readEtherIp(bytes, offset, out);
    case LAYER.l2tp:
      return readL2tp(bytes, offset, out);
    case LAYER.l2tp3:
      return readL2tp3(bytes, offset, out);
    case LAYER.vxlan:
      return readVxlan(bytes, offset, out);
    case LAYER.vxlanGpe:
      return readVxlanGpe(bytes, offset, out);
    case LAYER.geneve:
      return readGeneve(bytes, offset, out);
    case LAYER.gtpU:
      return readGtpU(bytes, offset, out);
    case LAYER.capwap:
      return readCapwap(bytes, offset, out);
    case LAYER.ayiya:
      return readAyiya(bytes, offset, out);
    case LAYER.teredo:
      return readTeredo(bytes, offset, out);
    default:
      // A layer without a reader would stand still here.
      out.next = LAYER.unknown;
      return offset;
  }
}

function layerOfLinkType(linkType: number): number {
  switch (linkType) {
    case LINK_TYPE.ethernet:
      return LAYER.ethernet;
    case LINK_TYPE.raw:
    case LINK_TYPE.rawBsd:
    case LINK_TYPE.rawOpenBsd:
      return LAYER.ip;
    case LINK_TYPE.ipv4:
      return LAYER.ipv4;
    case LINK_TYPE.ipv6:
      return LAYER.ipv6;
    case LINK_TYPE.mpls:
      return LAYER.mpls;
    case LINK_TYPE.null:
    case LINK_TYPE.loop:
      return LAYER.family;
    case LINK_TYPE.linuxCooked:
      return LAYER.linuxCooked;
    case LINK_TYPE.linuxCooked2:
      return LAYER.linuxCooked2;
    case LINK_TYPE.ppp:
    case LINK_TYPE.pppHdlc:
      return LAYER.pppHdlc;
    case LINK_TYPE.pppEther:
      return LAYER.pppoe;
    case LINK_TYPE.ciscoHdlc:
      return LAYER.ciscoHdlc;
    case LINK_TYPE.frameRelay:
      return LAYER.frameRelay;
    case LINK_TYPE.ieee80211:
      return LAYER.ieee80211;
    case LINK_TYPE.ieee80211Radiotap:
      return LAYER.radiotap;
    case LINK_TYPE.nflog:
      return LAYER.nflog;
    default:
      return LAYER.unknown;
  }
}
