import type { FlowBatch } from '../flow/batch.ts';
import { columnIndex } from '../flow/schema.ts';
import { FIRST_SLOT, type SlotArray } from '../flow/slots.ts';

/** Which rows of a batch have a value in a column. */
export interface Presence {
  readonly rows: 'all' | 'none' | 'some';
  /** For each of the batch's layouts, 1 where its rows have a value. */
  readonly byLayout: Uint8Array;
}

const NO_ARRAY = new Uint32Array(0);

/** The batch that a predicate runs on, seen by its leaves. Memory that only one leaf at a time needs is shared by all. */
export class BatchView {
  #batch: FlowBatch | undefined;
  readonly #presence = new Map<number, Presence>();
  #rows = new Uint32Array(0);
  readonly #levels: Uint32Array[] = [];
  #table = new Uint8Array(0);

  /** Looks at a batch, which must not change until the next one. */
  bind(batch: FlowBatch): void {
    batch.seal();
    this.#batch = batch;
    this.#presence.clear();
  }

  get batch(): FlowBatch {
    if (this.#batch === undefined) throw new Error('bind a batch first');
    return this.#batch;
  }

  /** The array of a column, of an address the upper half. Rows without a value hold anything. */
  array(column: string): SlotArray {
    return this.batch.arrays[FIRST_SLOT[columnIndex(column)] as number] ?? NO_ARRAY;
  }

  /** The lower half of an address. */
  lowerArray(column: string): SlotArray {
    return this.batch.arrays[(FIRST_SLOT[columnIndex(column)] as number) + 1] ?? NO_ARRAY;
  }

  presence(name: string): Presence {
    const column = columnIndex(name);
    let presence = this.#presence.get(column);
    if (presence === undefined) {
      const { layouts } = this.batch;
      const byLayout = Uint8Array.from(layouts, ({ columns }) => (columns.includes(column) ? 1 : 0));
      const count = byLayout.reduce((sum, one) => sum + one, 0);
      presence = { rows: count === 0 ? 'none' : count === layouts.length ? 'all' : 'some', byLayout };
      this.#presence.set(column, presence);
    }
    return presence;
  }

  /** Room for the numbers of `count` rows, for a leaf while it runs. */
  scratchRows(count: number): Uint32Array {
    if (this.#rows.length < count) this.#rows = new Uint32Array(count);
    return this.#rows;
  }

  /** The same for the parts of a filter that are inside `level` others of their kind. */
  levelRows(level: number, count: number): Uint32Array {
    let rows = this.#levels[level];
    if (rows === undefined || rows.length < count) this.#levels[level] = rows = new Uint32Array(count);
    return rows;
  }

  /** A table of `length` zeros, for a leaf while it runs. */
  scratchTable(length: number): Uint8Array {
    if (this.#table.length < length) this.#table = new Uint8Array(length);
    else this.#table.fill(0, 0, length);
    return this.#table;
  }
}

/** Finds the layout of rows that are asked for in ascending order. */
export class RunCursor {
  #runs: readonly number[] = [];
  #at = 0;
  #end = 0;
  #layout = 0;

  /** Back to the first row. */
  rewind({ runs }: FlowBatch): void {
    this.#runs = runs;
    this.#at = 0;
    this.#end = 0;
  }

  /** Index of the row's layout in the batch's `layouts`. */
  layoutAt(row: number): number {
    while (row >= this.#end) {
      this.#layout = this.#runs[this.#at + 1] as number;
      this.#at += 2;
      this.#end = this.#runs[this.#at] ?? Number.POSITIVE_INFINITY;
    }
    return this.#layout;
  }
}
