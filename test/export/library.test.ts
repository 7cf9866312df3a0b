import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { CHANGES, REFUSALS } from '#weir/export/losses.js';
import { runProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';

const page = readFileSync(repositoryPath('docs/encode.md'), 'utf8');

it('the example of docs/encode.md prints what it says', async () => {
  const [, source = ''] = /```js\n([\s\S]*?)```/.exec(page) ?? [];
  const wanted = /console\.log\(.*\/\/ (.*)$/m.exec(source)?.[1];
  const run = await runProcess(process.execPath, ['--input-type=module', '-e', source], { cwd: repositoryPath('.') });
  expect(run.stderr).toBe('');
  expect(run.stdout.trim()).toBe(wanted);
});

it('docs/encode.md explains every cause', () => {
  const explained = [...page.matchAll(/^\| `([a-z0-9_]+)` \|/gm)].map(([, name]) => name);
  for (const name of [...REFUSALS, ...CHANGES]) expect(explained).toContain(name);
});
