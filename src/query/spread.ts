import { bucketBegin, bucketNumber } from './bucket.ts';
import { sqlName } from './sql-text.ts';
import type { TimeSpan } from './time.ts';
import type { ZoneOffset } from './zone-offsets.ts';

/*
 * A flow that lasts longer than a bucket of time has its packets and bytes in all of those it spans, in proportion to the time it is in each: a row for each.
 * What a row has is the difference of what would have been counted until its end and until its begin, both rounded down, so that the rows of a flow
 * have exactly its counters. The flow itself is counted in the first of its rows.
 */

/** The buckets that flows are spread over. */
export interface Spread {
  readonly micros: bigint;
  readonly offsets: readonly ZoneOffset[];
  /** What lies outside of it is not counted. */
  readonly span: TimeSpan;
}

/** More parts take longer than anybody waits; flows that lie in one bucket are not cut, and so not counted. */
export const MOST_PARTS = 50_000_000;

/** Columns of the files that spreading needs. */
export const SPREAD_COLUMNS: readonly string[] = ['time_start', 'duration', 'packets', 'bytes'];

/** Adds to `rows` where a flow begins and ends within the span, µs, and the numbers of its first and last bucket; NULL without times. */
function sqlBounds(rows: string, { micros, offsets, span: { from, to } }: Spread): string {
  const end = 'start_us + greatest(coalesce("duration", 0), 0)';
  const first = from === undefined ? 'start_us' : `greatest(start_us, ${from})`;
  const last = to === undefined ? 'end_us' : `least(end_us, ${to})`;
  const timed = `SELECT *, epoch_us("time_start") AS start_us, ${end} AS end_us FROM ${rows}`;
  const within = `SELECT *, CASE WHEN start_us IS NOT NULL THEN ${first} END AS first_us, CASE WHEN start_us IS NOT NULL THEN ${last} END AS last_us FROM (${timed})`;
  // What ends at the begin of a bucket has nothing in it.
  return `SELECT *, ${bucketNumber('first_us', micros, offsets)} AS first_bucket,
    ${bucketNumber('greatest(first_us, last_us - 1)', micros, offsets)} AS last_bucket FROM (${within})`;
}

/** The statement for one row: how many parts `sqlParts` would cut flows into, and how many at most one flow. */
export function sqlCountParts(rows: string, spread: Spread): string {
  const parts = '(last_bucket - first_bucket + 1)';
  return `SELECT coalesce(sum(${parts}), 0)::DOUBLE, coalesce(max(${parts}), 0)::DOUBLE FROM (${sqlBounds(rows, spread)}) WHERE last_bucket > first_bucket`;
}

/** Whether a flow, with its bounds, lies in one bucket and within the span: it is its own only part. Most are, and cutting takes ten times as long. */
const IS_WHOLE = '(start_us IS NULL OR (first_bucket = last_bucket AND first_us = start_us AND last_us = end_us))';

/** Whether the products below fit into 64 bits, whose division takes a quarter of the time. */
const isSmall = (name: string) => `"${name}" < ${1n << 30n} AND end_us - start_us < ${1n << 33n}`;

/** What to put behind FROM for the parts of `rows`, which have the columns `needed`; each begins and ends within one bucket. */
export function sqlParts(rows: string, needed: Iterable<string>, spread: Spread): string {
  const { micros, offsets } = spread;
  const kept = [...new Set(needed)].filter((name) => !SPREAD_COLUMNS.includes(name)).map(sqlName);
  const bounds = sqlBounds(rows, spread);
  const whole = [...kept, '"time_start"', 'end_us - start_us AS "duration"', '"packets"', '"bytes"', '1 AS flows'];
  const buckets = 'range(first_bucket, last_bucket + 1)';
  const numbered = `SELECT *, unnest(${buckets}) AS bucket FROM (${bounds}) WHERE NOT ${IS_WHOLE}`;
  const begin = `greatest(first_us, ${bucketBegin('bucket', micros, offsets)})`;
  const end = `least(last_us, ${bucketBegin('(bucket + 1)', micros, offsets)})`;
  const cut = `SELECT *, ${begin} AS begin_us, greatest(${begin}, ${end}) AS until_us FROM (${numbered})`;
  const until = (value: string, time: string) => `${value} * (${time} - start_us) // (end_us - start_us)`;
  const between = (value: string) => `${until(value, 'until_us')} - ${until(value, 'begin_us')}`;
  const part = (name: string) => `(CASE WHEN end_us = start_us THEN "${name}"
    WHEN ${isSmall(name)} THEN ${between(`"${name}"::BIGINT`)} ELSE ${between(`"${name}"::HUGEINT`)} END)::UBIGINT AS "${name}"`;
  const parts = [
    ...kept,
    'make_timestamp(begin_us) AS "time_start"',
    '(until_us - begin_us) AS "duration"',
    part('packets'),
    part('bytes'),
    'CASE WHEN bucket = first_bucket THEN 1 ELSE 0 END AS flows',
  ];
  return `(SELECT ${whole.join(', ')} FROM (${bounds}) WHERE ${IS_WHOLE} UNION ALL SELECT ${parts.join(', ')} FROM (${cut}))`;
}
