import { nearest } from '../elements/nearest.ts';
import { type FilterNode, forEachLeaf } from '../filter/tree.ts';
import { COLUMNS, type ColumnDefinition, findColumn } from '../flow/schema.ts';
import { WeirError } from '../util/errors.ts';
import { findNameColumn, NAME_COLUMNS, withNames } from './name-columns.ts';
import type { TimeSpan } from './time.ts';

/** What an aggregate counts. */
export const MEASURES = ['flows', 'packets', 'bytes'] as const;
export type Measure = (typeof MEASURES)[number];

/** One thing to group by. Prefix lengths and time buckets will be further members here. */
export interface Key {
  /** Its name in the output. */
  readonly name: string;
  readonly column: ColumnDefinition;
}

export interface Order {
  /** A measure, a key, or a column of a listing. */
  readonly name: string;
  readonly descending: boolean;
}

/** A question. Without keys it asks for the flows themselves. */
export interface QuerySpec {
  readonly span: TimeSpan;
  readonly filter: FilterNode;
  readonly by: readonly Key[];
  /** At most so many rows; undefined for all. */
  readonly limit: number | undefined;
  readonly order: Order;
  /** Counters as exported, not multiplied by the sampling rate. */
  readonly raw: boolean;
  /** Each direction of a biflow is a flow of its own. */
  readonly splitBiflows?: boolean;
  /** Columns of a listing; empty for all that the files have. */
  readonly columns: readonly ColumnDefinition[];
  /** Names beside the numbers of interfaces, applications … */
  readonly names: boolean;
}

/** `duration` is no column of the schema but one of the files, and a column of every listing for people. */
export const DURATION: ColumnDefinition = {
  name: 'duration',
  type: 'u64',
  unit: 'µs',
  elements: [],
  label: 'duration',
  about: 'Time from first to last packet.',
  display: 'number',
  words: undefined,
};

/** Reads `src_addr,dst_port`: names of columns. Throws WEIR_USAGE with the nearest name. */
export function parseKeys(text: string): Key[] {
  const keys = splitNames(text).map((name): Key => {
    if ((MEASURES as readonly string[]).includes(name)) {
      throw new WeirError('WEIR_USAGE', `--by ${name}: ${name} is what groups are measured by`, {
        hint: `Group by a column, and order by it: --by src_addr --order ${name}`,
      });
    }
    return { name, column: columnNamed(name, '--by') };
  });
  const names = keys.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw new WeirError('WEIR_USAGE', `--by names ${twice} twice`);
  if (keys.length === 0)
    throw new WeirError('WEIR_USAGE', '--by names no column', { hint: 'For example --by src_addr,dst_port' });
  return keys;
}

/** The keys, each followed by the name of what it stands for, where there are such names. */
export function keysWithNames(keys: readonly Key[]): Key[] {
  return withNames(keys.map(({ column }) => column)).map((column) => ({ name: column.name, column }));
}

/** Whether a question asks for names. */
export function asksForNames({ by, columns, names }: QuerySpec): boolean {
  return (
    names || [...by.map(({ column }) => column), ...columns].some(({ name }) => findNameColumn(name) !== undefined)
  );
}

/** Reads the columns of a listing. Throws WEIR_USAGE with the nearest name. */
export function parseColumns(text: string): ColumnDefinition[] {
  return [...new Set(splitNames(text))].map((name) => columnNamed(name, '--columns'));
}

function splitNames(text: string): string[] {
  return text
    .split(/[\s,]+/)
    .filter((name) => name !== '')
    .map((name) => name.toLowerCase());
}

function columnNamed(name: string, flag: string): ColumnDefinition {
  if (name === DURATION.name) return DURATION;
  const column = COLUMNS[findColumn(name)] ?? findNameColumn(name);
  if (column !== undefined) return column;
  const others = [DURATION, ...NAME_COLUMNS.map((each) => each.column)];
  const suggestion = nearest(
    name,
    [...COLUMNS, ...others].map((each) => each.name),
  );
  throw new WeirError('WEIR_USAGE', `${flag}: there is no column '${name.slice(0, 60)}'`, {
    hint: suggestion === undefined ? 'docs/query.md lists the columns.' : `Did you mean '${suggestion}'?`,
    details: { name },
  });
}

/**
 * Reads `bytes`, `src_port`, `bytes:asc`, `time_start:desc`. Measures come largest first and everything else smallest first unless said otherwise.
 * Without a text: `bytes` for aggregates, `time_start` for a listing. Throws WEIR_USAGE for a name that the answer does not have.
 */
export function parseOrder(text: string | undefined, by: readonly Key[]): Order {
  const [name = '', direction, ...rest] = (text ?? (by.length > 0 ? 'bytes' : 'time_start'))
    .trim()
    .toLowerCase()
    .split(':');
  if (rest.length > 0 || (direction !== undefined && direction !== 'asc' && direction !== 'desc')) {
    throw new WeirError('WEIR_USAGE', `--order ${text ?? ''}: after the colon comes asc or desc`, {
      hint: 'For example --order bytes:asc',
    });
  }
  const measure = (MEASURES as readonly string[]).includes(name);
  const descending = direction === undefined ? measure || name === DURATION.name : direction === 'desc';
  if (by.length > 0) {
    const names = [...MEASURES, ...by.map((key) => key.name)];
    if (!names.includes(name)) throw wrongOrder(name, names);
  } else if (name !== DURATION.name && findColumn(name) < 0) {
    throw wrongOrder(name, [...COLUMNS.map((column) => column.name), DURATION.name]);
  }
  return { name, descending };
}

function wrongOrder(name: string, names: readonly string[]): WeirError {
  const suggestion = nearest(name, names);
  return new WeirError('WEIR_USAGE', `--order: the answer has no '${name.slice(0, 60)}'`, {
    hint:
      suggestion === undefined
        ? `It has ${names.slice(0, 12).join(', ')}${names.length > 12 ? ' …' : ''}.`
        : `Did you mean '${suggestion}'?`,
  });
}

/** Reads a count of rows; 0 means all. Throws WEIR_USAGE. */
export function parseTop(text: string): number | undefined {
  if (/^(?:0|all)$/i.test(text)) return undefined;
  const count = /^[1-9]\d{0,14}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(count))
    throw new WeirError('WEIR_USAGE', `--top ${text.slice(0, 60)} is no number of rows`, {
      hint: 'For example --top 20; --top 0 shows all.',
    });
  return count;
}

/** Whether a filter says itself which kinds of records it wants, so that aggregates do not choose for it. */
export function namesRecordKind(filter: FilterNode): boolean {
  let named = false;
  forEachLeaf(filter, (leaf) => {
    if (
      leaf.kind !== 'any' &&
      leaf.columns.some((column) => column === 'record_kind' || column === 'nat_event' || column === 'firewall_event')
    ) {
      named = true;
    }
  });
  return named;
}
