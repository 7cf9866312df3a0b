import { u32 } from '../../util/octets.ts';
import { noteTunnel } from './current-headers.ts';
import { LAYER } from './layers.ts';
import { type PacketFields, TUNNEL } from './packet-fields.ts';

/**
 * CAPWAP data channel (RFC 5415 section 4.3, RFC 5416).
 *
 *      0  version 4, type 4: 0, or 1 for DTLS
 *      1  header length 5, in units of 4 octets; radio 5; binding 5; native frame 1, fragment 1, last 1, more headers 1 each: W, M; keep-alive 1, 3
 *      4  fragment id 16, fragment offset 13, 3
 *      8  what the flags announce, up to the header length
 *
 * A native frame is of 802.11, without the flag it is an Ethernet frame. Cisco's access points send the two octets of 802.11's frame control in the
 * other order; the type of a data frame tells.
 */
const HEADER = 8;
const PLAIN = 0;
const DTLS = 1;
const NATIVE = 0x100;
const KEEP_ALIVE = 0x08;
const OFFSET_MASK = 0xfff8;
const DATA_FRAME = 0x08;
const VERSION_AND_TYPE = 0x0f;

export function readCapwap(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + HEADER > out.end) return offset;
  out.next = LAYER.payload;
  const preamble = bytes[offset] as number;
  if (preamble === DTLS) out.next = LAYER.encrypted;
  if (preamble !== PLAIN) return offset;
  const flags = u32(bytes, offset);
  const length = ((flags >>> 19) & 0x1f) * 4;
  if (length < HEADER || (flags & KEEP_ALIVE) !== 0) return offset;
  noteTunnel(out, TUNNEL.capwap);
  const at = offset + length;
  if ((u32(bytes, offset + 4) & OFFSET_MASK) !== 0) return Math.min(at, out.end);
  out.next = LAYER.cut;
  if (at + 2 > out.end) return Math.min(at, out.end);
  if ((flags & NATIVE) === 0) out.next = LAYER.ethernet;
  else out.next = isSwapped(bytes, at) ? LAYER.swappedIeee80211 : LAYER.ieee80211;
  return at;
}

function isSwapped(bytes: Uint8Array, offset: number): boolean {
  const isData = (octet: number | undefined): boolean => ((octet ?? 0) & VERSION_AND_TYPE) === DATA_FRAME;
  return !isData(bytes[offset]) && isData(bytes[offset + 1]);
}
