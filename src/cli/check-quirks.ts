import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { smallFiles } from '../query/small-tables.ts';
import { openCatalogue, selectSegments } from '../query/source.ts';
import { SqlSession } from '../query/sql-session.ts';
import { messageOf, WeirError } from '../util/errors.ts';
import { type Finding, ok, warning } from './check-finding.ts';

const NAME = 'exporters';
/** Exporters that are listed; the rest are counted. */
const MOST = 20;
/** µs. */
const WEEK = 7n * 86_400_000_000n;

const quirksMet = (
  since: bigint,
): string => `SELECT exporter, string_agg(quirk || ' ' || times, ', ' ORDER BY times DESC, quirk) AS met FROM (
    SELECT exporter, quirk, sum((quirks->>quirk)::UBIGINT) AS times
    FROM (SELECT exporter, quirks, unnest(json_keys(quirks)) AS quirk FROM quality WHERE minute >= make_timestamp(${since}) AND quirks <> '{}') GROUP BY ALL
  ) GROUP BY exporter ORDER BY sum(times) DESC, exporter`;

/** The quirks (docs/quirks.md) that the collector has met in the last week, by exporter. Nothing of a folder without any. `now`: ms since the epoch. */
export async function checkQuirks(data: string, now: number): Promise<Finding[]> {
  const session = new SqlSession(join(tmpdir(), `weir-check-${process.pid}`));
  try {
    const catalogue = await openCatalogue(data);
    const since = BigInt(Math.floor(now)) * 1000n - WEEK;
    await session.open(selectSegments(catalogue, { from: since, to: undefined }), smallFiles(catalogue));
    const answer = await session.select(quirksMet(since));
    const lines: string[] = [];
    for await (const { count } of answer.chunks()) {
      for (let row = 0; row < count; row++)
        lines.push(answer.columns.map(({ cell }) => cell.text(row) ?? '').join(': '));
    }
    if (lines.length === 0) return [];
    const more = lines.length > MOST ? [`and ${lines.length - MOST} more`] : [];
    const text = [
      'quirks met and dealt with in the last 7 days (weir check --quirks)',
      ...lines.slice(0, MOST),
      ...more,
    ];
    return [ok(NAME, text.join('\n'))];
  } catch (error) {
    if (error instanceof WeirError && error.code === 'WEIR_DATA_EMPTY') return [];
    return [warning(NAME, `what was counted of them cannot be read: ${messageOf(error)}`)];
  } finally {
    session.close();
  }
}
