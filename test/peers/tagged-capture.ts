import { LINK_TYPE } from '#weir/wire/packet/link-types.js';
import { pcapFileHeader } from '#weir/wire/pcap/writer.js';
import { digits, ethernet, ip4, ip6, label, tcp, toBytes, udp } from '../wire/packet/packets.ts';

const CONVERSATIONS = 24;
/** Between two packets, µs. */
const GAP = 7000;

/**
 * A capture of conversations whose values differ in every field: IPv4 and IPv6; TCP, UDP and ICMP; one VLAN, two, MPLS labels or none; in both directions or one.
 *
 * @param millis when its first packet comes
 */
export function taggedCapture(millis: number): Uint8Array {
  const parts: Uint8Array[] = [pcapFileHeader(LINK_TYPE.ethernet)];
  for (const [n, frame] of Array.from({ length: CONVERSATIONS }, (_, i) => conversation(i))
    .flat()
    .entries()) {
    const bytes = toBytes(frame);
    const micros = millis * 1000 + n * GAP;
    const head = Buffer.alloc(16);
    for (const [at, value] of [Math.floor(micros / 1e6), micros % 1e6, bytes.length, bytes.length].entries())
      head.writeUInt32BE(value, at * 4);
    parts.push(head, bytes);
  }
  return Buffer.concat(parts);
}

/** Two packets there and, but for each fourth, one back between them. */
function conversation(i: number): string[] {
  const there = frameOf(i, false);
  return i % 4 === 0 ? [there] : [there, frameOf(i, true), there];
}

function frameOf(i: number, isBack: boolean): string {
  const isIpv6 = i % 3 === 0;
  const { proto, payload } = transportOf(i, isIpv6, isBack);
  const ends = isIpv6
    ? [`20010db8${'00'.repeat(11)}${digits(i + 1, 1)}`, `20010db8${'00'.repeat(10)}01${digits(i + 1, 1)}`]
    : [`0a0100${digits(i, 1)}`, `0a0200${digits(i, 1)}`];
  const [from = '', to = ''] = isBack ? ends.toReversed() : ends;
  const packet = isIpv6
    ? ip6(proto, payload, { from, to, hops: digits(50 + i, 1), start: `6000${digits(i, 2)}` })
    : ip4(proto, payload, { from, to });
  const macs = [`0200000001${digits(i, 1)}`, `0200000002${digits(i, 1)}`];
  const [source = '', destination = ''] = isBack ? macs.toReversed() : macs;
  const type = isIpv6 ? '86dd' : '0800';
  switch (i % 4) {
    case 1:
      return ethernet('8100', `${digits(100 + i, 2)}${type}${packet}`, destination, source);
    case 2:
      return ethernet('88a8', `${digits(200 + i, 2)}8100${digits(300 + i, 2)}${type}${packet}`, destination, source);
    case 3:
      return ethernet('8847', `${label(1000 + i, false)}${label(2000 + i, true)}${packet}`, destination, source);
    default:
      return ethernet(type, packet, destination, source);
  }
}

function transportOf(i: number, isIpv6: boolean, isBack: boolean): { proto: number; payload: string } {
  const [from, to] = isBack ? [40_000 + i, 1024 + i] : ([1024 + i, 40_000 + i] as const);
  const data = '00'.repeat(i * 3);
  if (i % 2 === 0) return { proto: 6, payload: `${tcp(from, to, isBack ? '5012' : '5002')}${data}` };
  if (i % 5 !== 0) return { proto: 17, payload: udp(from, to, data) };
  const [request, reply] = isIpv6 ? ['80', '81'] : ['08', '00'];
  return { proto: isIpv6 ? 58 : 1, payload: `${isBack ? reply : request}000000 0001${digits(i, 2)} ${data}` };
}
