import { SLOTS, type SlotKind, slotOf } from '../flow/slots.ts';

/** A column of a segment file. */
export interface FileColumn {
  readonly name: string;
  /**
   * DuckDB's type. A time column whose values in one file are all whole milliseconds is written there as TIMESTAMP_MS, which readers see as a
   * TIMESTAMP like any other: 1.3 octets a flow less for each.
   */
  readonly type:
    | 'UTINYINT'
    | 'USMALLINT'
    | 'UINTEGER'
    | 'UBIGINT'
    | 'BIGINT'
    | 'TIMESTAMP'
    | 'TIMESTAMP_MS'
    | 'VARCHAR';
  /** The slot whose array holds it. */
  readonly slot: number;
  readonly kind: SlotKind;
}

const TYPES = {
  u8: 'UTINYINT',
  u16: 'USMALLINT',
  u32: 'UINTEGER',
  u64: 'UBIGINT',
  time: 'TIMESTAMP',
  text: 'VARCHAR',
  extra: 'VARCHAR',
} as const satisfies Record<SlotKind, FileColumn['type']>;

const END = slotOf('time_end');

/**
 * Every column that a segment of flows may have, in the order of the file; the index is the slot's number. They are the slots, except that
 * `time_end` is kept as `duration`, µs from `time_start` (1.8 instead of 3.1 octets a flow). A segment has only those that one of its rows has.
 */
export const FILE_COLUMNS: readonly FileColumn[] = SLOTS.map(({ name, kind }, slot) =>
  slot === END ? { name: 'duration', type: 'BIGINT', slot, kind } : { name, type: TYPES[kind], slot, kind },
);
