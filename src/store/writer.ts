import { rm, stat } from 'node:fs/promises';
import type { BatchMessage } from '../flow/batch.ts';
import type { QualityRow } from '../session/quality-row.ts';
import { messageOf, systemCode } from '../util/errors.ts';
import type { SegmentEntry } from './catalogue.ts';
import { type Duck, FRESH, HURRIED } from './duck.ts';
import { publish } from './durable.ts';
import { QUALITY_COLUMNS } from './file-columns.ts';
import type { Log } from './keeper.ts';
import type { Ledger } from './ledger.ts';
import type { DropCause } from './messages.ts';
import { inFolder, segmentPath, TEMPORARY } from './paths.ts';
import { mergeTimes, type PreparedBatch, prepareBatch } from './prepared-batch.ts';
import { createSegmentSource } from './segment-source.ts';

interface Waiting {
  readonly prepared: PreparedBatch;
  /** The number it is given back by. */
  readonly id: number;
  readonly since: number;
  readonly isFull: boolean;
}

/** Full batches wait for so many before they are written: what is in memory twice at a high rate, being written and arriving. */
const ENOUGH_BATCHES = 4;
/** A segment takes at most so many full batches, when writing has fallen behind. */
const MAX_BATCHES = 6;
/** Files that may be written and not yet durable and listed: the disk's syncs go on while the next file is being made. */
const MAX_UNPUBLISHED = 3;
const FIRST_PAUSE = 250;
const MAX_PAUSE = 5000;
/** A batch that fails alone so often while the disk takes other files will never be written. */
const MAX_TRIES = 4;
const MAX_QUALITY_ROWS = 100_000;

/**
 * Writes batches as segments, one at a time: as many as wait, up to a bound, go into one. A segment that cannot be written is tried again with
 * pauses, and its batches kept; the sender's bounded pool then runs dry, so that nothing here grows.
 */
export class Writer {
  readonly #dir: string;
  readonly #linger: number;
  readonly #rotateMicros: number;
  readonly #ledger: Ledger;
  readonly #duck: Duck;
  readonly #log: Log;
  readonly #onDone: (ids: number[]) => void;
  readonly #queue: Waiting[] = [];
  #quality: QualityRow[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  /** Files on their way from written to listed, in order. */
  #publishing: Promise<void> = Promise.resolve();
  #unpublished = 0;
  #isUrgent = false;
  #busyMillis = 0;
  #writingSince = 0;
  #loadSince = performance.now();
  #isClosed = false;
  #tries = 0;
  #retryAt = 0;
  #failing: string | undefined;
  #limit = MAX_BATCHES;
  readonly counts = {
    rowsStored: 0,
    rowsDropped: { disk_full: 0, write_error: 0, closed: 0 } as Record<DropCause, number>,
    segmentsWritten: 0,
    bytesWritten: 0,
    qualityRowsDropped: 0,
    writeErrors: 0,
    lastWriteMs: 0,
  };

  constructor(options: {
    readonly dir: string;
    readonly segmentMillis: number;
    readonly rotateSeconds: number;
    readonly ledger: Ledger;
    readonly duck: Duck;
    readonly log: Log;
    /** Called with the numbers of batches that are no longer needed. */
    readonly onDone: (ids: number[]) => void;
  }) {
    this.#dir = options.dir;
    this.#linger = options.segmentMillis / 2;
    this.#rotateMicros = options.rotateSeconds * 1_000_000;
    this.#ledger = options.ledger;
    this.#duck = options.duck;
    this.#log = options.log;
    this.#onDone = options.onDone;
  }

  /** Why nothing can be written at the moment. */
  get failing(): string | undefined {
    return this.#failing;
  }

  /** The part of the time since the last call that was spent writing, 0 to 1. */
  takeLoad(): number {
    const now = performance.now();
    const busy = this.#busyMillis + (this.#writing === undefined ? 0 : now - this.#writingSince);
    const load = busy / Math.max(1, now - this.#loadSince);
    this.#busyMillis = 0;
    this.#loadSince = now;
    this.#writingSince = now;
    return Math.min(1, load);
  }

  /** Takes a batch over; `nowMs` is the wall clock. */
  add(message: BatchMessage, id: number, nowMs: number): void {
    const { capacity, rows } = message;
    if (rows === 0) return this.#onDone([id]);
    const prepared = prepareBatch(message, nowMs * 1000);
    const isFull = rows >= capacity - 2048;
    this.#queue.push({ prepared, id, since: performance.now(), isFull });
    this.#pump();
  }

  addQuality(rows: readonly QualityRow[]): void {
    this.#quality.push(...rows);
    const excess = this.#quality.length - MAX_QUALITY_ROWS;
    if (excess > 0) {
      this.#quality.splice(0, excess);
      this.counts.qualityRowsDropped += excess;
    }
    this.#pump();
  }

  /** Resolves when all that was handed over is stored and listed; rejects when the disk does not take it. */
  async flush(): Promise<void> {
    const error = await this.#tryAll();
    if (error !== undefined) throw new Error(error);
    await this.#ledger.save();
  }

  /** Tries once more to store what is left, then gives it up. */
  async close(): Promise<void> {
    const error = await this.#tryAll();
    this.#isClosed = true;
    clearTimeout(this.#timer);
    if (error !== undefined) {
      const cause = this.#cause(error);
      const given = this.#queue.splice(0);
      for (const { prepared } of given) this.counts.rowsDropped[cause] += prepared.rows;
      this.counts.qualityRowsDropped += this.#quality.length;
      this.#onDone(given.map(({ id }) => id));
    }
    await this.#ledger.save();
  }

  async #tryAll(): Promise<string | undefined> {
    this.#retryAt = 0;
    this.#isUrgent = true;
    const before = this.counts.writeErrors;
    while (this.#queue.length > 0 || this.#quality.length > 0 || this.#writing !== undefined || this.#unpublished > 0) {
      this.#pump();
      await this.#writing;
      await this.#publishing;
      if (this.counts.writeErrors > before + 1 && this.#failing !== undefined) break;
    }
    this.#isUrgent = false;
    // Another attempt may have begun meanwhile.
    await this.#writing;
    return this.#queue.length > 0 || this.#quality.length > 0 ? (this.#failing ?? 'not written') : undefined;
  }

  /** Starts writing when it is time. */
  #pump(): void {
    if (this.#writing !== undefined || this.#isClosed) return;
    const wait = this.#wait();
    clearTimeout(this.#timer);
    if (wait === undefined) return;
    if (wait > 0) {
      this.#timer = setTimeout(() => this.#pump(), wait);
      return;
    }
    this.#writingSince = performance.now();
    this.#writing = this.#writeSome().finally(() => {
      this.#busyMillis += performance.now() - this.#writingSince;
      this.#writing = undefined;
      this.#pump();
    });
  }

  /** How long to wait before writing, ms; undefined when there is nothing to write. */
  #wait(): number | undefined {
    const [first] = this.#queue;
    if (first === undefined && this.#quality.length === 0) return undefined;
    const now = performance.now();
    if (this.#failing !== undefined && !this.#isUrgent) return Math.max(0, this.#retryAt - now);
    // A batch that is not full was sent because its time had come; full ones wait for more, so that segments are large.
    const last = this.#queue.at(-1);
    if (this.#isUrgent || first === undefined || last === undefined) return 0;
    if (!last.isFull || this.#queue.length >= ENOUGH_BATCHES) return 0;
    return Math.max(0, first.since + this.#linger - now);
  }

  async #writeSome(): Promise<void> {
    const batches = this.#nextBatches();
    try {
      if (batches.length > 0) await this.#writeSegment(batches);
      if (this.#quality.length > 0) await this.#writeQuality(this.#quality.slice());
      this.#recovered();
    } catch (error) {
      await this.#failed(error, batches);
    }
    this.#announce();
    if (this.#unpublished >= MAX_UNPUBLISHED) await this.#publishing;
  }

  /** Makes a written file durable and lists it, after those before it; then `listed` is called. Does not wait for it. */
  #publish(temporary: string, entry: SegmentEntry, listed: () => void): void {
    this.#unpublished++;
    this.#publishing = this.#publishing.then(async () => {
      let isDurable = false;
      try {
        await publish(temporary, inFolder(this.#dir, entry.file));
        this.#ledger.add(entry);
        isDurable = true;
      } catch (error) {
        // The rows were let go when the file had been written in full; a disk that fails now has lost them.
        const message = messageOf(error);
        this.counts.writeErrors++;
        if (entry.tier !== 'quality') this.counts.rowsDropped[this.#cause(message)] += entry.rows;
        this.#log('error', { error: message, rows: entry.rows }, 'a segment was written but could not be made durable');
        await rm(temporary, { force: true }).catch(() => {});
      }
      // The segment is durable and would be adopted; a catalogue that cannot be written is tried again with the next one.
      await this.#ledger.save().catch((error: unknown) => {
        this.#log('warn', { error: messageOf(error) }, 'the catalogue could not be written');
      });
      if (isDurable) listed();
      this.#unpublished--;
      this.#announce();
    });
  }

  /** The first batches of one time slot. */
  #nextBatches(): Waiting[] {
    const [first] = this.#queue;
    if (first === undefined) return [];
    const slotOf = ({ prepared }: Waiting) => Math.floor(prepared.times.minReceived / this.#rotateMicros);
    const slot = slotOf(first);
    let rows = 0;
    const most = this.#limit * first.prepared.batch.capacity;
    const other = this.#queue.findIndex((waiting, index) => {
      rows += waiting.prepared.rows;
      return index > 0 && (slotOf(waiting) !== slot || rows > most || this.#limit === 1);
    });
    return this.#queue.slice(0, other < 0 ? undefined : other);
  }

  /** Batches done with and rows stored, to be told once they are listed. */
  #done: Waiting[] = [];
  #stored = 0;

  async #writeSegment(batches: readonly Waiting[]): Promise<void> {
    const prepared = batches.map((waiting) => waiting.prepared);
    const source = createSegmentSource(prepared);
    const times = mergeTimes(prepared.map((one) => one.times));
    const first = this.#ledger.takeSequence();
    const file = segmentPath({ kind: 'flows', merged: false, first, last: first }, times.minReceived);
    const started = performance.now();
    const options = this.#queue.length > batches.length ? HURRIED : FRESH;
    const { temporary, bytes } = await this.#writeFile(file, (path) => this.#duck.copy(source, path, options));
    const columns = source.columns.map(({ name }) => name);
    const { rows } = source;
    this.#queue.splice(0, batches.length);
    this.#done.push(...batches);
    this.counts.lastWriteMs = Math.round(performance.now() - started);
    this.#publish(temporary, { file, tier: 'fresh', rows, bytes, ...times, columns, sorted: false }, () => {
      this.counts.rowsStored += rows;
      this.counts.segmentsWritten++;
      this.counts.bytesWritten += bytes;
    });
  }

  async #writeQuality(rows: readonly QualityRow[]): Promise<void> {
    const minutes = rows.map(({ minute }) => Math.round(minute) * 1000);
    const min = Math.min(...minutes);
    const max = Math.max(...minutes);
    const first = this.#ledger.takeSequence();
    const file = segmentPath({ kind: 'quality', merged: false, first, last: first }, min);
    const { temporary, bytes } = await this.#writeFile(file, (path) => this.#duck.copyQuality(rows, path));
    const columns = QUALITY_COLUMNS.map(([name]) => name);
    const times = { minReceived: min, maxReceived: max, minStart: min, maxEnd: max };
    this.#quality.splice(0, rows.length);
    const entry = { file, tier: 'quality', rows: rows.length, bytes, ...times, columns, sorted: false } as const;
    this.#publish(temporary, entry, () => {});
  }

  /** Writes under a temporary name. Returns it and the size. No half-written file stays. */
  async #writeFile(
    file: string,
    write: (path: string) => Promise<void>,
  ): Promise<{ temporary: string; bytes: number }> {
    const temporary = inFolder(this.#dir, TEMPORARY, file.slice(file.indexOf('/') + 1));
    try {
      await write(temporary);
      return { temporary, bytes: (await stat(temporary)).size };
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
  }

  #recovered(): void {
    if (this.#failing !== undefined)
      this.#log('info', { failedFor: this.#failing }, 'writing to the data folder works again');
    this.#failing = undefined;
    this.#tries = 0;
    this.#limit = MAX_BATCHES;
  }

  async #failed(error: unknown, batches: readonly Waiting[]): Promise<void> {
    const message = messageOf(error);
    this.counts.writeErrors++;
    this.#tries++;
    if (this.#failing === undefined)
      this.#log(
        'error',
        { error: message, waiting: this.#queue.length },
        'the data folder cannot be written; trying again',
      );
    this.#failing = message;
    this.#retryAt = performance.now() + Math.min(MAX_PAUSE, FIRST_PAUSE * 2 ** (this.#tries - 1));
    if (isDiskFull(error)) {
      // Room first: files that only readers of the past may still want.
      await this.#ledger.removeRetired(0).catch(() => 0);
      return;
    }
    this.#limit = 1;
    this.#duck.close();
    await this.#duck.open();
    const [batch] = batches;
    if (batches.length === 1 && batch !== undefined && this.#tries >= MAX_TRIES && (await this.#takesFiles())) {
      this.#queue.shift();
      this.#done.push(batch);
      this.counts.rowsDropped.write_error += batch.prepared.rows;
      this.#log('error', { error: message, rows: batch.prepared.rows }, 'a batch cannot be written and was dropped');
      this.#tries = 0;
    }
  }

  /** Whether the disk takes a file as large as a batch, so that the fault lies in the batch. */
  async #takesFiles(): Promise<boolean> {
    try {
      await this.#writeFile('probe/probe', async (path) => {
        await this.#duck.run(
          `COPY (SELECT range AS a FROM range(100000)) TO '${path.replaceAll("'", "''")}' (FORMAT parquet)`,
        );
        throw new Error('written');
      });
      return true;
    } catch (error) {
      return messageOf(error) === 'written';
    }
  }

  #cause(error: string): DropCause {
    return isDiskFull(error) ? 'disk_full' : 'write_error';
  }

  #announce(): void {
    const done = this.#done;
    this.#done = [];
    this.counts.rowsStored += this.#stored;
    this.#stored = 0;
    this.#onDone(done.map(({ id }) => id));
  }
}

function isDiskFull(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT' || /no space left|disk quota|enospc/i.test(messageOf(error));
}
