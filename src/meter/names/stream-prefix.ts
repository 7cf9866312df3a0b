import { LONGEST_PREFIX } from './progress.ts';

const FIRST_SIZE = 2048;

/**
 * The beginning of what one side of a TCP connection sends, where it needs more than one segment. Segments must come in order: one that comes too early is
 * passed over, and what it had is taken from its retransmission, if there is one.
 */
export class StreamPrefix {
  bytes: Uint8Array;
  length = 0;
  /** Sequence number of the octet after the last one that is here. */
  #next: number;

  /** `sequence` is that of the first octet. */
  constructor(bytes: Uint8Array, start: number, end: number, sequence: number) {
    this.bytes = new Uint8Array(Math.min(LONGEST_PREFIX, Math.max(FIRST_SIZE, end - start)));
    this.#next = sequence;
    this.append(bytes, start, end, sequence);
  }

  /** Octets of memory it takes. */
  get octets(): number {
    return this.bytes.length;
  }

  get isFull(): boolean {
    return this.length === LONGEST_PREFIX;
  }

  /** Sequence number of the octet at `offset`. */
  sequenceAt(offset: number): number {
    return (this.#next - this.length + offset) >>> 0;
  }

  /** Takes what a segment has of the stream's next octets. False where it has none, the other side's segments among them. */
  append(bytes: Uint8Array, start: number, end: number, sequence: number): boolean {
    // Sequence numbers go around at 2^32.
    const known = (this.#next - sequence) >>> 0;
    const count = Math.min(end - start - known, LONGEST_PREFIX - this.length);
    if (known >= end - start || count <= 0) return false;
    if (this.length + count > this.bytes.length) {
      const larger = new Uint8Array(Math.min(LONGEST_PREFIX, Math.max(this.length + count, this.bytes.length * 2)));
      larger.set(this.bytes.subarray(0, this.length));
      this.bytes = larger;
    }
    const from = start + known;
    this.bytes.set(bytes.subarray(from, from + count), this.length);
    this.length += count;
    this.#next = (this.#next + count) >>> 0;
    return true;
  }
}
