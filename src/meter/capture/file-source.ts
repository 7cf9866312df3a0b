import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { messageOf, systemCode, WeirError } from '../../util/errors.ts';
import { createCaptureReader } from '../../wire/pcap/capture-reader.ts';
import { type CaptureStats, createCaptureStats, type PacketHandler } from '../../wire/pcap/packet.ts';
import { readPieces } from './file-pieces.ts';
import { PacedHandler } from './paced-handler.ts';
import { type CaptureSource, createCaptureCounters } from './source.ts';

export interface FileSourceOptions {
  /** Files of pcap or pcapng, plain or gzipped, read one after the other; `-` is `stdin`. */
  readonly paths: readonly string[];
  readonly stdin: Readable;
  /** Packets come with the gaps that the capture has, so many times as fast; undefined: as fast as they are metered. */
  readonly speed?: number | undefined;
  /** Resolves when there is room for more records: asked between two pieces of a file. */
  readonly ready?: (() => Promise<void>) | undefined;
  /** Makes another capture of each, such as one of the packets that a filter chooses. */
  readonly transform?: ((content: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>) | undefined;
}

/** One reading: large enough that the system's part does not count. */
const PIECE_BYTES = 4 << 20;
/** With a speed, the packets of one piece wait as objects. */
const PACED_PIECE_BYTES = 64 << 10;

/**
 * Packets of capture files. A file that is none, or cannot be read, ends it (`ended` rejects with WEIR_INPUT); one that is damaged or cut behind its
 * beginning is counted, told of in `notes`, and the next one is read.
 */
export class FileSource implements CaptureSource {
  readonly counters = createCaptureCounters();
  /** What was wrong with the files, in sentences; at most one for each. */
  readonly notes: string[] = [];
  readonly #options: FileSourceOptions;
  #ended: Promise<void> = Promise.resolve();
  #isClosed = false;
  #paced: PacedHandler | undefined;

  constructor(options: FileSourceOptions) {
    this.#options = options;
  }

  get ended(): Promise<void> {
    return this.#ended;
  }

  async start(handler: PacketHandler): Promise<void> {
    // All of them are opened first: that the second one is missing should not be told after an hour with the first.
    const handles = await this.#openAll();
    this.#ended = this.#readAll(handles, handler);
    // Who waits for the end learns of an error then; nobody has to wait.
    this.#ended.catch(() => {});
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#paced?.stop();
    await this.#ended.catch(() => {});
  }

  /** A handle for each path, undefined for standard input. */
  async #openAll(): Promise<(FileHandle | undefined)[]> {
    const handles: (FileHandle | undefined)[] = [];
    for (const path of this.#options.paths) {
      try {
        const handle = path === '-' ? undefined : await open(path);
        handles.push(handle);
        if ((await handle?.stat())?.isDirectory() === true)
          throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' });
      } catch (error) {
        await closeAll(handles);
        throw unreadable(path, error);
      }
    }
    return handles;
  }

  async #readAll(handles: readonly (FileHandle | undefined)[], handler: PacketHandler): Promise<void> {
    const { paths, speed } = this.#options;
    try {
      this.#paced = speed === undefined ? undefined : new PacedHandler(handler, speed);
      for (const [i, path] of paths.entries()) {
        if (this.#isClosed) break;
        await this.#readOne(path === '-' ? 'Standard input' : path, handles[i], this.#paced ?? handler);
      }
    } finally {
      await closeAll(handles);
    }
  }

  async #readOne(name: string, handle: FileHandle | undefined, handler: PacketHandler): Promise<void> {
    const stats = createCaptureStats();
    const reader = createCaptureReader(handler, stats);
    const before = { ...this.counters };
    const { stdin, speed, ready, transform = (content) => content } = this.#options;
    try {
      const pieces = readPieces(handle ?? stdin, speed === undefined ? PIECE_BYTES : PACED_PIECE_BYTES);
      for await (const piece of transform(pieces)) {
        const goesOn = reader.push(piece);
        this.counters.packets = before.packets + stats.packets;
        this.counters.bytes = before.bytes + stats.bytes;
        this.counters.unusable = before.unusable + stats.unusable;
        await this.#paced?.deliver();
        await ready?.();
        if (!goesOn || this.#isClosed) break;
      }
      if (!this.#isClosed) reader.end();
    } catch (error) {
      // What was inflated up to there is metered.
      const isCutGzip = systemCode(error)?.startsWith('Z_') === true && stats.bytes > 0;
      if (!isCutGzip) throw ofFile(name, error);
      stats.damage = `gzip: ${messageOf(error)}`;
    }
    const note = noteOf(name, stats);
    if (note === undefined) return;
    this.counters.interruptions++;
    this.notes.push(note);
  }
}

async function closeAll(handles: readonly (FileHandle | undefined)[]): Promise<void> {
  for (const handle of handles) await handle?.close();
}

function noteOf(name: string, { damage, truncatedTail }: CaptureStats): string | undefined {
  if (damage !== undefined) return `${name} is damaged: ${damage}. The packets before are metered.`;
  return truncatedTail > 0
    ? `${name} ends inside a packet: ${truncatedTail} octets at its end are left out.`
    : undefined;
}

/** The same error, saying which file it is about. */
function ofFile(name: string, error: unknown): WeirError {
  if (!(error instanceof WeirError)) return unreadable(name, error);
  const { code, message, hint, details } = error;
  return new WeirError(code, `${name}: ${message}`, { hint, details: { ...details, file: name }, cause: error });
}

function unreadable(name: string, error: unknown): WeirError {
  const isMissing = systemCode(error) === 'ENOENT';
  return new WeirError(
    'WEIR_INPUT',
    isMissing ? `There is no file ${name}.` : `Cannot read ${name}: ${messageOf(error)}.`,
    {
      hint: 'Give the path of a pcap or pcapng file, plain or gzipped, or - for standard input.',
      details: { file: name },
      cause: error,
    },
  );
}
