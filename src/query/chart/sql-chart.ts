import { WeirError } from '../../util/errors.ts';
import { scaled } from '../output/humanize.ts';
import { printable } from '../output/table.ts';
import type { SqlAnswer } from '../sql-session.ts';
import { barLines } from './bars.ts';
import { SeriesTable } from './series-table.ts';
import { chartSize, chartStyle, MOST_SERIES } from './style.ts';
import { timeChartLines } from './time-chart.ts';

/** Rows that a chart takes. */
const MOST_ROWS = 200_000;

/**
 * An answer to SQL as a picture: its last number over its first time where it has one, bars otherwise; what the other columns say tells series, or bars, apart. A step of time is the least
 * that lies between two rows. Throws WEIR_SQL for an answer without a number, or with too many rows.
 */
export async function chartLinesOf(
  answer: SqlAnswer,
  options: {
    readonly width: number | undefined;
    readonly height?: number | undefined;
    readonly unicode?: boolean;
    readonly colour: boolean;
  },
): Promise<string[]> {
  const { columns } = answer;
  const value = columns.findLast(({ cell }) => cell.numeric);
  const time = columns.find(({ micros }) => micros !== undefined);
  if (value === undefined) {
    throw new WeirError('WEIR_SQL', 'a chart needs a number, and the answer has none', {
      hint: 'For example: select time_bucket(interval 5 minutes, time_start) t, sum(bytes) from flows group by 1',
    });
  }
  const keys = columns.filter((column) => column !== value && column !== time);
  const rows: { label: string; value: number; time: number }[] = [];
  for await (const { count } of answer.chunks()) {
    for (let row = 0; row < count; row++) {
      const label = keys.map(({ cell }) => printable(cell.text(row) ?? '-')).join(' ');
      rows.push({ label, value: value.cell.number(row), time: time?.micros?.(row) ?? Number.NaN });
    }
    if (rows.length > MOST_ROWS) {
      throw new WeirError('WEIR_SQL', `the answer has more than ${MOST_ROWS} rows, and a chart takes no more`, {
        hint: 'Group by longer steps of time, or add a limit.',
      });
    }
  }
  const style = chartStyle({ ...chartSize(options), unicode: options.unicode === true, colour: options.colour });
  if (time === undefined) {
    const bars = rows.map((row) => ({ ...row, text: Number.isFinite(row.value) ? scaled(row.value) : '-' }));
    return bars.length === 0 ? [] : [printable(value.name), ...barLines(bars, style)];
  }
  const step = leastStep(rows.map((row) => row.time));
  const series = new SeriesTable(step);
  for (const row of rows) series.add(row.label, row.time, row.value);
  const { from, steps } = series;
  if (steps === 0) return [];
  const largest = series.largest(MOST_SERIES, 1);
  return timeChartLines({ series: largest, from, step, steps, unit: printable(value.name), zone: 'utc' }, style);
}

/** The least that lies between two different times; a minute for a single one. */
function leastStep(times: readonly number[]): number {
  const sorted = times.filter(Number.isFinite).sort((a, b) => a - b);
  let least = Number.POSITIVE_INFINITY;
  for (let i = 1; i < sorted.length; i++) {
    const gap = (sorted[i] as number) - (sorted[i - 1] as number);
    if (gap > 0) least = Math.min(least, gap);
  }
  return Number.isFinite(least) ? least : 60_000_000;
}
