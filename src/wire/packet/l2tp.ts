import { u16, u32 } from '../../util/octets.ts';
import { noteTunnelId } from './current-headers.ts';
import { looksLikeEthernet } from './ethernet.ts';
import { LAYER } from './layers.ts';
import { type PacketFields, TUNNEL } from './packet-fields.ts';

/**
 * L2TP version 2 (RFC 2661 section 3.1) and version 3 (RFC 3931 section 4.1).
 *
 *     version 2, in UDP                                 version 3
 *      0  T 1 (control), L 1, x 2, S 1, x 1, O 1,        0  in UDP only: T 1, x 11, version 4 = 3, reserved 16
 *         P 1, x 4, version 4 = 2                           session       32 (0: control)
 *         length      16, with L                            cookie        0, 32 or 64
 *         tunnel 16, session 16                             sublayer      0 or 32
 *         Ns 16, Nr 16, with S
 *         offset size 16 and as many octets, with O
 *
 * Lengths of cookie and sublayer are agreed on in the control connection; so is what a version 3 session carries. Ethernet and PPP are looked for
 * at the places that are possible.
 */
const CONTROL = 0x8000;
const LENGTH = 0x4000;
const SEQUENCE = 0x0800;
const OFFSET = 0x0200;
const VERSION = 0x000f;

/** L2TP in UDP. */
export function readL2tp(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + 4 > out.end) return offset;
  const flags = u16(bytes, offset);
  const version = flags & VERSION;
  out.next = LAYER.payload;
  if (version === 3) return (flags & CONTROL) !== 0 ? offset : readL2tp3(bytes, offset + 4, out);
  if (version !== 2) return offset;
  return readVersion2(bytes, offset, flags, out);
}

function readVersion2(bytes: Uint8Array, offset: number, flags: number, out: PacketFields): number {
  const idsAt = offset + ((flags & LENGTH) !== 0 ? 4 : 2);
  let at = idsAt + 4 + ((flags & SEQUENCE) !== 0 ? 4 : 0);
  out.next = LAYER.cut;
  if (at > out.end) return offset;
  noteTunnelId(out, TUNNEL.l2tp, u32(bytes, idsAt));
  out.next = LAYER.payload;
  if ((flags & CONTROL) !== 0) return at;
  if ((flags & OFFSET) !== 0) {
    out.next = LAYER.cut;
    if (at + 2 > out.end) return at;
    at += 2 + u16(bytes, at);
    if (at > out.end) return out.end;
  }
  out.next = LAYER.ppp;
  return at;
}

/** Cookie and sublayer together: the lengths that are possible. */
const HIDDEN_LENGTHS: readonly number[] = [0, 4, 8, 12];
const PPP_IPV4 = 0xff030021;
const PPP_IPV6 = 0xff030057;

/** L2TP version 3 from the session on: as in IP (protocol 115), and behind the first word in UDP. */
export function readL2tp3(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + 4 > out.end) return offset;
  out.next = LAYER.payload;
  const session = u32(bytes, offset);
  const at = offset + 4;
  if (session === 0) return at;
  noteTunnelId(out, TUNNEL.l2tp, session);
  for (const hidden of HIDDEN_LENGTHS) {
    const from = at + hidden;
    if (looksLikeEthernet(bytes, from, out.end)) {
      out.next = LAYER.ethernet;
      return from;
    }
    if (from + 4 <= out.end && (u32(bytes, from) === PPP_IPV4 || u32(bytes, from) === PPP_IPV6)) {
      out.next = LAYER.ppp;
      return from;
    }
  }
  return at;
}
