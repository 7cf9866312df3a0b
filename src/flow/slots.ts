import { COLUMNS, columnIndex } from './schema.ts';

/** What one array of a batch, and one column of a file, holds. */
export type SlotKind = 'u8' | 'u16' | 'u32' | 'u64' | 'time' | 'text' | 'extra';

/**
 * A slot is one array of a batch and one column of a Parquet file. Every schema column has one, an address has two: NAME_hi (the upper 64
 * bits) and NAME_lo. In a file `time_end` is kept as `duration` (see store/segment-columns.ts); in a batch it is a time.
 */
export interface Slot {
  readonly name: string;
  /** Number of the schema column it belongs to. */
  readonly column: number;
  readonly kind: SlotKind;
}

/** Every slot, in schema order; the index in this list is the slot's number. */
export const SLOTS: readonly Slot[] = COLUMNS.flatMap((definition, column): Slot[] => {
  const { name, type } = definition;
  if (type === 'address') {
    return [
      { name: `${name}_hi`, column, kind: 'u64' },
      { name: `${name}_lo`, column, kind: 'u64' },
    ];
  }
  return [{ name, column, kind: type === 'mac' ? 'u64' : type }];
});

/** Number of the first slot of each schema column. */
export const FIRST_SLOT: readonly number[] = COLUMNS.map((_, column) =>
  SLOTS.findIndex((slot) => slot.column === column),
);

/** The slot number of a column that has one slot, or of the upper half of an address (the lower half is the next one). */
export function slotOf(name: string): number {
  return FIRST_SLOT[columnIndex(name)] as number;
}

/** Octets that one row takes in the slot's array. Text and extra are 32-bit codes. */
export const SLOT_WIDTH: Readonly<Record<SlotKind, 1 | 2 | 4 | 8>> = {
  u8: 1,
  u16: 2,
  u32: 4,
  u64: 8,
  time: 8,
  text: 4,
  extra: 4,
};

export type SlotArray = Uint8Array | Uint16Array | Uint32Array;

/** A fresh array for `rows` rows of `kind`; 64-bit kinds get two words a row. `isShared`: other threads see the same memory. */
export function allocateSlot(kind: SlotKind, rows: number, isShared = false): SlotArray {
  const width = SLOT_WIDTH[kind];
  const memory = isShared ? new SharedArrayBuffer(rows * width) : new ArrayBuffer(rows * width);
  if (width === 1) return new Uint8Array(memory);
  return width === 2 ? new Uint16Array(memory) : new Uint32Array(memory);
}
