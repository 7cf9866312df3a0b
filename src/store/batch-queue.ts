import type { PreparedBatch } from './prepared-batch.ts';

/** A batch that waits to be written. */
export interface WaitingBatch {
  readonly prepared: PreparedBatch;
  /** The number it is given back by. */
  readonly id: number;
  /** When it came, ms of `performance.now`. */
  readonly since: number;
  readonly isFull: boolean;
}

/** Full batches wait for so many before they are written: what is in memory twice at a high rate, being written and arriving. */
const ENOUGH_BATCHES = 4;
/** A segment takes at most so many full batches, when writing has fallen behind. */
const MAX_BATCHES = 6;

/** Batches in the order they came, and which of them make the next segment. Bounded by the sender's pool. */
export class BatchQueue {
  readonly #lingerMillis: number;
  readonly #rotateMicros: number;
  readonly #batches: WaitingBatch[] = [];
  /** After a write that failed, batches are written one by one, to find the one that cannot be. */
  oneByOne = false;

  constructor(options: { readonly lingerMillis: number; readonly rotateSeconds: number }) {
    this.#lingerMillis = options.lingerMillis;
    this.#rotateMicros = options.rotateSeconds * 1_000_000;
  }

  get length(): number {
    return this.#batches.length;
  }

  push(batch: WaitingBatch): void {
    this.#batches.push(batch);
  }

  /** How long the batches may wait for others to share a segment with, ms. */
  patience(now: number): number {
    const [first] = this.#batches;
    const last = this.#batches.at(-1);
    // A batch that is not full was sent because its time had come; full ones wait for more, so that segments are large.
    if (first === undefined || last?.isFull !== true || this.#batches.length >= ENOUGH_BATCHES) return 0;
    return Math.max(0, first.since + this.#lingerMillis - now);
  }

  /** The batches of the next segment: the first of one time slot. They stay in the queue until they are removed. */
  next(): WaitingBatch[] {
    const [first] = this.#batches;
    if (first === undefined) return [];
    if (this.oneByOne) return [first];
    const slotOf = ({ prepared }: WaitingBatch) => Math.floor(prepared.times.minReceived / this.#rotateMicros);
    const slot = slotOf(first);
    const most = MAX_BATCHES * first.prepared.batch.capacity;
    let rows = 0;
    const other = this.#batches.findIndex((waiting, index) => {
      rows += waiting.prepared.rows;
      return index > 0 && (slotOf(waiting) !== slot || rows > most);
    });
    return this.#batches.slice(0, other < 0 ? undefined : other);
  }

  /** Takes the first `count` out. */
  remove(count: number): WaitingBatch[] {
    return this.#batches.splice(0, count);
  }
}
