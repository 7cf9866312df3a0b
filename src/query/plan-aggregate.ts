import type { CellKind } from './cells.ts';
import {
  type Arithmetic,
  type Counting,
  counterColumns,
  counterKind,
  countingOf,
  SQL_FIRST,
  SQL_LAST,
  sumSql,
  TIME_COLUMNS,
} from './counters.ts';
import { sqlBothEnds } from './either-end.ts';
import { sqlWithIntervals } from './interval-rates.ts';
import { endsOf, type Key } from './key.ts';
import { REVERSE } from './measures.ts';
import { type AnswerColumn, type Plan, stepOf } from './plan.ts';
import { planKey } from './plan-key.ts';
import type { PlannedKey } from './planned-key.ts';
import type { Probe } from './probe.ts';
import { kindConditions, sqlFlowCount, sqlRows } from './rows.ts';
import type { Source } from './source.ts';
import { hasIntervals, type QuerySpec } from './spec.ts';
import { sqlName } from './sql-text.ts';

export interface AggregateOptions {
  /** The row of totals has the first and the last time; with further measures it always does. */
  readonly times: boolean;
  readonly arithmetic: Arithmetic;
  /** With a first row of totals. Most measures need it. */
  readonly totals: boolean;
}

/** The statement for flows, packets, bytes and further measures by key, or of all flows together when there are no keys. */
export function planAggregate(spec: QuerySpec, source: Source, probe: Probe, options: AggregateOptions): Plan {
  const keys = spec.by.map((key, index) => planKey(key, `k${index}`, { probe, source, spec }));
  const figures = planFigures(spec, source, probe, options);
  const groups = keys.flatMap((key) => key.groups);
  const rows = sqlRows(spec, source, probe, kindConditions(spec, probe), [
    ...figures.needs,
    ...keys.flatMap(({ needs }) => needs),
  ]);
  const differ = keys.flatMap((key) => key.differ ?? []);
  const inner = `SELECT ${[...groups, ...figures.inner].join(', ')} FROM ${sqlBothEnds(rows, differ)} GROUP BY ALL`;
  if (!options.totals) return selectGroups(spec, keys, figures, options, { groups: `(${inner})`, whole: 'g' });
  // Groups of either end come to more than all flows, which are added up by themselves then.
  const [whole, more] =
    differ.length === 0 ? ['g', ''] : ['w', `, w AS (SELECT ${figures.inner.join(', ')} FROM ${rows})`];
  const plan = selectGroups(spec, keys, figures, options, { groups: 'g', whole });
  const made = hasIntervals(spec) ? sqlWithIntervals(inner, keys, spec, source, probe) : `g AS MATERIALIZED (${inner})`;
  return { ...plan, sql: `WITH ${made}${more} ${plan.sql}` };
}

/**
 * What is shown of groups that have been made: `from.groups` has them, `from.whole` groups that together are all flows. With `totals` their row comes
 * first.
 */
export function selectGroups(
  spec: QuerySpec,
  keys: readonly PlannedKey[],
  figures: Figures,
  { arithmetic, totals }: AggregateOptions,
  from: { readonly groups: string; readonly whole: string },
): Plan {
  const { measures } = spec;
  const outputs = keys.flatMap((key) => key.outputs);
  const order = orderBy(spec, keys);
  const limit = spec.limit === undefined ? '' : ` LIMIT ${spec.limit}`;
  const least = spec.least === undefined ? '' : ` WHERE ${sqlName(spec.order[0]?.name ?? 'bytes')} >= ${spec.least}`;
  const selected = `SELECT 1::UTINYINT AS t, ${[...outputs, ...figures.outer].join(', ')} FROM ${from.groups}`;
  const { columns, measuresAt } = answerColumns(spec, keys, counterKind(arithmetic));
  const whole = measures.length > 0 ? `, (SELECT ${sqlWhole(columns)} FROM ${from.whole}) AS t` : '';
  if (!totals) return { sql: `${selected}${least} ORDER BY ${order}${limit}`, columns, totals: undefined };
  const total = `SELECT 0::UTINYINT, ${[...outputs.map(() => 'NULL'), ...figures.totals].join(', ')} FROM ${from.whole}`;
  const top = limit === '' ? '' : ` ORDER BY ${order}${limit}`;
  return {
    sql: `SELECT * FROM (${selected}${whole}${least}${top}) UNION ALL ${total} ORDER BY t, ${order}`,
    columns,
    totals: {
      at: measuresAt,
      reverse: REVERSE.flatMap((measure) => columns.find((column) => column.measure === measure)?.at ?? []),
      times: figures.times,
      kind: counterKind(arithmetic),
      timesAt: measuresAt + 3 + measures.length,
    },
  };
}

/** The figures of groups as SQL. */
export interface Figures {
  /** Columns of the files, or of names. */
  readonly needs: readonly string[];
  /** Aggregates over flows, with names. */
  readonly inner: readonly string[];
  /** What is shown of them: over the groups `g` and what is known of the whole, `t`. */
  readonly outer: readonly string[];
  /** The same of all groups together; NULL for what they do not tell. */
  readonly totals: readonly string[];
  /** Whether the last two of these are the first and last time. */
  readonly times: boolean;
}

/** The figures that a question asks for. */
export function planFigures(spec: QuerySpec, source: Source, probe: Probe, options: AggregateOptions): Figures {
  const { measures } = spec;
  const times = options.times || measures.length > 0;
  const counting: Counting = countingOf(spec, probe, options.arithmetic);
  const planned = (key: Key) => planKey(key, 'value', { probe, source, spec });
  const needs = measures.flatMap((each) => [...each.needs, ...(each.keys ?? []).flatMap((key) => planned(key).needs)]);
  return {
    needs: [...counterColumns(counting), ...needs, ...(times ? TIME_COLUMNS : [])],
    inner: [
      `${sqlFlowCount(spec, source)} AS flows`,
      `${sumSql('packets', counting)} AS packets`,
      `${sumSql('bytes', counting)} AS bytes`,
      ...measures.flatMap(({ inner }, index) =>
        inner === undefined ? [] : [`${inner({ ...counting, planned })} AS m${index}`],
      ),
      ...(times ? [`${SQL_FIRST} AS first`, `${SQL_LAST} AS last`] : []),
    ],
    outer: [
      'flows',
      'packets',
      'bytes',
      ...measures.map(
        ({ outer, name }, index) => `(${outer?.(`m${index}`) ?? `m${index}`})::DOUBLE AS ${sqlName(name)}`,
      ),
      ...(times ? ['first', 'last'] : []),
    ],
    totals: [
      'sum(flows)::BIGINT',
      'coalesce(sum(packets), 0)',
      'coalesce(sum(bytes), 0)',
      ...measures.map(({ additive }, index) => (additive === true ? `coalesce(sum(m${index}), 0)` : 'NULL')),
      ...(times ? ['min(first)', 'max(last)'] : []),
    ],
    times,
  };
}

/** What measures know beside their group: sums of the whole answer, and how long it took, or a step of time does. */
function sqlWhole(columns: readonly AnswerColumn[]): string {
  const step = stepOf(columns);
  const seconds = step === undefined ? '(epoch_us(max(last)) - epoch_us(min(first))) / 1e6' : `${step}::DOUBLE`;
  const sums = ['flows', 'packets', 'bytes'].map((name) => `sum(${name})::DOUBLE AS total_${name}`);
  return [...sums, `${seconds} AS seconds`].join(', ');
}

function answerColumns(
  { measures }: QuerySpec,
  keys: readonly PlannedKey[],
  kind: CellKind,
): { columns: AnswerColumn[]; measuresAt: number } {
  const columns: AnswerColumn[] = [];
  let at = 1;
  for (const { key, cell, outputs } of keys) {
    const [end] = endsOf(key);
    const lengths = end?.kind === 'prefix' ? end.lengths : undefined;
    const step = key.kind === 'bucket' ? Number(key.micros) / 1e6 : undefined;
    columns.push({ name: key.name, kind: cell, at, column: key.column, lengths, step });
    at += outputs.length;
  }
  columns.push(
    { name: 'flows', kind: 'i64', at, column: undefined },
    { name: 'packets', kind, at: at + 1, column: undefined },
    { name: 'bytes', kind, at: at + 2, column: undefined },
    ...measures.map((measure, index): AnswerColumn => {
      return { name: measure.name, kind: measure.kind, at: at + 3 + index, column: undefined, measure };
    }),
  );
  return { columns, measuresAt: at };
}

/** Order of groups: as asked, and then by the keys, so that equal questions have equal answers. */
function orderBy({ order }: QuerySpec, keys: readonly PlannedKey[]): string {
  const asked = order.flatMap(({ name, descending }) => {
    const names = keys.find(({ key }) => key.name === name)?.names ?? [sqlName(name)];
    return names.map((one) => `${one} ${descending ? 'DESC' : 'ASC'} NULLS LAST`);
  });
  const rest = keys
    .filter(({ key }) => !order.some(({ name }) => name === key.name))
    .flatMap(({ names }) => names.map((name) => `${name} NULLS LAST`));
  return [...asked, ...rest].join(', ');
}
