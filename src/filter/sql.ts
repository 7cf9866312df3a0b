import type { Address } from '../util/address.ts';
import { type Prefix, prefixRange } from '../util/prefix.ts';
import { DERIVED, SUBJECTS } from './fields.ts';
import {
  type AddressTest,
  type FilterLeaf,
  type FilterNode,
  type FlagsTest,
  forEachLeaf,
  type NumberRange,
  type NumberTest,
} from './tree.ts';

/**
 * A filter as a DuckDB expression over the columns of the files (`src/flow/slots.ts`, with `duration` in µs beside `time_start`), for WHERE: it is
 * true exactly for the selected rows, and false or NULL for others. `not` is pushed down to the leaves, so that the other leaves stay plain
 * comparisons that DuckDB can check against a file's statistics. It holds only numbers and quoted texts from the tree, never text of the filter.
 */
export function compileFilterSql(node: FilterNode): string {
  return compile(node, false);
}

/** Columns of the files that a filter's expression names. */
export function filterFileColumns(node: FilterNode): Set<string> {
  const names = new Set<string>();
  forEachLeaf(node, (leaf) => {
    if (leaf.kind === 'any') return;
    for (const column of leaf.columns) for (const name of fileColumns(leaf, column)) names.add(name);
  });
  return names;
}

function fileColumns(leaf: FilterLeaf, column: string): readonly string[] {
  if (leaf.kind === 'address' || leaf.kind === 'family') return [`${column}_hi`, `${column}_lo`];
  const needs = Object.hasOwn(DERIVED, column) ? DERIVED[column]?.needs : undefined;
  if (needs !== undefined) {
    const times = needs.includes('time_end') ? ['duration'] : [];
    return [...needs.filter((name) => !name.startsWith('time_')), ...times];
  }
  return column === 'time_end' ? ['time_start', 'duration'] : [column];
}

function compile(node: FilterNode, negated: boolean): string {
  if (node.kind === 'not') return compile(node.item, !negated);
  if (node.kind === 'and' || node.kind === 'or') {
    const joint = (node.kind === 'and') === negated ? ' OR ' : ' AND ';
    return `(${node.items.map((item) => compile(item, negated)).join(joint)})`;
  }
  const leaf = compileLeaf(node);
  return negated ? `(${leaf}) IS NOT TRUE` : leaf;
}

function compileLeaf(leaf: FilterLeaf): string {
  if (leaf.kind === 'any') return 'TRUE';
  return either(leaf.columns.map((column) => compileColumn(leaf, column)));
}

function compileColumn(leaf: Exclude<FilterLeaf, { kind: 'any' }>, column: string): string {
  switch (leaf.kind) {
    case 'number':
      return compileNumbers(leaf, column);
    case 'address':
      return compileAddresses(leaf, column);
    case 'family': {
      const v4 = `${name(column, '_hi')} = 0::UBIGINT AND ${name(column, '_lo')} BETWEEN ${V4_FIRST}::UBIGINT AND ${V4_LAST}::UBIGINT`;
      return leaf.version === 4 ? `(${v4})` : `(NOT (${v4}))`;
    }
    case 'flags':
      return compileFlags(leaf, column);
    default:
      return oneOf(
        name(column),
        leaf.values.map((value) => `'${value.replaceAll("'", "''")}'`),
      );
  }
}

const V4_FIRST = 0xffff_0000_0000n;
const V4_LAST = 0xffff_ffff_ffffn;

/** A quoted column name; all names come from the schema. */
function name(column: string, suffix = ''): string {
  return `"${column}${suffix}"`;
}

function either(parts: readonly string[]): string {
  return parts.length === 1 ? (parts[0] as string) : `(${parts.join(' OR ')})`;
}

function oneOf(expression: string, literals: readonly string[]): string {
  return literals.length === 1
    ? `${expression} = ${literals[0] as string}`
    : `${expression} IN (${literals.join(', ')})`;
}

function compileFlags({ mask, mode }: FlagsTest, column: string): string {
  return mode === 'all' ? `(${name(column)} & ${mask}) = ${mask}` : `(${name(column)} & ${mask}) <> 0`;
}

function compileNumbers({ subject, ranges }: NumberTest, column: string): string {
  const time = SUBJECTS.get(subject)?.value === 'time';
  const literal = (value: bigint) => (time ? `make_timestamp(${value}::BIGINT)` : String(value));
  const expression = numberExpression(column);
  const singles: string[] = [];
  const parts: string[] = [];
  for (const range of ranges) {
    if (range.from !== undefined && range.from === range.to) singles.push(literal(range.from));
    else parts.push(compileRange(expression, range, literal));
  }
  if (singles.length > 0) parts.unshift(oneOf(expression, singles));
  return either(parts);
}

function compileRange(expression: string, { from, to }: NumberRange, literal: (value: bigint) => string): string {
  if (from === undefined) return to === undefined ? `${expression} IS NOT NULL` : `${expression} <= ${literal(to)}`;
  return to === undefined
    ? `${expression} >= ${literal(from)}`
    : `${expression} BETWEEN ${literal(from)} AND ${literal(to)}`;
}

/** A column, or the computation of a derived one; whole numbers rounded down, NULL where something it needs is missing. */
function numberExpression(column: string): string {
  switch (column) {
    case 'time_end':
      return '("time_start" + to_microseconds("duration"))';
    case 'pps':
      return '(CASE WHEN "duration" > 0 THEN "packets"::HUGEINT * 1000000 // "duration" WHEN "duration" <= 0 THEN "packets" * 0 END)';
    case 'bps':
      return '(CASE WHEN "duration" > 0 THEN "bytes"::HUGEINT * 8000000 // "duration" WHEN "duration" <= 0 THEN "bytes" * 0 END)';
    case 'bpp':
      return '(CASE WHEN "packets" > 0 THEN "bytes" // "packets" WHEN "packets" = 0 THEN "bytes" * 0 END)';
    default:
      return name(column);
  }
}

/** Single addresses with one upper half become one IN; networks become ranges. */
function compileAddresses({ prefixes }: AddressTest, column: string): string {
  const hosts = new Map<bigint, bigint[]>();
  const parts: string[] = [];
  for (const prefix of prefixes) {
    if (prefix.length === 128) {
      const [hi, lo] = halves(prefix.address);
      const list = hosts.get(hi) ?? [];
      if (!list.includes(lo)) list.push(lo);
      hosts.set(hi, list);
    } else parts.push(compileNetwork(prefix, column));
  }
  for (const [hi, list] of hosts) {
    const lows = list.map((lo) => `${lo}::UBIGINT`);
    parts.unshift(`(${name(column, '_hi')} = ${hi}::UBIGINT AND ${oneOf(name(column, '_lo'), lows)})`);
  }
  return either(parts);
}

function compileNetwork(prefix: Prefix, column: string): string {
  const { first, last } = prefixRange(prefix);
  const [firstHi, firstLo] = halves(first);
  const [lastHi, lastLo] = halves(last);
  const hi = name(column, '_hi');
  if (firstHi !== lastHi) return `${hi} BETWEEN ${firstHi}::UBIGINT AND ${lastHi}::UBIGINT`;
  const upper = `${hi} = ${firstHi}::UBIGINT`;
  // A /64 leaves the lower half open.
  if (prefix.length === 64) return upper;
  return `(${upper} AND ${name(column, '_lo')} BETWEEN ${firstLo}::UBIGINT AND ${lastLo}::UBIGINT)`;
}

/** Upper and lower 64 bits. */
function halves(address: Address): [bigint, bigint] {
  const [w0, w1, w2, w3] = address;
  return [(BigInt(w0) << 32n) | BigInt(w1), (BigInt(w2) << 32n) | BigInt(w3)];
}
