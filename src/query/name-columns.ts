import type { ColumnDefinition } from '../flow/schema.ts';
import type { NameKind } from '../session/name-row.ts';
import type { QueryDuck } from './duck.ts';
import { ADDRESS_MACROS } from './macros.ts';
import { namesSelect } from './small-tables.ts';
import { sqlName } from './sql-text.ts';

/** A column that is not stored with a flow but looked up: the name that something in the flow had when the flow arrived. */
interface NameColumn {
  readonly column: ColumnDefinition;
  /** The column of the schema that says whose name it is. */
  readonly of: string;
  readonly kind: NameKind;
  /** A text column that has the name itself where records carry it; it goes before the one that is looked up. */
  readonly own: string | undefined;
}

function define(name: string, label: string, of: string, kind: NameKind, about: string, own?: string): NameColumn {
  const column: ColumnDefinition = {
    name,
    type: 'text',
    unit: undefined,
    elements: [],
    label,
    about,
    display: 'number',
    words: undefined,
  };
  return { column, of, kind, own };
}

/** The columns of names, which queries have beside those of the schema. */
export const NAME_COLUMNS: readonly NameColumn[] = [
  define('exporter_name', 'exporter name', 'exporter', 'exporter', 'Name of the exporter, as configured.'),
  define('in_if_name', 'in', 'in_if', 'interface', 'Name of the ingress interface.'),
  define('out_if_name', 'out', 'out_if', 'interface', 'Name of the egress interface.'),
  define('ingress_vrf_name', 'in VRF name', 'ingress_vrf', 'vrf', 'Name of the ingress VRF.'),
  define('egress_vrf_name', 'out VRF name', 'egress_vrf', 'vrf', 'Name of the egress VRF.'),
  define('sampler_name', 'sampler name', 'sampler_id', 'sampler', 'Name of the sampler.'),
  define('app_label', 'application', 'app_id', 'application', 'Name of the application.', 'app_name'),
  define('user_label', 'user name', 'src_addr', 'user', 'Name of the user who had the source address.', 'user_name'),
];

/** Kinds whose key is an address. */
const OF_ADDRESS: ReadonlySet<NameKind> = new Set(['user', 'exporter']);
/** Who sent a flow: the exporter, unless it says otherwise. */
const [SENDER_HI, SENDER_LO] = ['hi', 'lo'].map((half) => `coalesce(f."sender_${half}", f."exporter_${half}")`);

const BY_NAME: ReadonlyMap<string, NameColumn> = new Map(NAME_COLUMNS.map((one) => [one.column.name, one]));

/** The column of names called so. */
export function findNameColumn(name: string): ColumnDefinition | undefined {
  return BY_NAME.get(name)?.column;
}

/** The columns, each followed by the column of its name where it has one that is not asked for anyway. */
export function withNames(columns: readonly ColumnDefinition[]): ColumnDefinition[] {
  const asked = new Set(columns.map(({ name }) => name));
  return columns.flatMap((column) => {
    const more = NAME_COLUMNS.filter(({ of, column: { name } }) => of === column.name && !asked.has(name));
    // Few addresses have a name: those are looked up when asked for.
    return [column, ...more.filter(({ kind }) => !OF_ADDRESS.has(kind)).map((one) => one.column)];
  });
}

/** Makes the tables that names are looked up in. Call once before statements that name such columns. */
export async function prepareNames(duck: QueryDuck, files: readonly string[]): Promise<void> {
  const run = (sql: string) => duck.read(sql, () => {});
  for (const macro of ADDRESS_MACROS) await run(macro);
  // The first name known of a thing stands for the time before it, too: options data come minutes after the first flow.
  await run(`CREATE OR REPLACE TEMP TABLE weir_names AS
    SELECT addr_hi(sender) AS sender_hi, addr_lo(sender) AS sender_lo, observation_domain, kind, key, name,
      CASE WHEN row_number() OVER (PARTITION BY sender, observation_domain, kind, key ORDER BY valid_from) = 1
        THEN '-infinity'::TIMESTAMP ELSE valid_from END AS since,
      coalesce(valid_until, 'infinity'::TIMESTAMP) AS until
    FROM (${namesSelect(files)})`);
}

/** Splits column names into those of files, with what looking names up needs, and the columns of names. */
export function splitNames(asked: ReadonlySet<string>): { stored: Set<string>; named: string[] } {
  const stored = new Set<string>();
  const named: string[] = [];
  for (const name of asked) {
    const column = BY_NAME.get(name);
    if (column === undefined) {
      stored.add(name);
      continue;
    }
    named.push(name);
    for (const needed of [
      'sender_hi',
      'sender_lo',
      'exporter_hi',
      'exporter_lo',
      'observation_domain',
      'time_received',
    ])
      stored.add(needed);
    if (OF_ADDRESS.has(column.kind)) for (const half of ['_hi', '_lo']) stored.add(`${column.of}${half}`);
    else stored.add(column.of);
    if (column.own !== undefined) stored.add(column.own);
  }
  return { stored, named };
}

/**
 * What to put behind FROM so that the rows of `from` have the columns of names `named`. Every row stays, and stays one: the tables have at most one
 * name of a thing at a time, and a row without one has NULL. A domain's own names go before those of domain 0, where some exporters send the options
 * of all domains.
 */
export function sqlWithNames(from: string, named: readonly string[]): string {
  if (named.length === 0) return from;
  const joins: string[] = [];
  const columns = named.map((name, index) => {
    const { of, kind, own } = BY_NAME.get(name) as NameColumn;
    const found = (['own', 'root'] as const).map((which) => {
      const alias = `${which}${index}`;
      const domain = which === 'own' ? 'f."observation_domain"' : '0';
      joins.push(`LEFT JOIN (SELECT * FROM weir_names WHERE kind = '${kind}') ${alias}
        ON ${alias}.sender_hi = ${SENDER_HI} AND ${alias}.sender_lo = ${SENDER_LO} AND ${alias}.observation_domain = ${domain}
        AND ${alias}.key = ${keySql(kind, of)} AND f."time_received" >= ${alias}.since AND f."time_received" < ${alias}.until`);
      return `${alias}.name`;
    });
    const values = own === undefined ? found : [`f.${sqlName(own)}`, ...found];
    return `coalesce(${values.join(', ')}) AS ${sqlName(name)}`;
  });
  return `(SELECT f.*, ${columns.join(', ')} FROM ${from} f ${joins.join(' ')})`;
}

/** A flow's value as the key of a name. */
function keySql(kind: NameKind, of: string): string {
  if (OF_ADDRESS.has(kind)) return `addr(f.${sqlName(`${of}_hi`)}, f.${sqlName(`${of}_lo`)})`;
  return kind === 'application' ? `f.${sqlName(of)}` : `f.${sqlName(of)}::VARCHAR`;
}
