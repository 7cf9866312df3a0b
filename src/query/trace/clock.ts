import type { Catalogue } from '../../store/catalogue.ts';
import { sqlText } from '../../util/sql-text.ts';
import type { QueryDuck } from '../duck.ts';
import { smallFiles, smallTableSelect } from '../small-tables.ts';
import { sqlTime } from '../sql-text.ts';
import type { Evidence } from './evidence.ts';
import type { TraceQuestion } from './question.ts';
import { readObjects } from './search.ts';

/** How long after it happened a flow may have been exported, µs. */
const LATE = 1_800_000_000n;

/** Warnings of exporters of the evidence whose clocks were further off than the tolerance when they sent it, by the table `quality`. */
export async function clockSkews(
  duck: QueryDuck,
  catalogue: Catalogue,
  { from, to, tolerance }: TraceQuestion,
  evidence: readonly Evidence[],
): Promise<string[]> {
  const { quality } = smallFiles(catalogue);
  if (quality.length === 0) return [];
  const exporters = [...new Set(evidence.map(({ exporter }) => exporter))].map(sqlText).join(', ');
  const rows = await readObjects<{ exporter: string; skew: number }>(
    duck,
    `SELECT exporter, arg_max(clock_skew_ms, abs(clock_skew_ms)) AS skew FROM (${smallTableSelect('quality', quality)})
     WHERE exporter IN (${exporters}) AND datagrams > 0 AND "minute" BETWEEN ${sqlTime(from - 60_000_000n)} AND ${sqlTime(to + LATE)}
     GROUP BY exporter HAVING abs(skew) * 1000 > ${tolerance} AND abs(skew) >= 1000 ORDER BY exporter`,
  );
  return rows.map(({ exporter, skew }) => {
    const seconds = Math.abs(skew / 1000).toFixed(1);
    return `the clock of the exporter ${exporter} was ${seconds} s ${skew > 0 ? 'ahead of' : 'behind'} the collector’s: its times are off by that`;
  });
}
