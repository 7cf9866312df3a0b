import { compileFilterSql, filterFileColumns } from '../filter/sql.ts';
import { COLUMNS, type ColumnDefinition } from '../flow/schema.ts';
import type { CellKind } from './cells.ts';
import { withNames } from './name-columns.ts';
import type { Probe } from './probe.ts';
import { hasValues, type Source, spanColumns, sqlSource, sqlSpan } from './source.ts';
import { DURATION, type Key, namesRecordKind, type QuerySpec } from './spec.ts';
import { SQL_TIME_END, sqlName } from './sql-text.ts';

/** A column of an answer: where its values are in the result of the statement. */
export interface AnswerColumn {
  readonly name: string;
  readonly kind: CellKind;
  /** Number of its (first) vector. */
  readonly at: number;
  readonly column: ColumnDefinition | undefined;
}

/** A statement, and what its result means. */
export interface Plan {
  readonly sql: string;
  readonly columns: readonly AnswerColumn[];
  /** The first row, whose first vector is 0, has totals from this vector on: flows, packets, bytes and, if asked for, first and last time. */
  readonly totals: { readonly at: number; readonly times: boolean; readonly kind: CellKind } | undefined;
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

/**
 * How sums are computed: doubles are exact below 2^53 and three times as fast as 128-bit integers. The row of totals comes first and is at least as
 * large as any other, so a reader sees there whether doubles suffice, and asks again with integers where not.
 */
export type Arithmetic = 'doubles' | 'integers';

/** Totals from here on may have been rounded; half of 2^53, since the totals may have been, too. */
export const INEXACT = 2 ** 52;

function sumOf(counter: 'bytes' | 'packets', scaled: boolean, arithmetic: Arithmetic): string {
  const value = arithmetic === 'doubles' ? `"${counter}"::DOUBLE` : `"${counter}"::HUGEINT`;
  return `coalesce(sum(${value}${scaled ? ' * greatest(coalesce("sampling_rate", 1), 1)' : ''}), 0)`;
}

/** The statement for flows, packets and bytes by key. `totals`: with a first row of totals, with `times` also the first and last time. */
export function planAggregate(
  spec: QuerySpec,
  source: Source,
  probe: Probe,
  options: { readonly times: boolean; readonly arithmetic: Arithmetic; readonly totals: boolean },
): Plan {
  const { times, arithmetic, totals } = options;
  const scaled = !spec.raw && probe.maxRate > 1;
  const { where, needs } = conditions(spec, source, kindCondition(spec, probe));
  for (const name of ['bytes', 'packets']) needs.add(name);
  if (scaled) needs.add('sampling_rate');
  const keys = spec.by.map((key, index) => planKey(key, index, probe));
  for (const { needs: names } of keys) for (const name of names) needs.add(name);
  if (times) for (const name of ['time_start', 'duration']) needs.add(name);
  const groups = keys.flatMap(({ groups }) => groups);
  const measures = [
    'count(*) AS flows',
    `${sumOf('packets', scaled, arithmetic)} AS packets`,
    `${sumOf('bytes', scaled, arithmetic)} AS bytes`,
    ...(times ? ['min("time_start") AS first', `max(greatest("time_start", ${SQL_TIME_END})) AS last`] : []),
  ];
  const inner = `SELECT ${[...groups, ...measures].join(', ')} FROM ${sqlSource(source, needs)}${where} GROUP BY ALL`;
  const outputs = keys.flatMap(({ outputs }) => outputs);
  const kind = counterKind(arithmetic);
  const columns: AnswerColumn[] = [];
  let at = 1;
  for (const key of keys) {
    columns.push({ name: key.name, kind: key.kind, at, column: key.column });
    at += key.outputs.length;
  }
  const measuresAt = at;
  columns.push(
    { name: 'flows', kind: 'i64', at, column: undefined },
    { name: 'packets', kind, at: at + 1, column: undefined },
    { name: 'bytes', kind, at: at + 2, column: undefined },
  );
  const list = ['flows', 'packets', 'bytes', ...(times ? ['first', 'last'] : [])];
  const order = orderBy(spec, keys);
  const limit = spec.limit === undefined ? '' : ` ORDER BY ${order} LIMIT ${spec.limit}`;
  const selected = `SELECT 1::UTINYINT AS t, ${[...outputs, ...list].join(', ')} FROM`;
  if (!totals) {
    const top = spec.limit === undefined ? '' : ` LIMIT ${spec.limit}`;
    return { sql: `${selected} (${inner}) ORDER BY ${order}${top}`, columns, totals: undefined };
  }
  const sums = [
    'sum(flows)::BIGINT',
    'coalesce(sum(packets), 0)',
    'coalesce(sum(bytes), 0)',
    ...(times ? ['min(first)', 'max(last)'] : []),
  ];
  const total = `SELECT 0::UTINYINT, ${[...outputs.map(() => 'NULL'), ...sums].join(', ')} FROM g`;
  return {
    sql: `WITH g AS MATERIALIZED (${inner}) SELECT * FROM (${selected} g${limit}) UNION ALL ${total} ORDER BY t, ${order}`,
    columns,
    totals: { at: measuresAt, times, kind },
  };
}

interface PlannedKey {
  readonly name: string;
  readonly column: ColumnDefinition;
  readonly kind: CellKind;
  /** What is grouped by, with its alias. */
  readonly groups: readonly string[];
  /** Names of the vectors in the result. */
  readonly outputs: readonly string[];
  readonly needs: readonly string[];
}

function planKey({ name, column }: Key, index: number, probe: Probe): PlannedKey {
  const alias = `k${index}`;
  if (column.type === 'address') {
    const hi = sqlName(`${column.name}_hi`);
    const lo = sqlName(`${column.name}_lo`);
    // Where all addresses are IPv4 the upper half tells nothing, and grouping by one number is a fifth faster.
    const v4 = probe.onlyV4.has(column.name);
    const groups = v4 ? [`${lo} AS ${alias}_lo`] : [`${hi} AS ${alias}_hi`, `${lo} AS ${alias}_lo`];
    const outputs = [v4 ? `0::UBIGINT AS ${alias}_hi` : `${alias}_hi`, `${alias}_lo`];
    const needs = v4 ? [`${column.name}_lo`] : [`${column.name}_hi`, `${column.name}_lo`];
    return { name, column, kind: 'address', groups, outputs, needs };
  }
  const [expressions, needs] = columnExpression(column);
  return {
    name,
    column,
    kind: cellKind(column),
    groups: [`${expressions.join('')} AS ${alias}`],
    outputs: [alias],
    needs,
  };
}

/** Order of groups: as asked, and then by the keys, so that equal questions have equal answers. */
function orderBy({ order }: QuerySpec, keys: readonly PlannedKey[]): string {
  const names = keys.flatMap((_, index) => keyNames(keys, index));
  const wanted = keys.findIndex(({ name }) => name === order.name);
  const first = wanted < 0 ? [order.name] : keyNames(keys, wanted);
  const direction = order.descending ? 'DESC NULLS LAST' : 'ASC NULLS LAST';
  return [
    ...first.map((name) => `${name} ${direction}`),
    ...names.filter((name) => !first.includes(name)).map((name) => `${name} NULLS LAST`),
  ].join(', ');
}

function keyNames(keys: readonly PlannedKey[], index: number): string[] {
  return keys[index]?.kind === 'address' ? [`k${index}_hi`, `k${index}_lo`] : [`k${index}`];
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
  const orderColumn =
    spec.order.name === DURATION.name ? DURATION : COLUMNS.find(({ name }) => name === spec.order.name);
  const [order, orderNeeds] = columnExpression(orderColumn ?? DURATION);
  for (const name of orderNeeds) needs.add(name);
  const direction = spec.order.descending ? 'DESC NULLS LAST' : 'ASC NULLS LAST';
  const sorted = order.map((name) => `${name} ${direction}`);
  const limit = spec.limit === undefined ? '' : ` LIMIT ${spec.limit}`;
  const sql = `SELECT ${outputs.join(', ')} FROM ${sqlSource(source, needs)}${where} ORDER BY ${sorted.join(', ')}${limit}`;
  return { sql, columns, totals: undefined };
}

/** The statement for one row of totals, as in the last row of an aggregate. */
export function planTotals(spec: QuerySpec, source: Source, probe: Probe, arithmetic: Arithmetic): Plan {
  const scaled = !spec.raw && probe.maxRate > 1;
  const { where, needs } = conditions(spec, source, spec.by.length > 0 ? kindCondition(spec, probe) : []);
  for (const name of ['bytes', 'packets', 'time_start', 'duration', ...(scaled ? ['sampling_rate'] : [])])
    needs.add(name);
  const sums = (['packets', 'bytes'] as const).map((name) => sumOf(name, scaled, arithmetic));
  const times = `min("time_start"), max(greatest("time_start", ${SQL_TIME_END}))`;
  const sql = `SELECT 0::UTINYINT, count(*), ${sums.join(', ')}, ${times} FROM ${sqlSource(source, needs)}${where}`;
  return { sql, columns: [], totals: { at: 1, times: true, kind: counterKind(arithmetic) } };
}

/** The statement for one row with the number of records that match, whatever is summed: those that stand for traffic, and aggregates. */
export function planKinds(spec: QuerySpec, source: Source): string {
  const { where, needs } = conditions(spec, source, []);
  needs.add('record_kind');
  const counts = [IS_TRAFFIC, `"record_kind" = ${AGGREGATE}`].map((kind) => `count(*) FILTER (WHERE ${kind})`);
  return `SELECT ${counts.join(', ')} FROM ${sqlSource(source, needs)}${where}`;
}

function counterKind(arithmetic: Arithmetic): CellKind {
  return arithmetic === 'doubles' ? 'double' : 'hugeint';
}

/** A column of the schema as expressions over the columns of the files, two for an address and one for others; and the columns they name. */
function columnExpression(column: ColumnDefinition): [expressions: readonly string[], names: readonly string[]] {
  if (column.type === 'address') {
    const names = [`${column.name}_hi`, `${column.name}_lo`];
    return [names.map(sqlName), names];
  }
  if (column.name === 'time_end') return [[SQL_TIME_END], ['time_start', 'duration']];
  return [[sqlName(column.name)], [column.name]];
}

function isStored(column: ColumnDefinition, source: Source): boolean {
  const [, names] = columnExpression(column);
  return names.every((name) => hasValues(source, name));
}

/** How a column's values are kept in a result. */
function cellKind(column: ColumnDefinition): CellKind {
  if (column === DURATION) return 'i64';
  if (column.display === 'enum') return 'words';
  return column.type === 'extra' ? 'extra' : column.type;
}
