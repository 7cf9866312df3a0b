import { BATCH_ROWS, FlowBatch } from './batch.ts';
import type { SlotArray } from './slots.ts';

interface InFlight {
  readonly arrays: (SlotArray | undefined)[];
  readonly bytes: number;
}

/**
 * Hands out batches for another thread and reuses their arrays when it is done with them, bounded in octets: while `maxBytes` are in flight
 * it hands out none, and whoever asked counts what it must drop.
 *
 * The arrays are in shared memory. Transferring them with each batch cost the garbage collectors of both threads a full round several times a
 * second, 15 % of all processor time at 900,000 flows a second.
 */
export class BatchPool {
  readonly #capacity: number;
  readonly #maxBytes: number;
  readonly #idle: InFlight[] = [];
  readonly #inFlight = new Map<number, InFlight>();
  #bytesInFlight = 0;
  #bytesIdle = 0;
  #lastId = 0;

  constructor(options: { maxBytes: number; capacity?: number }) {
    this.#capacity = options.capacity ?? BATCH_ROWS;
    this.#maxBytes = options.maxBytes;
  }

  /** Octets handed over by `sent` and not yet given back. */
  get bytesInFlight(): number {
    return this.#bytesInFlight;
  }

  /** An empty batch, or undefined while the bound is reached. */
  take(): FlowBatch | undefined {
    if (this.#bytesInFlight >= this.#maxBytes) return undefined;
    const idle = this.#idle.pop();
    this.#bytesIdle -= idle?.bytes ?? 0;
    return new FlowBatch(this.#capacity, { recycled: idle?.arrays, isShared: true });
  }

  /** The batch leaves for another thread. Returns the number to hand to `giveBack`. */
  sent(batch: FlowBatch): number {
    const bytes = batch.byteLength;
    const id = ++this.#lastId;
    this.#inFlight.set(id, { arrays: batch.arrays, bytes });
    this.#bytesInFlight += bytes;
    return id;
  }

  /** The other thread is done with a batch; its arrays are kept for another one. */
  giveBack(id: number): void {
    const one = this.#inFlight.get(id);
    if (one === undefined) return;
    this.#inFlight.delete(id);
    this.#bytesInFlight -= one.bytes;
    // Nothing more than what may be in flight at once is kept.
    if (this.#bytesIdle + this.#bytesInFlight > this.#maxBytes) return;
    this.#idle.push(one);
    this.#bytesIdle += one.bytes;
  }
}
