/*
 * pcap capture files. Source: draft-ietf-opsawg-pcap (PCAP Capture File Format), sections 4 and 5; libpcap's sf-pcap.c for the
 * variants in the wild.
 *
 * File header, 24 bytes, in the byte order of the machine that wrote it:
 *    0  u32  magic: a1b2c3d4 times in µs, a1b23c4d in ns, a1b2cd34 in µs with the longer record header of A. Kuznetsov's patch
 *    4  u16  major version (2)        6  u16  minor version (4)
 *    8  u32  reserved                12  u32  reserved
 *   16  u32  snap length             20  u32  link type in the lower 16 bits, FCS length above
 *
 * Packet record:
 *    0  u32  seconds                  4  u32  µs or ns
 *    8  u32  captured length         12  u32  original length
 *  [16  u32  interface, u16 protocol, u8 packet type, u8 padding: only with magic a1b2cd34]
 *    …  the captured bytes
 */

import { viewOf } from '../../util/octets.ts';
import {
  type CaptureParser,
  type CaptureStats,
  createPacketColumns,
  MAX_RECORD,
  MOST_COLUMNS,
  type PacketColumns,
  type PacketHandler,
  type PacketsHandler,
} from './packet.ts';

const FILE_HEADER = 24;

interface Variant {
  readonly littleEndian: boolean;
  /** Units of the second half of the time per µs. */
  readonly perMicrosecond: 1 | 1000;
  readonly recordHeader: 16 | 24;
}

const VARIANTS: ReadonlyMap<number, Variant> = new Map([
  [0xa1b2c3d4, { littleEndian: false, perMicrosecond: 1, recordHeader: 16 }],
  [0xd4c3b2a1, { littleEndian: true, perMicrosecond: 1, recordHeader: 16 }],
  [0xa1b23c4d, { littleEndian: false, perMicrosecond: 1000, recordHeader: 16 }],
  [0x4d3cb2a1, { littleEndian: true, perMicrosecond: 1000, recordHeader: 16 }],
  [0xa1b2cd34, { littleEndian: false, perMicrosecond: 1, recordHeader: 24 }],
  [0x34cdb2a1, { littleEndian: true, perMicrosecond: 1, recordHeader: 24 }],
]);

/** Whether a file that begins with these four bytes (as a big-endian number) is a pcap file. */
export function isPcapMagic(magic: number): boolean {
  return VARIANTS.has(magic);
}

/** A parser for one pcap file, from its first byte; what it meets is counted in `stats`. It never throws. */
export function createPcapParser(stats: CaptureStats): CaptureParser {
  const columns = createPacketColumns();
  let variant: Variant | undefined;
  /** Before version 2.4 some writers put the original length first. */
  let lengthsMayBeSwapped = false;
  let needed = FILE_HEADER;
  let damage: string | undefined;

  const readHeader = (view: DataView, at: number): boolean => {
    variant = VARIANTS.get(view.getUint32(at, false));
    if (variant === undefined) {
      damage = 'no pcap file header';
      return false;
    }
    columns.linkType = view.getUint32(at + 20, variant.littleEndian) & 0xffff;
    lengthsMayBeSwapped = view.getUint16(at + 6, variant.littleEndian) < 4;
    return true;
  };

  /** Puts the records that are whole into the columns, as many as have room; returns the offset behind them. */
  const readRecords = (view: DataView, start: number, end: number, of: Variant): number => {
    const { littleEndian, perMicrosecond, recordHeader } = of;
    const { starts, ends, originalLengths, times } = columns;
    let at = start;
    let count = 0;
    while (count < MOST_COLUMNS) {
      needed = recordHeader;
      if (end - at < recordHeader) break;
      let captured = view.getUint32(at + 8, littleEndian);
      let original = view.getUint32(at + 12, littleEndian);
      if (lengthsMayBeSwapped && captured > original) [captured, original] = [original, captured];
      if (captured > MAX_RECORD) {
        damage = `a packet of ${captured} bytes`;
        break;
      }
      needed = recordHeader + captured;
      if (end - at < needed) break;
      const fraction = view.getUint32(at + 4, littleEndian);
      starts[count] = at + recordHeader;
      at += needed;
      ends[count] = at;
      originalLengths[count] = original;
      times[count++] =
        view.getUint32(at - needed, littleEndian) * 1_000_000 +
        (perMicrosecond === 1 ? fraction : Math.floor(fraction / perMicrosecond));
    }
    columns.count = count;
    return at;
  };

  return {
    needed: () => needed,
    damage: () => damage,
    parse(bytes: Uint8Array, start: number, end: number, handler: PacketHandler): number {
      const view = viewOf(bytes);
      let at = start;
      if (variant === undefined) {
        if (end - at < FILE_HEADER || !readHeader(view, at)) return at;
        at += FILE_HEADER;
      }
      do {
        at = readRecords(view, at, end, variant as Variant);
        stats.packets += columns.count;
        handOn(bytes, columns, handler);
      } while (columns.count === MOST_COLUMNS);
      return at;
    },
  };
}

function handOn(bytes: Uint8Array, columns: PacketColumns, handler: PacketHandler | PacketsHandler): void {
  if ('packetColumns' in handler) {
    handler.packetColumns(bytes, columns);
    return;
  }
  const { starts, ends, originalLengths, times, count, linkType } = columns;
  for (let i = 0; i < count; i++)
    handler.packet(
      bytes,
      starts[i] as number,
      ends[i] as number,
      originalLengths[i] as number,
      times[i] as number,
      linkType,
      0,
    );
}
