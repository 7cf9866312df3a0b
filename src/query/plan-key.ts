import { bucketSql } from './bucket.ts';
import type { CellKind, PrefixLengths } from './cells.ts';
import { cellKind, columnExpression } from './column-sql.ts';
import { countingOf } from './counters.ts';
import { sqlOfEnd } from './either-end.ts';
import { type EitherKey, endsOf, type Key } from './key.ts';
import { groupNames, type PlannedKey } from './planned-key.ts';
import type { Probe } from './probe.ts';
import type { Source } from './source.ts';
import type { QuerySpec } from './spec.ts';
import { zoneOffsets } from './zone-offsets.ts';

export interface KeyContext {
  readonly probe: Probe;
  readonly source: Source;
  readonly spec: QuerySpec;
}

/** Plans a key whose outputs are called `alias`, or `alias`_hi and `alias`_lo. */
export function planKey(key: Key, alias: string, context: KeyContext): PlannedKey {
  const { column } = key;
  if (key.kind === 'either') return planEither(key, alias, context);
  if (key.kind === 'derived') {
    const { needs, sql } = key.derived;
    return named(key, cellKind(column), alias, sql(context.spec), needs);
  }
  if (key.kind === 'class') {
    const counting = countingOf(context.spec, context.probe, 'doubles');
    return named(
      key,
      'double',
      alias,
      [key.sql(counting)],
      [...key.needs, ...(counting.scaled ? ['sampling_rate'] : [])],
    );
  }
  if (key.kind === 'bucket') {
    const [[time = ''], needs] = columnExpression({ ...column, name: key.of });
    return named(
      key,
      'time',
      alias,
      [bucketSql(time, key.micros, zoneOffsets(context.spec.zone, context.source, key.micros))],
      needs,
    );
  }
  if (column.type !== 'address') {
    const [expressions, needs] = columnExpression(column);
    return named(key, cellKind(column), alias, expressions, needs);
  }
  const [[hi = '', lo = ''], needs] = columnExpression(column);
  // Where all addresses are IPv4 the upper half tells nothing, and grouping by one number is a fifth faster.
  const v4 = context.probe.onlyV4.has(column.name);
  const [upper, lower] = key.kind === 'prefix' ? networkSql(hi, lo, key.lengths, v4) : [hi, lo];
  const planned = named(key, 'address', alias, [upper, lower], needs);
  if (!v4) return planned;
  return {
    ...planned,
    values: [lower],
    groups: planned.groups.slice(1),
    outputs: [`0::UBIGINT AS ${alias}_hi`, `${alias}_lo`],
    needs: needs.slice(1),
  };
}

/** Both ends are planned alike, and each row has the value of one of them. */
function planEither(key: EitherKey, alias: string, context: KeyContext): PlannedKey {
  const { onlyV4 } = context.probe;
  const both = key.ends.every(({ column }) => onlyV4.has(column.name));
  const alike = both ? context : { ...context, probe: { ...context.probe, onlyV4: new Set<string>() } };
  const [source, destination] = key.ends.map((end) => planKey(end, alias, alike)) as [PlannedKey, PlannedKey];
  const pairs = source.values.map((value, index) => [value, destination.values[index] ?? 'NULL'] as const);
  const values = pairs.map(([one, other]) => sqlOfEnd(one, other));
  const names = groupNames(source);
  return {
    ...source,
    key,
    values,
    groups: values.map((value, index) => `${value} AS ${names[index]}`),
    needs: [...source.needs, ...destination.needs],
    differ: pairs.map(([one, other]) => `(${one}) IS DISTINCT FROM (${other})`).join(' OR '),
  };
}

function named(
  key: Key,
  cell: CellKind,
  alias: string,
  expressions: readonly string[],
  needs: readonly string[],
): PlannedKey {
  const names = expressions.length === 1 ? [alias] : [`${alias}_hi`, `${alias}_lo`];
  return {
    key,
    cell,
    values: expressions,
    groups: expressions.map((sql, index) => `${sql} AS ${names[index]}`),
    outputs: names,
    names,
    needs,
  };
}

/** Columns of the files, or of names, that a key's values are made of. */
export function keyColumns(key: Key): readonly string[] {
  if (key.kind === 'either') return endsOf(key).flatMap(keyColumns);
  if (key.kind === 'derived') return key.derived.needs;
  if (key.kind === 'class') return key.needs;
  return columnExpression(key.kind === 'bucket' ? { ...key.column, name: key.of } : key.column)[1];
}

const ONES = (1n << 64n) - 1n;

/** Both halves of an address without its last bits; `v4` when there are no IPv6 ones. */
function networkSql(hi: string, lo: string, lengths: PrefixLengths, v4: boolean): [hi: string, lo: string] {
  const mask = (bits: number) => `${(ONES << BigInt(64 - Math.max(0, Math.min(64, bits)))) & ONES}::UBIGINT`;
  const lower = `${lo} & ${mask(lengths.v4 + 32)}`;
  if (v4) return [hi, `(${lower})`];
  // The upper half of an IPv4 address is 0 and stays so under any mask.
  const isV4 = `${hi} = 0 AND ${lo} >> 32 = 65535`;
  return [`(${hi} & ${mask(lengths.v6)})`, `CASE WHEN ${isV4} THEN ${lower} ELSE ${lo} & ${mask(lengths.v6 - 64)} END`];
}
