import { type Ask, type Finding, listed, ok } from './check-finding.ts';

const QUIRKS_MET = `SELECT exporter, string_agg(quirk || ' ' || times, ', ' ORDER BY times DESC, quirk) AS met FROM (
    SELECT exporter, quirk, sum((quirks->>quirk)::UBIGINT) AS times
    FROM (SELECT exporter, quirks, unnest(json_keys(quirks)) AS quirk FROM week WHERE quirks <> '{}') GROUP BY ALL
  ) GROUP BY exporter ORDER BY sum(times) DESC, exporter`;

/** The quirks (docs/quirks.md) that were met, by exporter. */
export async function checkQuirks(ask: Ask): Promise<Finding[]> {
  const rows = await ask(QUIRKS_MET);
  if (rows.length === 0) return [];
  const title = 'quirks met and dealt with in the last 7 days (weir check --quirks)';
  return [ok('exporters', [title, ...listed(rows.map((row) => row.join(': ')))].join('\n'))];
}
