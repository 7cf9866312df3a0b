import { COLUMNS, type ColumnDefinition } from '../flow/schema.ts';
import { CONVERSATION_COLUMNS } from './bidirectional.ts';
import type { CellKind, PrefixLengths } from './cells.ts';
import { cellKind, columnExpression } from './column-sql.ts';
import {
  type Arithmetic,
  counterColumns,
  counterKind,
  countingOf,
  SQL_FIRST,
  SQL_LAST,
  sumSql,
  TIME_COLUMNS,
} from './counters.ts';
import { listedColumn } from './key.ts';
import type { Measure } from './measure.ts';
import { withNames } from './name-columns.ts';
import type { Probe } from './probe.ts';
import { AGGREGATE, IS_TRAFFIC, kindConditions, sqlFlowCount, sqlRows } from './rows.ts';
import { hasValues, type Source, sqlCount } from './source.ts';
import type { QuerySpec } from './spec.ts';

/** A column of an answer: where its values are in the result of the statement. */
export interface AnswerColumn {
  readonly name: string;
  readonly kind: CellKind;
  /** Number of its (first) vector. */
  readonly at: number;
  readonly column: ColumnDefinition | undefined;
  /** Of a key that is a network. */
  readonly lengths?: PrefixLengths | undefined;
  /** Of a key that is a step of time: how long each is, seconds. */
  readonly step?: number | undefined;
  /** Of a figure that is none of flows, packets and bytes. */
  readonly measure?: Measure;
}

/** How long the steps of time of an answer's keys are, seconds: what the rates of its groups are over. Undefined without such a key. */
export function stepOf(columns: readonly AnswerColumn[]): number | undefined {
  const steps = columns.flatMap(({ step }) => step ?? []);
  return steps.length === 0 ? undefined : Math.min(...steps);
}

/** A statement, and what its result means. */
export interface Plan {
  readonly sql: string;
  readonly columns: readonly AnswerColumn[];
  /** The first row, whose first vector is 0, has totals from this vector on: flows, packets, bytes and, if asked for, first and last time. */
  readonly totals:
    | {
        readonly at: number;
        /** Where those of the other direction are, packets and bytes. */
        readonly reverse?: readonly number[];
        readonly times: boolean;
        readonly timesAt: number;
        readonly kind: CellKind;
      }
    | undefined;
}

/** The statement for the flows themselves. */
export function planListing(spec: QuerySpec, source: Source, probe: Probe | undefined): Plan {
  const stored = spec.bidirectional ? CONVERSATION_COLUMNS : COLUMNS.filter((column) => isStored(column, source));
  const asked = spec.columns.length > 0 ? spec.columns : stored;
  const wanted = spec.names ? withNames(asked) : asked;
  const needs = new Set<string>();
  const columns: AnswerColumn[] = [];
  const outputs: string[] = [];
  for (const column of wanted) {
    columns.push({ name: column.name, kind: cellKind(column), at: outputs.length, column });
    const [expressions, names] = columnExpression(column);
    outputs.push(...expressions);
    for (const name of names) needs.add(name);
  }
  const sorted = spec.order.flatMap(({ name, descending }) => {
    const [expressions, names] = columnExpression(listedColumn(name));
    for (const one of names) needs.add(one);
    return expressions.map((expression) => `${expression} ${descending ? 'DESC' : 'ASC'} NULLS LAST`);
  });
  const limit = spec.limit === undefined ? '' : ` LIMIT ${spec.limit}`;
  const kinds = spec.bidirectional && probe !== undefined ? kindConditions(spec, probe) : [];
  const rows = sqlRows(spec, source, probe, kinds, needs);
  const sql = `SELECT ${outputs.join(', ')} FROM ${rows} ORDER BY ${sorted.join(', ')}${limit}`;
  return { sql, columns, totals: undefined };
}

const CONVERSATIONS = 'weir_conversations';

/** The statement that makes a table of a question's conversations, and the source with it: those who list and add them up need not make them twice. */
export function planConversations(spec: QuerySpec, source: Source, probe: Probe): { table: string; source: Source } {
  const rows = sqlRows(spec, source, probe, kindConditions(spec, probe), []);
  return {
    table: `CREATE OR REPLACE TEMP TABLE ${CONVERSATIONS} AS FROM ${rows}`,
    source: { ...source, conversations: CONVERSATIONS },
  };
}

/** The statement for one row of totals, as in the last row of an aggregate. */
export function planTotals(spec: QuerySpec, source: Source, probe: Probe, arithmetic: Arithmetic): Plan {
  const counting = countingOf(spec, probe, arithmetic);
  const kinds = spec.sums || spec.bidirectional ? kindConditions(spec, probe) : [];
  const rows = sqlRows(spec, source, probe, kinds, [...counterColumns(counting), ...TIME_COLUMNS]);
  const sums = (['packets', 'bytes'] as const).map((name) => {
    return spec.bidirectional
      ? `${sumSql(name, counting)} + ${sumSql(`reverse_${name}`, counting)}`
      : sumSql(name, counting);
  });
  const sql = `SELECT 0::UTINYINT, ${sqlFlowCount(spec, source)}, ${sums.join(', ')}, ${SQL_FIRST}, ${SQL_LAST} FROM ${rows}`;
  return { sql, columns: [], totals: { at: 1, times: true, kind: counterKind(arithmetic), timesAt: 4 } };
}

/** The statement for one row with the number of records that match, whatever is summed: those that stand for traffic, and aggregates. */
export function planKinds(spec: QuerySpec, source: Source): string {
  const counts = [IS_TRAFFIC, `"record_kind" = ${AGGREGATE}`].map((kind) => sqlCount(source, kind));
  return `SELECT ${counts.join(', ')} FROM ${sqlRows({ ...spec, bidirectional: false, spread: undefined }, source, undefined, [], ['record_kind'])}`;
}

function isStored(column: ColumnDefinition, source: Source): boolean {
  const [, names] = columnExpression(column);
  return names.every((name) => hasValues(source, name));
}
