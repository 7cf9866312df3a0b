import type { Prefix } from '../util/prefix.ts';

/**
 * A filter as data: what the parser makes and what the printer and the compilers read. A leaf names the columns it looks at and is true
 * when one of them has a value that passes; a missing value passes no leaf. Logic is two-valued: `not` of a leaf selects exactly
 * the rows that the leaf does not select, those without a value among them.
 */
export type FilterNode =
  | AnyNode
  | AndNode
  | OrNode
  | NotNode
  | NumberTest
  | AddressTest
  | FamilyTest
  | FlagsTest
  | TextTest
  | CompareTest;
export type FilterLeaf = Exclude<FilterNode, AndNode | OrNode | NotNode>;

/** Every row. */
export interface AnyNode {
  readonly kind: 'any';
}
/** At least two items, none of them an `and` itself. */
export interface AndNode {
  readonly kind: 'and';
  readonly items: readonly FilterNode[];
}
/** At least two items, none of them an `or` itself. */
export interface OrNode {
  readonly kind: 'or';
  readonly items: readonly FilterNode[];
}
/** The item is never a `not` itself. */
export interface NotNode {
  readonly kind: 'not';
  readonly item: FilterNode;
}

/** Both ends belong to the range; an end that is undefined is open. */
export interface NumberRange {
  readonly from: bigint | undefined;
  readonly to: bigint | undefined;
}

/** Numbers of every kind: ports, counters, codes, MAC addresses, times (µs since the epoch), `duration` (µs) and the derived rates. */
export interface NumberTest {
  readonly kind: 'number';
  /** Name it has in a filter: a column, or a word for several (`port`). See `fields.ts`. */
  readonly subject: string;
  /** Columns of the schema, or a derived measure (`duration`, `pps`, `bps`, `bpp`). */
  readonly columns: readonly string[];
  /** Sorted, not overlapping, not touching; at least one. */
  readonly ranges: readonly NumberRange[];
}

export interface AddressTest {
  readonly kind: 'address';
  readonly subject: string;
  readonly columns: readonly string[];
  /** At least one; a single address is a prefix of 128 bits. */
  readonly prefixes: readonly Prefix[];
}

/** Whether one of the flow's addresses is IPv4, or is IPv6. */
export interface FamilyTest {
  readonly kind: 'family';
  readonly version: 4 | 6;
  readonly columns: readonly string[];
}

/** TCP control bits: all of `mask` set, or any of them. */
export interface FlagsTest {
  readonly kind: 'flags';
  readonly subject: string;
  readonly columns: readonly string[];
  readonly mask: number;
  /** `all` when the mask has one bit. */
  readonly mode: 'all' | 'any';
}

/**
 * How a text is tested: it is one of the values, contains one, begins with one, or one of these regular expressions is found in it (`regex-parse.ts`).
 */
export type TextMode = 'is' | 'contains' | 'prefix' | 'regex';

/** One of the values fits the text, which is never empty: an empty text is a missing value. */
export interface TextTest {
  readonly kind: 'text';
  readonly subject: string;
  readonly columns: readonly string[];
  readonly mode: TextMode;
  /** At least one, all different. */
  readonly values: readonly string[];
}

export type Comparison = '=' | '<' | '<=' | '>' | '>=';

/** Two values of one flow: `columns[0] comparison columns[1]`. Both must be there. */
export interface CompareTest {
  readonly kind: 'compare';
  /** What is compared; texts and addresses for equality only. */
  readonly values: 'number' | 'time' | 'address' | 'text';
  readonly comparison: Comparison;
  readonly columns: readonly [string, string];
}

export const ANY: AnyNode = Object.freeze({ kind: 'any' });

/** All of `items`; nested ones are flattened, and one alone is itself. */
export function and(items: readonly FilterNode[]): FilterNode {
  const flat = items.flatMap((item) => (item.kind === 'and' ? item.items : [item]));
  const [first = ANY] = flat;
  return flat.length < 2 ? first : Object.freeze({ kind: 'and', items: Object.freeze(flat) });
}

/** One of `items`; nested ones are flattened, and one alone is itself. */
export function or(items: readonly FilterNode[]): FilterNode {
  const flat = items.flatMap((item) => (item.kind === 'or' ? item.items : [item]));
  const [first = ANY] = flat;
  return flat.length < 2 ? first : Object.freeze({ kind: 'or', items: Object.freeze(flat) });
}

/** What `item` does not select; two of them undo each other. */
export function not(item: FilterNode): FilterNode {
  return item.kind === 'not' ? item.item : Object.freeze({ kind: 'not', item });
}

/** A number test with its ranges sorted and merged. */
export function numberTest(subject: string, columns: readonly string[], ranges: readonly NumberRange[]): NumberTest {
  return Object.freeze({ kind: 'number', subject, columns, ranges: Object.freeze(mergeRanges(ranges)) });
}

export function addressTest(subject: string, columns: readonly string[], prefixes: readonly Prefix[]): AddressTest {
  return Object.freeze({ kind: 'address', subject, columns, prefixes: Object.freeze([...prefixes]) });
}

export function familyTest(version: 4 | 6, columns: readonly string[]): FamilyTest {
  return Object.freeze({ kind: 'family', version, columns });
}

export function flagsTest(subject: string, columns: readonly string[], mask: number, mode: 'all' | 'any'): FlagsTest {
  const single = (mask & (mask - 1)) === 0;
  return Object.freeze({ kind: 'flags', subject, columns, mask, mode: single ? 'all' : mode });
}

export function textTest(
  subject: string,
  columns: readonly string[],
  values: readonly string[],
  mode: TextMode = 'is',
): TextTest {
  return Object.freeze({ kind: 'text', subject, columns, mode, values: Object.freeze([...new Set(values)]) });
}

export function compareTest(
  columns: readonly [string, string],
  comparison: Comparison,
  values: CompareTest['values'],
): CompareTest {
  return Object.freeze({ kind: 'compare', values, comparison, columns: Object.freeze(columns) });
}

function mergeRanges(ranges: readonly NumberRange[]): NumberRange[] {
  const sorted = [...ranges].sort((a, b) => {
    if (a.from === b.from) return 0;
    if (a.from === undefined) return -1;
    if (b.from === undefined) return 1;
    return a.from < b.from ? -1 : 1;
  });
  const merged: NumberRange[] = [];
  for (const range of sorted) {
    const last = merged[merged.length - 1];
    if (last === undefined) merged.push(range);
    else if (last.to === undefined) break;
    else if (range.from === undefined || range.from <= last.to + 1n) {
      const to = range.to === undefined || range.to > last.to ? range.to : last.to;
      merged[merged.length - 1] = { from: last.from, to };
    } else merged.push(range);
  }
  return merged.map((range) => Object.freeze(range));
}

/** Calls back for every leaf, in the order of the text. */
export function forEachLeaf(node: FilterNode, visit: (leaf: FilterLeaf) => void): void {
  if (node.kind === 'and' || node.kind === 'or') for (const item of node.items) forEachLeaf(item, visit);
  else if (node.kind === 'not') forEachLeaf(node.item, visit);
  else visit(node);
}
