import type { Catalogue } from '../../store/catalogue.ts';
import type { QueryDuck } from '../duck.ts';
import { readableSql } from '../explain.ts';
import type { TraceQuestion } from './question.ts';
import { searches, sqlEvidence } from './search.ts';
import { sqlUses } from './uses.ts';

/** How a question will be answered, for people: for each kind of evidence the files that are read and the statement. */
export async function explainSearches(duck: QueryDuck, catalogue: Catalogue, question: TraceQuestion): Promise<string> {
  const all = await searches(duck, catalogue, question);
  if (all.length === 0) return 'no file can have evidence of that time\n';
  const parts = all.map(({ what, source, sql }) => {
    const { segments, stored, rows, bytes } = source;
    const statement = question.side === 'inside' ? sqlUses(sql) : sqlEvidence(sql, question);
    const lines = [
      ['evidence', what],
      ['files', `${segments.length} of ${stored.segments}: ${rows} rows, ${bytes} bytes in all columns`],
      ['sql', `\n${readableSql(statement)}`],
    ];
    return lines.map(([label = '', text]) => `${label.padEnd(10)}${text}`).join('\n');
  });
  return `${parts.join('\n\n')}\n`;
}
