import type { Plan } from './plan.ts';
import { type AggregateOptions, planFigures, selectGroups } from './plan-aggregate.ts';
import { planKey } from './plan-key.ts';
import type { Probe } from './probe.ts';
import { kindConditions, sqlRows } from './rows.ts';
import type { Source } from './source.ts';
import type { QuerySpec, Stat } from './spec.ts';

/** Several statistics of the same flows. */
export interface StatsPlan {
  /** Makes a table of the groups of all statistics in one pass over the flows. */
  readonly table: string;
  /** One for each statistic, over that table. */
  readonly parts: readonly { readonly stat: Stat; readonly plan: Plan }[];
}

const TABLE = 'weir_stats';

/** The statements for `spec.stats`. */
export function planStats(spec: QuerySpec, source: Source, probe: Probe, options: AggregateOptions): StatsPlan {
  const all = new Map(spec.stats.flatMap(({ keys }) => keys).map((key) => [key.name, key]));
  const planned = new Map(
    [...all.values()].map((key, index) => [key.name, planKey(key, `k${index}`, { probe, source, spec })]),
  );
  const keys = [...planned.values()];
  const sets = spec.stats.map((stat) => stat.keys.flatMap(({ name }) => planned.get(name) ?? []));
  const figures = planFigures(spec, source, probe, options);
  const needs = [...figures.needs, ...keys.flatMap((key) => key.needs)];
  const rows = `SELECT *, ${keys.flatMap((key) => key.groups).join(', ')} FROM ${sqlRows(spec, source, probe, kindConditions(spec, probe), needs)}`;
  const names = keys.flatMap(groupNames);
  // Each of the names that is not grouped by has its bit set in GROUPING, the first name the highest.
  const bits = (grouped: readonly string[]): bigint =>
    names.reduce((mask, name) => mask * 2n + (grouped.includes(name) ? 0n : 1n), 0n);
  const grouping = sets.map((set) => `(${set.flatMap(groupNames).join(', ')})`);
  const list = [...names, `GROUPING(${names.join(', ')}) AS grouping`, ...figures.inner];
  return {
    table: `CREATE OR REPLACE TEMP TABLE ${TABLE} AS SELECT ${list.join(', ')} FROM (${rows}) GROUP BY GROUPING SETS (${grouping.join(', ')}, ())`,
    parts: spec.stats.map((stat, index) => {
      const set = sets[index] ?? [];
      const plan = selectGroups({ ...spec, by: stat.keys }, set, figures, options, {
        groups: `(SELECT * FROM ${TABLE} WHERE grouping = ${bits(set.flatMap(groupNames))})`,
        whole: `(SELECT * FROM ${TABLE} WHERE grouping = ${bits([])})`,
      });
      return { stat, plan };
    }),
  };
}

/** The names that a key's `groups` have. */
function groupNames({ groups, names }: { readonly groups: readonly string[]; readonly names: readonly string[] }) {
  return names.slice(names.length - groups.length);
}
