import { BATCH_ROWS, type BatchMessage, FlowBatch } from './batch.ts';
import type { SlotArray } from './slots.ts';

/** Sets of arrays kept for reuse; at a steady rate so many come back at once. */
const MAX_IDLE = 4;

/**
 * Hands out batches and takes their arrays back, bounded in octets: while more than `maxBytes` are in flight (handed out and not given back) it
 * hands out none, and whoever asked counts what it must drop.
 */
export class BatchPool {
  readonly #capacity: number;
  readonly #maxBytes: number;
  readonly #idle: (SlotArray | undefined)[][] = [];
  #inFlight = 0;

  constructor(options: { maxBytes: number; capacity?: number }) {
    this.#capacity = options.capacity ?? BATCH_ROWS;
    this.#maxBytes = options.maxBytes;
  }

  /** Octets handed over by `sent` and not yet given back. */
  get bytesInFlight(): number {
    return this.#inFlight;
  }

  /** An empty batch, or undefined while the bound is reached. */
  take(): FlowBatch | undefined {
    if (this.#inFlight >= this.#maxBytes) return undefined;
    return new FlowBatch(this.#capacity, this.#idle.pop());
  }

  /** The batch leaves for another thread. Returns the octets to hand to `giveBack`. */
  sent(batch: FlowBatch): number {
    const bytes = batch.byteLength;
    this.#inFlight += bytes;
    return bytes;
  }

  /** A consumer is done with a batch of `bytes` octets; its arrays are kept for the next one. */
  giveBack(bytes: number, message: Pick<BatchMessage, 'arrays' | 'capacity'> | undefined): void {
    this.#inFlight -= bytes;
    if (message !== undefined && message.capacity === this.#capacity && this.#idle.length < MAX_IDLE)
      this.#idle.push(message.arrays);
  }
}
