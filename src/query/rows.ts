import { compileFilterSql, filterFileColumns } from '../filter/sql.ts';
import { type Pairing, pairedColumns, sqlConversations } from './bidirectional.ts';
import type { Probe } from './probe.ts';
import { hasValues, type Source, spanColumns, sqlCount, sqlSource, sqlSpan } from './source.ts';
import { namesRecordKind, type QuerySpec } from './spec.ts';
import { SPREAD_COLUMNS, type Spread, sqlCountParts, sqlParts } from './spread.ts';
import { zoneOffsets } from './zone-offsets.ts';

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

/**
 * What to put behind FROM for what a question is about: its flows, or the conversations that they make, with at least the columns `needed` of the files, or of
 * names. `kinds` are conditions on the kind of a record.
 */
export function sqlRows(
  spec: QuerySpec,
  source: Source,
  probe: Probe | undefined,
  kinds: readonly string[],
  needed: Iterable<string>,
): string {
  if (spec.spread !== undefined) {
    const columns = [...needed, ...SPREAD_COLUMNS];
    return sqlParts(sqlFlows(spec, source, kinds, columns), columns, spreadOf(spec, source, spec.spread));
  }
  if (!spec.bidirectional) return sqlFlows(spec, source, kinds, needed);
  if (source.conversations !== undefined) return source.conversations;
  const pairing = pairingOf(spec, source, probe);
  return sqlConversations(sqlFlows(spec, source, kinds, pairedColumns(pairing)), pairing);
}

function pairingOf({ raw }: QuerySpec, source: Source, probe: Probe | undefined): Pairing {
  return {
    scaled: !raw && probe !== undefined && probe.maxRate > 1,
    onlyV4: probe?.onlyV4.has('src_addr') === true && probe.onlyV4.has('dst_addr'),
    biflows: ['reverse_packets', 'reverse_bytes'].some((name) => hasValues(source, name)),
    triplets: probe?.mayHaveTriplets === true,
  };
}

/** What to put behind FROM for the parts of a question's flows, whatever it spreads itself. */
export function sqlSpreadRows(
  spec: QuerySpec,
  source: Source,
  probe: Probe,
  needed: readonly string[],
  spread: Spread,
): string {
  const columns = [...needed, ...SPREAD_COLUMNS];
  return sqlParts(sqlFlows(spec, source, kindConditions(spec, probe), columns), columns, spread);
}

/** The statement that counts the parts of flows that are spread; see `sqlCountParts`. */
export function planParts(spec: QuerySpec, source: Source, probe: Probe, micros: bigint): string {
  return sqlCountParts(
    sqlFlows(spec, source, kindConditions(spec, probe), SPREAD_COLUMNS),
    spreadOf(spec, source, micros),
  );
}

function spreadOf({ zone, span }: QuerySpec, source: Source, micros: bigint): Spread {
  return { micros, offsets: zoneOffsets(zone, source, micros), span };
}

/** The number of flows in a group of these rows. */
export function sqlFlowCount(spec: QuerySpec, source: Source): string {
  return spec.bidirectional || spec.spread !== undefined ? 'coalesce(sum("flows"), 0)::BIGINT' : sqlCount(source);
}

function sqlFlows(spec: QuerySpec, source: Source, kinds: readonly string[], needed: Iterable<string>): string {
  const parts = [...sqlSpan(source), ...kinds];
  const needs = new Set([...needed, ...spanColumns(source), ...(kinds.length > 0 ? ['record_kind'] : [])]);
  if (spec.filter.kind !== 'any') {
    parts.push(compileFilterSql(spec.filter));
    for (const name of filterFileColumns(spec.filter)) needs.add(name);
  }
  return `${sqlSource(source, needs)}${parts.length === 0 ? '' : ` WHERE ${parts.join(' AND ')}`}`;
}
