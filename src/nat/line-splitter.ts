/** Takes a line: the octets between `start` and `end`, without the newline, valid during the call. */
export type TakeLine = (bytes: Uint8Array, start: number, end: number) => void;

const NEWLINE = 0x0a;
const LONGEST = 4096;

/** Cuts a stream of octets into lines. A line that is longer than 4,096 octets is left out and counted. */
export class LineSplitter {
  /** Lines that were too long. */
  tooLong = 0;
  readonly #take: TakeLine;
  /** The beginning of a line whose end has not come. */
  readonly #begun = Buffer.alloc(LONGEST);
  #length = 0;

  constructor(take: TakeLine) {
    this.#take = take;
  }

  push(chunk: Uint8Array): void {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      if (this.#length === 0) {
        if (end - start > LONGEST) this.tooLong++;
        else if (end > start) this.#take(chunk, start, end);
      } else this.#complete(chunk, start, end);
      start = end + 1;
    }
    this.#keep(chunk, start);
  }

  #complete(chunk: Uint8Array, start: number, end: number): void {
    this.#keep(chunk, start, end);
    const length = this.#length;
    this.#length = 0;
    if (length > LONGEST) this.tooLong++;
    else this.#take(this.#begun, 0, length);
  }

  #keep(chunk: Uint8Array, start: number, end: number = chunk.length): void {
    const length = this.#length + end - start;
    if (length <= LONGEST) this.#begun.set(chunk.subarray(start, end), this.#length);
    this.#length = Math.min(length, LONGEST + 1);
  }
}
