import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { isRollup, readCatalogue } from '#weir/store/catalogue.js';
import { spawnProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { tempFolder } from '../helpers/temp.ts';
import { askStore } from '../query/ask.ts';
import { ask, createStore, until } from './batches.ts';
import { answers } from './rollup-oracle.ts';

const ROUNDS = 8;
/** A slot of 20 s in a second: time to merge and to count before the next one ends. */
const SPEED = '20';
const APART = 10_000_000;
const QUESTION = { by: 'observation_domain', raw: true };

it('roll-ups of a writer that is killed at any moment count every flow that is there, once', async () => {
  const folder = tempFolder('rollup-kill');
  let begin = 1_772_366_400_000;
  let rolled = 0;
  const check = async () => {
    const [row] = await ask(folder.path, 'SELECT count(*), count(DISTINCT flow_id) FROM flows');
    const [sums] = await askStore(folder.path, QUESTION);
    expect([Number(row?.[0]), Number(row?.[1])]).toEqual([sums?.['flows'], sums?.['flows']]);
    if ((await answers(folder.path, QUESTION)).isRolled) rolled++;
  };
  for (let round = 0; round < ROUNDS; round++) {
    const writer = spawnProcess(process.execPath, [
      repositoryPath('test/store/killed-writer.mjs'),
      folder.path,
      String(round * APART),
      String(begin),
      SPEED,
    ]);
    await writer.waitFor(/^stored /);
    // However slow the machine is, some are killed while there are roll-ups.
    if (round === 0) await until(() => readdirSync(folder.join('minute')).length > 0, 'a slot is counted', 60_000);
    await new Promise((resolve) => setTimeout(resolve, 500 + Math.random() * 1500));
    writer.kill();
    const { stdout } = await writer.finished;
    const lines = stdout.split('\n').slice(0, -1);
    expect(lines.filter((line) => line.startsWith('error'))).toEqual([]);
    begin = Number(lines.at(-1)?.split(' ')[2]) + 1000;
    await check();
  }
  // What was cut off is made again, and in the end every flow is counted.
  begin += 86_400_000;
  const store = createStore(folder.path, { now: () => begin, graceSeconds: 0, tickMillis: 5 });
  const report = await store.start();
  expect(report).toMatchObject({ damaged: [], missing: [], foreign: [] });
  await until(async () => {
    const { segments } = await readCatalogue(folder.path);
    const count = (tier: string) =>
      segments
        .filter((entry) => entry.tier === tier)
        .reduce(
          (sum, { rows, ...entry }) => sum + (isRollup({ rows, ...entry }) ? (entry.rollup?.flows ?? 0) : rows),
          0,
        );
    return (
      !store.stats().merging &&
      count('fresh') === 0 &&
      count('minute') === count('compact') &&
      count('hour') === count('compact')
    );
  }, 'all is counted');
  await check();
  expect(rolled).toBeGreaterThan(0);
  await store.close();
}, 180_000);
