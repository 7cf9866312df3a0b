import { sqlBothEnds } from './either-end.ts';
import type { Plan } from './plan.ts';
import { type AggregateOptions, planFigures, selectGroups } from './plan-aggregate.ts';
import { planKey } from './plan-key.ts';
import { groupNames } from './planned-key.ts';
import type { Probe } from './probe.ts';
import { kindConditions, sqlRows } from './rows.ts';
import type { Source } from './source.ts';
import type { QuerySpec, Stat } from './spec.ts';

/** Several statistics of the same flows. */
export interface StatsPlan {
  /** Makes a table of the groups of all statistics in one pass over the flows, and one for each statistic of either end. */
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
  const rows = sqlRows(spec, source, probe, kindConditions(spec, probe), needs);
  // Groups of either end have rows of their own, and so a pass of their own.
  const plain = sets.filter((set) => set.every(({ differ }) => differ === undefined));
  const names = [...new Set(plain.flat())].flatMap(groupNames);
  // Each of the names that is not grouped by has its bit set in GROUPING, the first name the highest.
  const bits = (grouped: readonly string[]): bigint =>
    names.reduce((mask, name) => mask * 2n + (grouped.includes(name) ? 0n : 1n), 0n);
  const values = [...new Set(plain.flat())].flatMap((key) => key.groups);
  const list = [...names, `${names.length === 0 ? '0' : `GROUPING(${names.join(', ')})`}::BIGINT AS grouping`];
  const grouping = [...plain.map((set) => `(${set.flatMap(groupNames).join(', ')})`), '()'].join(', ');
  const passes = [
    `SELECT ${[...list, ...figures.inner].join(', ')} FROM (SELECT ${['*', ...values].join(', ')} FROM ${rows}) GROUP BY GROUPING SETS (${grouping})`,
  ];
  const numbers = sets.map((set): bigint => {
    const differ = set.flatMap((key) => key.differ ?? []);
    if (differ.length === 0) return bits(set.flatMap(groupNames));
    const number = -BigInt(passes.length);
    const columns = [...set.flatMap((key) => key.groups), `${number}::BIGINT AS grouping`, ...figures.inner];
    passes.push(`SELECT ${columns.join(', ')} FROM ${sqlBothEnds(rows, differ)} GROUP BY ALL`);
    return number;
  });
  return {
    table: `CREATE OR REPLACE TEMP TABLE ${TABLE} AS ${passes.join(' UNION ALL BY NAME ')}`,
    parts: spec.stats.map((stat, index) => {
      const plan = selectGroups({ ...spec, by: stat.keys }, sets[index] ?? [], figures, options, {
        groups: `(SELECT * FROM ${TABLE} WHERE grouping = ${numbers[index]})`,
        whole: `(SELECT * FROM ${TABLE} WHERE grouping = ${bits([])})`,
      });
      return { stat, plan };
    }),
  };
}
