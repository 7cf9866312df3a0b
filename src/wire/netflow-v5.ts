import { u16 } from '../util/octets.ts';
import { FIXED_BEGINNING, FIXED_MIDDLE, fixedFields, PAD } from './fixed-fields.ts';
import { readV6Header, type V6Header } from './netflow-v6.ts';

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

export interface V5Header extends V6Header {
  /** One packet in so many; 0 when the exporter says nothing. The two mode bits are not part of it. */
  samplingInterval: number;
}

/** Reads the header at offset 0 into `header`; the caller has checked that 24 octets are there. */
export function readV5Header(bytes: Uint8Array, header: V5Header): void {
  readV6Header(bytes, header);
  header.samplingInterval = u16(bytes, 22) & 0x3fff;
}

/** The record as a template in the numbers of NetFlow v9. */
export const V5_FIELDS = fixedFields([...FIXED_BEGINNING, [PAD, 1], ...FIXED_MIDDLE, [PAD, 2]]);
