import { nearest } from '../elements/nearest.ts';
import { COLUMNS, type ColumnDefinition, findColumn } from '../flow/schema.ts';
import { WeirError } from '../util/errors.ts';
import type { PrefixLengths } from './cells.ts';
import type { Counting } from './counters.ts';
import { DERIVED_COLUMNS, type DerivedColumn, findDerivedColumn } from './derived-columns.ts';
import { EITHER_ENDS, findEitherEnd } from './either-end.ts';
import { findNameColumn, NAME_COLUMNS, withNames } from './name-columns.ts';
import { parseStep } from './time.ts';

/** One thing to group by. */
export type Key = ColumnKey | PrefixKey | BucketKey | DerivedKey | ClassKey | EitherKey;

interface KeyHead {
  /** Its name in the output, as it is written in `--by`. */
  readonly name: string;
  /** What its values are, for those who show them. */
  readonly column: ColumnDefinition;
}

/** The values of a column. */
export interface ColumnKey extends KeyHead {
  readonly kind: 'column';
}

/** Networks: the addresses of a column with their first bits. */
export interface PrefixKey extends KeyHead {
  readonly kind: 'prefix';
  readonly lengths: PrefixLengths;
}

/** Points in time, rounded down to a multiple of `micros`. */
export interface BucketKey extends KeyHead {
  readonly kind: 'bucket';
  /** The column of the schema that tells the time. */
  readonly of: string;
  readonly micros: bigint;
}

/** What is computed from columns: see derived-columns.ts. */
export interface DerivedKey extends KeyHead {
  readonly kind: 'derived';
  readonly derived: DerivedColumn;
}

/** Classes of a number, each by its lower end: see histogram.ts. */
export interface ClassKey extends KeyHead {
  readonly kind: 'class';
  /** The lower ends of all classes. */
  readonly bounds: readonly number[];
  /** Columns of the files that the number is made of. */
  readonly needs: readonly string[];
  readonly sql: (counting: Counting) => string;
}

/** A column, or its networks, of either end of a flow: see either-end.ts. */
export interface EitherKey extends KeyHead {
  readonly kind: 'either';
  readonly ends: readonly [source: ColumnKey | PrefixKey, destination: ColumnKey | PrefixKey];
}

/** A key, or those of both ends where it is one for either. */
export function endsOf(key: Key): readonly Key[] {
  return key.kind === 'either' ? key.ends : [key];
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

/** The column that a listing is ordered by; its name has been checked. */
export function listedColumn(name: string): ColumnDefinition {
  return name === BOTH_BYTES.name ? BOTH_BYTES : (COLUMNS[findColumn(name)] ?? DURATION);
}

/** `both_bytes` is a column of conversations alone. */
export const BOTH_BYTES: ColumnDefinition = {
  ...DURATION,
  name: 'both_bytes',
  unit: 'octets',
  label: 'bytes both',
  about: 'Octets of both directions of a conversation.',
};

/** Longest bucket: a longer one is a mistake, and DuckDB's arithmetic has an end. */
const LONGEST_BUCKET = 366n * 86_400_000_000n;

/** Names that groups are measured by, and so are not grouped by. */
const COUNTERS = ['flows', 'packets', 'bytes'];

/**
 * Reads `src_addr/24,dst_port`: columns; address columns with prefix lengths (`/24` for IPv4, `/48` for IPv6, `/24/48` for both; addresses of the
 * other kind stay whole); `time/5m` and other times in buckets; derived columns. Throws WEIR_USAGE with the nearest name.
 */
export function parseKeys(text: string, flag = '--by'): Key[] {
  const keys = splitNames(text).map((name) => parseKey(name, flag));
  const names = keys.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw new WeirError('WEIR_USAGE', `${flag} names ${twice} twice`);
  if (keys.length === 0)
    throw new WeirError('WEIR_USAGE', `${flag} names no column`, { hint: `For example ${flag} src_addr,dst_port` });
  return keys;
}

function parseKey(text: string, flag: string): Key {
  const [name = '', ...parts] = text.split('/');
  if (COUNTERS.includes(name)) {
    throw new WeirError('WEIR_USAGE', `${flag} ${name}: ${name} is what groups are measured by`, {
      hint: `Group by a column, and order by it: ${flag} src_addr --order ${name}`,
    });
  }
  if (name === 'time' && parts.length === 0) {
    throw new WeirError('WEIR_USAGE', `${flag} time: how long is a bucket?`, { hint: `For example ${flag} time/5m` });
  }
  const either = findEitherEnd(name);
  if (either !== undefined) {
    if (flag === '--distinct') {
      throw new WeirError('WEIR_USAGE', `${flag} ${name}: which end is it?`, {
        hint: `Write ${either.ends.map((end) => end.name).join(' or ')}; ${name} stands for both in --by and --stat.`,
      });
    }
    const [source, destination] = either.ends.map((end) => parseKey([end.name, ...parts].join('/'), flag));
    if (isEnd(source) && isEnd(destination))
      return { kind: 'either', name: text, column: either.column, ends: [source, destination] };
  }
  if (parts.length === 0) return columnKey(name, flag);
  const column = name === 'time' ? columnNamed('time_start', flag) : columnNamed(name, flag);
  if (column.type === 'time') return bucketKey(text, column, name, parts, flag);
  if (column.type === 'address')
    return { kind: 'prefix', name: text, column, lengths: prefixLengths(text, parts, flag) };
  throw new WeirError('WEIR_USAGE', `${flag} ${text}: ${name} is neither an address nor a time`, {
    hint: `Prefix lengths go with addresses (src_addr/24), buckets with times (time/5m).`,
  });
}

function isEnd(key: Key | undefined): key is ColumnKey | PrefixKey {
  return key?.kind === 'column' || key?.kind === 'prefix';
}

function columnKey(name: string, flag: string): Key {
  const derived = findDerivedColumn(name);
  if (derived !== undefined) return { kind: 'derived', name, column: derived.column, derived };
  return { kind: 'column', name, column: columnNamed(name, flag) };
}

function bucketKey(
  text: string,
  column: ColumnDefinition,
  name: string,
  parts: readonly string[],
  flag: string,
): BucketKey {
  const micros = parts.length === 1 ? parseStep(parts[0] as string) : undefined;
  if (micros === undefined || micros <= 0n || micros > LONGEST_BUCKET) {
    throw new WeirError('WEIR_USAGE', `${flag} ${text}: '${parts.join('/')}' is not a length of time`, {
      hint: `Write ${flag} ${name}/1m, ${name}/5m, ${name}/1h, ${name}/1d; up to 366 days.`,
    });
  }
  const shown = name === 'time' ? { ...column, name: 'time', label: 'time' } : column;
  return { kind: 'bucket', name: text, column: shown, of: column.name, micros };
}

function prefixLengths(text: string, parts: readonly string[], flag: string): PrefixLengths {
  const numbers = parts.map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : Number.NaN));
  const [first = Number.NaN, second] = numbers;
  if (parts.length === 1 && first <= 32) return { v4: first, v6: 128 };
  if (parts.length === 1 && first <= 128) return { v4: 32, v6: first };
  if (parts.length === 2 && first <= 32 && second !== undefined && second <= 128) return { v4: first, v6: second };
  throw new WeirError('WEIR_USAGE', `${flag} ${text.slice(0, 60)}: no such prefix length`, {
    hint: `Write /24 for IPv4, /48 for IPv6, or /24/48 for both.`,
  });
}

/** More would make a table of groups that no machine holds. */
const MOST_STATS = 16;

/** Reads `src_addr,dst_port,src_addr+dst_port`: statistics, each by one or several keys. Throws WEIR_USAGE. */
export function parseStats(text: string): { readonly name: string; readonly keys: readonly Key[] }[] {
  const names = splitNames(text);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw new WeirError('WEIR_USAGE', `--stat names ${twice} twice`);
  if (names.length === 0 || names.length > MOST_STATS) {
    throw new WeirError('WEIR_USAGE', `--stat takes 1 to ${MOST_STATS} statistics, not ${names.length}`, {
      hint: 'For example --stat src_addr,dst_port,src_addr+dst_port',
    });
  }
  return names.map((name) => ({ name, keys: parseKeys(name.replaceAll('+', ','), '--stat') }));
}

/** The keys, each followed by the name of what it stands for, where there are such names. */
export function keysWithNames(keys: readonly Key[]): Key[] {
  const known = new Set(keys.map(({ name }) => name));
  return keys.flatMap((key): Key[] => {
    if (key.kind !== 'column') return [key];
    const more = withNames([key.column]).slice(1);
    const names = more.filter(({ name }) => !known.has(name));
    return [key, ...names.map((column): Key => ({ kind: 'column', name: column.name, column }))];
  });
}

/** Reads the columns of a listing. Throws WEIR_USAGE with the nearest name. */
export function parseColumns(text: string, flag = '--columns'): ColumnDefinition[] {
  return [...new Set(splitNames(text))].map((name) => columnNamed(name, flag));
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
  const others = [
    DURATION,
    ...[...NAME_COLUMNS, ...DERIVED_COLUMNS, ...(flag === '--columns' ? [] : EITHER_ENDS)].map((each) => each.column),
  ];
  const suggestion = nearest(
    name,
    [...COLUMNS, ...others].map((each) => each.name),
  );
  throw new WeirError('WEIR_USAGE', `${flag}: there is no column '${name.slice(0, 60)}'`, {
    hint:
      suggestion === undefined
        ? 'docs/fields.md lists the columns, and so does weir sql "describe flows".'
        : `Did you mean '${suggestion}'?`,
    details: { name },
  });
}
