import { WeirError } from '../util/errors.ts';
import { type CellKind, createCell } from './cells.ts';
import type { QueryDuck, Rows } from './duck.ts';
import { INTERVAL } from './interval-rates.ts';
import type { MatchedKinds } from './output/summary.ts';
import { planKinds, planTotals } from './plan.ts';
import type { Probe } from './probe.ts';
import { AGGREGATE, planParts } from './rows.ts';
import type { Source } from './source.ts';
import { hasIntervals, namesRecordKind, type QuerySpec } from './spec.ts';
import { MOST_PARTS } from './spread.ts';
import { mayBeRounded, NO_TOTALS, readTotals, type Totals } from './totals.ts';

/*
 * What is asked of the flows before, or beside, the answer itself: each is a statement with one row.
 */

export const NO_KINDS: MatchedKinds = { traffic: 0, aggregates: 0, summed: false };

/** Which kinds of records match. Only files with aggregates in them are asked. */
export async function matchedKinds(
  duck: QueryDuck,
  spec: QuerySpec,
  source: Source,
  found: Probe,
): Promise<MatchedKinds> {
  if (found.maxKind < AGGREGATE) return NO_KINDS;
  let [traffic, aggregates] = [0, 0];
  await duck.read(planKinds(spec, source), (rows) => {
    [traffic, aggregates] = pairOf(rows, 'i64');
  });
  return { traffic, aggregates, summed: !spec.sums || namesRecordKind(spec.filter) };
}

/** What all flows of a listing come to. */
export async function totalsOf(duck: QueryDuck, spec: QuerySpec, source: Source, found: Probe): Promise<Totals> {
  let totals = NO_TOTALS;
  for (const arithmetic of ['doubles', 'integers'] as const) {
    const plan = planTotals(spec, source, found, arithmetic);
    await duck.read(plan.sql, (rows) => {
      totals = readTotals(rows, plan, source);
    });
    if (!mayBeRounded(totals, plan)) break;
  }
  return totals;
}

/** Flows are not spread over more rows than can be summed up. Throws WEIR_USAGE. */
export async function checkParts(duck: QueryDuck, spec: QuerySpec, source: Source, found: Probe): Promise<void> {
  const micros = spec.spread ?? (hasIntervals(spec) ? INTERVAL : undefined);
  if (micros === undefined) return;
  let [parts, longest] = [0, 0];
  await duck.read(planParts(spec, source, found, micros), (rows) => {
    [parts, longest] = pairOf(rows, 'double');
  });
  if (parts <= MOST_PARTS) return;
  throw new WeirError(
    'WEIR_USAGE',
    `${parts} parts would have to be made of these flows, ${longest} of the longest one`,
    {
      hint: `At most ${MOST_PARTS}: take longer steps (time/1h), a shorter time, or a filter.`,
      details: { parts, longest },
    },
  );
}

/** The first two numbers of the first row. */
function pairOf(rows: Rows, kind: CellKind): [number, number] {
  const numbers = [0, 1].map((at) => {
    const cell = createCell(kind, at);
    cell.bind(rows);
    return cell.number(0);
  });
  return numbers as [number, number];
}
