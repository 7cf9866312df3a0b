import { type Io, write } from './io.ts';

const CHUNK = 256 * 1024;

/** Takes text piece by piece and hands it on in large chunks. */
export interface Output {
  /** Copies the text: pieces of a record become garbage at once instead of being dragged along until the chunk is full. */
  readonly add: (text: string) => void;
  /** Writes what has been added and waits for the reader; false when there is none any more. */
  flush(): Promise<boolean>;
  /** Octets that wait for `flush`. */
  readonly waiting: number;
}

/** An output to a stream. Empty flushes are not written. */
export function createOutput(stream: Io['stdout']): Output {
  let chunk = Buffer.allocUnsafe(CHUNK);
  let used = 0;
  let full: Buffer[] = [];
  let waiting = 0;
  const next = (room: number) => {
    if (used > 0) full.push(chunk.subarray(0, used));
    chunk = Buffer.allocUnsafe(Math.max(CHUNK, room));
    used = 0;
  };
  return {
    add(text) {
      // An UTF-16 unit is at most three octets of UTF-8.
      if (used + text.length * 3 > chunk.length) next(text.length * 3);
      const length = chunk.write(text, used);
      used += length;
      waiting += length;
    },
    async flush() {
      if (waiting === 0) return true;
      // The stream keeps what it is given, so a chunk is not used again.
      next(0);
      const chunks = full;
      full = [];
      waiting = 0;
      for (const one of chunks) if (!(await write(stream, one))) return false;
      return true;
    },
    get waiting() {
      return waiting;
    },
  };
}
