import { resolve } from 'node:path';
import { BUCKET_MICROS, cubeColumns } from '../store/rollup-cubes.ts';
import { fileType, sqlFiles, sqlName, sqlTime } from './sql-text.ts';
import type { RolledPart } from './tier.ts';
import type { TimeSpan } from './time.ts';

/** The column of every row of a source with roll-ups: how many flows it stands for. */
export const COUNT = 'rolled_flows';

/**
 * Rows of roll-ups as if they were flows, with the columns `needed`: a row begins with its bucket and lasts to the end of it. Both ports are the lower one,
 * which is all that may be asked of them.
 */
export function sqlRolled(
  dir: string,
  { tier, cube, entries, inside, outside }: RolledPart,
  needed: readonly string[],
): string {
  const kept = new Set(cubeColumns(cube));
  const values = needed.map((name) => `${valueOf(name, tier, kept)} AS ${sqlName(name)}`);
  const files = sqlFiles(
    entries.map(({ file }) => resolve(dir, file)),
    new Set(entries.map(({ columns }) => columns.join(' '))).size > 1,
  );
  const conditions = [`"cube" = ${cube}`, ...insideSql(inside), ...(outside === undefined ? [] : outsideSql(outside))];
  return `SELECT ${[...values, `"flows" AS ${COUNT}`].join(', ')} FROM ${files} WHERE ${conditions.join(' AND ')}`;
}

/** The condition that a flow begins before or after a span; none that begins at no time does. */
export function outsideSql({ from, to }: TimeSpan): string[] {
  const ends: string[] = [];
  if (from !== undefined) ends.push(`"time_start" < ${sqlTime(from)}`);
  if (to !== undefined) ends.push(`"time_start" >= ${sqlTime(to)}`);
  return [ends.length === 0 ? 'FALSE' : `(${ends.join(' OR ')})`];
}

function insideSql({ from, to }: TimeSpan): string[] {
  const ends: string[] = [];
  if (from !== undefined) ends.push(`"time_start" >= ${sqlTime(from)}`);
  if (to !== undefined) ends.push(`"time_start" < ${sqlTime(to)}`);
  return ends;
}

function valueOf(name: string, tier: RolledPart['tier'], kept: ReadonlySet<string>): string {
  if (name === 'duration') return `${BUCKET_MICROS[tier] - 1}::BIGINT`;
  if (name === 'time_start' || name === 'bytes' || name === 'packets' || kept.has(name)) return sqlName(name);
  if ((name === 'src_port' || name === 'dst_port') && kept.has('service_port')) return '"service_port"';
  return `NULL::${fileType(name)}`;
}
