/*
 * pcapng capture files. Source: draft-ietf-opsawg-pcapng (PCAP Now Generic), sections 3 and 4.
 *
 * Every block:        0 u32 type   4 u32 total length   8 … body, padded to 32 bits   (length - 4) u32 total length again
 * Section Header      type 0a0d0d0a   8 u32 magic 1a2b3c4d (gives the section's byte order)   12 u16 major  14 u16 minor  16 i64 section length
 * Interface Descr.    type 1          8 u16 link type  10 u16 reserved  12 u32 snap length  16 options
 * Enhanced Packet     type 6          8 u32 interface  12 u32 time, upper  16 u32 time, lower  20 u32 captured  24 u32 original  28 data
 * Simple Packet       type 3          8 u32 original   12 data (interface 0, cut at its snap length, no time)
 * Packet (obsolete)   type 2          8 u16 interface  10 u16 drops  12 u32 time, upper  16 lower  20 captured  24 original  28 data
 * Options             0 u16 code   2 u16 length   4 … value, padded to 32 bits; code 0 ends
 *   of an interface:  9 if_tsresol u8: times count 10^-v s, or 2^-(v & 127) s when bit 7 is set; 10^-6 without it
 *                    14 if_tsoffset i64: seconds to add to every time
 */

import { viewOf } from '../../util/octets.ts';
import { type CaptureParser, type CaptureStats, MAX_RECORD, type PacketHandler } from './packet.ts';

const SECTION_HEADER = 0x0a0d0d0a;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const INTERFACE_DESCRIPTION = 1;
const OBSOLETE_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;
const OPTION_END = 0;
const OPTION_TSRESOL = 9;
const OPTION_TSOFFSET = 14;
/** More interfaces than this in one section are a damaged or hostile file; further ones are passed over. */
const MAX_INTERFACES = 65_536;

interface Interface {
  readonly linkType: number;
  readonly snapLength: number;
  /** Turns the two halves of a time stamp into µs since the epoch. */
  readonly toMicroseconds: (high: number, low: number) => number;
}

/** Whether a file that begins with these four bytes (as a big-endian number) is a pcapng file. */
export function isPcapngMagic(magic: number): boolean {
  return magic === SECTION_HEADER;
}

/** A parser for one pcapng file, from its first byte, over all its sections; what it meets is counted in `stats`. It never throws. */
export function createPcapngParser(stats: CaptureStats): CaptureParser {
  let littleEndian = true;
  let interfaces: Interface[] = [];
  let needed = 12;
  let damage: string | undefined;
  let handler: PacketHandler;

  /** The packet of an enhanced or an obsolete packet block whose bytes are all there: `body` runs from `at + 8` to `bodyEnd`. */
  const takePacket = (isEnhanced: boolean, view: DataView, bytes: Uint8Array, at: number, bodyEnd: number) => {
    const captured = bodyEnd - at < 28 ? -1 : view.getUint32(at + 20, littleEndian);
    const id = isEnhanced ? view.getUint32(at + 8, littleEndian) : view.getUint16(at + 8, littleEndian);
    const from = interfaces[id];
    if (captured < 0 || captured > bodyEnd - at - 28 || from === undefined) {
      stats.unusable++;
      return;
    }
    const high = view.getUint32(at + 12, littleEndian);
    const low = view.getUint32(at + 16, littleEndian);
    const original = view.getUint32(at + 24, littleEndian);
    stats.packets++;
    handler.packet(bytes, at + 28, at + 28 + captured, original, from.toMicroseconds(high, low), from.linkType, id + 1);
  };

  /** The same of a simple packet block, which has neither time nor interface. */
  const takeSimplePacket = (view: DataView, bytes: Uint8Array, at: number, bodyEnd: number) => {
    const from = interfaces[0];
    if (bodyEnd - at < 12 || from === undefined) {
      stats.unusable++;
      return;
    }
    const original = view.getUint32(at + 8, littleEndian);
    const captured = Math.min(original, from.snapLength === 0 ? original : from.snapLength, bodyEnd - at - 12);
    stats.packets++;
    handler.packet(bytes, at + 12, at + 12 + captured, original, 0, from.linkType, 1);
  };

  const takeInterface = (view: DataView, at: number, bodyEnd: number) => {
    if (bodyEnd - at < 16 || interfaces.length >= MAX_INTERFACES) stats.unusable++;
    else interfaces.push(readInterface(view, at + 8, bodyEnd, littleEndian));
  };

  return {
    needed: () => needed,
    damage: () => damage,
    parse(bytes: Uint8Array, start: number, end: number, to: PacketHandler): number {
      const view = viewOf(bytes);
      let at = start;
      handler = to;
      for (;;) {
        needed = 12;
        if (end - at < 12) return at;
        const isSection = view.getUint32(at, false) === SECTION_HEADER;
        if (isSection) {
          if (view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC) littleEndian = true;
          else if (view.getUint32(at + 8, false) === BYTE_ORDER_MAGIC) littleEndian = false;
          else {
            damage = 'a section header without its byte-order magic';
            return at;
          }
        }
        const type = view.getUint32(at, littleEndian);
        const stated = view.getUint32(at + 4, littleEndian);
        // Some writers state a length that is no multiple of 4 but do pad; section 3.1 tells readers to expect padding.
        const length = Math.ceil(stated / 4) * 4;
        if (length < (isSection ? 28 : 12) || length > MAX_RECORD) {
          damage = `a block of ${stated} bytes`;
          return at;
        }
        needed = length;
        if (end - at < length) return at;
        if (view.getUint32(at + length - 4, littleEndian) !== stated) {
          damage = 'a block whose two lengths differ';
          return at;
        }
        const bodyEnd = at + length - 4;
        if (type === ENHANCED_PACKET || type === OBSOLETE_PACKET)
          takePacket(type === ENHANCED_PACKET, view, bytes, at, bodyEnd);
        else if (type === SIMPLE_PACKET) takeSimplePacket(view, bytes, at, bodyEnd);
        else if (type === INTERFACE_DESCRIPTION) takeInterface(view, at, bodyEnd);
        else if (isSection) interfaces = [];
        // Name resolution, statistics, secrets and custom blocks hold no packets.
        at += length;
      }
    },
  };
}

/** Reads an interface description whose body runs from `start` to `end`. */
function readInterface(view: DataView, start: number, end: number, littleEndian: boolean): Interface {
  const linkType = view.getUint16(start, littleEndian);
  const snapLength = view.getUint32(start + 4, littleEndian);
  let resolution = 6;
  let offset = 0;
  for (let at = start + 8; at + 4 <= end; ) {
    const code = view.getUint16(at, littleEndian);
    const length = view.getUint16(at + 2, littleEndian);
    if (code === OPTION_END || at + 4 + length > end) break;
    if (code === OPTION_TSRESOL && length === 1) resolution = view.getUint8(at + 4);
    else if (code === OPTION_TSOFFSET && length === 8) offset = Number(view.getBigInt64(at + 4, littleEndian));
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return { linkType, snapLength, toMicroseconds: microsecondsOf(resolution, offset * 1_000_000) };
}

/** A function from the two halves of a time stamp to whole µs, exact below 2^53, for a value of if_tsresol and an offset in µs. */
function microsecondsOf(resolution: number, offset: number): (high: number, low: number) => number {
  const exponent = resolution & 0x7f;
  if (resolution === 6) return (high, low) => high * 2 ** 32 + low + offset;
  if (resolution === 9) {
    // 64-bit nanoseconds pass 2^53: divide the upper half first and carry its remainder, which keeps every step exact.
    return (high, low) =>
      Math.floor(high / 1000) * 2 ** 32 + Math.floor(((high % 1000) * 2 ** 32 + low) / 1000) + offset;
  }
  const unitsPerSecond = (resolution & 0x80) === 0 ? 10n ** BigInt(exponent) : 1n << BigInt(exponent);
  return (high, low) => Number((((BigInt(high) << 32n) | BigInt(low)) * 1_000_000n) / unitsPerSecond) + offset;
}
