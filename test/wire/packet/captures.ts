import { createCaptureStats, type Packet } from '#weir/wire/pcap/packet.js';
import { readPackets } from '#weir/wire/pcap/read-packets.js';

async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield bytes;
}

/** The packets of a capture; of a damaged one those before the damage. Empty for a file that is no capture. */
export async function capturedPackets(file: Uint8Array): Promise<Packet[]> {
  const packets: Packet[] = [];
  try {
    for await (const batch of readPackets(whole(file), createCaptureStats())) packets.push(...batch);
  } catch {
    return packets;
  }
  return packets;
}

/**
 * A pcapng file (draft-ietf-opsawg-pcapng sections 4.1 to 4.3) with an interface per link type, so that one run of a program reads packets
 * from many captures, in their order.
 */
export function encodePcapng(packets: readonly Packet[]): Uint8Array {
  const linkTypes = [...new Set(packets.map((packet) => packet.linkType))];
  const block = (type: number, body: Buffer): Buffer => {
    const length = 12 + body.length;
    const out = Buffer.alloc(length);
    out.writeUInt32LE(type, 0);
    out.writeUInt32LE(length, 4);
    body.copy(out, 8);
    out.writeUInt32LE(length, length - 4);
    return out;
  };
  const section = Buffer.alloc(16, 0xff);
  section.writeUInt32LE(0x1a2b3c4d, 0);
  section.writeUInt32LE(1, 4);
  const parts = [block(0x0a0d0d0a, section)];
  for (const linkType of linkTypes) {
    const body = Buffer.alloc(8);
    body.writeUInt16LE(linkType, 0);
    parts.push(block(1, body));
  }
  for (const packet of packets) {
    const body = Buffer.alloc(20 + Math.ceil(packet.data.length / 4) * 4);
    body.writeUInt32LE(linkTypes.indexOf(packet.linkType), 0);
    body.writeUInt32LE(packet.data.length, 12);
    body.writeUInt32LE(Math.max(packet.originalLength, packet.data.length), 16);
    body.set(packet.data, 20);
    parts.push(block(6, body));
  }
  return Buffer.concat(parts);
}
