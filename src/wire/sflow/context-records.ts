/*
 * Who and what the packet belongs to (sFlow Version 5, section 5.4; "sFlow 802.11 Structures"; "sFlow Host Structures"; flow_data format
 * in brackets)
 *
 *   extended_user [1004]     u32 character set  string source user  u32 character set  string destination user;
 *                            without character sets in versions 2 and 4 (RFC 3176 section 5)
 *   extended_url [1005]      u32 direction: 1 source, 2 destination address is the server's  string URL  string host (version 5)
 *   extended_80211_payload [1013]  u32 cipher suite  sampled_header, decrypted
 *   extended_80211_rx [1014] string SSID  mac BSSID  u32 version  u32 channel  u64 speed  u32 RSNI  u32 RCPI  u32 packet duration, µs
 *   extended_80211_tx [1015] string SSID  mac BSSID  u32 version  u32 transmissions  u32 packet duration  u32 retransmission duration
 *                            u32 channel  u64 speed  u32 power, mW
 *   extended_vni_egress, _ingress [1029, 1030]  u32 VNI
 *   extended_socket_ipv4, _ipv6 [2100, 2101]  u32 protocol  address local  address remote  u32 local port  u32 remote port
 */
import { text, u16, u32 } from '../../util/octets.ts';
import { HAS } from '../packet/packet-fields.ts';
import { type FlowSample, RECORD } from './flow-sample.ts';
import { hasPorts, readSampledHeader } from './packet-records.ts';
import { textAt } from './structure.ts';

/** extended_user. Returns the offset behind it, −1 when it does not fit. */
export function readUser(bytes: Uint8Array, start: number, end: number, version: number, out: FlowSample): number {
  const charset = version === 5 ? 4 : 0;
  const source = textAt(bytes, start + charset, end);
  if (source.length < 0) return -1;
  out.userName = text(bytes, source.start, source.length);
  out.has |= RECORD.user;
  const destination = textAt(bytes, source.next + charset, end);
  if (destination.length < 0) return -1;
  pushText(out, 'dstUser', bytes, destination);
  return destination.next;
}

/** extended_url. Returns the offset behind it, −1 when it does not fit. */
export function readUrl(bytes: Uint8Array, start: number, end: number, version: number, out: FlowSample): number {
  const url = textAt(bytes, start + 4, end);
  if (url.length < 0) return -1;
  out.extras.push({ name: 'urlDirection', type: 'unsigned32', bytes, start, length: 4 });
  out.url = text(bytes, url.start, url.length);
  out.host = '';
  out.has |= RECORD.url;
  if (version !== 5) return url.next;
  const host = textAt(bytes, url.next, end);
  if (host.length < 0) return -1;
  out.host = text(bytes, host.start, host.length);
  return host.next;
}

export function readWlanPayload(bytes: Uint8Array, start: number, end: number, out: FlowSample): boolean {
  if (start + 4 > end) return false;
  out.extras.push({ name: 'cipherSuite', type: 'unsigned32', bytes, start, length: 4 });
  return readSampledHeader(bytes, start + 4, end, 5, out);
}

const RX = ['rxVersion', 'rxChannel', 'rxSpeed', 'rxRsni', 'rxRcpi', 'rxPacketDuration'];
const TX = ['txVersion', 'txTransmissions', 'txPacketDuration', 'txRetransDuration', 'txChannel', 'txSpeed', 'txPower'];

/** extended_80211_rx and, with `isSent`, extended_80211_tx. */
export function readWlan(bytes: Uint8Array, start: number, end: number, isSent: boolean, out: FlowSample): boolean {
  const ssid = textAt(bytes, start, end);
  let p = ssid.next + 8;
  if (ssid.length < 0 || p > end) return false;
  out.ssid = text(bytes, ssid.start, ssid.length);
  out.bssidHigh = u16(bytes, ssid.next);
  out.bssidLow = u32(bytes, ssid.next + 2);
  out.has |= RECORD.wlan;
  for (const name of isSent ? TX : RX) {
    const length = name.endsWith('Speed') ? 8 : 4;
    if (p + length > end) return false;
    out.extras.push({ name, type: length === 8 ? 'unsigned64' : 'unsigned32', bytes, start: p, length });
    p += length;
  }
  return true;
}

export function readVni(bytes: Uint8Array, start: number, end: number, out: FlowSample): boolean {
  if (start + 4 > end) return false;
  out.vni = u32(bytes, start) & 0xff_ffff;
  out.has |= RECORD.vni;
  return true;
}

/** A socket of the host itself, `words` 1 for IPv4 and 4 for IPv6. Where no record tells of the packet, remote is the source and local the destination. */
export function readSocket(bytes: Uint8Array, start: number, end: number, words: 1 | 4, out: FlowSample): boolean {
  const local = start + 4;
  const remote = local + words * 4;
  const ports = remote + words * 4;
  if (ports + 8 > end) return false;
  const type = words === 1 ? 'ipv4Address' : 'ipv6Address';
  out.extras.push(
    { name: 'socketLocalAddress', type, bytes, start: local, length: words * 4 },
    { name: 'socketRemoteAddress', type, bytes, start: remote, length: words * 4 },
    { name: 'socketLocalPort', type: 'unsigned32', bytes, start: ports, length: 4 },
    { name: 'socketRemotePort', type: 'unsigned32', bytes, start: ports + 4, length: 4 },
  );
  const { packet } = out;
  if ((packet.has & HAS.ip) !== 0) return true;
  const isIpv4 = words === 1;
  packet.ipVersion = isIpv4 ? 4 : 6;
  packet.src0 = isIpv4 ? 0 : u32(bytes, remote);
  packet.src1 = isIpv4 ? 0 : u32(bytes, remote + 4);
  packet.src2 = isIpv4 ? 0xffff : u32(bytes, remote + 8);
  packet.src3 = u32(bytes, ports - 4);
  packet.dst0 = isIpv4 ? 0 : u32(bytes, local);
  packet.dst1 = isIpv4 ? 0 : u32(bytes, local + 4);
  packet.dst2 = isIpv4 ? 0xffff : u32(bytes, local + 8);
  packet.dst3 = u32(bytes, remote - 4);
  packet.proto = u32(bytes, start) & 255;
  packet.has |= HAS.ip;
  if (hasPorts(packet.proto)) {
    packet.srcPort = u32(bytes, ports + 4) & 0xffff;
    packet.dstPort = u32(bytes, ports) & 0xffff;
    packet.has |= HAS.ports;
  }
  return true;
}

function pushText(
  out: FlowSample,
  name: string,
  bytes: Uint8Array,
  { start, length }: { readonly start: number; readonly length: number },
): void {
  if (length > 0) out.extras.push({ name, type: 'string', bytes, start, length });
}
