import { WeirError } from '../../util/errors.ts';
import { viewOf } from '../../util/octets.ts';
import type { CaptureParser, CaptureStats, PacketHandler } from './packet.ts';
import { createPcapParser, isPcapMagic } from './pcap.ts';
import { createPcapngParser, isPcapngMagic } from './pcapng.ts';

/** Octets that tell the format. */
const MAGIC = 4;

/** The capture format that a file's first four bytes announce, or undefined when they announce none. */
export function captureFormat(start: Uint8Array): 'pcap' | 'pcapng' | undefined {
  if (start.length < MAGIC) return undefined;
  const magic = viewOf(start).getUint32(0, false);
  if (isPcapMagic(magic)) return 'pcap';
  return isPcapngMagic(magic) ? 'pcapng' : undefined;
}

/** One capture that comes in chunks. */
export interface CaptureReader {
  /**
   * Hands the packets that `chunk` completes on. The chunk may be used again afterwards if the handler keeps nothing of it.
   *
   * @returns false once the capture is damaged: nothing behind that point can be read, and `stats.damage` says why
   * @throws WeirError WEIR_INPUT when the bytes are no capture
   */
  push(chunk: Uint8Array): boolean;
  /**
   * No more bytes will come: counts what is left of a record that was cut.
   *
   * @throws WeirError WEIR_INPUT when there were too few bytes to be a capture
   */
  end(): void;
}

/**
 * A reader of one pcap or pcapng capture, told apart by its first bytes. Chunks are parsed where they are; only a record that lies across two of them is
 * copied. Memory is bounded by one record (16 MiB).
 *
 * @param stats counted as reading goes on
 */
export function createCaptureReader(handler: PacketHandler, stats: CaptureStats): CaptureReader {
  let parser: CaptureParser | undefined;
  /** The beginning of a record whose end has not come: `tail[0, have)`. */
  let tail = new Uint8Array(0);
  let have = 0;

  /** Parses `bytes[start, end)`; returns the offset of what is left, or -1 after damage. */
  const parse = (bytes: Uint8Array, start: number, end: number): number => {
    if (parser === undefined) {
      if (end - start < MAGIC) return start;
      parser = createParser(bytes.subarray(start, end), stats);
    }
    const at = parser.parse(bytes, start, end, handler);
    stats.bytes += at - start;
    const damage = parser.damage();
    if (damage === undefined) return at;
    if (stats.bytes === 0) throw new WeirError('WEIR_INPUT', `The capture is damaged at its first byte: ${damage}.`);
    stats.damage = `${damage} at byte ${stats.bytes}`;
    return -1;
  };

  return {
    push(given) {
      if (stats.damage !== undefined) return false;
      // All stretches are of one class, whatever the source gives: V8 reads those of two classes more slowly.
      const chunk = new Uint8Array(given.buffer, given.byteOffset, given.length);
      let at = 0;
      while (have > 0) {
        const needed = parser?.needed() ?? MAGIC;
        const taken = Math.min(needed - have, chunk.length - at);
        if (needed > tail.length) {
          // Not the old memory made longer: a handler may keep views of what was parsed there.
          const larger = new Uint8Array(needed);
          larger.set(tail.subarray(0, have));
          tail = larger;
        }
        tail.set(chunk.subarray(at, at + taken), have);
        have += taken;
        at += taken;
        if (have < needed) return true;
        const rest = parse(tail, 0, have);
        if (rest < 0) return false;
        // A record is used whole, or needs more.
        if (rest > 0) {
          have = 0;
          tail = new Uint8Array(0);
        }
      }
      const rest = parse(chunk, at, chunk.length);
      if (rest < 0) return false;
      if (rest < chunk.length) {
        tail = chunk.slice(rest);
        have = tail.length;
      }
      return true;
    },
    end() {
      if (stats.damage !== undefined) return;
      if (stats.bytes === 0) {
        const found = have === 0 ? 'is empty' : `ends after ${have} bytes, inside its file header`;
        throw new WeirError('WEIR_INPUT', `The capture ${found}.`, { hint: 'Expected a whole pcap or pcapng file.' });
      }
      stats.truncatedTail = have;
    },
  };
}

function createParser(start: Uint8Array, stats: CaptureStats): CaptureParser {
  const format = captureFormat(start);
  if (format === 'pcap') return createPcapParser(stats);
  if (format === 'pcapng') return createPcapngParser(stats);
  const found = Buffer.from(start.subarray(0, MAGIC)).toString('hex');
  throw new WeirError('WEIR_INPUT', `Neither pcap nor pcapng: the file begins with ${found}.`, {
    hint: 'Record with `tcpdump -w FILE.pcap udp port 2055`, or look at the file with `file FILE`.',
  });
}
