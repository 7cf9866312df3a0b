import type { CellKind } from './cells.ts';
import type { Key } from './key.ts';

/** A key as SQL. */
export interface PlannedKey {
  readonly key: Key;
  readonly cell: CellKind;
  /** Its value: one expression, or the upper and lower half of an address; the lower one alone where the upper one is 0 everywhere. */
  readonly values: readonly string[];
  /** What is grouped by, with its alias. */
  readonly groups: readonly string[];
  /** What the groups give out, with names. */
  readonly outputs: readonly string[];
  /** The names of the outputs: two for an address. */
  readonly names: readonly string[];
  /** Columns of the files, or of names. */
  readonly needs: readonly string[];
  /** Of a key for either end: condition that both ends have other values; its rows are then those of `sqlBothEnds`. */
  readonly differ?: string;
}

/** The names that a key's `groups` have. */
export function groupNames({ groups, names }: PlannedKey): readonly string[] {
  return names.slice(names.length - groups.length);
}
