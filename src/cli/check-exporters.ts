import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { smallFiles } from '../query/small-tables.ts';
import { openCatalogue, selectSegments } from '../query/source.ts';
import { SqlSession } from '../query/sql-session.ts';
import { messageOf, WeirError } from '../util/errors.ts';
import { type Ask, type Finding, warning } from './check-finding.ts';
import { checkQuirks } from './check-quirks.ts';
import { checkStatistics } from './check-statistics.ts';

/** µs. */
const WEEK = 7n * 86_400_000_000n;

/** What the collector has counted of exporters in the last week. Nothing of a folder without any. `now`: ms since the epoch. */
export async function checkExporters(data: string, now: number): Promise<Finding[]> {
  const session = new SqlSession(join(tmpdir(), `weir-check-${process.pid}`));
  try {
    const catalogue = await openCatalogue(data);
    const since = BigInt(Math.floor(now)) * 1000n - WEEK;
    await session.open(selectSegments(catalogue, { from: since, to: undefined }), smallFiles(catalogue));
    const week = `WITH week AS (SELECT * FROM quality WHERE minute >= make_timestamp(${since}))`;
    const ask: Ask = async (sql) => {
      const rows: string[][] = [];
      const answer = await session.select(`${week} ${sql}`);
      for await (const { count } of answer.chunks())
        for (let row = 0; row < count; row++) rows.push(answer.columns.map(({ cell }) => cell.text(row) ?? ''));
      return rows;
    };
    return [...(await checkQuirks(ask)), ...(await checkStatistics(ask))];
  } catch (error) {
    if (error instanceof WeirError && error.code === 'WEIR_DATA_EMPTY') return [];
    return [warning('exporters', `what was counted of them cannot be read: ${messageOf(error)}`)];
  } finally {
    session.close();
  }
}
