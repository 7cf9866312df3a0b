import { ExportingProcess, type ExportingProcessOptions, type TargetCounters } from '../export/exporting-process.ts';
import { FlowBatch } from '../flow/batch.ts';
import { slotOf } from '../flow/slots.ts';
import type { BatchSink } from '../session/message-decoder.ts';
import { FlowStore, type FlowStoreStats, type StoreLog } from '../store/flow-store.ts';
import type { ImportTarget } from '../store/import.ts';
import type { Retention } from '../store/retention.ts';

export interface FlowOutputsOptions extends Omit<ExportingProcessOptions, 'now' | 'log'> {
  /** Folder of a local store that gets every record too. It is taken for as long as this runs. */
  readonly data?: string | undefined;
  /** What the store gives up, and when; default nothing. */
  readonly retention?: Retention | undefined;
  /** Octets of batches that may wait to be stored; default 128 MiB. */
  readonly queueBytes?: number | undefined;
  /** A store that is open already and may be waited for, instead of `data`: nothing is dropped on the way there. */
  readonly into?: ImportTarget | undefined;
  /** Sees every batch, such as to print it. */
  readonly watch?: ((batch: FlowBatch) => void) | undefined;
  /** Records are handed on when so many ms have passed, though their batch is not full; 0 for only when it is, and by `flush`. Default 500. */
  readonly flushMillis?: number | undefined;
  /** Rows of a batch that no store gets: small ones where memory counts. */
  readonly batchRows?: number | undefined;
  /** ms since the epoch, for records that do not tell when they were made (`time_received`). */
  readonly now: () => number;
  readonly log: StoreLog;
}

export interface OutputCounters {
  /** Records handed on. */
  readonly records: number;
  readonly targets: readonly TargetCounters[];
  readonly store: FlowStoreStats | undefined;
  /** Records that the store has taken over; undefined without one. */
  readonly stored: number | undefined;
  /** Records that the store had no room for, or that it could not write. */
  readonly storeDropped: number;
}

const QUEUE_BYTES = 128 << 20;
const RECEIVED = slotOf('time_received');

/** When the last record was made, ms since the epoch: messages are of that time, also when packets of former times are metered. */
function madeAt(batch: FlowBatch): number | undefined {
  batch.seal();
  const words = batch.arrays[RECEIVED];
  const at = (batch.rows - 1) * 2;
  const micros = (words?.[at + 1] ?? 0) * 4_294_967_296 + (words?.[at] ?? 0);
  return micros > 0 ? Math.floor(micros / 1000) : undefined;
}

/**
 * Where the records of our own exporters (probe, NAT) go: to collectors, into a local store, or both. Rows are written into `batch()`, with all that they tell of
 * their exporter. Neither a collector that is away nor a full disk holds anything up: what is not delivered is counted. Inert until `start`.
 */
export class FlowOutputs implements BatchSink {
  readonly exporting: ExportingProcess;
  readonly #options: FlowOutputsOptions;
  /** The store of `data`. */
  readonly #store: FlowStore | undefined;
  /** For rows that no store gets. */
  readonly #spare: FlowBatch;
  #current: FlowBatch;
  #records = 0;
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: FlowOutputsOptions) {
    const { data, retention, queueBytes = QUEUE_BYTES, log } = options;
    this.#options = options;
    this.#spare = new FlowBatch(options.batchRows);
    this.#current = this.#spare;
    this.exporting = new ExportingProcess(options);
    // The store keeps its own time, which is the machine's.
    if (data !== undefined)
      this.#store = new FlowStore({ dir: data, maxQueueBytes: queueBytes, retention, now: () => Date.now(), log });
  }

  /** Opens the store and the targets. Throws WeirError as they do; nothing is left open then. */
  async start(): Promise<void> {
    await this.exporting.start();
    try {
      await this.#store?.start();
    } catch (error) {
      await this.exporting.close(0);
      throw error;
    }
    this.#current = this.#next();
    const { flushMillis = 500 } = this.#options;
    if (flushMillis > 0) this.#timer = setInterval(() => this.flush(), flushMillis);
  }

  batch(): FlowBatch {
    if (!this.#current.hasRoom(1)) this.flush();
    return this.#current;
  }

  /** Hands on the rows that there are. */
  flush(): void {
    const batch = this.#current;
    const { watch, now, into } = this.#options;
    if (batch.rows > 0) {
      this.#records += batch.rows;
      watch?.(batch);
      this.exporting.write(batch, madeAt(batch) ?? now());
      if (batch !== this.#spare) (into?.store ?? this.#store)?.append(batch);
      else {
        if (this.#store !== undefined) this.#dropped += batch.rows;
        batch.clear();
      }
    } else if (batch !== this.#spare) return;
    this.#current = this.#next();
  }

  #next(): FlowBatch {
    const { into } = this.#options;
    if (into !== undefined) return into.store.take() ?? new FlowBatch();
    return this.#store?.take() ?? this.#spare;
  }

  /** Resolves when there is room for more everywhere. For those who can wait. Throws WEIR_STORE when `into` takes no more. */
  async ready(): Promise<void> {
    await this.exporting.ready();
    await this.#options.into?.ready();
  }

  counters(): OutputCounters {
    const store = (this.#options.into?.store ?? this.#store)?.stats();
    const failed = store === undefined ? 0 : Object.values(store.rowsDropped).reduce((sum, rows) => sum + rows, 0);
    return {
      records: this.#records,
      targets: this.exporting.counters(),
      store,
      stored: this.#options.into === undefined ? store?.rowsStored : store?.rowsAppended,
      storeDropped: this.#dropped + failed,
    };
  }

  /** Hands on everything, waits for it as long as it is taken, and closes. May be called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    this.flush();
    await Promise.all([this.exporting.close(), this.#store?.close()]);
  }
}
