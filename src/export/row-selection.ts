import type { FlowBatch } from '../flow/batch.ts';

/** Rows that are sorted at once; group numbers have 16 bits, and one of them means "left out". */
export const MOST_ROWS = 32_768;
const NONE = 65_535;

/** Writes one field of rows `rows[from]` to `rows[to - 1]`, the first at offset `at` of the view, each next one `stride` octets further. */
export type FieldWriter = (
  view: DataView,
  at: number,
  stride: number,
  batch: FlowBatch,
  rows: Uint32Array,
  from: number,
  to: number,
) => void;

/** Rows that are written the same way, as places in `RowSelection.rows`. */
export interface RowGroup {
  readonly key: number;
  from: number;
  to: number;
}

/**
 * Sorts the rows of a stretch by a key, stably: rows with the same key (the same template, stream, rate) then lie together, and are written field by field.
 * Memory is kept from one use to the next.
 */
export class RowSelection {
  /** Row numbers, group after group. */
  rows = new Uint32Array(0);
  readonly groups: RowGroup[] = [];
  #groupOf = new Uint16Array(0);
  readonly #byKey = new Map<number, number>();

  /** Groups rows [first, end), at most `MOST_ROWS`, by `keyOf`; rows with a negative key are left out. */
  select(first: number, end: number, keyOf: (row: number) => number): void {
    const count = end - first;
    if (this.rows.length < count) {
      this.rows = new Uint32Array(count);
      this.#groupOf = new Uint16Array(count);
    }
    const { groups } = this;
    groups.length = 0;
    this.#byKey.clear();
    const groupOf = this.#groupOf;
    let last = Number.NaN;
    let index = 0;
    for (let i = 0; i < count; i++) {
      const key = keyOf(first + i);
      if (key !== last) {
        index = key < 0 ? NONE : this.#groupIndex(key);
        last = key;
      }
      groupOf[i] = index;
      if (index !== NONE) (groups[index] as RowGroup).to++;
    }
    this.#place(first, count);
  }

  #groupIndex(key: number): number {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const index = this.groups.push({ key, from: 0, to: 0 }) - 1;
    this.#byKey.set(key, index);
    return index;
  }

  /** `to` of each group holds its number of rows until now. */
  #place(first: number, count: number): void {
    const { groups, rows } = this;
    let at = 0;
    for (const group of groups) {
      const size = group.to;
      group.from = at;
      group.to = at;
      at += size;
    }
    const groupOf = this.#groupOf;
    for (let i = 0; i < count; i++) {
      const index = groupOf[i] as number;
      if (index !== NONE) rows[(groups[index] as RowGroup).to++] = first + i;
    }
  }
}
