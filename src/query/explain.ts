import { printFilter } from '../filter/print.ts';
import { hasTiers, type Source } from './source.ts';
import type { QuerySpec } from './spec.ts';
import { whyNot } from './tier.ts';

/** How a question will be answered, for people: the filter in its canonical form, which files are read, and the statement. */
export function explainText(spec: QuerySpec, source: Source, sql: string): string {
  const { segments, stored, rows, bytes, covered } = source;
  const lines: (readonly [string, string])[] = [
    ['filter', printFilter(spec.filter)],
    [
      'files',
      `${segments.length} of ${stored.segments}, the others lie outside of the time or have none of the addresses: ${rows} rows, ${bytes} bytes in all columns`,
    ],
    ['tiers', rollupText(source)],
    ['time', covered ? 'every row of these files belongs to it' : 'looked at row by row'],
    ['sql', `\n${readableSql(sql)}`],
  ];
  return `${lines.map(([label, text]) => `${label.padEnd(9)}${text}`).join('\n')}\n`;
}

function rollupText(source: Source): string {
  if (!hasTiers(source)) return `not used: ${whyNot(source.tiers)}`;
  const { rolled, spared } = source.tiers;
  const parts = rolled.map(({ tier, entries }) => `${entries.length} per ${tier}`);
  return `${parts.join(', ') || 'none'}, in place of ${spared.hour + spared.minute} segments`;
}

/** A statement in several lines, without the names of its files. */
export function readableSql(sql: string): string {
  return wrapSql(withoutFiles(sql));
}

/** The list of files is said by its length: it may be thousands of paths. */
function withoutFiles(sql: string): string {
  return sql.replaceAll(/read_parquet\(\[('(?:[^']|'')*'(?:, )?)+\]/g, (list) => {
    const count = list.match(/'(?:[^']|'')*'/g)?.length ?? 0;
    return `read_parquet([/* ${count} file${count === 1 ? '' : 's'} */]`;
  });
}

function wrapSql(sql: string): string {
  return sql.replaceAll(/ (FROM|WHERE|GROUP BY|ORDER BY|UNION ALL|LIMIT)\b/g, '\n  $1');
}
