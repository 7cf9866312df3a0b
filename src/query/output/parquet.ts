import { sqlText } from '../../util/sql-text.ts';
import { wordsCase } from '../macros.ts';
import type { AnswerColumn, Plan } from '../plan.ts';
import { sqlName } from '../sql-text.ts';

/**
 * A statement that writes an answer into a Parquet file: addresses, networks, MAC addresses and words of ours as text, times as TIMESTAMP (UTC),
 * counters as UBIGINT, everything else as the schema has it. It needs the functions of macros.ts.
 */
export function parquetCopy(plan: Plan, file: string): string {
  const count = plan.columns.reduce((most, { kind, at }) => Math.max(most, at + (kind === 'address' ? 2 : 1)), 1);
  const vectors = Array.from({ length: count }, (_, index) => `v${index}`);
  const values = plan.columns.map((column) => `${valueSql(column)} AS ${sqlName(column.name)}`);
  // The first row of an answer with totals is theirs.
  const where = plan.totals === undefined ? '' : ' WHERE v0 = 1';
  return `COPY (SELECT ${values.join(', ')} FROM (${plan.sql}) AS answer(${vectors.join(', ')})${where})
    TO ${sqlText(file)} (FORMAT parquet, COMPRESSION zstd)`;
}

function valueSql({ kind, at, column, lengths }: AnswerColumn): string {
  const value = `v${at}`;
  switch (kind) {
    case 'address': {
      const lower = `v${at + 1}`;
      const text = `addr(${value}, ${lower})`;
      if (lengths === undefined) return `CASE WHEN ${lower} IS NOT NULL THEN ${text} END`;
      const network = (length: number, whole: number) => (length === whole ? text : `${text} || '/${length}'`);
      return `CASE WHEN ${lower} IS NULL THEN NULL WHEN ${value} = 0 AND ${lower} >> 32 = 65535
        THEN ${network(lengths.v4, 32)} ELSE ${network(lengths.v6, 128)} END`;
    }
    case 'mac':
      return `mac(${value})`;
    case 'words':
      return column?.words === undefined ? value : wordsCase(value, column.words);
    case 'hugeint':
      return `${value}::UBIGINT`;
    default:
      return value;
  }
}
