import type { QueryDuck, Rows } from './duck.ts';
import type { Plan } from './plan.ts';
import { planAggregate } from './plan-aggregate.ts';
import { planStats } from './plan-stats.ts';
import type { Probe } from './probe.ts';
import type { Source } from './source.ts';
import type { QuerySpec, Stat } from './spec.ts';
import { knownTotals, mayBeRounded, readTotals, type Totals } from './totals.ts';

/** Rows of an answer from `first` on, and what is known of all of it. */
export interface Chunk {
  readonly plan: Plan;
  readonly rows: Rows;
  readonly first: number;
  readonly totals: Totals | undefined;
  /** Of several statistics the one whose rows they are. */
  readonly stat?: Stat;
}

/** Rows of a listing as they come. */
export async function* listingChunks(duck: QueryDuck, plan: Plan): AsyncGenerator<Chunk> {
  for await (const rows of duck.stream(plan.sql)) yield { plan, rows, first: 0, totals: undefined };
}

/**
 * Groups, of one statistic after the other where there are several, each after totals that show whether doubles sufficed; if not, all is asked again with
 * integers. `times`: the first and the last time are looked for.
 */
export async function* groupChunks(
  duck: QueryDuck,
  spec: QuerySpec,
  source: Source,
  found: Probe,
  times: boolean,
): AsyncGenerator<Chunk> {
  const known = knownTotals(found, source, spec.raw);
  if (known !== undefined) {
    const plan = planAggregate(spec, source, found, { times: false, arithmetic: 'doubles', totals: false });
    for await (const rows of duck.stream(plan.sql)) yield { plan, rows, first: 0, totals: known };
    return;
  }
  for (const arithmetic of ['doubles', 'integers'] as const) {
    const options = { times, arithmetic, totals: true };
    const plans =
      spec.stats.length > 0
        ? planStats(spec, source, found, options)
        : { table: undefined, parts: [{ plan: planAggregate(spec, source, found, options) }] };
    if (plans.table !== undefined) await duck.read(plans.table, () => {});
    let isExact = true;
    for (const part of plans.parts) {
      isExact = yield* partChunks(duck, source, part);
      if (!isExact) break;
    }
    if (isExact) return;
  }
}

/** Rows of one plan. Returns false, before any, when its totals may have been rounded. */
async function* partChunks(
  duck: QueryDuck,
  source: Source,
  part: { readonly plan: Plan; readonly stat?: Stat },
): AsyncGenerator<Chunk, boolean> {
  let totals: Totals | undefined;
  for await (const rows of duck.stream(part.plan.sql)) {
    const first = totals === undefined ? 1 : 0;
    totals ??= readTotals(rows, part.plan, source);
    if (mayBeRounded(totals, part.plan)) return false;
    yield { ...part, rows, first, totals };
  }
  return true;
}
