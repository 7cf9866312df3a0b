import { u16, u32 } from '../util/octets.ts';

/**
 * IPFIX message (RFC 7011 section 3.1): the header, after which sets follow.
 *
 *      0  version = 10  16 | length of the message with this header 16
 *      4  export time, s 32
 *      8  sequence number 32: data records sent before this message in the domain, modulo 2³²
 *     12  observation domain id 32
 */
export const IPFIX_HEADER = 16;

/** Set ids (section 3.3.2): 2 templates, 3 options templates, 256 and above data. */
export const IPFIX_TEMPLATE_SET = 2;
export const IPFIX_OPTIONS_SET = 3;

export interface IpfixHeader {
  length: number;
  /** ms since the epoch. */
  exportMillis: number;
  sequence: number;
  observationDomain: number;
}

/** Reads the header at offset 0; the caller has checked that 16 octets are there. */
export function readIpfixHeader(bytes: Uint8Array, header: IpfixHeader): void {
  header.length = u16(bytes, 2);
  header.exportMillis = u32(bytes, 4) * 1000;
  header.sequence = u32(bytes, 8);
  header.observationDomain = u32(bytes, 12);
}
