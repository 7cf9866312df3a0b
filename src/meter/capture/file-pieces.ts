import type { FileHandle } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** What gzip (RFC 1952 section 2.3.1) begins with. */
const GZIP = [0x1f, 0x8b] as const;
const INFLATED_PIECE = 1 << 20;

/**
 * The content of a file or a stream in pieces, inflated where it is gzip. A piece is valid until the next one is asked for.
 *
 * @param length octets that are read of a file at once
 */
export async function* readPieces(from: FileHandle | Readable, length: number): AsyncGenerator<Uint8Array> {
  const pieces = from instanceof Readable ? (from as AsyncIterable<Uint8Array>) : filePieces(from, length);
  const iterator = pieces[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) return;
  const content = resumed(first.value, iterator);
  // One octet alone, as a pipe may give, is no capture's beginning either way: then gzip is not known.
  if (first.value[0] !== GZIP[0] || first.value[1] !== GZIP[1]) {
    yield* content;
    return;
  }
  const inflated = pipeline(copied(content), createGunzip({ chunkSize: INFLATED_PIECE }), () => {
    // An error arrives through the iteration below as well.
  });
  yield* inflated as AsyncIterable<Uint8Array>;
}

async function* resumed(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield first;
    for (let item = await rest.next(); item.done !== true; item = await rest.next()) yield item.value;
  } finally {
    await rest.return?.();
  }
}

/** A stream reads ahead of who takes its pieces, so they need memory of their own. */
async function* copied(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) yield new Uint8Array(piece);
}

/** Two pieces take turns: while one is metered the system reads the other. */
async function* filePieces(handle: FileHandle, length: number): AsyncGenerator<Uint8Array> {
  const buffers = [Buffer.allocUnsafeSlow(length), Buffer.allocUnsafeSlow(length)] as const;
  let turn = 0;
  const read = (into: Buffer) => handle.read(into, 0, length);
  let reading = read(buffers[0]);
  try {
    for (;;) {
      const { bytesRead, buffer } = await reading;
      if (bytesRead === 0) return;
      turn = 1 - turn;
      reading = read(buffers[turn] as Buffer);
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    // The buffer is in use until the system is done; an error was told above, or nobody wants it.
    await reading.catch(() => {});
  }
}
