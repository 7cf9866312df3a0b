/** Octets of a slab: some hundred messages, so that making one costs nothing per message. */
const SLAB = 1 << 20;

/**
 * Memory for messages, written one after the other. A finished message is a view of a slab and is never written again; a slab is given up by the garbage
 * collector with its last message. Fresh memory is zero, so padding need not be written.
 */
export class MessageMemory {
  #bytes = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  /** Offset of the open message in the view. */
  start = 0;

  /** Begins a message of at most `longest` octets, at `start` of the view that it returns. */
  open(longest: number): DataView {
    if (this.start + longest > this.#bytes.length) {
      this.#bytes = new Uint8Array(Math.max(SLAB, longest));
      this.#view = new DataView(this.#bytes.buffer);
      this.start = 0;
    }
    return this.#view;
  }

  /** The octets that messages are written into; the same memory as the view. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Ends the message at offset `end` of the view and returns it. */
  close(end: number): Uint8Array {
    const message = this.#bytes.subarray(this.start, end);
    // Messages begin at multiples of four, so that the padding of sets is the same in all of them.
    this.start = (end + 3) & ~3;
    return message;
  }
}
