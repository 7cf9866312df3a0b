import { u32 } from '../../util/octets.ts';
import { noteTunnelId } from './current-headers.ts';
import { LAYER } from './layers.ts';
import { type PacketFields, TUNNEL } from './packet-fields.ts';

/**
 * ESP (RFC 4303 section 2): security parameters index 32, sequence 32, then what is encrypted. EtherIP (RFC 3378): version 4 = 3, reserved 12,
 * then an Ethernet frame.
 */
const ESP_HEADER = 8;
const ETHER_IP_HEADER = 2;
const ETHER_IP_VERSION = 3;

export function readEsp(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + ESP_HEADER > out.end) return offset;
  noteTunnelId(out, TUNNEL.esp, u32(bytes, offset));
  out.next = LAYER.encrypted;
  return offset + ESP_HEADER;
}

export function readEtherIp(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + ETHER_IP_HEADER > out.end) return offset;
  out.next = LAYER.unknown;
  if ((bytes[offset] as number) >> 4 !== ETHER_IP_VERSION) return offset;
  out.next = LAYER.ethernet;
  return offset + ETHER_IP_HEADER;
}
