import { resolve } from 'node:path';
import { ICMP_IN_PORT, ICMP_PROTOCOLS } from '../flow/icmp.ts';
import { type Catalogue, holdsFlows, readCatalogue, type SegmentEntry, timesOf } from '../store/catalogue.ts';
import { FILE_COLUMNS } from '../store/file-columns.ts';
import { LEFT_OUT_WHEN_ZERO, zeroWhereLeftOut } from '../store/left-out.ts';
import { WeirError } from '../util/errors.ts';
import { biflowColumns, splitBiflows } from './biflow.ts';
import { splitNames, sqlWithNames } from './name-columns.ts';
import { smallFiles } from './small-tables.ts';
import type { QuerySpec } from './spec.ts';
import { fileType, SQL_TIME_END, sqlFiles, sqlName, sqlTime } from './sql-text.ts';
import { chooseTiers, type Lost, lostFlows, type TierChoice } from './tier.ts';
import { COUNT, outsideSql, sqlRolled } from './tier-sql.ts';
import type { TimeSpan } from './time.ts';

/** The files that can hold flows of a span, as one catalogue lists them. */
export interface Source {
  readonly dir: string;
  readonly segments: readonly SegmentEntry[];
  readonly span: TimeSpan;
  /** Each direction of a biflow is a row of its own; see biflow.ts. */
  readonly splits: boolean;
  /** Columns that at least one of the files has. */
  readonly columns: ReadonlySet<string>;
  readonly rows: number;
  readonly bytes: number;
  /** First and last time in the files, µs; null without any. */
  readonly first: number | null;
  readonly last: number | null;
  /** Whether every flow in the files belongs to the span, so that no row need be looked at for it. */
  readonly covered: boolean;
  /** Files of the table `names`. */
  readonly nameFiles: readonly string[];
  /** How roll-ups help to answer, or why they do not; `segments` are then those that are read beside them. Undefined where nobody asked. */
  readonly tiers?: TierChoice | { readonly why: string };
  /** Time of flows in the span that are gone and that roll-ups still count, where these could not be used, µs. */
  readonly onlyRolled?: Lost | undefined;
  /** Where flows of single hosts are asked for, and few row groups have any: a part of the files for each end that a host can be. See address-pruning.ts. */
  readonly hosts?: readonly HostScan[] | undefined;
  /** The table of conversations, where they have been made already. */
  readonly conversations?: string | undefined;
  /** Segments and times of the whole store. */
  readonly stored: { readonly segments: number; readonly first: number | null; readonly last: number | null };
}

/** The flows that have one of these values in a column, which is half of an address. */
export interface HostScan {
  readonly column: string;
  readonly values: readonly bigint[];
  /** Files that may have such flows. */
  readonly segments: readonly SegmentEntry[];
}

/**
 * Reads the catalogue of a data folder and picks the segments with flows of the span. A flow belongs to `[from, to)` when it overlaps it.
 * Throws WEIR_DATA_EMPTY when nothing has been stored yet, and what `readCatalogue` throws.
 */
export async function openSource(dir: string, span: TimeSpan, splits = false): Promise<Source> {
  const source = selectSegments(await openCatalogue(dir), span);
  if (source.stored.segments === 0) throw nothingStored(dir);
  return { ...source, splits };
}

/** The same without the demand that there be flows: a store may have small tables only. Throws what `readCatalogue` throws. */
export async function openCatalogue(dir: string): Promise<Catalogue> {
  const catalogue = await readCatalogue(dir).catch((error: unknown) => {
    if (error instanceof WeirError && error.code === 'WEIR_DATA_EMPTY') throw nothingStored(dir);
    throw error;
  });
  if (catalogue.segments.length === 0) throw nothingStored(dir);
  return catalogue;
}

/**
 * The segments and roll-ups that answer a question whose groups are sums: `openSource` and `chooseTiers`. A store may have roll-ups only. Throws
 * what `openSource` throws.
 */
export async function openTiers(dir: string, spec: QuerySpec): Promise<Source> {
  const catalogue = await openCatalogue(dir);
  const all = { ...selectSegments(catalogue, spec.span), splits: spec.splitBiflows === true };
  const tiers = chooseTiers(spec, catalogue.segments, all.segments);
  if (all.stored.segments === 0 && !('rolled' in tiers)) throw nothingStored(dir);
  if (!('rolled' in tiers)) return { ...all, tiers, onlyRolled: lostFlows(catalogue.segments, spec.span) };
  const segments = tiers.raw.flatMap((part) => part.segments);
  const rolled = tiers.rolled.flatMap((part) => part.entries);
  const read = [...segments, ...rolled];
  const isWhole = spec.span.from === undefined && spec.span.to === undefined;
  return {
    ...all,
    tiers,
    segments,
    columns: new Set([...columnLists(segments).flat(), ...columnLists(rolled).flat(), 'duration']),
    rows: read.reduce((sum, { rows }) => sum + rows, 0),
    bytes: read.reduce((sum, { bytes }) => sum + bytes, 0),
    ...timesOf([...all.segments, ...rolled]),
    covered: isWhole || (all.covered && rolled.every((entry) => isWithin(entry, spec.span))),
  };
}

/** The segments of a catalogue with flows of the span. */
export function selectSegments(catalogue: Catalogue, span: TimeSpan): Source {
  const { from, to } = span;
  const all = catalogue.segments.filter(holdsFlows);
  const segments = all.filter(
    ({ minStart, maxEnd }) =>
      minStart === null ||
      ((to === undefined || BigInt(minStart) < to) &&
        (from === undefined || maxEnd === null || BigInt(maxEnd) >= from)),
  );
  const covered = segments.every((segment) => isWithin(segment, span));
  return {
    dir: catalogue.dir,
    segments,
    span,
    splits: false,
    columns: new Set(columnLists(segments).flat()),
    rows: segments.reduce((sum, { rows }) => sum + rows, 0),
    bytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
    ...timesOf(segments),
    covered: covered || (from === undefined && to === undefined),
    nameFiles: smallFiles(catalogue).names,
    stored: { segments: all.length, ...timesOf(all) },
  };
}

/** Whether every flow of a file belongs to the span. */
function isWithin({ minStart, maxEnd }: SegmentEntry, { from, to }: TimeSpan): boolean {
  return (
    minStart !== null &&
    maxEnd !== null &&
    (from === undefined || BigInt(minStart) >= from) &&
    (to === undefined || BigInt(maxEnd) < to)
  );
}

/** Absolute paths of the source's files. */
export function sourceFiles(source: Source): string[] {
  return source.segments.map(({ file }) => resolve(source.dir, file));
}

/**
 * What to put behind FROM: the source's files with at least the columns `needed` (of the files, or of names); those that no file has are NULL.
 */
export function sqlSource(source: Source, needed: Iterable<string>): string {
  if (hasTiers(source)) return sqlTiers(source, [...needed]);
  const { stored, named } = splitNames(new Set(needed));
  const columns = [...stored];
  const rows = source.splits
    ? splitBiflows(sqlScan(source, biflowColumns(columns)), columns)
    : sqlScan(source, columns);
  // Last, so that each direction of a biflow has the names of its own interfaces and addresses.
  return sqlWithNames(rows, named);
}

/** A source whose rows are those of flows and of roll-ups. */
type TieredSource = Source & { readonly tiers: TierChoice };

/** Whether some rows of a source stand for several flows: `sqlCount` then counts these. */
export function hasTiers(source: Source): source is TieredSource {
  return source.tiers !== undefined && 'rolled' in source.tiers;
}

/** The number of flows in a group of rows. */
export function sqlCount(source: Source, condition?: string): string {
  const filter = condition === undefined ? '' : ` FILTER (WHERE ${condition})`;
  return hasTiers(source) ? `coalesce(sum(${COUNT})${filter}, 0)::BIGINT` : `count(*)${filter}`;
}

/** Flows and roll-ups one after the other; the conditions of the span are in it, for they differ. */
function sqlTiers({ tiers, ...source }: TieredSource, needed: readonly string[]): string {
  const parts = tiers.raw.map(({ segments, outside }) => {
    const part = withSegments(source, segments);
    const conditions = [...sqlSpan(part), ...(outside === undefined ? [] : outsideSql(outside))];
    const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
    const names = [...needed.map(sqlName), `1::UBIGINT AS ${COUNT}`];
    const asked = conditions.length === 0 ? needed : [...needed, 'time_start', 'duration'];
    return `SELECT ${names.join(', ')} FROM ${sqlScan(part, new Set(asked))}${where}`;
  });
  parts.push(...tiers.rolled.map((part) => sqlRolled(source.dir, part, needed)));
  if (parts.length === 0)
    return sqlTiers({ ...source, tiers: { ...tiers, raw: [{ segments: [], outside: undefined }] } }, needed);
  return `(${parts.join(' UNION ALL ')})`;
}

/** The source with fewer segments. */
export function withSegments(source: Omit<Source, 'tiers'>, segments: readonly SegmentEntry[]): Source {
  return {
    ...source,
    segments,
    columns: new Set(columnLists(segments).flat()),
    rows: segments.reduce((sum, { rows }) => sum + rows, 0),
    bytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
    covered: source.covered || segments.every((segment) => isWithin(segment, source.span)),
  };
}

/** The rows as they are in the files. */
function sqlScan(source: Source, needed: Iterable<string>): string {
  const { hosts, ...whole } = source;
  return hosts === undefined ? sqlWholeScan(whole, needed) : sqlHostScans(whole, hosts, needed);
}

/**
 * The rows of the hosts, and hardly any others: a condition on one column is what DuckDB compares with the statistics and Bloom filters of each row group, which it
 * does not for `this column or that one`. A row that has a host at both ends is in the first part alone.
 */
function sqlHostScans(source: Source, hosts: readonly HostScan[], needed: Iterable<string>): string {
  const ends = hosts.map(({ column }) => column);
  const asked = [...needed];
  // Where rows are counted, no column is needed.
  const names = asked.length > 0 ? asked : ends.slice(0, 1);
  const columns = [...new Set([...names, ...ends])];
  const isOne = ({ column, values }: HostScan) =>
    `${sqlName(column)} IN (${values.map((value) => `${value}::UBIGINT`).join(', ')})`;
  const parts = hosts.map((host, index) => {
    const before = hosts.slice(0, index).map((other) => `(${isOne(other)}) IS NOT TRUE`);
    const scan = sqlWholeScan(withSegments(source, host.segments), columns);
    return `SELECT ${names.map(sqlName).join(', ')} FROM ${scan} WHERE ${[isOne(host), ...before].join(' AND ')}`;
  });
  return `(${parts.join(' UNION ALL ')})`;
}

/** All rows of the files. */
function sqlWholeScan(source: Source, needed: Iterable<string>): string {
  const asked = new Set(needed);
  const icmp = ICMP.filter(([name]) => asked.has(name));
  if (icmp.length > 0) for (const name of ICMP_FROM) asked.add(name);
  const { segments, columns } = source;
  const lists = columnLists(segments);
  const zeros = LEFT_OUT_WHEN_ZERO.filter(({ name }) => asked.has(name) && !lists.every((list) => list.includes(name)));
  for (const { witness } of zeros) if (witness !== undefined) asked.add(witness);
  const names = [...asked];
  const nulls = (missing: readonly string[]) => missing.map((name) => `NULL::${fileType(name)} AS ${sqlName(name)}`);
  if (segments.length === 0) {
    const list = nulls(names.length > 0 ? names : ['time_start']);
    return `(SELECT ${list.join(', ')} WHERE FALSE)`;
  }
  const missing = names.filter((name) => !columns.has(name));
  const scan = sqlFiles(sourceFiles(source), lists.length > 1);
  const all = missing.length === 0 ? scan : `(SELECT *, ${nulls(missing).join(', ')} FROM ${scan})`;
  const replaced = [
    ...zeros.map((column) => `${zeroWhereLeftOut(column)} AS ${sqlName(column.name)}`),
    ...icmp.map(([, value]) => value),
  ];
  return replaced.length === 0 ? all : `(SELECT * REPLACE (${replaced.join(', ')}) FROM ${all})`;
}

/** Whether some flow of the source may have a value in this column of the files. */
export function hasValues({ columns, segments }: Source, name: string): boolean {
  if (columns.has(name)) return true;
  const leftOut = LEFT_OUT_WHEN_ZERO.find((one) => one.name === name);
  if (leftOut === undefined) return false;
  return leftOut.witness === undefined ? segments.length > 0 : columns.has(leftOut.witness);
}

/**
 * NetFlow v1 to v8 have no field for ICMP; exporters send type × 256 + code as the destination port, and so do those of v9 that send no ICMP field (Cisco,
 * "NetFlow Export Datagram Format"). What is stored stays as it was sent; a question about ICMP finds it here.
 */
const ICMP_FROM = ['flow_type', 'proto', 'dst_port'] as const;
/** A bit for each type of flow: DuckDB makes a join of IN with several values, also where nobody asks for these columns. */
const IN_PORT_BITS = [...ICMP_IN_PORT].reduce((bits, type) => bits | (1n << BigInt(type)), 0n);
const IN_PORT = `(${IN_PORT_BITS}::UBIGINT >> "flow_type") & 1 = 1 AND "proto" IN (${[...ICMP_PROTOCOLS].join(', ')})`;
const ICMP = [
  ['icmp_type', `coalesce("icmp_type", CASE WHEN ${IN_PORT} THEN ("dst_port" >> 8)::UTINYINT END) AS "icmp_type"`],
  ['icmp_code', `coalesce("icmp_code", CASE WHEN ${IN_PORT} THEN ("dst_port" & 255)::UTINYINT END) AS "icmp_code"`],
] as const;

/** The different lists of columns that the files have; where there is one, DuckDB need not open each file before it plans. */
function columnLists(segments: readonly SegmentEntry[]): readonly (readonly string[])[] {
  // Entries of one catalogue file share their lists, so that few have to be compared by their names.
  const lists = new Set(segments.map(({ columns }) => columns));
  return [...new Map([...lists].map((columns) => [columns.join(' '), columns])).values()];
}

/** Conditions that a flow of the source belongs to its span; empty when all do. */
export function sqlSpan(source: Source): string[] {
  const { span, covered } = source;
  if (covered || hasTiers(source)) return [];
  const conditions: string[] = [];
  if (span.to !== undefined) conditions.push(`"time_start" < ${sqlTime(span.to)}`);
  if (span.from !== undefined) {
    // Without an end, or with one before the start (clocks are), a flow is where it starts.
    const from = sqlTime(span.from);
    conditions.push(`("time_start" >= ${from} OR ${SQL_TIME_END} >= ${from})`);
  }
  return conditions;
}

/** Columns of the files that the conditions of a span name. */
export function spanColumns(source: Source): readonly string[] {
  return source.covered || hasTiers(source) ? [] : ['time_start', 'duration'];
}

/** Every column that the files of a store may have, in their order. */
export const ALL_FILE_COLUMNS: readonly string[] = FILE_COLUMNS.map(({ name }) => name);

function nothingStored(dir: string): WeirError {
  return new WeirError('WEIR_DATA_EMPTY', `no flows are stored in ${dir}`, {
    hint: `Is the collector running? weir collect --data ${dir}`,
    details: { dir },
  });
}
