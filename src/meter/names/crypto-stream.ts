import { LONGEST_PREFIX } from './progress.ts';
import { readInteger, type VariableInteger } from './quic-header.ts';

/** Frames of Initial packets (RFC 9000 section 17.2.2). */
const PADDING = 0x00;
const PING = 0x01;
const ACK = 0x02;
const ACK_ECN = 0x03;
const CRYPTO = 0x06;

/** Pieces that do not touch, at most: clients send some ten. */
const MAX_PIECES = 64;
const FIRST_SIZE = 2048;
const NOTHING = new Uint8Array(0);

/** What CRYPTO frames carry, put together in whatever order they come (RFC 9000 section 19.6), at most `LONGEST_PREFIX` octets. */
export class CryptoStream {
  bytes = NOTHING;
  /** Pairs (start, end) of what is there, ascending, apart from each other. */
  #pieces: number[] = [];

  /** Octets from the start on without a hole. */
  get contiguous(): number {
    return this.#pieces[0] === 0 ? (this.#pieces[1] as number) : 0;
  }

  /** Takes the CRYPTO frames of a packet's payload. What is no frame of an Initial packet ends the reading. */
  addFrames(payload: Uint8Array): void {
    const integer: VariableInteger = { value: 0, next: 0 };
    let at = 0;
    while (at < payload.length) {
      const type = payload[at++] as number;
      if (type === PADDING || type === PING) continue;
      if (type === CRYPTO) {
        readInteger(payload, at, payload.length, integer);
        const offset = integer.value;
        readInteger(payload, integer.next, payload.length, integer);
        const end = integer.next + integer.value;
        if (offset < 0 || integer.value < 0 || end > payload.length) return;
        this.#add(offset, payload.subarray(integer.next, end));
        at = end;
      } else if (type === ACK || type === ACK_ECN) {
        at = skipAck(payload, at, type === ACK_ECN, integer);
        if (at < 0) return;
      } else return;
    }
  }

  #add(offset: number, piece: Uint8Array): void {
    const end = offset + piece.length;
    if (piece.length === 0 || end > LONGEST_PREFIX) return;
    if (end > this.bytes.length) {
      const larger = new Uint8Array(Math.min(LONGEST_PREFIX, Math.max(end, this.bytes.length * 2, FIRST_SIZE)));
      larger.set(this.bytes);
      this.bytes = larger;
    }
    const merged: number[] = [];
    let first = offset;
    let last = end;
    const pieces = this.#pieces;
    for (let i = 0; i < pieces.length; i += 2) {
      const [from, to] = [pieces[i] as number, pieces[i + 1] as number];
      if (to < first || from > last) merged.push(from, to);
      else {
        first = Math.min(first, from);
        last = Math.max(last, to);
      }
    }
    if (merged.length / 2 >= MAX_PIECES) return;
    this.bytes.set(piece, offset);
    const place = merged.findIndex((value, i) => i % 2 === 0 && value > first);
    merged.splice(place < 0 ? merged.length : place, 0, first, last);
    this.#pieces = merged;
  }
}

/** Where the ACK frame ends whose fields begin at `from` (RFC 9000 section 19.3); -1 where it is cut. */
function skipAck(payload: Uint8Array, from: number, hasCounts: boolean, integer: VariableInteger): number {
  integer.next = from;
  const read = (): number => {
    readInteger(payload, integer.next, payload.length, integer);
    return integer.value;
  };
  // Largest acknowledged, delay.
  if (read() < 0 || read() < 0) return -1;
  const ranges = read();
  if (ranges < 0 || read() < 0) return -1;
  let more = ranges * 2 + (hasCounts ? 3 : 0);
  // Each takes an octet at least.
  if (more > payload.length) return -1;
  for (; more > 0; more--) if (read() < 0) return -1;
  return integer.next;
}
