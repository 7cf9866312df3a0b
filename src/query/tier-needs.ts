import { filterFileColumns } from '../filter/sql.ts';
import { cubeColumns, TIER_CUBES } from '../store/rollup-cubes.ts';
import { columnExpression } from './column-sql.ts';
import { endsOf } from './key.ts';
import { asksForNames, groupKeys, type QuerySpec } from './spec.ts';

/** What a question wants to know of flows, as far as roll-ups can tell it. */
export interface TierNeeds {
  /** Columns that it filters and groups by; `service_port` is one. */
  readonly columns: ReadonlySet<string>;
  /** Length of its time buckets, µs. */
  readonly buckets: readonly bigint[];
}

const SERVICE_PORT = 'service_port';

/** Reads a question; or says why only flows can answer it. */
export function tierNeeds(spec: QuerySpec): TierNeeds | { readonly why: string } {
  if (!spec.sums) return { why: 'flows are asked for, not sums' };
  if (spec.bidirectional) return { why: 'roll-ups do not keep both ends of a conversation' };
  if (spec.spread !== undefined) return { why: 'roll-ups do not keep how long flows lasted' };
  if (asksForNames(spec)) return { why: 'names go by the time of each flow' };
  const columns = new Set(filterFileColumns(spec.filter));
  const buckets: bigint[] = [];
  for (const key of groupKeys(spec).flatMap(endsOf)) {
    if (key.kind === 'class') return { why: 'roll-ups do not keep single flows' };
    if (key.kind === 'bucket') {
      if (key.of !== 'time_start') return { why: `roll-ups go by time_start, not by ${key.of}` };
      buckets.push(key.micros);
    } else if (key.kind === 'derived') {
      const names = key.derived.column.name === SERVICE_PORT ? [SERVICE_PORT] : key.derived.needs;
      for (const name of names) columns.add(name);
    } else for (const name of columnExpression(key.column)[1]) columns.add(name);
  }
  const measure = spec.measures.find(({ ofSums }) => ofSums !== true);
  if (measure !== undefined) return { why: `${measure.name} is no sum` };
  const kept = new Set(Object.values(TIER_CUBES).flatMap((cubes) => cubes.flatMap(cubeColumns)));
  const missing = [...columns].filter((name) => !kept.has(name)).map((name) => name.replace(/_(?:hi|lo)$/, ''));
  if (missing.length > 0) return { why: `roll-ups do not keep ${[...new Set(missing)].join(', ')}` };
  return { columns, buckets };
}
