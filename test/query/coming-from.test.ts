import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseKeys } from '#weir/query/key.js';
import { repositoryPath } from '../helpers/repository.ts';

const page = readFileSync(repositoryPath('docs/coming-from.md'), 'utf8');
const section = page.slice(page.indexOf('\n## nfdump'));
/** The rows of the table of keys. */
const rows = section
  .slice(section.indexOf('| nfdump | `--by` |'))
  .split('\n\n')[0]
  ?.split('\n')
  .slice(2)
  .map((line) => line.split('|').slice(1, 3));

describe('docs/coming-from.md, nfdump', () => {
  it.each(rows ?? [])('%s', (theirs, ours) => {
    const keys = [...ours.matchAll(/`([^`]+)`/g)].map(([, key]) => key as string);
    // What nfdump also calls it is in parentheses.
    const names = [...theirs.replace(/\([^)]*\)/g, '').matchAll(/`([^`]+)`/g)];
    expect(keys).toHaveLength(names.length);
    expect(parseKeys(keys.join(',')).map(({ name }) => name)).toEqual(keys);
  });
});
