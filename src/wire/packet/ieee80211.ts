import { beginEthernet } from './current-headers.ts';
import { readDestination, readSource } from './ethernet.ts';
import { LAYER } from './layers.ts';
import type { PacketFields } from './packet-fields.ts';

/**
 * IEEE 802.11 frames (IEEE 802.11-2016 section 9.2) and radiotap before them (https://www.radiotap.org). Little-endian.
 *
 *     802.11                                               radiotap
 *      0  version 2 bits, type 2, subtype 4                 0  version 8 = 0, padding 8
 *      1  flags: to DS 1, from DS 2, … protected 40,        2  length            16
 *         +HTC/order 80                                     4  present           32, more while its top bit is set
 *      2  duration      16                                     fields, each aligned to its size:
 *      4  address 1 48, address 2 48, address 3 48             TSFT 64 (bit 0), flags 8 (bit 1), …
 *     22  sequence      16
 *     24  address 4     48, when to and from DS
 *         QoS control   16, in QoS data
 *         HT control    32, with +HTC in QoS data
 */
const MANAGEMENT = 0;
const DATA = 2;
const TO_DS = 0x01;
const FROM_DS = 0x02;
const PROTECTED = 0x40;
const HTC = 0x80;
/** Subtype bits of data frames. */
const NO_DATA = 0x4;
const QOS = 0x8;
/** In QoS control: the body is a row of Ethernet-like frames. */
const AGGREGATE = 0x80;
const HEADER = 24;

export function readIeee80211(bytes: Uint8Array, offset: number, out: PacketFields): number {
  return readFrame(bytes, offset, 0, false, out);
}

/** A frame whose two octets of frame control come in the other order (capwap.ts). */
export function readSwappedIeee80211(bytes: Uint8Array, offset: number, out: PacketFields): number {
  return readFrame(bytes, offset, 1, false, out);
}

/**
 * @param controlAt where in the frame control the type stands; the flags are its other octet
 * @param isPadded the header is filled up to a multiple of four octets (radiotap's flag 0x20).
 */
function readFrame(bytes: Uint8Array, offset: number, controlAt: number, isPadded: boolean, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + HEADER > out.end) return offset;
  const control = bytes[offset + controlAt] as number;
  const flags = bytes[offset + 1 - controlAt] as number;
  const type = (control >> 2) & 3;
  const subtype = control >> 4;
  out.next = LAYER.unknown;
  if ((control & 3) !== 0 || (type !== DATA && type !== MANAGEMENT)) return offset;

  const direction = type === DATA ? flags & (TO_DS | FROM_DS) : 0;
  const hasFour = direction === (TO_DS | FROM_DS);
  let length = HEADER + (hasFour ? 6 : 0);
  let isAggregate = false;
  if (type === DATA && (subtype & QOS) !== 0) {
    isAggregate = offset + length < out.end && ((bytes[offset + length] as number) & AGGREGATE) !== 0;
    length += 2 + ((flags & HTC) !== 0 ? 4 : 0);
  }
  // The frames of an aggregate have addresses of their own; those here are of the stations on the way.
  if (!isAggregate) readAddresses(bytes, offset, direction, out);
  if (isPadded) length = (length + 3) & ~3;
  const at = offset + length;
  if (type === MANAGEMENT || (subtype & NO_DATA) !== 0) return Math.min(at, out.end);
  out.next = at > out.end ? LAYER.cut : layerOfBody(flags, isAggregate);
  return Math.min(at, out.end);
}

function layerOfBody(flags: number, isAggregate: boolean): number {
  if ((flags & PROTECTED) !== 0) return LAYER.encrypted;
  return isAggregate ? LAYER.ethernet : LAYER.llc;
}

/** Table 9-26 of IEEE 802.11-2016: which address is whose, by the two DS bits. */
function readAddresses(bytes: Uint8Array, offset: number, direction: number, out: PacketFields): void {
  const headers = beginEthernet(out);
  readDestination(bytes, offset + ((direction & TO_DS) !== 0 ? 16 : 4), headers);
  if (direction === FROM_DS) readSource(bytes, offset + 16, headers);
  else if (direction !== (TO_DS | FROM_DS)) readSource(bytes, offset + 10, headers);
  else if (offset + 30 <= out.end) readSource(bytes, offset + 24, headers);
}

const RADIOTAP_HEADER = 8;
const MORE_PRESENT = 0x80;
const MAX_PRESENT_WORDS = 16;
const HAS_TSFT = 0x01;
const HAS_FLAGS = 0x02;
const FLAG_PADDED = 0x20;

export function readRadiotap(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + RADIOTAP_HEADER > out.end) return offset;
  const length = (bytes[offset + 2] as number) | ((bytes[offset + 3] as number) << 8);
  if (bytes[offset] !== 0 || length < RADIOTAP_HEADER) {
    out.next = LAYER.unknown;
    return offset;
  }
  const at = offset + length;
  if (at > out.end) return offset;
  return readFrame(bytes, at, 0, (radiotapFlags(bytes, offset, at) & FLAG_PADDED) !== 0, out);
}

function radiotapFlags(bytes: Uint8Array, offset: number, end: number): number {
  const present = bytes[offset + 4] as number;
  if ((present & HAS_FLAGS) === 0) return 0;
  let words = 1;
  while (words < MAX_PRESENT_WORDS && ((bytes[offset + 3 + 4 * words] as number) & MORE_PRESENT) !== 0) {
    words++;
    if (offset + 4 + 4 * words > end) return 0;
  }
  let at = 4 + 4 * words;
  if ((present & HAS_TSFT) !== 0) at = ((at + 7) & ~7) + 8;
  return offset + at < end ? (bytes[offset + at] as number) : 0;
}
