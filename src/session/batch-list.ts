import { FlowBatch } from '../flow/batch.ts';
import type { BatchSink } from './data-decoder.ts';

/** The rows of one datagram: one batch as a rule, more when a template sets many held records free. The first batch is used again and again. */
export class BatchList implements BatchSink {
  batches: FlowBatch[] = [];
  readonly #rows: number;

  /** `rows` is how many one batch holds. */
  constructor(rows: number) {
    this.#rows = rows;
  }

  batch(): FlowBatch {
    let last = this.batches.at(-1);
    if (last === undefined || !last.hasRoom(1)) {
      last = new FlowBatch(this.#rows);
      this.batches.push(last);
    }
    return last;
  }

  clear(): void {
    const [first] = this.batches;
    first?.clear();
    this.batches = first === undefined ? [] : [first];
  }
}
