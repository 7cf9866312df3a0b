import { WeirError } from '../../util/errors.ts';
import { viewOf } from '../../util/octets.ts';
import { type CaptureParser, type CaptureStats, createCaptureStats, type Packet } from './packet.ts';
import { createPcapParser, isPcapMagic } from './pcap.ts';
import { createPcapngParser, isPcapngMagic } from './pcapng.ts';

/** The capture format that a file's first four bytes announce, or undefined when they announce none. */
export function captureFormat(start: Uint8Array): 'pcap' | 'pcapng' | undefined {
  if (start.length < 4) return undefined;
  const magic = viewOf(start).getUint32(0, false);
  if (isPcapMagic(magic)) return 'pcap';
  return isPcapngMagic(magic) ? 'pcapng' : undefined;
}

/**
 * Reads the packets of a pcap or pcapng file, in the file's order, in batches of what each chunk of `source` completes. Memory is
 * bounded by the chunk and one record (16 MiB). A cut tail or a damaged record ends the reading and is told in `stats`, not thrown.
 *
 * @param source the file's bytes in chunks of any size
 * @param stats counted as reading goes on; look at it after the last batch
 * @throws WeirError WEIR_INPUT when the bytes are no capture, or too few to be one
 */
export async function* readPackets(
  source: AsyncIterable<Uint8Array>,
  stats: CaptureStats = createCaptureStats(),
): AsyncGenerator<Packet[], void, undefined> {
  let parser: CaptureParser | undefined;
  let waiting: Uint8Array[] = [];
  let waitingLength = 0;
  for await (const chunk of source) {
    if (chunk.length === 0) continue;
    waiting.push(chunk);
    waitingLength += chunk.length;
    // Joined only when enough is there: a large record that comes in small chunks costs one copy.
    if (waitingLength < (parser?.needed() ?? 4)) continue;
    const bytes = waiting.length === 1 ? chunk : Buffer.concat(waiting, waitingLength);
    parser ??= createParser(bytes, stats);
    const packets: Packet[] = [];
    const used = parser.parse(bytes, packets);
    stats.bytes += used;
    waiting = used === bytes.length ? [] : [bytes.subarray(used)];
    waitingLength = bytes.length - used;
    if (packets.length > 0) yield packets;
    const damage = parser.damage();
    if (damage !== undefined) {
      if (stats.bytes === 0) throw new WeirError('WEIR_INPUT', `The capture is damaged at its first byte: ${damage}.`);
      stats.damage = `${damage} at byte ${stats.bytes}`;
      return;
    }
  }
  if (stats.bytes === 0) {
    const found = waitingLength === 0 ? 'is empty' : `ends after ${waitingLength} bytes, inside its file header`;
    throw new WeirError('WEIR_INPUT', `The capture ${found}.`, { hint: 'Expected a whole pcap or pcapng file.' });
  }
  stats.truncatedTail = waitingLength;
}

function createParser(start: Uint8Array, stats: CaptureStats): CaptureParser {
  const format = captureFormat(start);
  if (format === 'pcap') return createPcapParser(stats);
  if (format === 'pcapng') return createPcapngParser(stats);
  const found = Buffer.from(start.subarray(0, 4)).toString('hex');
  throw new WeirError('WEIR_INPUT', `Neither pcap nor pcapng: the file begins with ${found}.`, {
    hint: 'Record with `tcpdump -w FILE.pcap udp port 2055`, or look at the file with `file FILE`.',
  });
}
