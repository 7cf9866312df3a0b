import { createCaptureReader } from './capture-reader.ts';
import { type CaptureStats, createCaptureStats, type Packet } from './packet.ts';

/**
 * Reads the packets of a pcap or pcapng file, in the file's order, in batches of what each chunk of `source` completes. Memory is
 * bounded by the chunk and one record (16 MiB). A cut tail or a damaged record ends the reading and is told in `stats`, not thrown.
 *
 * @param source the file's bytes in chunks of any size, each in memory of its own: packets are views of it
 * @param stats counted as reading goes on; look at it after the last batch
 * @throws WeirError WEIR_INPUT when the bytes are no capture, or too few to be one
 */
export async function* readPackets(
  source: AsyncIterable<Uint8Array>,
  stats: CaptureStats = createCaptureStats(),
): AsyncGenerator<Packet[], void, undefined> {
  let packets: Packet[] = [];
  const handler = {
    packet(bytes: Uint8Array, start: number, end: number, originalLength: number, time: number, linkType: number) {
      packets.push({ time, linkType, data: bytes.subarray(start, end), originalLength });
    },
  };
  const reader = createCaptureReader(handler, stats);
  for await (const chunk of source) {
    const goesOn = reader.push(chunk);
    if (packets.length > 0) yield packets;
    packets = [];
    if (!goesOn) return;
  }
  reader.end();
}
