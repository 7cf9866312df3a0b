import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SUBJECTS } from '#weir/filter/fields.js';
import { parseFilter } from '#weir/filter/parser.js';
import { COLUMNS } from '#weir/flow/schema.js';
import { NAME_COLUMNS } from '#weir/query/name-columns.js';
import { repositoryPath } from '../helpers/repository.ts';

const text = readFileSync(repositoryPath('docs/filter.md'), 'utf8');
const [before = '', after = ''] = text.split('## Missing values');
const options = {
  columns: NAME_COLUMNS.map(({ column }) => column),
  readFile: () => '192.0.2.1',
  names: { names: [], lookup: (name: string) => ({ offices: ['10.0.0.0/8'], web: ['80'] })[name] },
};

describe('docs/filter.md', () => {
  const cells = before
    .split('\n')
    .flatMap((line) => (line.startsWith('| `') ? [line.split(/(?<!\\)\|/)[1] ?? ''] : []));
  const examples = cells.flatMap((cell) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code.replaceAll('\\|', '|')),
  );
  const lines = (after.split('## Examples')[1] ?? '').split('\n').filter((line) => line.startsWith('    '));

  it.each([...examples, ...lines.map((line) => line.trim().replace(/ {3,}.*/, ''))])('%s', (example) => {
    // The file in the example of @include holds a filter.
    const given = example.startsWith('@include') ? { ...options, readFile: () => 'port 80' } : options;
    expect(() => parseFilter(example, given)).not.toThrow();
  });

  it('tells every word of the language', () => {
    const columns = new Set(COLUMNS.map(({ name }) => name));
    const words = [...SUBJECTS.keys()].filter((phrase) => !columns.has(phrase) && !phrase.includes('_'));
    const said = (phrase: string) => new RegExp(`\`${phrase}[ \`]`).test(before);
    // One of a series stands for the others, and one side for both.
    const sides = (phrase: string) => {
      const one = phrase
        .replace(/^(?:src|dst) /, '')
        .replace(/label\d+$/, 'label1')
        .replace(/^x(?=ip|port|net)/, 'n')
        .replace('egress', 'ingress');
      return [phrase, one, `src ${one}`, `dst ${one}`];
    };
    const missing = words.filter((phrase) => !sides(phrase).some(said));
    expect(missing).toEqual([]);
  });
});
