import { compileFilterSql, filterFileColumns } from '../filter/sql.ts';
import type { Probe } from './probe.ts';
import { type Source, spanColumns, sqlSource, sqlSpan } from './source.ts';
import { namesRecordKind, type QuerySpec } from './spec.ts';

/** Kinds of records that stand for traffic: flow, biflow, sample. */
const TRAFFIC = [0, 1, 4];

/** Condition that a row is of one of them. */
export const IS_TRAFFIC = `("record_kind" IN (${TRAFFIC.join(', ')}) OR "record_kind" IS NULL)`;
/** The kind of records that sum up flows, which may be among the others, too. */
export const AGGREGATE = 5;

/** Conditions on the kind of a row, where there can be others than traffic. */
export function kindConditions(spec: QuerySpec, probe: Probe): string[] {
  if (namesRecordKind(spec.filter) || probe.maxKind <= 1) return [];
  return [IS_TRAFFIC];
}

/** What to put behind FROM for the flows that a question is about, with at least the columns `needed` of the files, or of names. */
export function sqlRows(spec: QuerySpec, source: Source, kinds: readonly string[], needed: Iterable<string>): string {
  const parts = [...sqlSpan(source), ...kinds];
  const needs = new Set([...needed, ...spanColumns(source), ...(kinds.length > 0 ? ['record_kind'] : [])]);
  if (spec.filter.kind !== 'any') {
    parts.push(compileFilterSql(spec.filter));
    for (const name of filterFileColumns(spec.filter)) needs.add(name);
  }
  return `${sqlSource(source, needs)}${parts.length === 0 ? '' : ` WHERE ${parts.join(' AND ')}`}`;
}
