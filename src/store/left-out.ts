import { COLUMNS } from '../flow/schema.ts';
import { FIRST_SLOT, slotOf } from '../flow/slots.ts';
import { FILE_COLUMNS } from './file-columns.ts';

/**
 * Columns that a segment of flows leaves out when they are 0 in every row, and what stands for the 0: readers take a missing value for 0 (of the
 * upper half of an address, where there is a lower half). Most segments have IPv4 and plain flows only; these columns were a fifth of the time it takes
 * to write them.
 */
export interface LeftOut {
  readonly name: string;
  readonly slot: number;
  /** The column whose value says that this one is 0 and not absent; undefined: it is never absent. */
  readonly witness: string | undefined;
}

export const LEFT_OUT_WHEN_ZERO: readonly LeftOut[] = [
  ...['record_kind', 'sampling_rate', 'sampling_source', 'time_source'].map((name) => ({
    name,
    slot: slotOf(name),
    witness: undefined,
  })),
  ...COLUMNS.flatMap(({ name, type }, column) =>
    type === 'address' ? [{ name: `${name}_hi`, slot: FIRST_SLOT[column] as number, witness: `${name}_lo` }] : [],
  ),
];

/** The column's value in SQL, over files of which some may have left it out; the witness must be among the columns read. */
export function zeroWhereLeftOut({ name, slot, witness }: LeftOut): string {
  const zero = `0::${FILE_COLUMNS[slot]?.type ?? 'UBIGINT'}`;
  const value = witness === undefined ? zero : `CASE WHEN "${witness}" IS NOT NULL THEN ${zero} END`;
  return `coalesce("${name}", ${value})`;
}
