import { expect, it } from 'vitest';
import { runProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';

/** As many as take about a minute where nothing else runs; `node scripts/crash-rounds.mjs --rounds 300` is the long form. */
const ROUNDS = 20;

it('a collector killed at any moment, and whatever looks after its store, leave every flow that was called stored there, once', async () => {
  const { stdout, stderr } = await runProcess(
    process.execPath,
    [repositoryPath('scripts/crash-rounds.mjs'), '--rounds', String(ROUNDS), '--json'],
    { ms: 580_000 },
  );
  expect(stderr).toBe('');
  const { faults, seed, ...figures } = JSON.parse(stdout) as { faults: string[]; seed: number } & Record<
    string,
    number
  >;
  expect(faults, `seed ${seed}`).toEqual([]);
  // It was a trial: there were flows, and they were being merged.
  expect(figures).toMatchObject({ rounds: ROUNDS });
  for (const name of ['stored', 'merges', 'chores']) expect(figures[name], name).toBeGreaterThan(0);
}, 600_000);
