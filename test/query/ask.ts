import { expect } from 'vitest';
import type { OutputName } from '#weir/query/output/outputs.js';
import { type Question, readQuestion } from '#weir/query/question.js';
import { Query, type QueryOptions } from '#weir/query/run.js';

/** The answer to a question, in this process, as text of that form; times are UTC. */
export async function askText(
  dir: string,
  question: Question,
  format: OutputName = 'ndjson',
  more: Partial<QueryOptions> = {},
): Promise<string> {
  let text = '';
  const query = new Query({
    data: dir,
    spec: readQuestion(question, { now: Date.UTC(2026, 10, 21), zone: 'utc' }),
    format,
    zone: 'utc',
    plain: true,
    width: undefined,
    colour: false,
    write: (part) => {
      text += part;
      return Promise.resolve(true);
    },
    clock: () => 0,
    temporary: `${dir}/tmp-query`,
    ...more,
  });
  expect(await query.run()).toBe(true);
  return text;
}

/** The rows of the answer. Numbers beyond 2^53 are rounded. */
export async function askStore(dir: string, question: Question): Promise<Record<string, unknown>[]> {
  const text = await askText(dir, question);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
