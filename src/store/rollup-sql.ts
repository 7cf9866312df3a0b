import { sqlFile, sqlFileList, sqlText } from '../util/sql-text.ts';
import { LEFT_OUT_WHEN_ZERO, zeroWhereLeftOut } from './left-out.ts';
import { copyOptions, type ParquetOptions } from './parquet.ts';
import type { TimeRange } from './prepared-batch.ts';
import {
  BUCKET_MICROS,
  COMMON,
  OPTIONAL,
  optionalOf,
  type RollupFacts,
  type RollupTier,
  rollupColumns,
} from './rollup-cubes.ts';

/** Small row groups: a question needs the rows of one cube, which lie together. */
const ROLLUP_FILE: ParquetOptions = { level: 6, dictionary: 65_536, rowGroup: 30_720 };
/** Counters from here on are kept one by one: sums of a million lesser ones fit into 64 bits. */
const LARGE = 2 ** 44;
/** Key of a file's metadata under which the catalogue's facts are kept, so that an entry can be made again. */
const FACTS = 'netweir';

/** The lower port of a flow, as the key `service_port` of questions has it. */
const SERVICE_PORT = 'least("src_port", "dst_port")';

/** What a file keeps beside its rows. */
export interface StoredFacts extends RollupFacts {
  readonly times: TimeRange;
  readonly columns: readonly string[];
}

/** A file of roll-ups to be made, by the merging process; paths as in MergeRequest. */
export interface RollupRequest {
  readonly tier: RollupTier;
  /** From flows, or from smaller roll-ups of the tier. */
  readonly from: 'flows' | 'rollups';
  readonly inputs: readonly string[];
  /** Columns that the inputs have. */
  readonly columns: readonly string[];
  readonly cubes: readonly number[];
  readonly output: string;
  /** What is kept in the file beside the rows. */
  readonly facts: StoredFacts;
}

/** The statement that tells the largest counter among the inputs. */
export function largestSql({ inputs, columns }: RollupRequest): string {
  const counters = ['packets', 'bytes'].filter((name) => columns.includes(name));
  const largest = counters.map((name) => `coalesce(max("${name}"), 0)`);
  return `SELECT greatest(0, ${largest.join(', ') || '0'})::DOUBLE FROM ${files(inputs)}`;
}

/** The statement that writes the file; `largest` is what `largestSql` told. */
export function rollupSql(request: RollupRequest, largest: number): string {
  const { tier, from, columns, cubes, output, facts } = request;
  const optional = OPTIONAL.filter(([name]) => rollupColumns(cubes).includes(name));
  const isLarge = largest >= LARGE;
  const row = from === 'flows' ? flowColumns(tier, columns) : ['*'];
  if (isLarge) row.push(`${rowNumber(columns)} AS single`);
  const single = isLarge ? ', single' : '';
  const common = COMMON.map((name) => `"${name}"`).join(', ');
  const list = (names: readonly string[]) => names.map((name) => `, "${name}"`).join('');
  const names = optional.map(([name]) => name);
  const measures = [
    from === 'flows' ? 'count(*)::UBIGINT' : 'sum("flows")::UBIGINT',
    'sum("packets")::UBIGINT',
    'sum("bytes")::UBIGINT',
  ];
  const rows = `SELECT ${row.join(', ')} FROM ${files(request.inputs, isLarge)}`;
  const totals = `${measures[0]} AS flows, ${measures[1]} AS packets, ${measures[2]} AS bytes`;
  // What is read is a roll-up of several cubes, and each row belongs to one; of flows, each row belongs to all.
  const select =
    from === 'rollups'
      ? `SELECT "cube", "time_start", ${common}${list(names)}, ${totals} FROM (${rows}) WHERE "cube" IN (${cubes.join(', ')}) GROUP BY "cube", "time_start", ${common}${list(names)}${single}`
      : `SELECT ${cubeSql(names)} AS "cube", "time_start", ${common}${list(names)}, ${totals} FROM (${rows}) GROUP BY GROUPING SETS (${cubes
          .map((cube) => `("time_start", ${common}${list(optionalOf(cube))}${single})`)
          .join(', ')})`;
  const order = `"cube", "time_start", ${common}${list(names)}`;
  const options = copyOptions(ROLLUP_FILE).replace(
    /\)$/,
    `, KV_METADATA {${FACTS}: ${sqlText(JSON.stringify(facts))}})`,
  );
  return `COPY (${select} ORDER BY ${order}) TO ${sqlText(output)} ${options}`;
}

/** The statement that tells how many flows each cube of a file counts: the same number in all, if it is sound. */
export function countedSql(file: string): string {
  return `SELECT "cube", sum("flows")::DOUBLE FROM ${files([file])} GROUP BY "cube"`;
}

/** The statement that gives the facts that a file keeps, as JSON. */
export function factsSql(file: string): string {
  return `SELECT decode(value) FROM parquet_kv_metadata(${sqlFile(file)}) WHERE decode(key) = '${FACTS}'`;
}

/** The number of a row's cube: bits of columns that no cube of the file has are set in all. */
function cubeSql(names: readonly string[]): string {
  const bits = OPTIONAL.map(([name], i) => {
    const weight = 1 << (OPTIONAL.length - 1 - i);
    return names.includes(name) ? `grouping("${name}") * ${weight}` : String(weight);
  });
  return `(${bits.join(' + ')})::USMALLINT`;
}

function flowColumns(tier: RollupTier, columns: readonly string[]): string[] {
  const has = (name: string) => columns.includes(name);
  const micros = BUCKET_MICROS[tier];
  const bucket = has('time_start')
    ? `make_timestamp(epoch_us("time_start") // ${micros} * ${micros})::TIMESTAMP_MS`
    : 'NULL::TIMESTAMP_MS';
  const common = COMMON.map((name) => `${commonValue(name, has)} AS "${name}"`);
  const optional = OPTIONAL.map(([name, type]) => {
    if (name !== 'service_port') return has(name) ? `"${name}"` : `NULL::${type} AS "${name}"`;
    const ports = ['src_port', 'dst_port'].filter(has);
    const value = ports.length === 2 ? SERVICE_PORT : ports.length === 1 ? `"${ports[0]}"` : `NULL::${type}`;
    return `${value} AS "${name}"`;
  });
  const counters = ['packets', 'bytes'].map((name) => (has(name) ? `"${name}"` : `NULL::UBIGINT AS "${name}"`));
  return [`${bucket} AS "time_start"`, ...common, ...optional, ...counters];
}

const COMMON_TYPES: Readonly<Record<(typeof COMMON)[number], string>> = {
  exporter_hi: 'UBIGINT',
  exporter_lo: 'UBIGINT',
  observation_domain: 'UINTEGER',
  flow_type: 'UTINYINT',
  record_kind: 'UTINYINT',
  sampling_rate: 'UINTEGER',
};

/** The value of a column that a file may have left out. */
function commonValue(name: (typeof COMMON)[number], has: (name: string) => boolean): string {
  const leftOut = LEFT_OUT_WHEN_ZERO.find((one) => one.name === name);
  const type = COMMON_TYPES[name];
  if (leftOut === undefined || (leftOut.witness !== undefined && !has(leftOut.witness)))
    return has(name) ? `"${name}"` : `NULL::${type}`;
  if (has(name)) return zeroWhereLeftOut(leftOut);
  return leftOut.witness === undefined
    ? `0::${type}`
    : `CASE WHEN "${leftOut.witness}" IS NOT NULL THEN 0::${type} END`;
}

/** A number for each row with a large counter, no two of which are alike; NULL for all others. */
function rowNumber(columns: readonly string[]): string {
  const counters = ['packets', 'bytes'].filter((name) => columns.includes(name)).map((name) => `"${name}" >= ${LARGE}`);
  return `CASE WHEN ${counters.join(' OR ')} THEN filename || file_row_number END`;
}

function files(paths: readonly string[], isNumbered = false): string {
  return `read_parquet(${sqlFileList(paths)}, union_by_name = true${isNumbered ? ', filename = true, file_row_number = true' : ''})`;
}
