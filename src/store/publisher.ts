import { rm, stat } from 'node:fs/promises';
import { messageOf } from '../util/errors.ts';
import type { SegmentEntry } from './catalogue.ts';
import { checksumOf } from './checksum.ts';
import { publish } from './durable.ts';
import type { Log } from './keeper.ts';
import type { Ledger } from './ledger.ts';
import { inFolder, TEMPORARY } from './paths.ts';

/** A file that is written in full and has its temporary name still. */
export interface WrittenFile {
  readonly temporary: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** What came of a file: it is durable and listed, or the disk did not take it in the end. */
export interface Outcome {
  listed(): void;
  lost(error: string): void;
  /** After either of them. */
  settled(): void;
}

/**
 * A segment's way from a temporary file to a durable, listed one: synced, renamed, its folder synced, the catalogue replaced. Files go this way one
 * after another in the order they were written, while the next one is being made.
 */
export class Publisher {
  readonly #dir: string;
  readonly #ledger: Ledger;
  readonly #log: Log;
  #chain: Promise<void> = Promise.resolve();
  #unpublished = 0;

  constructor(options: { readonly dir: string; readonly ledger: Ledger; readonly log: Log }) {
    this.#dir = options.dir;
    this.#ledger = options.ledger;
    this.#log = options.log;
  }

  /** Files that are written and not yet listed. */
  get unpublished(): number {
    return this.#unpublished;
  }

  /** Resolves when all files that were handed over have been listed or lost. */
  get settled(): Promise<void> {
    return this.#chain;
  }

  /** Lets `write` make a file under the temporary name of `file`. No half-written file stays. */
  async write(file: string, write: (path: string) => Promise<void>): Promise<WrittenFile> {
    const temporary = inFolder(this.#dir, TEMPORARY, file.slice(file.indexOf('/') + 1));
    try {
      await write(temporary);
      return { temporary, bytes: (await stat(temporary)).size, sha256: await checksumOf(temporary) };
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
  }

  /** Whether the disk takes a file now: `write` makes one, which is removed again. */
  async takes(write: (path: string) => Promise<unknown>): Promise<boolean> {
    const path = inFolder(this.#dir, TEMPORARY, 'probe');
    const isTaken = await write(path).then(
      () => true,
      () => false,
    );
    await rm(path, { force: true }).catch(() => {});
    return isTaken;
  }

  /** Makes a written file durable and lists it, after those before it. Does not wait for it. */
  publish(temporary: string, entry: SegmentEntry, outcome: Outcome): void {
    this.#unpublished++;
    this.#chain = this.#chain.then(async () => {
      let isDurable = false;
      try {
        await publish(temporary, inFolder(this.#dir, entry.file));
        this.#ledger.add(entry);
        isDurable = true;
      } catch (error) {
        // The rows were let go when the file had been written in full; a disk that fails now has lost them.
        const message = messageOf(error);
        outcome.lost(message);
        this.#log('error', { error: message, rows: entry.rows }, 'a segment was written but could not be made durable');
        await rm(temporary, { force: true }).catch(() => {});
      }
      // The segment is durable and would be adopted; a catalogue that cannot be written is tried again with the next one.
      await this.#ledger.save().catch((error: unknown) => {
        this.#log('warn', { error: messageOf(error) }, 'the catalogue could not be written');
      });
      if (isDurable) outcome.listed();
      this.#unpublished--;
      outcome.settled();
    });
  }
}
