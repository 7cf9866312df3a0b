import { counterColumns, counterSql, countingOf } from './counters.ts';
import type { PlannedKey } from './plan-key.ts';
import type { Probe } from './probe.ts';
import { sqlSpreadRows } from './rows.ts';
import type { Source } from './source.ts';
import type { QuerySpec } from './spec.ts';
import type { Spread } from './spread.ts';

/*
 * Rates as they are billed: the 95th percentile of the averages of 5 minutes. Flows are spread over the intervals they span. The intervals begin with --from, or else
 * at full 5 minutes, and there are as many as the time asked for has (or the time of all that matches, where an end is open): those in which a group has nothing
 * are averages of 0. Of the averages in order it is the one at place ceil(0.95 × intervals), which 5 of 100 exceed.
 */

/** Length of an interval, µs. */
export const INTERVAL = 300_000_000n;

/** Where intervals begin, as an offset of the clock. */
function offsetOf({ span: { from } }: QuerySpec): bigint {
  return from === undefined ? 0n : INTERVAL - (from % INTERVAL);
}

/** The intervals of a question. */
function intervalsOf(spec: QuerySpec): Spread {
  return { micros: INTERVAL, offsets: [{ until: undefined, offset: offsetOf(spec) }], span: spec.span };
}

const numberOf = (time: string, spec: QuerySpec) => `(${time} + ${offsetOf(spec)}) // ${INTERVAL}`;

/** How many intervals there are, over the `first` and the `last` time of groups. */
export function sqlIntervals(spec: QuerySpec): string {
  const { from, to } = spec.span;
  const first = from === undefined ? 'epoch_us(min(first))' : `${from}::BIGINT`;
  const last = to === undefined ? 'epoch_us(max(last))' : `${to - 1n}::BIGINT`;
  return `(${numberOf(last, spec)} - ${numberOf(first, spec)} + 1)`;
}

/** The rate that 5 of 100 intervals exceed, per second; `sums` is a list of what they have, the largest first, without those that have nothing. */
export function sqlPercentile(sums: string): string {
  return `coalesce(${sums}[intervals - (95 * intervals + 99) // 100 + 1], 0) / ${INTERVAL / 1_000_000n}.0`;
}

/** The name of the lists that `sqlWithIntervals` adds. */
export const INTERVAL_SUMS = { bytes: 'interval_bytes', packets: 'interval_packets' } as const;

/** The groups `groups` with lists of what they have in each interval. */
export function sqlWithIntervals(
  groups: string,
  keys: readonly PlannedKey[],
  spec: QuerySpec,
  source: Source,
  probe: Probe,
): string {
  const counting = countingOf(spec, probe, 'doubles');
  const needs = [...counterColumns(counting), ...keys.flatMap((key) => key.needs)];
  const rows = sqlSpreadRows(spec, source, probe, needs, intervalsOf(spec));
  const names = keys.flatMap((key) => key.names.slice(key.names.length - key.groups.length));
  const bucket = numberOf('epoch_us("time_start")', spec);
  const sums = (['bytes', 'packets'] as const).map((name) => `sum(${counterSql(name, counting)}) AS ${name}`);
  const each = `SELECT ${[...keys.flatMap((key) => key.groups), `${bucket} AS bucket`, ...sums].join(', ')} FROM ${rows} WHERE "time_start" IS NOT NULL GROUP BY ALL`;
  const lists = (['bytes', 'packets'] as const).map(
    (name) => `list(${name} ORDER BY ${name} DESC) AS ${INTERVAL_SUMS[name]}`,
  );
  const all = `SELECT ${[...names, ...lists].join(', ')} FROM (${each})${names.length === 0 ? '' : ' GROUP BY ALL'}`;
  const same = names.map((name) => `a.${name} IS NOT DISTINCT FROM i.${name}`).join(' AND ') || 'TRUE';
  return `SELECT a.*, i.interval_bytes, i.interval_packets FROM (${groups}) a LEFT JOIN (${all}) i ON ${same}`;
}
