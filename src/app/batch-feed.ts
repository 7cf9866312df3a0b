import { FlowBatch } from '../flow/batch.ts';
import type { BatchSink } from '../session/message-decoder.ts';

/** Where full batches go, and where empty ones come from (`undefined` while as much waits as may wait). */
export interface BatchStore {
  take(): FlowBatch | undefined;
  append(batch: FlowBatch): void;
}

/**
 * Stands between decoding and the store. Decoding never waits: while the store cannot take more, records are decoded into a batch that is thrown
 * away and counted, so that templates, sampling and sequence numbers stay right.
 */
export class BatchFeed implements BatchSink {
  /** Records thrown away. */
  dropped = 0;
  readonly #store: BatchStore;
  readonly #watch: (batch: FlowBatch) => void;
  readonly #overflow = new FlowBatch();
  #current: FlowBatch;

  /** `watch` sees every batch before the store has it. */
  constructor(store: BatchStore, watch: (batch: FlowBatch) => void = () => {}) {
    this.#store = store;
    this.#watch = watch;
    this.#current = this.#overflow;
  }

  batch(): FlowBatch {
    if (this.#current === this.#overflow || !this.#current.hasRoom(1)) this.#next();
    return this.#current;
  }

  /** Hands the rows there are to the store, so that they are soon durable and can be queried. */
  flush(): void {
    if (this.#current.rows > 0 || this.#current === this.#overflow) this.#next();
  }

  /** Records thrown away up to now, those in the overflow batch included. */
  get recordsDropped(): number {
    return this.dropped + this.#overflow.rows;
  }

  #next(): void {
    if (this.#current === this.#overflow) {
      this.dropped += this.#overflow.rows;
      this.#overflow.clear();
    } else {
      this.#watch(this.#current);
      this.#store.append(this.#current);
    }
    this.#current = this.#store.take() ?? this.#overflow;
  }
}
