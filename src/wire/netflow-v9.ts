import { u32 } from '../util/octets.ts';

/**
 * NetFlow version 9 (RFC 3954 section 5.1): the header, after which FlowSets follow.
 *
 *      0  version = 9   16 | count of records and templates 16
 *      4  sysUptime, ms 32
 *      8  time, s       32
 *     12  sequence number of export packets 32
 *     16  source id     32
 */
export const V9_HEADER = 20;

/** FlowSet ids (section 5.2): 0 templates, 1 options templates, 256 and above data. */
export const V9_TEMPLATE_SET = 0;
export const V9_OPTIONS_SET = 1;

export interface V9Header {
  /** ms modulo 2³². */
  uptime: number;
  /** ms since the epoch. */
  exportMillis: number;
  /** Export packets sent before this one, modulo 2³². */
  sequence: number;
  sourceId: number;
}

/** Reads the header at offset 0; the caller has checked that 20 octets are there. */
export function readV9Header(bytes: Uint8Array, header: V9Header): void {
  header.uptime = u32(bytes, 4);
  header.exportMillis = u32(bytes, 8) * 1000;
  header.sequence = u32(bytes, 12);
  header.sourceId = u32(bytes, 16);
}
