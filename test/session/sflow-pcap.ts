/** A pcap file (link type RAW, IPv4) with one datagram from 192.0.2.10 to 192.0.2.20, port 6343. */
export function pcapOf(payload: Uint8Array): Buffer {
  const file = Buffer.alloc(24 + 16 + 28 + payload.length);
  file.writeUInt32LE(0xa1b2c3d4, 0);
  file.writeUInt16LE(2, 4);
  file.writeUInt16LE(4, 6);
  file.writeUInt32LE(65_535, 16);
  file.writeUInt32LE(101, 20);
  const length = 28 + payload.length;
  file.writeUInt32LE(length, 32);
  file.writeUInt32LE(length, 36);
  file.set([0x45, 0, length >> 8, length & 255, 0, 0, 0x40, 0, 64, 17, 0, 0, 192, 0, 2, 10, 192, 0, 2, 20], 40);
  file.writeUInt16BE(6343, 60);
  file.writeUInt16BE(6343, 62);
  file.writeUInt16BE(8 + payload.length, 64);
  file.set(payload, 68);
  return file;
}
