import { FlowBatch } from '../flow/batch.ts';
import type { BatchSink } from '../session/message-decoder.ts';
import type { ImportTarget } from '../store/import.ts';

/** Brings rows into a store that may be waited for: unlike a collector, an import drops nothing. */
export class ImportFeed implements BatchSink {
  readonly #target: ImportTarget;
  #current: FlowBatch | undefined;
  rows = 0;

  constructor(target: ImportTarget) {
    this.#target = target;
  }

  /** A batch with room. Between calls of `ready`, as many as it takes are made: a datagram's worth is small. */
  batch(): FlowBatch {
    if (this.#current?.hasRoom(1) === true) return this.#current;
    this.flush();
    this.#current = this.#target.store.take() ?? new FlowBatch();
    return this.#current;
  }

  /** Hands over what there is. */
  flush(): void {
    const batch = this.#current;
    this.#current = undefined;
    if (batch === undefined || batch.rows === 0) return;
    this.rows += batch.rows;
    this.#target.store.append(batch);
  }

  /** Resolves when there is room for more. Throws WEIR_STORE when the disk takes no more. */
  ready(): Promise<void> {
    return this.#target.ready();
  }
}
