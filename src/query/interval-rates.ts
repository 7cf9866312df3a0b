import { counterColumns, counterSql, countingOf } from './counters.ts';
import { sqlBothEnds } from './either-end.ts';
import { groupNames, type PlannedKey } from './planned-key.ts';
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
function sqlIntervals(spec: QuerySpec): string {
  const { from, to } = spec.span;
  const first = from === undefined ? 'epoch_us(min(first))' : `${from}::BIGINT`;
  const last = to === undefined ? 'epoch_us(max(last))' : `${to - 1n}::BIGINT`;
  return `(${numberOf(last, spec)} - ${numberOf(first, spec)} + 1)`;
}

/** The columns that `sqlWithIntervals` adds: what the interval at the 95th place has; NULL where it has nothing. */
const PLACED = { bytes: 'interval_bytes', packets: 'interval_packets' } as const;

/** The rate that 5 of 100 intervals exceed, per second. */
export function sqlPercentile(of: keyof typeof PLACED): string {
  return `coalesce(${PLACED[of]}, 0) / ${INTERVAL / 1_000_000n}.0`;
}

/**
 * The statements of a WITH that make of the groups `inner` the groups `g`, with what they have in the interval at the 95th place. Only intervals in which
 * a group has something are rows; the others are the last ones in order.
 */
export function sqlWithIntervals(
  inner: string,
  keys: readonly PlannedKey[],
  spec: QuerySpec,
  source: Source,
  probe: Probe,
): string {
  const counting = countingOf(spec, probe, 'doubles');
  const needs = [...counterColumns(counting), ...keys.flatMap((key) => key.needs)];
  const rows = sqlSpreadRows(spec, source, probe, needs, intervalsOf(spec));
  const ends = sqlBothEnds(
    rows,
    keys.flatMap((key) => key.differ ?? []),
  );
  const names = keys.flatMap(groupNames);
  const bucket = numberOf('epoch_us("time_start")', spec);
  const counters = (['bytes', 'packets'] as const).filter((name) =>
    spec.measures.some(({ perInterval }) => perInterval === name),
  );
  const sums = counters.map((name) => `sum(${counterSql(name, counting)}) AS ${name}`);
  const each = `SELECT ${[...keys.flatMap((key) => key.groups), `${bucket} AS bucket`, ...sums].join(', ')} FROM ${ends} WHERE "time_start" IS NOT NULL GROUP BY ALL`;
  const partition = names.length === 0 ? '' : `PARTITION BY ${names.join(', ')} `;
  const ranks = counters.map((name) => `row_number() OVER (${partition}ORDER BY ${name} DESC) AS ${name}_rank`);
  const place = '(SELECT intervals - (95 * intervals + 99) // 100 + 1 FROM asked)';
  const placed = counters.map((name) => `max(${name}) FILTER (WHERE ${name}_rank = ${place}) AS ${PLACED[name]}`);
  const same = names.map((name) => `a.${name} IS NOT DISTINCT FROM i.${name}`).join(' AND ') || 'TRUE';
  const where = counters.map((name) => `${name}_rank = ${place}`).join(' OR ');
  return `groups AS MATERIALIZED (${inner}), asked AS (SELECT ${sqlIntervals(spec)} AS intervals FROM groups LIMIT 1),
    ranked AS (SELECT *, ${ranks.join(', ')} FROM (${each})),
    placed AS (SELECT ${[...names, ...placed].join(', ')} FROM ranked WHERE ${where}${names.length === 0 ? '' : ' GROUP BY ALL'}),
    g AS MATERIALIZED (SELECT a.*, ${counters.map((name) => `i.${PLACED[name]}`).join(', ')} FROM groups a LEFT JOIN placed i ON ${same})`;
}
