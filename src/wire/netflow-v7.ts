import { FIXED_BEGINNING, FIXED_MIDDLE, fixedFields } from './fixed-fields.ts';
import { readV6Header, type V6Header } from './netflow-v6.ts';

/**
 * NetFlow version 7, of Catalyst 5000 and 6500 switches (Cisco, "NetFlow Export Datagram Format", tables B-5 and B-6; Catalyst 6500 Configuration
 * Guide, "NDE Version 7 Flow Record Format").
 *
 *     header, 24 octets                        record, 52 octets each, 1–27 of them
 *      0  version = 7            16             0  source address, destination address, next hop   32 each
 *      2  count                  16            12  input ifIndex 16, output ifIndex 16
 *      4  sysUptime, ms          32            16  packets, octets                                 32 each
 *      8  time, s                32            24  first, last: sysUptime, ms                      32 each
 *     12  time, rest in ns       32            32  source port 16, destination port 16
 *     16  flow sequence          32            36  flags: flow mask in use 8
 *     20  reserved               32            37  TCP flags 8, protocol 8, ToS 8
 *                                              40  source AS 16, destination AS 16
 *                                              44  source mask 8, destination mask 8
 *                                              46  flags of fields that are not valid              16
 *                                              48  router that the switch bypassed                 32
 *
 * By the flow mask the switch leaves addresses, ports or protocol zero; TCP flags are always zero. fprobe and flow-tools put engine type and id into the
 * first two reserved octets, where v5 has them, and so they are read.
 */
export const V7_HEADER = 24;
export const V7_RECORD = 52;

export type V7Header = V6Header;

/** Reads the header at offset 0 into `header`; the caller has checked that 24 octets are there. */
export const readV7Header: (bytes: Uint8Array, header: V7Header) => void = readV6Header;

/** The record as a template in the numbers of NetFlow v9; 43 is ipv4RouterSc. */
export const V7_FIELDS = fixedFields([...FIXED_BEGINNING, ['flags', 1], ...FIXED_MIDDLE, ['invalid', 2], [43, 4]]);
