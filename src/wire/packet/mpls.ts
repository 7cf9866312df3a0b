import { u32 } from '../../util/octets.ts';
import { noteTunnel } from './current-headers.ts';
import { looksLikeEthernet } from './ethernet.ts';
import { LAYER } from './layers.ts';
import { HAS, MAX_MPLS_LABELS, type PacketFields, TUNNEL } from './packet-fields.ts';

/**
 * MPLS label stack (RFC 3032 section 2.1) and pseudowires in it.
 *
 *     entry, 32 bits                             control word, 32 bits (RFC 4385 section 3)
 *      label 20, traffic class 3,                 0000, flags 4, FRG 2, length 6, sequence 16
 *      bottom of stack 1, TTL 8
 *
 * The stack does not tell what it carries. Routers look at the first four bits behind it (RFC 4928, RFC 8469), and so does this: 4 and 6 are IP, 0 is a
 * control word, 1 an associated channel. An Ethernet frame without a control word may begin with any of them, so whatever is not a
 * believable IP header is tried as an Ethernet frame, and taken for one only when its type is known.
 */
const ENTRY = 4;
const MAX_ENTRIES = 64;
const BOTTOM = 0x100;
/** RFC 3032 section 2.1: explicit null labels. */
const IPV4_NULL = 0;
const IPV6_NULL = 2;

export function readMpls(bytes: Uint8Array, offset: number, out: PacketFields): number {
  if (out.ipCount > 0) noteTunnel(out, TUNNEL.mpls);
  let at = offset;
  let entry = 0;
  for (let entries = 0; (entry & BOTTOM) === 0; entries++) {
    if (at + ENTRY > out.end || entries === MAX_ENTRIES) {
      out.next = entries === MAX_ENTRIES ? LAYER.unknown : LAYER.cut;
      return at;
    }
    entry = u32(bytes, at);
    if (out.mplsCount < MAX_MPLS_LABELS) {
      out.mplsLabels[out.mplsCount++] = entry >>> 12;
      out.has |= HAS.mpls;
    }
    at += ENTRY;
  }
  return readCarried(bytes, at, entry >>> 12, out);
}

function readCarried(bytes: Uint8Array, at: number, label: number, out: PacketFields): number {
  if (at >= out.end) {
    out.next = LAYER.cut;
    return at;
  }
  const first = bytes[at] as number;
  const nibble = first >> 4;
  if (label === IPV4_NULL || (nibble === 4 && (first & 0x0f) >= 5)) {
    out.next = LAYER.ipv4;
    return at;
  }
  if (label === IPV6_NULL || nibble === 6) {
    out.next = LAYER.ipv6;
    return at;
  }
  out.next = LAYER.unknown;
  if (nibble === 0 && looksLikeEthernet(bytes, at + 4, out.end)) {
    out.next = LAYER.ethernet;
    return at + 4;
  }
  if (looksLikeEthernet(bytes, at, out.end)) out.next = LAYER.ethernet;
  return at;
}
