/*
 * How the device switched, routed and translated the packet (sFlow Version 5, section 5.4; flow_data format in brackets)
 *
 *   extended_switch [1001]   u32 source VLAN  u32 source priority  u32 destination VLAN  u32 destination priority; all bits set is unknown
 *   extended_router [1002]   address next hop  u32 source mask length  u32 destination mask length
 *   extended_gateway [1003]  address next hop (version 5)  u32 own AS  u32 source AS  u32 source peer AS
 *                            versions 4, 5: u32 segments, each u32 type (1 set, 2 sequence)  u32 count  u32 AS …
 *                                           u32 count  u32 community …   u32 local preference
 *                            version 2: u32 count  u32 AS …, and nothing more
 *   extended_mpls [1006]     address next hop  u32 depth  u32 label stack entry (RFC 3032) … as it came   the same as it goes
 *   extended_nat [1007]      address source  address destination, after translation
 *   extended_vlantunnel [1012]  u32 count  u32 TPID << 16 | TCI …, stripped tags from outermost
 *   extended_nat_port [1020] u32 source port  u32 destination port
 * Versions 2 and 4 are of InMon's version 2 and RFC 3176 section 5.
 */
import { u32 } from '../../util/octets.ts';
import { addressLength, readAddress } from './datagram.ts';
import { type FlowSample, RECORD } from './flow-sample.ts';

export function readSwitch(bytes: Uint8Array, start: number, end: number, out: FlowSample): boolean {
  if (start + 16 > end) return false;
  out.srcVlan = u32(bytes, start);
  out.srcPriority = u32(bytes, start + 4);
  out.dstVlan = u32(bytes, start + 8);
  out.dstPriority = u32(bytes, start + 12);
  out.has |= RECORD.switch;
  return true;
}

/** extended_router. Returns the offset behind it, −1 when it does not fit. */
export function readRouter(bytes: Uint8Array, start: number, end: number, out: FlowSample): number {
  const p = readAddress(bytes, start, end, out.nextHop);
  if (p < 0 || p + 8 > end) return -1;
  out.srcMask = u32(bytes, p);
  out.dstMask = u32(bytes, p + 4);
  out.has |= RECORD.router;
  return p + 8;
}

/** extended_gateway of version 2, 4 or 5. Returns the offset behind it, −1 when it does not fit. */
export function readGateway(bytes: Uint8Array, start: number, end: number, version: number, out: FlowSample): number {
  let p = start;
  if (version === 5) {
    p = readAddress(bytes, p, end, out.gatewayNextHop);
    if (p < 0) return -1;
  }
  if (p + 16 > end) return -1;
  out.extras.push({ name: 'routerAs', type: 'unsigned32', bytes, start: p, length: 4 });
  out.srcAs = u32(bytes, p + 4);
  out.srcPeerAs = u32(bytes, p + 8);
  p += 12;
  out.asPath = '';
  out.dstAs = 0;
  out.dstPeerAs = 0;
  p = version === 2 ? readSegment(bytes, p, end, false, out) : readSegments(bytes, p, end, out);
  if (p < 0) return -1;
  out.has |= version === 5 ? RECORD.gateway | RECORD.gatewayNextHop : RECORD.gateway;
  return version === 2 ? p : readPolicy(bytes, p, end, out);
}

function readSegments(bytes: Uint8Array, start: number, end: number, out: FlowSample): number {
  if (start + 4 > end) return -1;
  const segments = u32(bytes, start);
  let p = start + 4;
  // A segment takes 8 octets at least.
  if (segments > (end - p) / 8) return -1;
  for (let i = 0; i < segments; i++) {
    if (p + 8 > end) return -1;
    p = readSegment(bytes, p + 4, end, u32(bytes, p) === 1, out);
    if (p < 0) return -1;
  }
  return p;
}

/** A counted list of AS numbers, which is appended to the path. */
function readSegment(bytes: Uint8Array, start: number, end: number, isSet: boolean, out: FlowSample): number {
  if (start + 4 > end) return -1;
  const count = u32(bytes, start);
  const p = start + 4;
  if (count > (end - p) / 4) return -1;
  if (count === 0) return p;
  const isFirst = out.asPath === '';
  let text = isFirst ? '' : `${out.asPath} `;
  if (isSet) text += '{';
  for (let i = 0; i < count; i++) text += i === 0 ? u32(bytes, p) : ` ${u32(bytes, p + i * 4)}`;
  out.asPath = isSet ? `${text}}` : text;
  if (isFirst) out.dstPeerAs = u32(bytes, p);
  out.dstAs = u32(bytes, p + (count - 1) * 4);
  return p + count * 4;
}

function readPolicy(bytes: Uint8Array, start: number, end: number, out: FlowSample): number {
  if (start + 4 > end) return -1;
  const count = u32(bytes, start);
  let p = start + 4;
  if (count > (end - p - 4) / 4) return -1;
  let text = '';
  for (let i = 0; i < count; i++, p += 4) {
    const community = u32(bytes, p);
    text += `${i === 0 ? '' : ' '}${community >>> 16}:${community & 0xffff}`;
  }
  out.communities = text;
  out.localPref = u32(bytes, p);
  out.has |= RECORD.gatewayPolicy;
  return p + 4;
}

/** extended_mpls: the stack as it came is for `mpls_labels`, the stack as it goes and the next hop are kept beside. */
export function readMpls(bytes: Uint8Array, start: number, end: number, out: FlowSample): boolean {
  const length = start + 4 > end ? -1 : addressLength(u32(bytes, start));
  const arriving = start + 4 + length;
  if (length < 0 || arriving > end) return false;
  const type = length === 4 ? 'ipv4Address' : 'ipv6Address';
  if (length > 0) out.extras.push({ name: 'mplsNextHop', type, bytes, start: start + 4, length });
  const leaving = entriesEnd(bytes, arriving, end);
  if (leaving < 0) return false;
  out.mplsIn = labels(bytes, arriving + 4, leaving);
  out.has |= RECORD.mpls;
  const stop = entriesEnd(bytes, leaving, end);
  if (stop < 0) return false;
  pushText(out, 'mplsOutLabelStack', labels(bytes, leaving + 4, stop));
  return true;
}

export function readNat(bytes: Uint8Array, start: number, end: number, out: FlowSample): boolean {
  const p = readAddress(bytes, start, end, out.natSrc);
  if (p < 0 || readAddress(bytes, p, end, out.natDst) < 0) return false;
  out.has |= RECORD.nat;
  return true;
}

export function readNatPort(bytes: Uint8Array, start: number, end: number, out: FlowSample): boolean {
  if (start + 8 > end) return false;
  out.natSrcPort = u32(bytes, start) & 0xffff;
  out.natDstPort = u32(bytes, start + 4) & 0xffff;
  out.has |= RECORD.natPort;
  return true;
}

/** extended_vlantunnel: the stripped tags as `TPID:VLAN`, outermost first. */
export function readVlanTunnel(bytes: Uint8Array, start: number, end: number, out: FlowSample): boolean {
  const stop = entriesEnd(bytes, start, end);
  if (stop < 0) return false;
  let text = '';
  for (let p = start + 4; p < stop; p += 4) {
    const tag = u32(bytes, p);
    text += `${text === '' ? '' : ','}${(tag >>> 16).toString(16).padStart(4, '0')}:${tag & 0xfff}`;
  }
  pushText(out, 'strippedVlanTags', text);
  return true;
}

const encoder = new TextEncoder();

/** Adds text of our own making. */
function pushText(out: FlowSample, name: string, text: string): void {
  if (text === '') return;
  const bytes = encoder.encode(text);
  out.extras.push({ name, type: 'string', bytes, start: 0, length: bytes.length });
}

/** End of a counted list of words, −1 when it does not fit. */
function entriesEnd(bytes: Uint8Array, start: number, end: number): number {
  if (start + 4 > end) return -1;
  const count = u32(bytes, start);
  return count > (end - start - 4) / 4 ? -1 : start + 4 + count * 4;
}

/** Labels of a stack of RFC 3032 entries: the upper 20 bits. */
function labels(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let p = start; p < end; p += 4) text += `${text === '' ? '' : ','}${u32(bytes, p) >>> 12}`;
  return text;
}
