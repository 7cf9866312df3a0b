import { u32 } from '../../util/octets.ts';
import { noteTunnel, noteTunnelId } from './current-headers.ts';
import { LAYER, layerOfProtocol } from './layers.ts';
import { type PacketFields, TUNNEL } from './packet-fields.ts';

/**
 * ESP, EtherIP and AYIYA.
 *
 *     ESP (RFC 4303 section 2)       EtherIP (RFC 3378)              AYIYA (draft-massar-v6ops-ayiya-02 section 3)
 *      0  SPI           32            0  version 4 = 3               0  identity length 4 (power of 2), type 4
 *      4  sequence      32               reserved 12                 1  signature length 4, in units of 4 octets, method 4
 *      8  encrypted                   2  Ethernet frame              2  authentication 4, operation 4: 1 forwards
 *                                                                    3  next header 8: an IP protocol
 *                                                                    4  time 32
 *                                                                    8  identity, signature
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

const AYIYA_HEADER = 8;
const FORWARD = 1;

export function readAyiya(bytes: Uint8Array, offset: number, out: PacketFields): number {
  out.next = LAYER.cut;
  if (offset + AYIYA_HEADER > out.end) return offset;
  const identityLength = 1 << ((bytes[offset] as number) >> 4);
  const signatureLength = ((bytes[offset + 1] as number) >> 4) * 4;
  const layer = layerOfProtocol(bytes[offset + 3] as number);
  out.next = LAYER.payload;
  const isForward = ((bytes[offset + 2] as number) & 0x0f) === FORWARD;
  if (!isForward || (layer !== LAYER.ipv4 && layer !== LAYER.ipv6)) return offset;
  noteTunnel(out, TUNNEL.ayiya);
  const at = offset + AYIYA_HEADER + identityLength + signatureLength;
  out.next = at > out.end ? LAYER.cut : layer;
  return Math.min(at, out.end);
}
