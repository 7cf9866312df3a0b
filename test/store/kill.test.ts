import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { StartReport } from '#weir/store/repair.js';
import { spawnProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { tempFolder } from '../helpers/temp.ts';
import { ask, createStore, silent } from './batches.ts';

const ROUNDS = 20;
const APART = 10_000_000;

it('a writer killed at any moment loses nothing that it had called stored, and leaves no damaged file', async () => {
  const folder = tempFolder('kill');
  const stored: number[] = [];
  let begin = 1_772_366_400_000;
  let merges = 0;
  let takenOver = 0;
  let adopted = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const writer = spawnProcess(process.execPath, [
      repositoryPath('test/store/killed-writer.mjs'),
      folder.path,
      String(round * APART),
      String(begin),
    ]);
    await writer.waitFor(/^stored /);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 1200));
    writer.kill();
    const { stdout } = await writer.finished;
    // The last line may have been cut off by the end.
    const lines = stdout.split('\n').slice(0, -1);
    expect(lines.filter((line) => line.startsWith('error'))).toEqual([]);
    const report = JSON.parse(lines[0]?.replace('report ', '') ?? '') as StartReport;
    expect(report).toMatchObject({ damaged: [], missing: [], foreign: [] });
    if (report.tookOverFrom !== undefined) takenOver++;
    adopted += report.adopted.length;
    const [, last, time, count] = lines.at(-1)?.split(' ') ?? [];
    stored.push(Number(last) - round * APART);
    begin = Number(time) + 1000;
    merges += Number(count);
    // A reader needs no writer: all that was called stored is there, each row once.
    const rows = await ask(
      folder.path,
      `SELECT flow_id // ${APART}, count(*), count(DISTINCT flow_id), count(*) = max(flow_id) - min(flow_id) + 1 FROM flows GROUP BY ALL ORDER BY 1`,
    );
    expect(rows.map(([, total, different, isDense]) => [total === different, isDense])).toEqual(
      stored.map(() => [true, true]),
    );
    for (const [n, [, total]] of rows.entries()) expect(Number(total)).toBeGreaterThanOrEqual(stored[n] ?? 0);
  }
  expect(takenOver).toBe(ROUNDS - 1);
  expect(merges).toBeGreaterThan(0);
  const store = createStore(folder.path, { log: silent, now: () => begin });
  const report = await store.start();
  await store.close();
  expect(report).toMatchObject({ damaged: [], missing: [] });
  expect(readdirSync(folder.join('damaged'))).toEqual([]);
  expect(readdirSync(folder.join('tmp'))).toEqual([]);
  const [row] = await ask(folder.path, 'SELECT count(*), count(DISTINCT flow_id) FROM flows');
  expect(row?.[0]).toBe(row?.[1]);
  expect(report.rows).toBe(Number(row?.[0]));
  expect(adopted).toBeGreaterThanOrEqual(0);
}, 180_000);
