import { resolve } from 'node:path';
import type { Catalogue } from '../store/catalogue.ts';
import { isSmallTable, SMALL_TABLE_NAMES, SMALL_TABLES, type SmallTable } from '../store/small-tables.ts';
import { INTERFACE_RATES } from './interface-rates.ts';
import { sqlFiles, sqlName } from './sql-text.ts';

/** Absolute paths of the files of each small table. */
export type SmallFiles = Readonly<Record<SmallTable, readonly string[]>>;

/** The files of small tables that a catalogue lists. */
export function smallFiles({ dir, segments }: Catalogue): SmallFiles {
  const files = Object.fromEntries(SMALL_TABLE_NAMES.map((name) => [name, [] as string[]])) as Record<
    SmallTable,
    string[]
  >;
  for (const { tier, file } of segments) if (isSmallTable(tier)) files[tier].push(resolve(dir, file));
  return files;
}

/** Views over the small tables, as people see them in SQL. */
export const SMALL_VIEWS = ['quality', 'counters', 'interface_rates', 'names'] as const;

/** Statements that make them. */
export function smallTableViews(files: SmallFiles): string[] {
  return [
    `CREATE VIEW quality AS ${smallTableSelect('quality', files.quality)}`,
    `CREATE VIEW counters AS ${smallTableSelect('counters', files.counters)}`,
    `CREATE VIEW interface_rates AS ${INTERFACE_RATES}`,
    `CREATE VIEW names AS ${namesSelect(files.names)}`,
  ];
}

/** All rows of a small table. A column that a file does not have, because it is older, is NULL there. */
export function smallTableSelect(table: SmallTable, files: readonly string[]): string {
  const columns = SMALL_TABLES[table].columns.map(([name, type]) => `NULL::${type} AS ${sqlName(name)}`);
  const none = `SELECT ${columns.join(', ')} WHERE FALSE`;
  return files.length === 0 ? none : `(${none}) UNION ALL BY NAME (SELECT * FROM ${sqlFiles(files, true)})`;
}

/**
 * Names and when each held, one row for each: those that were written again (see session/name-row.ts) are one, and a name ends where the next of
 * the same thing begins, also when its end was lost with a collector that was killed.
 */
export function namesSelect(files: readonly string[]): string {
  // Rows of before there was a sender have the sender's address as the exporter's.
  const once = `SELECT arg_max(exporter, time_received) AS exporter, coalesce(sender, exporter) AS from_addr, observation_domain, kind, key, valid_from,
      arg_max(name, time_received) AS name, arg_max(description, time_received) AS description, min(valid_until) AS ended
    FROM (${smallTableSelect('names', files)}) GROUP BY from_addr, observation_domain, kind, key, valid_from`;
  return `SELECT exporter, from_addr AS sender, observation_domain, kind, key, name, description, valid_from,
      least(ended, lead(valid_from) OVER (PARTITION BY from_addr, observation_domain, kind, key ORDER BY valid_from)) AS valid_until
    FROM (${once})`;
}
