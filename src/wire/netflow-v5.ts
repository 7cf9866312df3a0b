import { u16, u32 } from '../util/octets.ts';
import type { FieldSpecifier } from './template.ts';

/**
 * NetFlow version 5 (Cisco, "NetFlow Export Datagram Format", tables B-3 and B-4). All numbers in network order.
 *
 *     header, 24 octets                        record, 48 octets each, 1–30 of them
 *      0  version = 5            16             0  source address                32
 *      2  count                  16             4  destination address           32
 *      4  sysUptime, ms          32             8  next hop                      32
 *      8  time, s                32            12  input ifIndex 16, output ifIndex 16
 *     12  time, rest in ns       32            16  packets                       32
 *     16  flow sequence          32            20  octets                        32
 *     20  engine type 8, id 8                  24  first, last: sysUptime, ms    32 each
 *     22  sampling mode 2, interval 14         32  source port 16, destination port 16
 *                                              36  padding 8, TCP flags 8, protocol 8, ToS 8
 *                                              40  source AS 16, destination AS 16
 *                                              44  source mask 8, destination mask 8, padding 16
 */
export const V5_HEADER = 24;
export const V5_RECORD = 48;

export interface V5Header {
  count: number;
  /** ms modulo 2³². */
  uptime: number;
  /** ms since the epoch, with fraction. */
  exportMillis: number;
  /** Flows sent before this datagram, modulo 2³². */
  sequence: number;
  /** Engine type × 256 + engine id. */
  engine: number;
  /** One packet in so many; 0 when the exporter says nothing. The two mode bits are not part of it. */
  samplingInterval: number;
}

/** Reads the header at offset 0 into `header`; the caller has checked that 24 octets are there. */
export function readV5Header(bytes: Uint8Array, header: V5Header): void {
  header.count = u16(bytes, 2);
  header.uptime = u32(bytes, 4);
  header.exportMillis = u32(bytes, 8) * 1000 + Math.floor(u32(bytes, 12) / 1e6);
  header.sequence = u32(bytes, 16);
  header.engine = u16(bytes, 20);
  header.samplingInterval = u16(bytes, 22) & 0x3fff;
}

/** The record as a template in the numbers of NetFlow v9; 210 is paddingOctets. */
export const V5_FIELDS: readonly FieldSpecifier[] = (
  [
    [8, 4],
    [12, 4],
    [15, 4],
    [10, 2],
    [14, 2],
    [2, 4],
    [1, 4],
    [22, 4],
    [21, 4],
    [7, 2],
    [11, 2],
    [210, 1],
    [6, 1],
    [4, 1],
    [5, 1],
    [16, 2],
    [17, 2],
    [9, 1],
    [13, 1],
    [210, 2],
  ] as const
).map(([id, length]) => ({ enterprise: 0, id, length }));
