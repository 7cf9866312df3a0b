import { type Anonymity, treatmentOf } from '../flow/anonymity.ts';
import type { ColumnType } from '../flow/schema.ts';
import type { QueryDuck } from './duck.ts';
import type { AnswerColumn, Plan } from './plan.ts';

/** Makes the functions that `anonymousPlan` calls. */
export function prepareAnonymity(duck: QueryDuck, { pan }: Anonymity): void {
  const words = new Uint32Array(4);
  const half = (first: 0 | 2) => (upper: Uint32Array, lower: Uint32Array) => {
    const answers = new Uint32Array(upper.length);
    for (let low = 0; low < upper.length; low += 2) {
      words[0] = upper[low + 1] as number;
      words[1] = upper[low] as number;
      words[2] = lower[low + 1] as number;
      words[3] = lower[low] as number;
      pan.replace(words);
      answers[low + 1] = words[first] as number;
      answers[low] = words[first + 1] as number;
    }
    return answers;
  };
  duck.define('anonymous_hi', half(0));
  duck.define('anonymous_lo', half(2));
}

/** The listing of a plan with other addresses, and without what is to be dropped. The order is that of the true records. */
export function anonymousPlan(plan: Plan, anonymity: Anonymity): Plan {
  const columns: AnswerColumn[] = [];
  const outputs: string[] = [];
  const width = ({ kind }: AnswerColumn) => (kind === 'address' ? 2 : 1);
  for (const column of plan.columns) {
    // Kinds of cells that are treated are called as the types of columns.
    const treatment = treatmentOf(column.name, column.kind as ColumnType, anonymity);
    if (treatment === 'dropped') continue;
    columns.push({ ...column, at: outputs.length });
    const vectors = Array.from({ length: width(column) }, (_, index) => `v${column.at + index}`);
    const list = vectors.join(', ');
    if (treatment === 'stays') outputs.push(...vectors);
    // The functions see no NULL: where there is no address there is nothing to replace.
    else
      for (const half of ['hi', 'lo'])
        outputs.push(`CASE WHEN v${column.at + 1} IS NOT NULL THEN anonymous_${half}(${list}) END`);
  }
  const count = plan.columns.reduce((most, column) => Math.max(most, column.at + width(column)), 1);
  const names = Array.from({ length: count }, (_, index) => `v${index}`);
  return { ...plan, columns, sql: `SELECT ${outputs.join(', ')} FROM (${plan.sql}) AS answer(${names.join(', ')})` };
}
