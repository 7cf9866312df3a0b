import type { Layout } from './layout.ts';
import { SharedValues } from './shared-values.ts';
import { allocateSlot, SLOT_WIDTH, SLOTS, type SlotArray } from './slots.ts';

/** Rows a batch holds: 30 of DuckDB's vectors of 2,048 rows, half a Parquet row group. */
export const BATCH_ROWS = 61_440;

/** Octets for fields that no column takes; a batch is full when either its rows or these are used up. */
const HEAP_BYTES = 4 << 20;
/** Distinct texts in one batch before it counts as full. */
const MAX_TEXTS = 65_536;
/** Layouts in one batch before it counts as full: a flood of templates must not make looking them up slow. */
const MAX_LAYOUTS = 2_048;

/** A batch as it travels between threads: plain data, and arrays whose memory both threads see. */
export interface BatchMessage {
  readonly rows: number;
  readonly capacity: number;
  readonly arrays: (SlotArray | undefined)[];
  readonly layouts: readonly Layout[];
  readonly runs: readonly number[];
  readonly texts: readonly string[];
  readonly heap: Uint8Array<ArrayBuffer> | undefined;
  readonly heapUsed: number;
}

/**
 * Records as columns. `arrays[slot]` holds `rows` values (two 32-bit words, low first, for 64-bit kinds) and is allocated when a layout first
 * needs it. Rows are written by decode plans straight into the arrays; `runs` says which layout each row has.
 */
export class FlowBatch {
  rows = 0;
  readonly capacity: number;
  readonly arrays: (SlotArray | undefined)[];
  /** Layouts in use; `runs` names them by index. */
  layouts: Layout[] = [];
  /** Pairs (first row, index into `layouts`), ascending by row. */
  runs: number[] = [];
  /** Dictionary of the text columns; code 0 is "no value". */
  texts: string[] = [''];
  /** Octets of fields that no column takes; an `extra` value is an offset into it plus 1, 0 is "no value". */
  heap: Uint8Array<ArrayBuffer> | undefined = undefined;
  heapUsed = 0;
  /** What the rows of a message share; in the columns once the batch is sealed. */
  readonly shared = new SharedValues();
  #sealed = 0;
  #codes = new Map<string, number>();
  #layout: Layout | undefined = undefined;
  readonly #isShared: boolean;

  /**
   * `recycled` arrays (of the same capacity) are used instead of new ones; what they hold does not matter. With `isShared` new ones are in memory
   * that another thread may be given, which the garbage collector does not weigh: keep and reuse such batches.
   */
  constructor(
    capacity: number = BATCH_ROWS,
    { recycled, isShared = false }: { recycled?: (SlotArray | undefined)[] | undefined; isShared?: boolean } = {},
  ) {
    this.capacity = capacity;
    this.#isShared = isShared;
    this.arrays =
      recycled?.length === SLOTS.length ? recycled : new Array<SlotArray | undefined>(SLOTS.length).fill(undefined);
  }

  /** True when `rows` more rows of any layout fit. */
  hasRoom(rows: number): boolean {
    return (
      this.rows + rows <= this.capacity &&
      this.heapUsed < HEAP_BYTES &&
      this.texts.length < MAX_TEXTS &&
      this.layouts.length < MAX_LAYOUTS
    );
  }

  /** The rows written from now on have this layout. Allocates the arrays it needs. */
  beginRun(layout: Layout): void {
    if (layout === this.#layout) return;
    this.#layout = layout;
    let index = this.layouts.indexOf(layout);
    if (index < 0) {
      index = this.layouts.push(layout) - 1;
      for (const slot of layout.slots) {
        const kind = SLOTS[slot]?.kind;
        if (kind !== undefined) this.arrays[slot] ??= allocateSlot(kind, this.capacity, this.#isShared);
      }
    }
    if (this.runs.length > 0 && this.runs[this.runs.length - 2] === this.rows) this.runs[this.runs.length - 1] = index;
    else this.runs.push(this.rows, index);
  }

  /** The code of a text in this batch's dictionary. */
  textCode(text: string): number {
    if (text === '') return 0;
    let code = this.#codes.get(text);
    if (code === undefined) {
      code = this.texts.push(text) - 1;
      this.#codes.set(text, code);
    }
    return code;
  }

  /** Room for `length` octets in the heap (a datagram's worth always fits once `hasRoom` said so). Returns the offset. */
  heapReserve(length: number): number {
    const offset = this.heapUsed;
    const needed = offset + length;
    if (this.heap === undefined || this.heap.length < needed) {
      const larger = new Uint8Array(Math.max(needed, (this.heap?.length ?? 32_768) * 2));
      if (this.heap !== undefined) larger.set(this.heap.subarray(0, offset));
      this.heap = larger;
    }
    this.heapUsed = needed;
    return offset;
  }

  /**
   * Completes the columns of the rows there are: what rows of a message share and what is fixed by their layout is written now. `forEachRun`,
   * `records` and `toMessage` do this; who reads `arrays` without them calls it.
   */
  seal(): void {
    const from = this.#sealed;
    if (from === this.rows) return;
    this.#sealed = this.rows;
    this.shared.fill(this.arrays, this.rows);
    const { runs, layouts, arrays } = this;
    for (let i = 0; i < runs.length; i += 2) {
      const first = Math.max(runs[i] as number, from);
      const end = i + 2 < runs.length ? (runs[i + 2] as number) : this.rows;
      if (end <= first) continue;
      for (const [slot, value] of layouts[runs[i + 1] as number]?.fixed ?? []) {
        const scale = SLOT_WIDTH[SLOTS[slot]?.kind ?? 'u8'] === 8 ? 2 : 1;
        arrays[slot]?.fill(value, first * scale, end * scale);
      }
    }
  }

  /** Empties the batch for reuse; keeps its arrays. */
  clear(): void {
    this.rows = 0;
    this.#sealed = 0;
    this.shared.clear();
    this.layouts = [];
    this.runs = [];
    this.texts = [''];
    this.heapUsed = 0;
    this.#codes.clear();
    this.#layout = undefined;
  }

  /** Octets that its arrays take in memory. */
  get byteLength(): number {
    let total = this.heap?.length ?? 0;
    for (const array of this.arrays) total += array?.byteLength ?? 0;
    return total;
  }

  /** As plain data, for another thread, together with `heap`, to be transferred. This batch must not be used while that thread has it. */
  toMessage(): BatchMessage {
    this.seal();
    const { rows, capacity, arrays, layouts, runs, texts, heap, heapUsed } = this;
    return { rows, capacity, arrays, layouts, runs, texts, heap, heapUsed };
  }

  /** The batch a message describes. */
  static fromMessage(message: BatchMessage): FlowBatch {
    const batch = new FlowBatch(message.capacity, { recycled: message.arrays });
    batch.rows = message.rows;
    batch.#sealed = message.rows;
    batch.layouts = [...message.layouts];
    batch.runs = [...message.runs];
    batch.texts = [...message.texts];
    batch.heap = message.heap;
    batch.heapUsed = message.heapUsed;
    return batch;
  }
}

/** Calls back for every run of the batch with its rows [first, end). */
export function forEachRun(batch: FlowBatch, visit: (layout: Layout, first: number, end: number) => void): void {
  batch.seal();
  const { runs, layouts, rows } = batch;
  for (let i = 0; i < runs.length; i += 2) {
    const first = runs[i] as number;
    const end = i + 2 < runs.length ? (runs[i + 2] as number) : rows;
    const layout = layouts[runs[i + 1] as number];
    if (layout !== undefined && end > first) visit(layout, first, end);
  }
}

/**
 * For each slot in use, whether every row has a value (`true`) or only those of some runs (the runs' rows as pairs first, end).
 * Slots that no run has are not in the map.
 */
export function slotPresence(batch: FlowBatch): Map<number, true | number[]> {
  const presence = new Map<number, number[]>();
  forEachRun(batch, (layout, first, end) => {
    for (const slot of layout.slots) {
      const ranges = presence.get(slot);
      if (ranges === undefined) presence.set(slot, [first, end]);
      else if (ranges[ranges.length - 1] === first) ranges[ranges.length - 1] = end;
      else ranges.push(first, end);
    }
  });
  const result = new Map<number, true | number[]>();
  for (const [slot, ranges] of [...presence].sort(([a], [b]) => a - b)) {
    result.set(slot, ranges.length === 2 && ranges[0] === 0 && ranges[1] === batch.rows ? true : ranges);
  }
  return result;
}
