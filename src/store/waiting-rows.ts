import { SMALL_TABLE_NAMES, type SmallTable } from './small-tables.ts';

/** Rows of one small table that wait at most, and that one file takes. */
const MAX_WAITING = 100_000;
const MAX_IN_FILE = 20_000;

/** Rows of one table that go into one file. */
export interface NextRows {
  readonly table: SmallTable;
  readonly rows: readonly object[];
}

/** Rows of small tables that wait to be written; bounded, and what is given up is counted. */
export class WaitingRows {
  readonly #rows = new Map<SmallTable, object[]>();
  dropped = 0;

  get count(): number {
    let count = 0;
    for (const rows of this.#rows.values()) count += rows.length;
    return count;
  }

  /** Takes rows over; the oldest go when there are too many. */
  add(table: SmallTable, rows: readonly object[]): void {
    const waiting = this.#rows.get(table) ?? [];
    this.#rows.set(table, waiting);
    for (const row of rows) waiting.push(row);
    const excess = waiting.length - MAX_WAITING;
    if (excess > 0) this.drop(table, excess);
  }

  /** The rows that the next file takes, and their table; undefined when none wait. They stay until `done` or `drop`. */
  next(): NextRows | undefined {
    for (const table of SMALL_TABLE_NAMES) {
      const rows = this.#rows.get(table);
      if (rows !== undefined && rows.length > 0) return { table, rows: rows.slice(0, MAX_IN_FILE) };
    }
    return undefined;
  }

  /** The first `count` rows of a table are written. */
  done(table: SmallTable, count: number): void {
    this.#rows.get(table)?.splice(0, count);
  }

  /** The first `count` rows of a table are given up. */
  drop(table: SmallTable, count: number): void {
    this.#rows.get(table)?.splice(0, count);
    this.dropped += count;
  }

  /** Gives up all. */
  clear(): void {
    this.dropped += this.count;
    this.#rows.clear();
  }
}
