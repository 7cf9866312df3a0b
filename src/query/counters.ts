import type { CellKind } from './cells.ts';
import { SQL_TIME_END } from './sql-text.ts';

/** What every aggregate counts. */
export const COUNTERS = ['flows', 'packets', 'bytes'] as const;
export type Counter = (typeof COUNTERS)[number];

/**
 * How sums are computed: doubles are exact below 2^53 and three times as fast as 128-bit integers. The row of totals comes first and is at least as
 * large as any other, so a reader sees there whether doubles suffice, and asks again with integers where not.
 */
export type Arithmetic = 'doubles' | 'integers';

/** Columns that are counters, of a flow and of the other direction. */
export type Counted = 'bytes' | 'packets' | 'reverse_bytes' | 'reverse_packets';

/** How counters are read. */
export interface Counting {
  /** They are multiplied by the sampling rate. */
  readonly scaled: boolean;
  readonly arithmetic: Arithmetic;
}

/** How the counters of a question are read; `maxRate` is the greatest sampling rate among the rows. */
export function countingOf(
  { raw, bidirectional }: { readonly raw: boolean; readonly bidirectional: boolean },
  { maxRate }: { readonly maxRate: number },
  arithmetic: Arithmetic,
): Counting {
  // Those of conversations have been multiplied already.
  return { scaled: !raw && !bidirectional && maxRate > 1, arithmetic };
}

/** A counter of a flow as a number to add up. */
export function counterSql(counter: Counted, { scaled, arithmetic }: Counting): string {
  const value = arithmetic === 'doubles' ? `"${counter}"::DOUBLE` : `"${counter}"::HUGEINT`;
  return `${value}${scaled ? ' * greatest(coalesce("sampling_rate", 1), 1)' : ''}`;
}

/** A counter of all flows of a group. */
export function sumSql(counter: Counted, counting: Counting): string {
  return `coalesce(sum(${counterSql(counter, counting)}), 0)`;
}

/** Columns of the files that counters are read from. */
export function counterColumns({ scaled }: Counting): string[] {
  return ['bytes', 'packets', ...(scaled ? ['sampling_rate'] : [])];
}

/** How sums of counters are kept in a result. */
export function counterKind(arithmetic: Arithmetic): CellKind {
  return arithmetic === 'doubles' ? 'double' : 'hugeint';
}

/** Totals from here on may have been rounded; half of 2^53, since the totals may have been, too. */
export const INEXACT = 2 ** 52;

/** First start and last end of the flows of a group, and the columns of the files that tell them. */
export const SQL_FIRST = 'min("time_start")';
export const SQL_LAST = `max(greatest("time_start", ${SQL_TIME_END}))`;
export const TIME_COLUMNS = ['time_start', 'duration'] as const;
