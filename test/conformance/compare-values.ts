import type { DecodedRecord } from './decoded-case.ts';

/* The fields of a source's expected record against the record of ours that agrees best. */

export type Theirs = string | number | boolean;
export type Fields = readonly (readonly [name: string, value: Theirs])[];

export interface Difference {
  readonly field: string;
  readonly theirs: Theirs;
  /** Undefined where our record has nothing for it. */
  readonly ours: unknown;
}

/** How a source's fields are to be read. */
export interface Rules {
  /** What our record has for a field of theirs; undefined for nothing. */
  readonly value: (field: string, record: DecodedRecord) => unknown;
  /** Why a field is set aside: it is of nothing in the datagram, or part of another value. docs/conformance.md lists them. */
  readonly outside?: (field: string) => string | undefined;
  /** Why a value may differ; undefined without a reason. docs/conformance.md has the reasons. */
  readonly reason?: (where: string, difference: Difference) => string | undefined;
}

/** What came of comparing a source's values with ours. */
export interface SourceValues {
  agreeing: number;
  /** Those that differ for a reason, counted by the reason. */
  readonly explained: Map<string, number>;
  /** Those that are not compared, counted by name and reason. */
  readonly outside: Map<string, number>;
  /** Those that differ, or that our record lacks, without a reason; a line each. */
  readonly unexplained: string[];
}

export const newValues = (): SourceValues => ({
  agreeing: 0,
  explained: new Map(),
  outside: new Map(),
  unexplained: [],
});

export function count(into: Map<string, number>, key: string, by = 1): void {
  into.set(key, (into.get(key) ?? 0) + by);
}

const bigints = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

/** Adds what a single value of theirs says of ours. */
export function addValue(values: SourceValues, where: string, difference: Difference, reason?: Rules['reason']): void {
  if (difference.ours !== undefined && sameValue(difference.theirs, difference.ours)) {
    values.agreeing++;
    return;
  }
  const why = reason?.(where, difference);
  if (why === undefined) values.unexplained.push(`${where}: ${JSON.stringify(difference, bigints)}`);
  else count(values.explained, why);
}

/**
 * Adds what the record of ours that agrees best says of each of their fields. A record is taken once for one expectation: `taken` gathers those that are
 * gone.
 */
export function addRecord(
  values: SourceValues,
  where: string,
  fields: Fields,
  records: readonly DecodedRecord[],
  rules: Rules,
  taken: Set<DecodedRecord> = new Set(),
): void {
  const compared: (readonly [string, Theirs])[] = [];
  for (const field of fields) {
    const why = rules.outside?.(field[0]);
    if (why === undefined) compared.push(field);
    else count(values.outside, `${field[0].replace(/#\d+$/, '')}: ${why}`);
  }
  let best: readonly Difference[] | undefined;
  let bestRecord: DecodedRecord | undefined;
  let bestScore = Number.NEGATIVE_INFINITY;
  for (const record of records) {
    if (taken.has(record)) continue;
    const all = compared.map(([field, theirs]) => ({ field, theirs, ours: rules.value(field, record) }));
    const score = all.reduce((sum, difference) => sum + points(where, difference, rules), 0);
    if (score > bestScore) [best, bestRecord, bestScore] = [all, record, score];
    if (score === compared.length) break;
  }
  if (best === undefined || bestRecord === undefined) {
    values.unexplained.push(`${where}: no record for ${JSON.stringify(fields)}`);
    return;
  }
  taken.add(bestRecord);
  for (const difference of best) addValue(values, where, difference, rules.reason);
}

function points(where: string, difference: Difference, { reason }: Rules): number {
  if (difference.ours !== undefined && sameValue(difference.theirs, difference.ours)) return 1;
  return reason?.(where, difference) === undefined ? -2 : 0;
}

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** Whether both say the same: a time may be seconds, milliseconds or ISO 8601 text, octets and numbers `0x…`, text in capitals or not. */
export function sameValue(theirs: Theirs, ours: unknown): boolean {
  if (typeof ours === 'string' && ISO.test(ours)) return sameTime(theirs, ours);
  const [a, b] = [String(theirs).toLowerCase(), String(ours).toLowerCase()];
  if (a === b) return true;
  if (!a.startsWith('0x')) return false;
  if (typeof ours === 'string') return a.slice(2) === b;
  return (typeof ours === 'number' || typeof ours === 'bigint') && BigInt(a) === BigInt(ours);
}

function sameTime(theirs: Theirs, ours: string): boolean {
  const millis = Math.floor(Date.parse(ours));
  if (typeof theirs === 'number') return theirs === millis || theirs * 1000 === millis;
  const text = String(theirs);
  // As precise as they are: seconds to microseconds.
  const digits = /\.(\d{1,6})/.exec(text)?.[1] ?? '';
  return ours.slice(0, 19) === text.slice(0, 19) && ours.slice(20, 20 + digits.length) === digits;
}
