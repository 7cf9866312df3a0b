import { type PacketFields, resetPacketFields } from './packet-fields.ts';

/**
 * Reads the headers of one packet, link layer to transport and through tunnels, into `out`, which it resets first. Never throws, never
 * reads outside `start`–`end`, and allocates nothing. A packet that is cut gives what is there.
 *
 * @param start offset of the link-layer header in `bytes`
 * @param end offset behind the last octet that was captured
 * @param linkType a number of `LINK_TYPE`; any other gives an empty `out`
 * @returns how many octets were understood, headers only
 */
export function parsePacket(
  _bytes: Uint8Array,
  _start: number,
  _end: number,
  _linkType: number,
  out: PacketFields,
): number {
  resetPacketFields(out);
  return 0;
}
