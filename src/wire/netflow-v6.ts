import { u16, u32 } from '../util/octets.ts';
import { FIXED_BEGINNING, FIXED_MIDDLE, fixedFields, PAD } from './fixed-fields.ts';
import { readV1Header, type V1Header } from './netflow-v1.ts';

/**
 * NetFlow version 6. Cisco never published it in its list of export formats; the layout is that of Cisco's header files as flow-tools (ftlib.h) has
 * them. It is version 5 with encapsulation sizes and one more address.
 *
 *     header, 24 octets                        record, 52 octets each, 1–27 of them
 *      0  version = 6            16             0  source address, destination address, next hop   32 each
 *      2  count                  16            12  input ifIndex 16, output ifIndex 16
 *      4  sysUptime, ms          32            16  packets, octets                                 32 each
 *      8  time, s                32            24  first, last: sysUptime, ms                      32 each
 *     12  time, rest in ns       32            32  source port 16, destination port 16
 *     16  flow sequence          32            36  padding 8, TCP flags 8, protocol 8, ToS 8
 *     20  engine type 8, id 8                  40  source AS 16, destination AS 16
 *     22  reserved               16            44  source mask 8, destination mask 8
 *                                              46  octets of encapsulation: input 8, output 8
 *                                              48  next hop within the peer                        32
 */
export const V6_HEADER = 24;
export const V6_RECORD = 52;

/** Versions 5, 7 and 8 have the same, and go on. */
export interface V6Header extends V1Header {
  /** Flows sent before this datagram, modulo 2³². */
  sequence: number;
  /** Engine type × 256 + engine id. */
  engine: number;
}

/** Reads the header at offset 0 into `header`; the caller has checked that 24 octets are there. */
export function readV6Header(bytes: Uint8Array, header: V6Header): void {
  readV1Header(bytes, header);
  header.sequence = u32(bytes, 16);
  header.engine = u16(bytes, 20);
}

/** The record as a template in the numbers of NetFlow v9. */
export const V6_FIELDS = fixedFields([
  ...FIXED_BEGINNING,
  [PAD, 1],
  ...FIXED_MIDDLE,
  ['in_encaps', 1],
  ['out_encaps', 1],
  ['peer_nexthop', 4],
]);
