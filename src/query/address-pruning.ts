import { resolve } from 'node:path';
import type { AddressTest, FilterNode } from '../filter/tree.ts';
import type { SegmentEntry } from '../store/catalogue.ts';
import { sqlFileList, sqlText } from '../util/sql-text.ts';
import { createCell } from './cells.ts';
import { type QueryDuck, stringAt } from './duck.ts';
import { type HostScan, hasTiers, type Source, withSegments } from './source.ts';

/** More addresses than these cost more to look up than they are likely to save. */
const MOST_LOOKUPS = 16;
/** Smaller files are read as fast as looked into. */
const LEAST_ROWS = 10_000;
/** Row groups, of all at each end, that may have a flow of the hosts: above this share two readings cost more than one. */
const MOST_READ = 0.6;

/**
 * The source without segments that cannot hold a flow which the filter selects, because it wants certain hosts. DuckDB's Bloom filters, which merged files have
 * for columns with a dictionary (up to 65,536 different values), tell where an address is not; half of an address is enough for that.
 * With `onlyMatching` rows that do not match may be missing, too.
 */
export async function pruneByAddress(
  duck: QueryDuck,
  source: Source,
  filter: FilterNode,
  { onlyMatching = false } = {},
): Promise<Source> {
  if (hasTiers(source) || source.splits) return source;
  const lookups = new Map<string, Lookup>();
  collect(filter, lookups);
  const files = source.segments.filter(({ tier, rows }) => tier === 'compact' && rows >= LEAST_ROWS);
  if (lookups.size === 0 || lookups.size > MOST_LOOKUPS || files.length < 2) return source;
  const holders = await filesWith(duck, source.dir, files, [...lookups]);
  const asked = new Set(files);
  const kept = source.segments.filter((segment) => {
    if (!asked.has(segment)) return true;
    return canMatch(filter, (key) => holders.get(key)?.get(resolve(source.dir, segment.file)) !== 0);
  });
  // Some file of each layout stays, so that an answer has the same columns wherever the flows are.
  const layouts = new Set(kept.map(({ columns }) => columns));
  for (const segment of source.segments) {
    if (layouts.has(segment.columns)) continue;
    layouts.add(segment.columns);
    kept.push(segment);
  }
  const pruned = kept.length === source.segments.length ? source : withSegments(source, kept);
  if (!onlyMatching) return pruned;
  return {
    ...pruned,
    hosts: hostScans(filter, pruned, (key, { file }) => holders.get(key)?.get(resolve(source.dir, file))),
  };
}

/**
 * The parts in which flows of single hosts are found, when the filter asks for these at either end; undefined when it does not, or when most row groups have some
 * of theirs, which are then read once instead of once for each end. `shareOf` says which share of a file's row groups may have a look-up's value; undefined
 * where that is not known.
 */
function hostScans(
  filter: FilterNode,
  { segments }: Source,
  shareOf: (key: string, segment: SegmentEntry) => number | undefined,
): HostScan[] | undefined {
  const tests = (filter.kind === 'and' ? filter.items : [filter]).filter((item) => item.kind === 'address');
  const test = tests.find((item) => item.columns.length > 1 && lookupsOf(item) !== undefined);
  if (test === undefined) return undefined;
  const lookups = [...(lookupsOf(test) ?? [])];
  let [read, all] = [0, 0];
  const scans = test.columns.map((name): HostScan => {
    const column = `${name}_lo`;
    const own = lookups.filter(([, lookup]) => lookup.column === column);
    const has = segments.filter((segment) => {
      const share = Math.max(...own.map(([key]) => shareOf(key, segment) ?? 1));
      read += share * segment.rows;
      all += segment.rows;
      return share > 0;
    });
    return { column, values: own.map(([, { value }]) => value), segments: has };
  });
  return read < MOST_READ * all ? scans : undefined;
}

/** A column of the files and the value that is looked for in it. */
interface Lookup {
  readonly column: string;
  readonly value: bigint;
}

/** The look-ups of a test of single hosts, by key; undefined when it names networks, too. */
function lookupsOf({ columns, prefixes }: AddressTest): Map<string, Lookup> | undefined {
  const found = new Map<string, Lookup>();
  for (const { address, length } of prefixes) {
    if (length < 128) return undefined;
    const value = (BigInt(address[2]) << 32n) | BigInt(address[3]);
    for (const name of columns) found.set(`${name} ${value}`, { column: `${name}_lo`, value });
  }
  return found;
}

/** Everything that must be looked up to know whether a filter can match; what is below a `not` tells nothing. */
function collect(node: FilterNode, into: Map<string, Lookup>): void {
  if (node.kind === 'and' || node.kind === 'or') for (const item of node.items) collect(item, into);
  else if (node.kind === 'address') for (const [key, lookup] of lookupsOf(node) ?? []) into.set(key, lookup);
}

/** Whether some flow may match, where `mayHave` says of each look-up whether the value may be there. */
function canMatch(node: FilterNode, mayHave: (key: string) => boolean): boolean {
  if (node.kind === 'and') return node.items.every((item) => canMatch(item, mayHave));
  if (node.kind === 'or') return node.items.some((item) => canMatch(item, mayHave));
  if (node.kind !== 'address') return true;
  const lookups = lookupsOf(node);
  return lookups === undefined || [...lookups.keys()].some(mayHave);
}

/**
 * For each look-up by its key, and each file that has the column: the share of the row groups that may have the value. All in one statement, whose parts DuckDB
 * runs at the same time.
 */
async function filesWith(
  duck: QueryDuck,
  dir: string,
  files: readonly SegmentEntry[],
  lookups: readonly (readonly [string, Lookup])[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, number>>> {
  const found = lookups.map(([key]) => [key, new Map<string, number>()] as const);
  const probes = lookups.flatMap(([, { column, value }], index) => {
    const having = files.filter(({ columns }) => columns.includes(column)).map(({ file }) => resolve(dir, file));
    for (const { file } of files) found[index]?.[1].set(resolve(dir, file), 0);
    if (having.length === 0) return [];
    const probe = `parquet_bloom_probe(${sqlFileList(having)}, ${sqlText(column)}, ${value}::UBIGINT)`;
    return [
      `SELECT ${index}::UTINYINT, file_name, avg((NOT bloom_filter_excludes)::DOUBLE) FROM ${probe} GROUP BY file_name`,
    ];
  });
  if (probes.length > 0) {
    await duck.read(probes.join(' UNION ALL '), (rows) => {
      const { bytes: indexes } = rows.values(0, 1);
      const { bytes: names } = rows.values(1, 16);
      const share = createCell('double', 2);
      share.bind(rows);
      for (let row = 0; row < rows.count; row++)
        found[indexes[row] as number]?.[1].set(stringAt(names, row), share.number(row));
    });
  }
  return new Map(found);
}
