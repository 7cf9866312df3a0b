import { Worker } from 'node:worker_threads';
import type { FlowBatch } from '../flow/batch.ts';
import { BatchPool } from '../flow/batch-pool.ts';
import { messageOf, WeirError } from '../util/errors.ts';
import { claimFolder } from './folder.ts';
import { FolderLock } from './lock.ts';
import type { FromWriter, ToWriter, WriterSettings, WriterStats } from './messages.ts';
import type { StartReport } from './repair.ts';
import type { Retention } from './retention.ts';
import { ROLLUP_TIERS, type RollupTier } from './rollup-cubes.ts';
import type { SmallTable, SmallTableRows } from './small-tables.ts';

export interface StoreLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

export interface FlowStoreOptions {
  readonly dir: string;
  /** Octets of batches that may wait to be written. */
  readonly maxQueueBytes: number;
  readonly rotateSeconds?: number | undefined;
  /** Full batches wait half as long for others to share a segment with; batches that are not full are written at once. */
  readonly segmentMillis?: number | undefined;
  /** The tiers of roll-ups that are made; all when not given. */
  readonly rollups?: readonly RollupTier[] | undefined;
  readonly retention?: Retention | undefined;
  /** ms since the epoch. */
  readonly now: () => number;
  readonly log: StoreLog;
  /** Rows of a merged file, which bounds the merging process's memory. */
  readonly unitRows?: number | undefined;
  /** How long a replaced file stays on disk for readers that began before, s. */
  readonly graceSeconds?: number | undefined;
  /** Memory of the merging process's DuckDB. */
  readonly mergeMegabytes?: number | undefined;
  /** How often the writing thread looks what is to be done, ms. */
  readonly tickMillis?: number | undefined;
}

export interface FlowStoreStats extends WriterStats {
  readonly rowsAppended: number;
  /** Rows handed over and neither stored nor dropped yet. */
  readonly rowsWaiting: number;
  readonly queueBytes: number;
  readonly maxQueueBytes: number;
  /** The writing thread has died; nothing is stored any more. */
  readonly failed: string | undefined;
}

const NOTHING: WriterStats = {
  rowsStored: 0,
  rowsDropped: { disk_full: 0, write_error: 0, closed: 0 },
  segmentsWritten: 0,
  bytesWritten: 0,
  smallRowsDropped: 0,
  writeErrors: 0,
  failing: undefined,
  lastWriteMs: 0,
  listed: { segments: 0, fresh: 0, rows: 0, bytes: 0, oldestMs: undefined },
  backlog: { files: 0, rows: 0 },
  merges: 0,
  rollups: 0,
  rollupsBehindMs: 0,
  mergeErrors: 0,
  rowsMerged: 0,
  merging: false,
  segmentsExpired: 0,
  retired: 0,
};

/**
 * The embedded store, as the main thread sees it: takes batches, keeps count. Writing, merging and retention happen in a worker thread
 * and a child process. Batches come from `take` and go to `append`; hand over partly filled ones too, at least every 600 ms: a flow is then
 * durable within a second of its arrival.
 */
export class FlowStore {
  readonly #options: FlowStoreOptions;
  readonly #pool: BatchPool;
  readonly #lock: FolderLock;
  #worker: Worker | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stats: WriterStats = NOTHING;
  #rowsAppended = 0;
  #dropped = 0;
  #failed: string | undefined;
  #flushes = new Map<number, (error: string | undefined) => void>();
  #flushId = 0;
  #closing: Promise<void> | undefined;

  constructor(options: FlowStoreOptions) {
    this.#options = options;
    this.#pool = new BatchPool({ maxBytes: options.maxQueueBytes });
    this.#lock = new FolderLock(options.dir);
  }

  /**
   * Takes the folder, repairs what the last writer left, and starts to write. The report says what was found.
   *
   * @throws WeirError WEIR_DATA_FOLDER, WEIR_DATA_FOREIGN, WEIR_DATA_LOCKED, WEIR_STORE
   */
  async start(): Promise<StartReport> {
    const { dir, now, tickMillis = 1000 } = this.#options;
    if (this.#worker !== undefined) throw new WeirError('WEIR_STORE', 'the store has been started already');
    await claimFolder(dir);
    const owner = this.#lock.acquire();
    try {
      const report = await this.#startWorker();
      this.#timer = setInterval(() => {
        this.#lock.refresh();
        this.#post({ type: 'tick', now: now() });
      }, tickMillis);
      return { ...report, tookOverFrom: owner?.pid };
    } catch (error) {
      this.#lock.release();
      throw error;
    }
  }

  /** An empty batch, or undefined when as much as may wait to be written waits: the caller then drops and counts. */
  take(): FlowBatch | undefined {
    if (!this.#isRunning()) return undefined;
    return this.#pool.take();
  }

  /** Takes the batch over; it must not be used afterwards. */
  append(batch: FlowBatch): void {
    this.#rowsAppended += batch.rows;
    if (!this.#isRunning()) {
      this.#dropped += batch.rows;
      return;
    }
    const message = batch.toMessage();
    const heap = message.heap === undefined ? [] : [message.heap.buffer];
    this.#post({ type: 'batch', id: this.#pool.sent(batch), message }, heap);
  }

  /** Stores rows of a small table; they are durable a moment later. Few at a time: every call makes a file. */
  appendRows<Table extends SmallTable>(table: Table, rows: readonly SmallTableRows[Table][]): void {
    if (rows.length > 0) this.#post({ type: 'rows', table, rows });
  }

  /**
   * Resolves when all that was appended before is durable and listed.
   *
   * @throws WeirError WEIR_STORE when it cannot be written now; it is kept and tried again
   */
  async flush(): Promise<void> {
    if (!this.#isRunning()) throw this.#storeError(this.#failed ?? 'it is not running');
    const error = await new Promise<string | undefined>((resolve) => {
      const id = ++this.#flushId;
      this.#flushes.set(id, resolve);
      this.#post({ type: 'flush', id });
    });
    if (error !== undefined) throw this.#storeError(error);
  }

  /** Stores all that was appended, stops, and gives the folder free. What cannot be written is dropped and counted. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  stats(): FlowStoreStats {
    const { rowsStored, rowsDropped } = this.#stats;
    const dropped = { ...rowsDropped, closed: rowsDropped.closed + this.#dropped };
    const done = rowsStored + dropped.disk_full + dropped.write_error + dropped.closed;
    return {
      ...this.#stats,
      rowsDropped: dropped,
      rowsAppended: this.#rowsAppended,
      rowsWaiting: this.#rowsAppended - done,
      queueBytes: this.#pool.bytesInFlight,
      maxQueueBytes: this.#options.maxQueueBytes,
      failed: this.#failed,
    };
  }

  #isRunning(): boolean {
    return this.#worker !== undefined && this.#closing === undefined && this.#failed === undefined;
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    const worker = this.#worker;
    if (worker !== undefined && this.#failed === undefined) {
      const exited = new Promise<void>((resolve) => {
        worker.once('exit', () => resolve());
      });
      this.#post({ type: 'close' });
      await exited;
    }
    if (worker !== undefined) this.#lock.release();
  }

  #startWorker(): Promise<Omit<StartReport, 'tookOverFrom'>> {
    const {
      dir,
      now,
      rotateSeconds = 300,
      segmentMillis = 700,
      retention = {},
      rollups = ROLLUP_TIERS,
    } = this.#options;
    const { unitRows = 600_000, graceSeconds = 300, mergeMegabytes = 220 } = this.#options;
    const workerData: WriterSettings = {
      dir,
      rotateSeconds,
      segmentMillis,
      rollups,
      retention,
      unitRows,
      graceMs: graceSeconds * 1000,
      memoryMegabytes: mergeMegabytes,
      now: now(),
    };
    const worker = new Worker(new URL('./writer-worker.js', import.meta.url), { workerData });
    this.#worker = worker;
    return new Promise((resolve, reject) => {
      worker.on('message', (message: FromWriter) => {
        if (message.type === 'ready') resolve(message.report);
        else if (message.type === 'refused') {
          reject(new WeirError(message.code, message.message, { hint: message.hint }));
          this.#worker = undefined;
        } else this.#receive(message);
      });
      worker.on('error', (error) => {
        this.#fail(messageOf(error));
        reject(this.#storeError(messageOf(error)));
      });
      worker.on('exit', () => {
        if (this.#closing === undefined) this.#fail('the writing thread ended');
        for (const resolveFlush of this.#flushes.values()) resolveFlush(this.#failed ?? 'the store was closed');
        this.#flushes.clear();
      });
    });
  }

  #receive(message: FromWriter): void {
    switch (message.type) {
      case 'done':
        for (const id of message.ids) this.#pool.giveBack(id);
        this.#stats = message.stats;
        break;
      case 'stats':
      case 'closed':
        this.#stats = message.stats;
        break;
      case 'flushed':
        this.#flushes.get(message.id)?.(message.error);
        this.#flushes.delete(message.id);
        break;
      case 'log':
        this.#options.log[message.level](message.fields, message.text);
    }
  }

  #post(message: ToWriter, transfer: ArrayBuffer[] = []): void {
    this.#worker?.postMessage(message, transfer);
  }

  #fail(reason: string): void {
    if (this.#failed !== undefined) return;
    this.#failed = reason;
    clearInterval(this.#timer);
    if (this.#worker !== undefined)
      this.#options.log.error({ error: reason }, 'the writing thread has ended; nothing is stored any more');
  }

  #storeError(reason: string): WeirError {
    return new WeirError('WEIR_STORE', `what was received could not be stored: ${reason}`, {
      hint: 'check space and rights of the data folder; the log has the first error',
    });
  }
}
