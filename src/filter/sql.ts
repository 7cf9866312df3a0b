import { sqlText } from '../util/sql-text.ts';
import { DERIVED, labelIndex } from './derived.ts';
import { SUBJECTS } from './fields.ts';
import { mergeAlternatives } from './merge.ts';
import { parseRegex } from './regex-parse.ts';
import { printRe2 } from './regex-print.ts';
import { compileAddresses, V4_FIRST, V4_LAST } from './sql-addresses.ts';
import { anyOf, type ColumnLeaf, compileSql, inRanges, oneOf, sqlColumn } from './sql-walk.ts';
import { type CompareTest, type FilterNode, forEachLeaf, type NumberTest, type TextTest } from './tree.ts';

/**
 * A filter as a DuckDB expression over the columns of the files (`src/flow/slots.ts`, with `duration` in µs beside `time_start`), for WHERE: it is
 * true exactly for the selected rows, and false or NULL for others. It holds only numbers and quoted texts from the tree, never text of the filter.
 */
export function compileFilterSql(node: FilterNode): string {
  return compileSql(mergeAlternatives(node), { leaf: compileLeaf, opposite: (sql) => `(${sql}) IS NOT TRUE` });
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

function fileColumns(leaf: ColumnLeaf, column: string): readonly string[] {
  const isAddress = leaf.kind === 'address' || leaf.kind === 'family';
  if (isAddress || (leaf.kind === 'compare' && leaf.values === 'address')) return [`${column}_hi`, `${column}_lo`];
  const needs = Object.hasOwn(DERIVED, column) ? DERIVED[column]?.needs : undefined;
  if (needs !== undefined) {
    const times = needs.includes('time_end') ? ['duration'] : [];
    return [...needs.filter((name) => !name.startsWith('time_')), ...times];
  }
  return column === 'time_end' ? ['time_start', 'duration'] : [column];
}

function compileLeaf(leaf: ColumnLeaf): string {
  return leaf.kind === 'compare'
    ? compileCompare(leaf)
    : anyOf(leaf.columns.map((column) => compileColumn(leaf, column)));
}

function compileColumn(leaf: Exclude<ColumnLeaf, CompareTest>, column: string): string {
  switch (leaf.kind) {
    case 'number':
      return compileNumbers(leaf, column);
    case 'address':
      return compileAddresses(leaf, column);
    case 'family': {
      const lower = `${sqlColumn(column, '_lo')} BETWEEN ${V4_FIRST}::UBIGINT AND ${V4_LAST}::UBIGINT`;
      const v4 = `(${sqlColumn(column, '_hi')} = 0::UBIGINT AND ${lower})`;
      return leaf.version === 4 ? v4 : `(NOT ${v4})`;
    }
    case 'flags': {
      const set = `(${sqlColumn(column)} & ${leaf.mask})`;
      return leaf.mode === 'all' ? `${set} = ${leaf.mask}` : `${set} <> 0`;
    }
    default:
      return compileTexts(leaf, column);
  }
}

function compileTexts({ mode, values }: TextTest, column: string): string {
  const name = sqlColumn(column);
  if (mode === 'is') return oneOf(name, values.map(sqlText));
  const test = { contains: 'contains', prefix: 'starts_with', regex: 'regexp_matches' }[mode];
  // DuckDB 1.5 rewrites simple expressions to prefix() and suffix(), and `$a` wrongly; it leaves those with a group alone.
  return anyOf(values.map((value) => `${test}(${name}, ${sqlText(mode === 'regex' ? `(${re2(value)})` : value)})`));
}

/** An expression that the parser has accepted, for RE2. */
export function re2(text: string): string {
  return printRe2(parseRegex(text, (message) => new RangeError(message)));
}

function compileNumbers({ subject, ranges }: NumberTest, column: string): string {
  const isTime = SUBJECTS.get(subject)?.value === 'time';
  return inRanges(numberExpression(column), ranges, (value) =>
    isTime ? `make_timestamp(${value}::BIGINT)` : `${value}`,
  );
}

function compileCompare({ columns: [left, right], comparison, values }: CompareTest): string {
  if (values !== 'address') return `${numberExpression(left)} ${comparison} ${numberExpression(right)}`;
  const same = ['_hi', '_lo'].map((half) => `${sqlColumn(left, half)} = ${sqlColumn(right, half)}`);
  return `(${same.join(' AND ')})`;
}

/** A column, or the computation of a derived one; whole numbers rounded down, NULL where something it needs is missing. */
function numberExpression(column: string): string {
  const label = labelIndex(column);
  if (label !== undefined) return `TRY_CAST(string_split("mpls_labels", ',')[${label}] AS UINTEGER)`;
  switch (column) {
    case 'time_end':
      return '("time_start" + to_microseconds("duration"))';
    case 'pps':
      return '(CASE WHEN "duration" > 0 THEN "packets"::HUGEINT * 1000000 // "duration" WHEN "duration" <= 0 THEN "packets" * 0 END)';
    case 'bps':
      return '(CASE WHEN "duration" > 0 THEN "bytes"::HUGEINT * 8000000 // "duration" WHEN "duration" <= 0 THEN "bytes" * 0 END)';
    case 'bpp':
      return '(CASE WHEN "packets" > 0 THEN "bytes" // "packets" WHEN "packets" = 0 THEN "bytes" * 0 END)';
    case 'flows':
      return 'coalesce("flow_count", 1)';
    case 'dscp':
      return '("tos" >> 2)';
    case 'ecn':
      return '("tos" & 3)';
    default:
      return sqlColumn(column);
  }
}
