/**
 * Roll-ups: for each merged segment of flows, and each tier, a file that counts exactly its rows by time bucket and a few dimensions. A bucket is that of
 * `time_start`. Since a file's name tells which segments it counts, late rows need nothing special: they are rows of a later segment, which has its own.
 */
export const ROLLUP_TIERS = ['minute', 'hour'] as const;
export type RollupTier = (typeof ROLLUP_TIERS)[number];

/** What a roll-up's catalogue entry tells besides. */
export interface RollupFacts {
  /** Rows of flows that it counts. */
  readonly flows: number;
  /** The cubes that it has. */
  readonly cubes: readonly number[];
}

/** Length of a bucket, µs. */
export const BUCKET_MICROS: Readonly<Record<RollupTier, number>> = { minute: 60_000_000, hour: 3_600_000_000 };

/** Columns of every cube: who counted, what kind of record, and what counters are to be multiplied by. */
export const COMMON = [
  'exporter_hi',
  'exporter_lo',
  'observation_domain',
  'flow_type',
  'record_kind',
  'sampling_rate',
] as const;

/** Columns of some cubes, in the order of the bits of a cube's number; one is appended, never moved. */
export const OPTIONAL = [
  ['proto', 'UTINYINT'],
  ['tos', 'UTINYINT'],
  ['service_port', 'USMALLINT'],
  ['in_if', 'UINTEGER'],
  ['out_if', 'UINTEGER'],
  ['src_as', 'UINTEGER'],
  ['dst_as', 'UINTEGER'],
] as const;
export type Optional = (typeof OPTIONAL)[number][0];

/** A cube is a grouping; its number has a bit for each optional column that it has not (SQL's GROUPING_ID), so that it explains itself. */
function cubeOf(...columns: Optional[]): number {
  return OPTIONAL.reduce((id, [name]) => id * 2 + (columns.includes(name) ? 0 : 1), 0);
}

/** The optional columns of a cube. */
export function optionalOf(cube: number): Optional[] {
  return OPTIONAL.filter((_, i) => (cube & (1 << (OPTIONAL.length - 1 - i))) === 0).map(([name]) => name);
}

/** Every column that a cube counts by, besides the bucket. */
export function cubeColumns(cube: number): string[] {
  return [...COMMON, ...optionalOf(cube)];
}

/**
 * The cubes of each tier, smallest first. One cube with all columns would have ten times the rows: ports, interfaces and systems have little to do with each
 * other. Pairs of systems per minute would be larger than all other cubes together.
 */
const BASIC = [cubeOf('proto', 'tos'), cubeOf('proto', 'in_if', 'out_if'), cubeOf('proto', 'service_port')];
export const TIER_CUBES: Readonly<Record<RollupTier, readonly number[]>> = {
  minute: BASIC,
  hour: [...BASIC, cubeOf('src_as', 'dst_as')],
};

/** The columns of a file with these cubes. */
export function rollupColumns(cubes: readonly number[]): string[] {
  const some = new Set<string>(cubes.flatMap(optionalOf));
  const optional = OPTIONAL.map(([name]) => name).filter((name) => some.has(name));
  return ['cube', 'time_start', ...COMMON, ...optional, 'flows', 'packets', 'bytes'];
}

/** Whether a kind of segment is a tier of roll-ups. */
export function isRollupTier(kind: string): kind is RollupTier {
  return kind === 'minute' || kind === 'hour';
}
