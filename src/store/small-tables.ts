import type { CounterRow } from '../session/counter-row.ts';
import { STATISTICS } from '../session/exporter-statistics.ts';
import type { NameRow } from '../session/name-row.ts';
import type { QualityRow } from '../session/quality-row.ts';

/** The small tables kept beside the flows, and what a row of each is. */
export interface SmallTableRows {
  readonly quality: QualityRow;
  readonly counters: CounterRow;
  readonly names: NameRow;
}

export type SmallTable = keyof SmallTableRows;

/**
 * A column of a small table: its name in rows, files and SQL, and DuckDB's type. `TIMESTAMP` takes µs since the epoch, with `ms` milliseconds;
 * a VARCHAR takes text, or an object, which is stored as JSON; a list takes an array.
 */
export type SmallColumn = readonly [
  name: string,
  type: 'TIMESTAMP' | 'VARCHAR' | 'UTINYINT' | 'UINTEGER' | 'UBIGINT' | 'DOUBLE' | 'UINTEGER[]',
  unit?: 'ms',
];

export interface SmallTableDefinition {
  readonly columns: readonly SmallColumn[];
  /** The column that says when a row came: what retention and the catalogue's time ranges go by. */
  readonly time: string;
  /** Rows of a merged file are in this order. */
  readonly order: readonly string[];
}

/** Everything that tells one small table from another; see the row types for what the columns mean. */
export const SMALL_TABLES: Readonly<Record<SmallTable, SmallTableDefinition>> = {
  quality: {
    time: 'minute',
    order: ['minute', 'exporter'],
    columns: [
      ['minute', 'TIMESTAMP', 'ms'],
      ['exporter', 'VARCHAR'],
      ['sender', 'VARCHAR'],
      ['observation_domain', 'UINTEGER'],
      ['flow_type', 'VARCHAR'],
      ['datagrams', 'UBIGINT'],
      ['octets', 'UBIGINT'],
      ['records', 'UBIGINT'],
      ['options_records', 'UBIGINT'],
      ['counter_records', 'UBIGINT'],
      ['samples_dropped', 'UBIGINT'],
      ['sequence_expected', 'UBIGINT'],
      ['sequence_received', 'UBIGINT'],
      ['sequence_resets', 'UBIGINT'],
      ['out_of_order', 'UBIGINT'],
      ['template_conflicts', 'UBIGINT'],
      ['sets_held', 'UBIGINT'],
      ['sets_released', 'UBIGINT'],
      ['sets_dropped', 'UBIGINT'],
      ['undecodable', 'VARCHAR'],
      ['kernel_drops', 'UBIGINT'],
      ['records_dropped', 'UBIGINT'],
      ['clock_skew_ms', 'DOUBLE'],
      ['quirks', 'VARCHAR'],
      ['sampling_rates', 'UINTEGER[]'],
      ...STATISTICS.map(([, column]): SmallColumn => [column, 'UBIGINT']),
      ['exported_message_received_count', 'UBIGINT'],
      ['exported_flow_record_received_count', 'UBIGINT'],
    ],
  },
  counters: {
    time: 'time_received',
    order: ['exporter', 'source_class', 'source_index', 'kind', 'time_received'],
    columns: [
      ['time_received', 'TIMESTAMP'],
      ['exporter', 'VARCHAR'],
      ['sender', 'VARCHAR'],
      ['agent_addr', 'VARCHAR'],
      ['sub_agent', 'UINTEGER'],
      ['source_class', 'UTINYINT'],
      ['source_index', 'UINTEGER'],
      ['sequence', 'UINTEGER'],
      ['uptime_ms', 'UINTEGER'],
      ['kind', 'VARCHAR'],
      ['if_index', 'UINTEGER'],
      ['if_type', 'UINTEGER'],
      ['if_speed', 'UBIGINT'],
      ['if_direction', 'UINTEGER'],
      ['if_status', 'UINTEGER'],
      ['in_octets', 'UBIGINT'],
      ['in_unicast', 'UINTEGER'],
      ['in_multicast', 'UINTEGER'],
      ['in_broadcast', 'UINTEGER'],
      ['in_discards', 'UINTEGER'],
      ['in_errors', 'UINTEGER'],
      ['in_unknown_protos', 'UINTEGER'],
      ['out_octets', 'UBIGINT'],
      ['out_unicast', 'UINTEGER'],
      ['out_multicast', 'UINTEGER'],
      ['out_broadcast', 'UINTEGER'],
      ['out_discards', 'UINTEGER'],
      ['out_errors', 'UINTEGER'],
      ['if_promiscuous', 'UINTEGER'],
      ['values', 'VARCHAR'],
    ],
  },
  names: {
    time: 'time_received',
    order: ['sender', 'observation_domain', 'kind', 'key', 'valid_from'],
    columns: [
      ['time_received', 'TIMESTAMP'],
      ['exporter', 'VARCHAR'],
      ['sender', 'VARCHAR'],
      ['observation_domain', 'UINTEGER'],
      ['kind', 'VARCHAR'],
      ['key', 'VARCHAR'],
      ['name', 'VARCHAR'],
      ['description', 'VARCHAR'],
      ['valid_from', 'TIMESTAMP'],
      ['valid_until', 'TIMESTAMP'],
    ],
  },
};

export const SMALL_TABLE_NAMES = Object.keys(SMALL_TABLES) as readonly SmallTable[];

/** Whether a segment's tier, or a folder, is that of a small table. */
export function isSmallTable(name: string): name is SmallTable {
  return Object.hasOwn(SMALL_TABLES, name);
}

/** When a row came, µs since the epoch. */
export function rowMicros(table: SmallTable, row: object): number {
  const { time, columns } = SMALL_TABLES[table];
  const [, , unit] = columns.find(([name]) => name === time) ?? [];
  const value = Number((row as Readonly<Record<string, unknown>>)[time]);
  return Math.round(unit === 'ms' ? value * 1000 : value);
}

/** A SELECT of rows that are given as JSON text in an SQL literal. */
export function smallTableSql(table: SmallTable, jsonLiteral: string): string {
  const fields = SMALL_TABLES[table].columns.map((column) => `"${column[0]}" := ${columnSql(column)}`);
  const rows = `SELECT unnest(from_json(${jsonLiteral}, '["JSON"]')) AS r`;
  return `SELECT s.* FROM (SELECT struct_pack(${fields.join(', ')}) AS s FROM (${rows}))`;
}

/** Rows as JSON; counters beyond 2^53 may be given as bigint. */
export function rowsJson(rows: readonly object[]): string {
  return JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}

function columnSql([name, type, unit]: SmallColumn): string {
  const text = `r->>'${name}'`;
  if (type === 'TIMESTAMP') return `make_timestamp(CAST(${text} AS BIGINT)${unit === 'ms' ? ' * 1000' : ''})`;
  if (type === 'UINTEGER[]') return `CAST(from_json(r->'${name}', '["UINTEGER"]') AS UINTEGER[])`;
  return `CAST(${text} AS ${type})`;
}
