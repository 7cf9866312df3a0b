import { COLUMNS, columnIndex } from './schema.ts';
import { FIRST_SLOT } from './slots.ts';

/** A field of a record that no column takes. Its octets go to the batch's heap as they came, with their length before variable ones. */
export interface ExtraField {
  /** Name of the element as IANA spells it, or `enterprise/number` when it is in no registry. */
  readonly name: string;
  /** Abstract data type of RFC 7012 section 3.1, or JSON_TYPE for structured data. */
  readonly type: string;
  /** Octets, or 65535 for a variable length. */
  readonly length: number;
}

/**
 * Which columns the records of one template fill, and what else they carry. Records that follow each other with the same layout form a run
 * of a batch; a column outside a run's layout has no value in its rows, whatever its array holds there.
 */
export interface Layout {
  /** Schema columns, ascending. */
  readonly columns: readonly number[];
  /** The slots of those columns, ascending. */
  readonly slots: readonly number[];
  readonly extra: readonly ExtraField[];
  /** Slots that have the same value in all rows of the layout, as pairs (slot, value): not written with each record, but by the run. */
  readonly fixed: readonly (readonly [slot: number, value: number])[];
}

const SENDER = columnIndex('sender');

/** The same with the column `sender`. */
export function withSender({ columns, extra, fixed }: Layout): Layout {
  return createLayout([...columns, SENDER], extra, fixed);
}

/** A layout of these schema columns (any order, repeats allowed). */
export function createLayout(
  columns: Iterable<number>,
  extra: readonly ExtraField[] = [],
  fixed: Layout['fixed'] = [],
): Layout {
  const sorted = [...new Set(columns)].sort((a, b) => a - b);
  const slots = sorted.flatMap((column) => {
    const first = FIRST_SLOT[column] as number;
    return COLUMNS[column]?.type === 'address' ? [first, first + 1] : [first];
  });
  return { columns: sorted, slots, extra, fixed };
}
