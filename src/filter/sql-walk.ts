import type { FilterLeaf, FilterNode, NumberRange } from './tree.ts';

/** A leaf that looks at columns. */
export type ColumnLeaf = Exclude<FilterLeaf, { kind: 'any' }>;

/** How one kind of SQL says what the leaves say; and, or and their nesting are the same in all. */
export interface Dialect {
  /** True for the rows that pass, false or NULL for others. */
  readonly leaf: (leaf: ColumnLeaf) => string;
  /** True exactly where the expression is not true. */
  readonly opposite: (sql: string) => string;
}

/**
 * A filter as an expression for WHERE. `not` is pushed down to the leaves, so that the other leaves stay plain comparisons that the engine can check against
 * statistics and keys.
 */
export function compileSql(node: FilterNode, dialect: Dialect, isNegated = false): string {
  if (node.kind === 'not') return compileSql(node.item, dialect, !isNegated);
  if (node.kind === 'and' || node.kind === 'or') {
    const joint = (node.kind === 'and') === isNegated ? ' OR ' : ' AND ';
    return `(${node.items.map((item) => compileSql(item, dialect, isNegated)).join(joint)})`;
  }
  const sql = node.kind === 'any' ? 'TRUE' : dialect.leaf(node);
  return isNegated ? dialect.opposite(sql) : sql;
}

/** A quoted column name; all names come from the schema, or from whoever gave the parser more columns. */
export function sqlColumn(column: string, suffix = ''): string {
  return `"${column.replaceAll('"', '""')}${suffix}"`;
}

export function anyOf(parts: readonly string[]): string {
  return parts.length === 1 ? (parts[0] as string) : `(${parts.join(' OR ')})`;
}

export function oneOf(expression: string, literals: readonly string[]): string {
  return literals.length === 1
    ? `${expression} = ${literals[0] as string}`
    : `${expression} IN (${literals.join(', ')})`;
}

/** Whether an expression lies in one of the ranges: single values as one list, the others as comparisons. */
export function inRanges(
  expression: string,
  ranges: readonly NumberRange[],
  literal: (value: bigint) => string,
): string {
  const singles: string[] = [];
  const parts: string[] = [];
  for (const range of ranges) {
    if (range.from !== undefined && range.from === range.to) singles.push(literal(range.from));
    else parts.push(inRange(expression, range, literal));
  }
  if (singles.length > 0) parts.unshift(oneOf(expression, singles));
  return anyOf(parts);
}

function inRange(expression: string, { from, to }: NumberRange, literal: (value: bigint) => string): string {
  if (from === undefined) return to === undefined ? `${expression} IS NOT NULL` : `${expression} <= ${literal(to)}`;
  return to === undefined
    ? `${expression} >= ${literal(from)}`
    : `${expression} BETWEEN ${literal(from)} AND ${literal(to)}`;
}
