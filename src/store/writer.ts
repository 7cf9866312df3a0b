import type { BatchMessage } from '../flow/batch.ts';
import { messageOf } from '../util/errors.ts';
import { sqlText } from '../util/sql-text.ts';
import { BatchQueue, type WaitingBatch } from './batch-queue.ts';
import type { Duck } from './duck.ts';
import { isDiskFull } from './durable.ts';
import type { Log } from './keeper.ts';
import type { Ledger } from './ledger.ts';
import { LoadMeter } from './load-meter.ts';
import type { DropCause } from './messages.ts';
import { FRESH, HURRIED } from './parquet.ts';
import { segmentPath } from './paths.ts';
import { mergeTimes, prepareBatch } from './prepared-batch.ts';
import { Publisher } from './publisher.ts';
import { createSegmentSource } from './segment-source.ts';
import { rowMicros, SMALL_TABLES, type SmallTable } from './small-tables.ts';
import { type NextRows, WaitingRows } from './waiting-rows.ts';

/** Files that may be written and not yet durable and listed: the disk's syncs go on while the next file is being made. */
const MAX_UNPUBLISHED = 3;
const FIRST_PAUSE = 250;
const MAX_PAUSE = 5000;
/** A batch that fails alone so often in a row while the disk takes other files will never be written. */
const MAX_FAULTS = 4;

/**
 * Writes batches as segments, one at a time: as many as wait, up to a bound, go into one. A segment that cannot be written is tried again with
 * pauses, and its batches kept; the sender's bounded pool then runs dry, so that nothing here grows.
 */
export class Writer {
  readonly #ledger: Ledger;
  readonly #duck: Duck;
  readonly #log: Log;
  readonly #onDone: (ids: number[]) => void;
  readonly #queue: BatchQueue;
  readonly #rows = new WaitingRows();
  readonly #publisher: Publisher;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #isUrgent = false;
  /** The part of the time that is spent writing. */
  readonly load = new LoadMeter();
  #isClosed = false;
  #tries = 0;
  /** Failed attempts in a row at the same batch or rows after which the disk took another file. */
  #faults = 0;
  #retryAt = 0;
  #failing: string | undefined;
  /** Batches done with, to be told. */
  #done: WaitingBatch[] = [];
  readonly counts = {
    rowsStored: 0,
    rowsDropped: { disk_full: 0, write_error: 0, closed: 0 } as Record<DropCause, number>,
    segmentsWritten: 0,
    bytesWritten: 0,
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
    this.#queue = new BatchQueue({ lingerMillis: options.segmentMillis / 2, rotateSeconds: options.rotateSeconds });
    this.#ledger = options.ledger;
    this.#duck = options.duck;
    this.#log = options.log;
    this.#onDone = options.onDone;
    this.#publisher = new Publisher(options);
  }

  /** Why nothing can be written at the moment. */
  get failing(): string | undefined {
    return this.#failing;
  }

  /** Rows of small tables that were given up. */
  get smallRowsDropped(): number {
    return this.#rows.dropped;
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

  /** Takes rows of a small table. */
  addRows(table: SmallTable, rows: readonly object[]): void {
    this.#rows.add(table, rows);
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
      const cause = causeOf(error);
      const given = this.#queue.remove(this.#queue.length);
      for (const { prepared } of given) this.counts.rowsDropped[cause] += prepared.rows;
      this.#rows.clear();
      this.#onDone(given.map(({ id }) => id));
    }
    await this.#ledger.save();
  }

  async #tryAll(): Promise<string | undefined> {
    this.#retryAt = 0;
    this.#isUrgent = true;
    const before = this.counts.writeErrors;
    while (this.#hasWork() || this.#writing !== undefined || this.#publisher.unpublished > 0) {
      this.#pump();
      await this.#writing;
      await this.#publisher.settled;
      if (this.counts.writeErrors > before + 1 && this.#failing !== undefined) break;
    }
    this.#isUrgent = false;
    // Another attempt may have begun meanwhile.
    await this.#writing;
    return this.#hasWork() ? (this.#failing ?? 'not written') : undefined;
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
    this.load.begin();
    this.#writing = this.#writeSome().finally(() => {
      this.load.end();
      this.#writing = undefined;
      this.#pump();
    });
  }

  /** How long to wait before writing, ms; undefined when there is nothing to write. */
  #wait(): number | undefined {
    if (!this.#hasWork()) return undefined;
    const now = performance.now();
    if (this.#isUrgent) return 0;
    return this.#failing === undefined ? this.#queue.patience(now) : Math.max(0, this.#retryAt - now);
  }

  #hasWork(): boolean {
    return this.#queue.length > 0 || this.#rows.count > 0;
  }

  async #writeSome(): Promise<void> {
    let batches = this.#queue.next();
    const small = this.#rows.next();
    try {
      if (batches.length > 0) await this.#writeSegment(batches);
      batches = [];
      if (small !== undefined) await this.#writeRows(small.table, small.rows);
      this.#recovered();
    } catch (error) {
      await this.#failed(error, batches, small);
    }
    this.#announce();
    if (this.#publisher.unpublished >= MAX_UNPUBLISHED) await this.#publisher.settled;
  }

  async #writeSegment(batches: readonly WaitingBatch[]): Promise<void> {
    const prepared = batches.map((waiting) => waiting.prepared);
    const source = createSegmentSource(prepared);
    const times = mergeTimes(prepared.map((one) => one.times));
    const first = this.#ledger.takeSequence();
    const file = segmentPath({ kind: 'flows', merged: false, first, last: first }, times.minReceived);
    const started = performance.now();
    const options = this.#queue.length > batches.length ? HURRIED : FRESH;
    const written = await this.#publisher.write(file, (path) => this.#duck.copy(source, path, options));
    const { temporary, bytes, sha256 } = written;
    const columns = source.columns.map(({ name }) => name);
    const { rows } = source;
    this.#done.push(...this.#queue.remove(batches.length));
    this.counts.lastWriteMs = Math.round(performance.now() - started);
    const entry = { file, tier: 'fresh', rows, bytes, ...times, columns, sorted: false, sha256 } as const;
    this.#publisher.publish(temporary, entry, {
      listed: () => {
        this.counts.rowsStored += rows;
        this.counts.segmentsWritten++;
        this.counts.bytesWritten += bytes;
      },
      lost: (error) => {
        this.counts.writeErrors++;
        this.counts.rowsDropped[causeOf(error)] += rows;
      },
      settled: () => this.#announce(),
    });
  }

  async #writeRows(table: SmallTable, rows: readonly object[]): Promise<void> {
    let [min, max] = [Number.POSITIVE_INFINITY, 0];
    for (const row of rows) {
      const micros = rowMicros(table, row);
      min = Math.min(min, micros);
      max = Math.max(max, micros);
    }
    const first = this.#ledger.takeSequence();
    const file = segmentPath({ kind: table, merged: false, first, last: first }, min);
    const written = await this.#publisher.write(file, (path) => this.#duck.copyRows(table, rows, path));
    const { temporary, bytes, sha256 } = written;
    this.#rows.done(table, rows.length);
    const times = { minReceived: min, maxReceived: max, minStart: min, maxEnd: max };
    const columns = SMALL_TABLES[table].columns.map(([name]) => name);
    const entry = { file, tier: table, rows: rows.length, bytes, ...times, columns, sorted: false, sha256 };
    this.#publisher.publish(temporary, entry, {
      listed: () => {},
      lost: () => {
        this.counts.writeErrors++;
        this.#rows.dropped += rows.length;
      },
      settled: () => this.#announce(),
    });
  }

  #recovered(): void {
    if (this.#failing !== undefined)
      this.#log('info', { failedFor: this.#failing }, 'writing to the data folder works again');
    this.#failing = undefined;
    this.#tries = this.#faults = 0;
    this.#queue.oneByOne = false;
  }

  /** What was being written, `batches` or else the rows of a small table, stays and is tried again. */
  async #failed(error: unknown, batches: readonly WaitingBatch[], small: NextRows | undefined): Promise<void> {
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
    this.#queue.oneByOne = true;
    this.#duck.close();
    await this.#duck.open();
    if (batches.length > 1) return;
    // A disk that comes back between the attempt and the probe looks like a fault of the batch: once is no proof.
    this.#faults = (await this.#publisher.takes((path) => this.#duck.run(probeSql(path)))) ? this.#faults + 1 : 0;
    if (this.#faults < MAX_FAULTS) return;
    this.#faults = 0;
    const [batch] = batches;
    if (batch !== undefined) {
      this.#done.push(...this.#queue.remove(1));
      this.counts.rowsDropped.write_error += batch.prepared.rows;
      this.#log('error', { error: message, rows: batch.prepared.rows }, 'a batch cannot be written and was dropped');
    } else if (small !== undefined) {
      const { table, rows } = small;
      this.#rows.drop(table, rows.length);
      this.#log('error', { error: message, table, rows: rows.length }, 'rows cannot be written and were dropped');
    }
    this.#tries = 0;
  }

  #announce(): void {
    const done = this.#done;
    this.#done = [];
    this.#onDone(done.map(({ id }) => id));
  }
}

/** As much as a batch. */
function probeSql(path: string): string {
  return `COPY (SELECT range AS a FROM range(100000)) TO ${sqlText(path)} (FORMAT parquet)`;
}

function causeOf(error: string): DropCause {
  return isDiskFull(error) ? 'disk_full' : 'write_error';
}
