import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { messageOf, WeirError } from '../util/errors.ts';
import { createIpfixFile, type IpfixFile } from '../wire/ipfix-file.ts';

/** Writes an IPFIX file (RFC 5655): one message after the other, templates first. */
export class FileSender {
  readonly counters = { sent: 0, octets: 0 };
  readonly #path: string;
  #stream: WriteStream | undefined;
  #file: IpfixFile | undefined;
  #error: unknown;

  constructor(path: string) {
    this.#path = path;
  }

  /** Creates the file, or empties it. Throws WEIR_SEND when it cannot be written. */
  async start(): Promise<void> {
    const stream = createWriteStream(this.#path);
    try {
      await once(stream, 'open');
    } catch (error) {
      throw this.#failed(error);
    }
    stream.on('error', (error) => {
      this.#error = error;
    });
    this.#stream = stream;
    this.#file = createIpfixFile((octets) => void stream.write(octets));
  }

  send(message: Uint8Array): void {
    this.#file?.add(message);
    this.counters.sent++;
    this.counters.octets += message.length;
  }

  /** Whether the disk takes more at once. */
  get takesMore(): boolean {
    return this.#error === undefined && this.#stream?.writableNeedDrain === false;
  }

  /** Waits until the disk has taken enough. Throws WEIR_SEND when it cannot. */
  async ready(): Promise<void> {
    if (this.#error === undefined && this.#stream?.writableNeedDrain === true) {
      try {
        await once(this.#stream, 'drain');
      } catch (error) {
        throw this.#failed(error);
      }
    }
    if (this.#error !== undefined) throw this.#failed(this.#error);
  }

  /** Writes what waits and closes the file. Throws WEIR_SEND when not all could be written. */
  async close(): Promise<void> {
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream === undefined) return;
    stream.end();
    try {
      await finished(stream);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #failed(error: unknown): WeirError {
    return new WeirError('WEIR_SEND', `Cannot write ${this.#path}: ${messageOf(error)}.`, {
      hint: 'Is there such a folder, and room on the disk?',
      cause: error,
    });
  }
}
