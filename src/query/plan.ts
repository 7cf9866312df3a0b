import { compileFilterSql, filterFileColumns } from '../filter/sql.ts';
import { COLUMNS, type ColumnDefinition } from '../flow/schema.ts';
import type { CellKind } from './cells.ts';
import { DURATION, type PrefixLengths } from './key.ts';
import { type Arithmetic, counterSql, type Measure, type MeasureContext } from './measure.ts';
import { withNames } from './name-columns.ts';
import { cellKind, columnExpression, type PlannedKey, planKey } from './plan-key.ts';
import type { Probe } from './probe.ts';
import { hasValues, type Source, spanColumns, sqlCount, sqlSource, sqlSpan } from './source.ts';
import { namesRecordKind, type QuerySpec } from './spec.ts';
import { SQL_TIME_END, sqlName } from './sql-text.ts';

/** A column of an answer: where its values are in the result of the statement. */
export interface AnswerColumn {
  readonly name: string;
  readonly kind: CellKind;
  /** Number of its (first) vector. */
  readonly at: number;
  readonly column: ColumnDefinition | undefined;
  /** Of a key that is a network. */
  readonly lengths?: PrefixLengths | undefined;
  /** Of a figure that is none of flows, packets and bytes. */
  readonly measure?: Measure;
}

/** A statement, and what its result means. */
export interface Plan {
  readonly sql: string;
  readonly columns: readonly AnswerColumn[];
  /** The first row, whose first vector is 0, has totals from this vector on: flows, packets, bytes and, if asked for, first and last time. */
  readonly totals:
    | { readonly at: number; readonly times: boolean; readonly timesAt: number; readonly kind: CellKind }
    | undefined;
}

/** Kinds of records that stand for traffic: flow, biflow, sample. */
const TRAFFIC = [0, 1, 4];

const IS_TRAFFIC = `("record_kind" IN (${TRAFFIC.join(', ')}) OR "record_kind" IS NULL)`;
/** The kind of records that sum up flows, which may be among the others, too. */
export const AGGREGATE = 5;

/** Whether rows of the source have to be looked at for their kind. */
function kindCondition(spec: QuerySpec, probe: Probe): string[] {
  if (namesRecordKind(spec.filter) || probe.maxKind <= 1) return [];
  return [IS_TRAFFIC];
}

/** Conditions of a question, and the columns of the files that they name. */
function conditions(spec: QuerySpec, source: Source, kinds: readonly string[]): { where: string; needs: Set<string> } {
  const parts = [...sqlSpan(source), ...kinds];
  const needs = new Set([...spanColumns(source), ...(kinds.length > 0 ? ['record_kind'] : [])]);
  if (spec.filter.kind !== 'any') {
    parts.push(compileFilterSql(spec.filter));
    for (const name of filterFileColumns(spec.filter)) needs.add(name);
  }
  return { where: parts.length === 0 ? '' : ` WHERE ${parts.join(' AND ')}`, needs };
}

/** Totals from here on may have been rounded; half of 2^53, since the totals may have been, too. */
export const INEXACT = 2 ** 52;

function sumOf(counter: 'bytes' | 'packets', context: MeasureContext): string {
  return `coalesce(sum(${counterSql(counter, context)}), 0)`;
}

/**
 * The statement for flows, packets, bytes and further measures by key. `totals`: with a first row of totals, with `times` also the first and last
 * time; measures need both.
 */
export function planAggregate(
  spec: QuerySpec,
  source: Source,
  probe: Probe,
  options: { readonly times: boolean; readonly arithmetic: Arithmetic; readonly totals: boolean },
): Plan {
  const { arithmetic, totals } = options;
  const { measures } = spec;
  const times = options.times || measures.length > 0;
  const context: MeasureContext = { scaled: !spec.raw && probe.maxRate > 1, arithmetic };
  const { where, needs } = conditions(spec, source, kindCondition(spec, probe));
  const keys = spec.by.map((key, index) => planKey(key, `k${index}`, { probe, source, spec }));
  const needed = ['bytes', 'packets', ...[...keys, ...measures].flatMap((each) => each.needs)];
  if (context.scaled) needed.push('sampling_rate');
  if (times) needed.push('time_start', 'duration');
  for (const name of needed) needs.add(name);
  const aggregates = [
    `${sqlCount(source)} AS flows`,
    `${sumOf('packets', context)} AS packets`,
    `${sumOf('bytes', context)} AS bytes`,
    ...measures.flatMap(({ inner }, index) => (inner === undefined ? [] : [`${inner(context)} AS m${index}`])),
    ...(times ? ['min("time_start") AS first', `max(greatest("time_start", ${SQL_TIME_END})) AS last`] : []),
  ];
  const groups = keys.flatMap((key) => key.groups);
  const inner = `SELECT ${[...groups, ...aggregates].join(', ')} FROM ${sqlSource(source, needs)}${where} GROUP BY ALL`;
  const outputs = keys.flatMap((key) => key.outputs);
  const figures = measures.map(
    ({ outer, name }, index) => `(${outer?.(`m${index}`) ?? `m${index}`})::DOUBLE AS ${sqlName(name)}`,
  );
  const list = ['flows', 'packets', 'bytes', ...figures, ...(times ? ['first', 'last'] : [])];
  const order = orderBy(spec, keys);
  const limit = spec.limit === undefined ? '' : ` LIMIT ${spec.limit}`;
  const least = spec.least === undefined ? '' : ` WHERE ${sqlName(spec.order[0]?.name ?? 'bytes')} >= ${spec.least}`;
  const from = figures.length > 0 ? 'g, t' : 'g';
  const selected = `SELECT 1::UTINYINT AS t, ${[...outputs, ...list].join(', ')} FROM`;
  const { columns, measuresAt } = answerColumns(spec, keys, counterKind(arithmetic));
  if (!totals) return { sql: `${selected} (${inner})${least} ORDER BY ${order}${limit}`, columns, totals: undefined };
  const sums = [
    'sum(flows)::BIGINT',
    'coalesce(sum(packets), 0)',
    'coalesce(sum(bytes), 0)',
    ...measures.map(() => 'NULL'),
    ...(times ? ['min(first)', 'max(last)'] : []),
  ];
  const total = `SELECT 0::UTINYINT, ${[...outputs.map(() => 'NULL'), ...sums].join(', ')} FROM g`;
  const whole = figures.length > 0 ? `, t AS (SELECT ${WHOLE} FROM g)` : '';
  const top = limit === '' ? '' : ` ORDER BY ${order}${limit}`;
  return {
    sql: `WITH g AS MATERIALIZED (${inner})${whole} SELECT * FROM (${selected} ${from}${least}${top}) UNION ALL ${total} ORDER BY t, ${order}`,
    columns,
    totals: { at: measuresAt, times, kind: counterKind(arithmetic), timesAt: measuresAt + 3 + measures.length },
  };
}

/** What measures know of the whole answer. */
const WHOLE = `sum(flows)::DOUBLE AS total_flows, sum(packets)::DOUBLE AS total_packets, sum(bytes)::DOUBLE AS total_bytes,
  (epoch_us(max(last)) - epoch_us(min(first))) / 1e6 AS seconds`;

function answerColumns(
  { measures }: QuerySpec,
  keys: readonly PlannedKey[],
  kind: CellKind,
): { columns: AnswerColumn[]; measuresAt: number } {
  const columns: AnswerColumn[] = [];
  let at = 1;
  for (const { key, cell, outputs } of keys) {
    const lengths = key.kind === 'prefix' ? key.lengths : undefined;
    columns.push({ name: key.name, kind: cell, at, column: key.column, lengths });
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

/** The statement for the flows themselves. */
export function planListing(spec: QuerySpec, source: Source): Plan {
  const asked = spec.columns.length > 0 ? spec.columns : COLUMNS.filter((column) => isStored(column, source));
  const wanted = spec.names ? withNames(asked) : asked;
  const { where, needs } = conditions(spec, source, []);
  const columns: AnswerColumn[] = [];
  const outputs: string[] = [];
  for (const column of wanted) {
    columns.push({ name: column.name, kind: cellKind(column), at: outputs.length, column });
    const [expressions, names] = columnExpression(column);
    outputs.push(...expressions);
    for (const name of names) needs.add(name);
  }
  const sorted = spec.order.flatMap(({ name, descending }) => {
    const [expressions, names] = columnExpression(COLUMNS.find((column) => column.name === name) ?? DURATION);
    for (const one of names) needs.add(one);
    return expressions.map((expression) => `${expression} ${descending ? 'DESC' : 'ASC'} NULLS LAST`);
  });
  const limit = spec.limit === undefined ? '' : ` LIMIT ${spec.limit}`;
  const sql = `SELECT ${outputs.join(', ')} FROM ${sqlSource(source, needs)}${where} ORDER BY ${sorted.join(', ')}${limit}`;
  return { sql, columns, totals: undefined };
}

/** The statement for one row of totals, as in the last row of an aggregate. */
export function planTotals(spec: QuerySpec, source: Source, probe: Probe, arithmetic: Arithmetic): Plan {
  const context: MeasureContext = { scaled: !spec.raw && probe.maxRate > 1, arithmetic };
  const { where, needs } = conditions(spec, source, spec.by.length > 0 ? kindCondition(spec, probe) : []);
  for (const name of ['bytes', 'packets', 'time_start', 'duration', ...(context.scaled ? ['sampling_rate'] : [])])
    needs.add(name);
  const sums = (['packets', 'bytes'] as const).map((name) => sumOf(name, context));
  const times = `min("time_start"), max(greatest("time_start", ${SQL_TIME_END}))`;
  const sql = `SELECT 0::UTINYINT, ${sqlCount(source)}, ${sums.join(', ')}, ${times} FROM ${sqlSource(source, needs)}${where}`;
  return { sql, columns: [], totals: { at: 1, times: true, kind: counterKind(arithmetic), timesAt: 4 } };
}

/** The statement for one row with the number of records that match, whatever is summed: those that stand for traffic, and aggregates. */
export function planKinds(spec: QuerySpec, source: Source): string {
  const { where, needs } = conditions(spec, source, []);
  needs.add('record_kind');
  const counts = [IS_TRAFFIC, `"record_kind" = ${AGGREGATE}`].map((kind) => sqlCount(source, kind));
  return `SELECT ${counts.join(', ')} FROM ${sqlSource(source, needs)}${where}`;
}

function counterKind(arithmetic: Arithmetic): CellKind {
  return arithmetic === 'doubles' ? 'double' : 'hugeint';
}

function isStored(column: ColumnDefinition, source: Source): boolean {
  const [, names] = columnExpression(column);
  return names.every((name) => hasValues(source, name));
}
