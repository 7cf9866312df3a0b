import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { messageOf, systemCode, WeirError } from '../util/errors.ts';
import { type LineTransport, STREAM_WAITING } from './line-sink.ts';

/** ms from an error of the disk to the next try. */
const RETRY = 5000;

/** Lines appended to a file. A full disk is waited out: what could not be written is counted. */
export class FileLines implements LineTransport {
  readonly #path: string;
  #stream: WriteStream | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failed = 0;
  #lastError: string | undefined;
  #isClosed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Throws WEIR_SEND when the file cannot be opened. */
  async start(): Promise<void> {
    const stream = this.#open();
    try {
      await once(stream, 'open');
    } catch (error) {
      clearTimeout(this.#timer);
      throw new WeirError('WEIR_SEND', `Cannot write ${this.#path}: ${messageOf(error)}.`, {
        hint: 'Is there such a folder, and may this user write there?',
        cause: error,
      });
    }
  }

  get isOpen(): boolean {
    return this.#stream !== undefined;
  }

  get takesMore(): boolean {
    return this.#stream !== undefined && this.#stream.writableLength < STREAM_WAITING;
  }

  send(line: string): void {
    this.#stream?.write(`${line}\n`, (error) => {
      if (error !== null && error !== undefined) this.#failed++;
    });
  }

  counters() {
    return { failed: this.#failed, lastError: this.#lastError };
  }

  reopen(): void {
    clearTimeout(this.#timer);
    this.#stream?.end();
    this.#open();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream === undefined) return;
    await new Promise<void>((resolve) => {
      stream.once('close', () => resolve());
      stream.end();
    });
  }

  #open(): WriteStream {
    const stream = createWriteStream(this.#path, { flags: 'a' });
    this.#stream = stream;
    stream.on('error', (error) => {
      this.#lastError = messageOf(error);
      if (this.#stream !== stream) return;
      this.#stream = undefined;
      if (this.#isClosed) return;
      this.#timer = setTimeout(() => this.#open(), RETRY);
      this.#timer.unref();
    });
    return stream;
  }
}

/** Lines into a stream that is open already, such as standard output. Its reader may leave. */
export function streamLines(stream: Writable): LineTransport {
  let failed = 0;
  let lastError: string | undefined;
  return {
    start: () => Promise.resolve(),
    get isOpen() {
      return !stream.destroyed && !stream.writableEnded;
    },
    get takesMore() {
      return stream.writableLength < STREAM_WAITING;
    },
    send: (line) => {
      stream.write(`${line}\n`, (error) => {
        if (error === null || error === undefined) return;
        failed++;
        lastError = systemCode(error) === 'EPIPE' ? 'its reader has gone' : messageOf(error);
      });
    },
    counters: () => ({ failed, lastError }),
    close: () => new Promise((resolve) => stream.write('', () => resolve())),
  };
}
