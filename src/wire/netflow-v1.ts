import { u16, u32 } from '../util/octets.ts';
import { FIXED_BEGINNING, fixedFields, PAD } from './fixed-fields.ts';

/**
 * NetFlow version 1 (Cisco, "NetFlow Export Datagram Format", tables B-1 and B-2). All numbers in network order.
 *
 *     header, 16 octets                        record, 52 octets each, 1–24 of them
 *      0  version = 1            16             0  source address                32
 *      2  count                  16             4  destination address           32
 *      4  sysUptime, ms          32             8  next hop                      32
 *      8  time, s                32            12  input ifIndex 16, output ifIndex 16
 *     12  time, rest in ns       32            16  packets                       32
 *                                              20  octets                        32
 *                                              24  first, last: sysUptime, ms    32 each
 *                                              32  source port 16, destination port 16
 *                                              36  padding 16, protocol 8, ToS 8
 *                                              40  TCP flags 8, unused 24
 *                                              44  unused                        64
 *
 * There is no sequence number, engine or sampling. Copies of the table exist whose last line ends at octet 48; softflowd writes records without the last
 * four octets, and they are understood, too.
 */
export const V1_HEADER = 16;
export const V1_RECORD = 52;
/** The record without its last four unused octets: where the datagram is exactly as long as so many of these. */
export const V1_SHORT_RECORD = 48;

/** What all fixed formats begin with. */
export interface V1Header {
  count: number;
  /** ms modulo 2³². */
  uptime: number;
  /** ms since the epoch, with fraction. */
  exportMillis: number;
}

/** Reads the header at offset 0 into `header`; the caller has checked that 16 octets are there. */
export function readV1Header(bytes: Uint8Array, header: V1Header): void {
  header.count = u16(bytes, 2);
  header.uptime = u32(bytes, 4);
  header.exportMillis = u32(bytes, 8) * 1000 + Math.floor(u32(bytes, 12) / 1e6);
}

const FIELDS = [...FIXED_BEGINNING, [PAD, 2], [4, 1], [5, 1], [6, 1]] as const;

/** The record as a template in the numbers of NetFlow v9. */
export const V1_FIELDS = fixedFields([...FIELDS, [PAD, 11]]);
/** The record of 48 octets. */
export const V1_SHORT_FIELDS = fixedFields([...FIELDS, [PAD, 7]]);
