import { compileFilterSql } from '../filter/sql.ts';
import { addressTest } from '../filter/tree.ts';
import type { ColumnDefinition, ColumnType } from '../flow/schema.ts';
import type { Prefix } from '../util/prefix.ts';

/** What the columns of a flow are looked at with. */
export interface DerivedContext {
  /** The networks that are one's own; see `--own`. */
  readonly own: readonly Prefix[];
}

/** A column that is computed from others when a question asks for it. */
export interface DerivedColumn {
  readonly column: ColumnDefinition;
  /** Columns of the files that it is computed from. */
  readonly needs: readonly string[];
  /** Its value; for an address the upper and the lower half. */
  readonly sql: (context: DerivedContext) => readonly string[];
}

function define(
  name: string,
  type: ColumnType,
  label: string,
  about: string,
  needs: readonly string[],
  sql: DerivedColumn['sql'],
): DerivedColumn {
  const display = name.endsWith('_port') ? 'port' : 'number';
  return {
    column: { name, type, unit: undefined, elements: [], label, about, display, words: undefined },
    needs,
    sql,
  };
}

const ENDS = ['src_addr_hi', 'src_addr_lo', 'dst_addr_hi', 'dst_addr_lo'];

function isOwn(column: string, own: readonly Prefix[]): string {
  return own.length === 0 ? 'FALSE' : `(${compileFilterSql(addressTest(column, [column], own))})`;
}

/** The end of a flow that is one's own (the source when both are, or neither is), or the other one. */
function end(inside: boolean): DerivedColumn['sql'] {
  const [inbound, outbound] = inside ? ['dst', 'src'] : ['src', 'dst'];
  return ({ own }) => {
    const isInbound = `(${isOwn('dst_addr', own)} AND NOT ${isOwn('src_addr', own)})`;
    return ['hi', 'lo'].map(
      (half) => `CASE WHEN ${isInbound} THEN "${inbound}_addr_${half}" ELSE "${outbound}_addr_${half}" END`,
    );
  };
}

/** Upper ends of the classes of `duration_class`, µs. */
const DURATIONS = [
  ['<1s', 1_000_000],
  ['1s-10s', 10_000_000],
  ['10s-1m', 60_000_000],
  ['1m-10m', 600_000_000],
] as const;

/** The columns, by which groups are made: `--by service_port`. */
export const DERIVED_COLUMNS: readonly DerivedColumn[] = [
  define(
    'service_port',
    'u16',
    'service',
    'Port of the service: the lower one of the two, which is the one that was bound and not taken at random.',
    ['src_port', 'dst_port'],
    () => ['least("src_port", "dst_port")'],
  ),
  define(
    'traffic_direction',
    'text',
    'traffic',
    'inbound, outbound, internal or transit, by which ends are in the networks of --own.',
    ENDS,
    ({ own }) => {
      const [src, dst] = [isOwn('src_addr', own), isOwn('dst_addr', own)];
      return [
        `CASE WHEN ${src} THEN CASE WHEN ${dst} THEN 'internal' ELSE 'outbound' END WHEN ${dst} THEN 'inbound' WHEN "src_addr_lo" IS NOT NULL THEN 'transit' END`,
      ];
    },
  ),
  define(
    'inside_addr',
    'address',
    'inside',
    'The end in the networks of --own; the source when both are, or neither is.',
    ENDS,
    end(true),
  ),
  define('outside_addr', 'address', 'outside', 'The other end than inside_addr.', ENDS, end(false)),
  define(
    'duration_class',
    'text',
    'lasted',
    'How long flows lasted: <1s, 1s-10s, 10s-1m, 1m-10m, >=10m.',
    ['duration'],
    () => {
      const cases = DURATIONS.map(([text, micros]) => `WHEN "duration" < ${micros} THEN '${text}'`);
      return [`CASE WHEN "duration" IS NULL THEN NULL ${cases.join(' ')} ELSE '>=10m' END`];
    },
  ),
];

const BY_NAME: ReadonlyMap<string, DerivedColumn> = new Map(DERIVED_COLUMNS.map((one) => [one.column.name, one]));

/** The derived column called so. */
export function findDerivedColumn(name: string): DerivedColumn | undefined {
  return BY_NAME.get(name);
}
