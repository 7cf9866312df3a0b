import { sqlFile } from '../util/sql-text.ts';
/**
 * The process that merges segments, started by `merger.ts` with the data folder as its working directory. It reads listed files and writes one
 * under `tmp`; nothing that it leaves behind, however it ends, changes what the folder holds. It ends with its parent.
 */

import { rm } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { messageOf } from '../util/errors.ts';
import { checksumOf } from './checksum.ts';
import { Duck } from './duck.ts';
import { type MergeAnswer, type MergeRequest, mergeSql, millisSql } from './merge.ts';
import { TEMPORARY } from './paths.ts';
import { countedSql, largestSql, type RollupRequest, rollupSql } from './rollup-sql.ts';

const LOWEST = 19;

async function work(duck: Duck, request: MergeRequest | RollupRequest): Promise<MergeAnswer> {
  const started = performance.now();
  try {
    const done = 'tier' in request ? await rollUp(duck, request) : { rows: await merge(duck, request) };
    return {
      ...done,
      sha256: await checksumOf(request.output),
      milliseconds: Math.round(performance.now() - started),
      residentBytes: process.memoryUsage.rss(),
    };
  } catch (error) {
    await rm(request.output, { force: true });
    return { error: messageOf(error), damaged: await findDamaged(duck, request.inputs) };
  }
}

/** Returns the number of rows. */
async function merge(duck: Duck, request: MergeRequest): Promise<number> {
  const counts = await duck.run(millisSql(request));
  const millis = counts.filter(([, files]) => Number(files) === request.inputs.length).map(([name]) => String(name));
  const [row] = await duck.run(mergeSql(request, new Set(millis)));
  return Number(row?.[0]);
}

async function rollUp(duck: Duck, request: RollupRequest): Promise<{ rows: number; flows: number }> {
  const [[largest] = []] = await duck.run(largestSql(request));
  const [row] = await duck.run(rollupSql(request, Number(largest)));
  const counted = (await duck.run(countedSql(request.output))).map(([, flows]) => Number(flows));
  const [flows = 0] = counted;
  if (counted.length !== request.cubes.length || counted.some((other) => other !== flows))
    throw new Error(`the cubes count ${counted.join(', ')} flows`);
  return { rows: Number(row?.[0]), flows };
}

/** The inputs that cannot be read to their end. */
async function findDamaged(duck: Duck, inputs: readonly string[]): Promise<string[]> {
  const damaged: string[] = [];
  for (const file of inputs) {
    try {
      await duck.run(`SELECT max(COLUMNS(*)) FROM read_parquet(${sqlFile(file)})`);
    } catch {
      damaged.push(file);
    }
  }
  return damaged;
}

async function main(memoryMegabytes: number): Promise<void> {
  try {
    setPriority(LOWEST);
  } catch {
    // Some sandboxes forbid it; then it competes like any other process.
  }
  // Ctrl-C on a terminal reaches the whole group; the parent decides when this process ends.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  // At once, without waiting for a statement that is running: what it writes is of no use any more.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  const duck = new Duck({ memoryMegabytes, temporary: `${TEMPORARY}/spill` });
  await duck.open();
  process.on('message', (request) => {
    void work(duck, request as MergeRequest | RollupRequest).then(answerParent);
  });
  answerParent('ready');
}

/** A parent that was killed meanwhile is no fault to complain about: `disconnect` ends this process. */
function answerParent(message: MergeAnswer | 'ready'): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

await main(Number(process.argv[2] ?? 300));
