import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { COLUMNS, type ColumnDefinition } from '#weir/flow/schema.js';
import { repositoryPath } from '../helpers/repository.ts';

/*
 * The table of docs/fields.md is made from the schema. After a change of the schema:
 *
 *   npx tsc -b && npx vitest run test/flow/fields-docs.test.ts -u
 */

function meaning({ about, words, display }: ColumnDefinition): string {
  if (words === undefined) return about;
  const list = Object.entries(words).map(([code, word]) => (display === 'enum' ? `\`${word}\`` : `${code} ${word}`));
  return `${about} ${list.join(', ')}.`;
}

function table(): string {
  const rows = COLUMNS.map((column) => {
    const elements = column.elements.map(String).join(', ');
    return `| \`${column.name}\` | ${column.type} | ${column.unit ?? ''} | ${elements} | ${meaning(column)} |`;
  });
  return ['| column | type | unit | from | meaning |', '|---|---|---|---|---|', ...rows].join('\n');
}

it('docs/fields.md has the columns of the schema', async () => {
  const path = repositoryPath('docs/fields.md');
  const text = readFileSync(path, 'utf8');
  const [before = ''] = text.split(/(?<=<!-- fields:.*-->\n)/);
  const [, after = ''] = text.split(/(?=<!-- \/fields -->)/);
  await expect(`${before}\n${table()}\n\n${after}`).toMatchFileSnapshot(path);
});
