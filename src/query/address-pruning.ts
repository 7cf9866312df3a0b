import { resolve } from 'node:path';
import type { AddressTest, FilterNode } from '../filter/tree.ts';
import type { SegmentEntry } from '../store/catalogue.ts';
import { sqlFileList, sqlText } from '../util/sql-text.ts';
import { type QueryDuck, stringAt } from './duck.ts';
import { hasTiers, type Source, withSegments } from './source.ts';

/** More addresses than these cost more to look up than they are likely to save. */
const MOST_LOOKUPS = 16;
/** Smaller files are read as fast as looked into. */
const LEAST_ROWS = 10_000;

/**
 * The source without segments that cannot hold a flow which the filter selects, because it wants certain hosts. DuckDB's Bloom filters, which merged files have
 * for columns with a dictionary (up to 65,536 different values), tell where an address is not; half of an address is enough for that.
 */
export async function pruneByAddress(duck: QueryDuck, source: Source, filter: FilterNode): Promise<Source> {
  if (hasTiers(source) || source.splits) return source;
  const lookups = new Map<string, Lookup>();
  collect(filter, lookups);
  const files = source.segments.filter(({ tier, rows }) => tier === 'compact' && rows >= LEAST_ROWS);
  if (lookups.size === 0 || lookups.size > MOST_LOOKUPS || files.length < 2) return source;
  const holders = await filesWith(duck, source.dir, files, [...lookups]);
  const asked = new Set(files);
  const kept = source.segments.filter((segment) => {
    if (!asked.has(segment)) return true;
    return canMatch(filter, (key) => holders.get(key)?.has(resolve(source.dir, segment.file)) !== false);
  });
  // Some file of each layout stays, so that an answer has the same columns wherever the flows are.
  const layouts = new Set(kept.map(({ columns }) => columns));
  for (const segment of source.segments) {
    if (layouts.has(segment.columns)) continue;
    layouts.add(segment.columns);
    kept.push(segment);
  }
  return kept.length === source.segments.length ? source : withSegments(source, kept);
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

/** For each look-up by its key the files that may have the value. All in one statement, whose parts DuckDB runs at the same time. */
async function filesWith(
  duck: QueryDuck,
  dir: string,
  files: readonly SegmentEntry[],
  lookups: readonly (readonly [string, Lookup])[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const found = lookups.map(([key]) => [key, new Set<string>()] as const);
  const probes = lookups.flatMap(([, { column, value }], index) => {
    const paths = files.filter(({ columns }) => columns.includes(column)).map(({ file }) => resolve(dir, file));
    if (paths.length === 0) return [];
    const probe = `parquet_bloom_probe(${sqlFileList(paths)}, ${sqlText(column)}, ${value}::UBIGINT)`;
    return [`SELECT DISTINCT ${index}::UTINYINT, file_name FROM ${probe} WHERE NOT bloom_filter_excludes`];
  });
  if (probes.length > 0) {
    await duck.read(probes.join(' UNION ALL '), (rows) => {
      const { bytes: indexes } = rows.values(0, 1);
      const { bytes: names } = rows.values(1, 16);
      for (let row = 0; row < rows.count; row++) found[indexes[row] as number]?.[1].add(stringAt(names, row));
    });
  }
  return new Map(found);
}
