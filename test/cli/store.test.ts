import { appendFileSync, readdirSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { FolderLock } from '#weir/store/lock.js';
import { type TempFolder, tempFolder } from '../helpers/temp.ts';
import { weir } from '../helpers/weir.ts';
import { createStore, plainBatch, until } from '../store/batches.ts';

const DAY = 86_400_000;
const BEGIN = Date.UTC(2026, 2, 1, 12);

/** Three days with a segment of 1000 flows each. */
async function threeDays(): Promise<TempFolder> {
  const folder = tempFolder('store');
  const store = createStore(folder.path, { now: () => BEGIN });
  await store.start();
  for (let day = 0; day < 3; day++) {
    store.append(plainBatch(day * 1000, 1000, BEGIN + day * DAY));
    await store.flush();
  }
  await store.close();
  return folder;
}

const json = async (...args: string[]) => JSON.parse((await weir(['store', ...args, '--format', 'json'])).stdout);

it('list names the files of a span of time', async () => {
  const { path } = await threeDays();
  const { segments } = await json('list', '--data', path, '--from', '2026-03-02', '--to', '2026-03-03', '--utc');
  expect(segments).toMatchObject([{ tier: 'fresh', rows: 1000, received: { from: '2026-03-02T12:00:00.000Z' } }]);
  const { stdout, code } = await weir(['store', 'list', '--data', path, '--utc']);
  expect(code).toBe(0);
  const lines = stdout.trim().split('\n');
  expect(lines).toHaveLength(5);
  expect(lines[0]).toMatch(/^file +tier +from +to +rows +size +B\/row$/);
  expect(lines[1]).toMatch(
    /^flows\/20260301T120000Z-f1\.parquet +fresh +2026-03-01 12:00:00 +2026-03-01 12:00:00 +1,000 /,
  );
  expect(lines[4]).toMatch(/^3 files, /);
});

it('status tells the days, and how long flows are kept', async () => {
  const { path } = await threeDays();
  const { tiers, days, forecast } = await json('status', '--data', path, '--retention-age', '30d');
  expect(tiers).toMatchObject([{ tier: 'fresh', files: 3, rows: 3000 }]);
  expect(days.map(({ day, flows }: { day: string; flows: number }) => [day, flows])).toEqual([
    ['2026-03-01', 1000],
    ['2026-03-02', 1000],
    ['2026-03-03', 1000],
  ]);
  expect(forecast).toMatchObject({ bound: 'age', keptDays: 30 });
  const { stdout } = await weir(['store', 'status', '--data', path]);
  expect(stdout).toContain('the disk is full in');
  expect(stdout).toContain('nothing is writing to the folder');
});

it('status tells until when flows are counted, and what waits for that; check warns of a collector that is behind', async () => {
  const folder = tempFolder('store');
  let now = BEGIN;
  const store = createStore(folder.path, { now: () => now, tickMillis: 5 });
  await store.start();
  store.append(plainBatch(0, 1000, BEGIN));
  await store.flush();
  now += 360_000;
  await until(() => store.stats().rollups === 2 && !store.stats().merging, 'the slot is counted');
  const { rollups: done } = await json('status', '--data', folder.path, '--utc');
  const until12 = { isMade: true, waiting: 0, behind: 0, countedUntil: '2026-03-01T12:00:00.999Z' };
  expect(done).toEqual([
    { tier: 'minute', ...until12 },
    { tier: 'hour', ...until12 },
  ]);
  store.append(plainBatch(1000, 500, now));
  await store.flush();
  await store.close();
  const status = async (...args: string[]) =>
    (await weir(['store', 'status', '--data', folder.path, '--utc', ...args])).stdout;
  const text = 'every flow received until 2026-03-01 12:00:00 is counted';
  expect(await status()).toContain(`per minute: ${text}; 500 flows wait for a collector\n`);
  writeFileSync(folder.join('weir.yaml'), 'store: { rollups: hour }');
  expect(await status('--config', folder.join('weir.yaml'))).toContain(
    `per minute: ${text}; store.rollups does not ask`,
  );
  const lock = new FolderLock(folder.path);
  lock.acquire();
  expect(await status()).toMatch(/^per hour: .*; BEHIND: 500 flows wait, for \d+ h$/m);
  const { stdout } = await weir(['check', '--data', folder.path, '--listen', 'udp://127.0.0.1:0']);
  expect(stdout).toMatch(/^! roll-ups +\d+ h behind: merging does not follow/m);
  lock.release();
});

it('columns adds up to what the files have, but for their heads', async () => {
  const { path } = await threeDays();
  const { columns } = await json('columns', '--data', path);
  const { segments } = await json('list', '--data', path);
  const total = columns.reduce((sum: number, { compressed }: { compressed: number }) => sum + compressed, 0);
  const bytes = segments.reduce((sum: number, one: { bytes: number }) => sum + one.bytes, 0);
  expect(total).toBeLessThan(bytes);
  expect(total).toBeGreaterThan(bytes / 2);
  expect(columns.find(({ column }: { column: string }) => column === 'bytes')).toMatchObject({
    tier: 'fresh',
    rows: 3000,
    files: 3,
  });
});

it('verify ends with 1 when something is wrong, and repair puts it right', async () => {
  const folder = await threeDays();
  const { path } = folder;
  expect(await weir(['store', 'verify', '--data', path])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('all is well: 3 files with 3,000 rows'),
  });
  const [first = ''] = readdirSync(folder.join('flows'));
  appendFileSync(folder.join('flows', first), 'x');
  const found = await weir(['store', 'verify', '--data', path]);
  expect(found.code).toBe(1);
  expect(found.stdout).toMatch(new RegExp(`^size +flows/${first} has \\d+ octets, and \\d+ were written`));
  expect(found.stderr).toContain(`weir store repair --data ${path}`);
  const repaired = await weir(['store', 'repair', '--data', path]);
  expect(repaired).toMatchObject({ code: 0, stdout: expect.stringContaining(`set aside flows/${first}`) });
  expect(await weir(['store', 'verify', '--data', path])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('2,000 rows'),
  });
});

it('repair is refused while a collector has the folder', async () => {
  const { path } = await threeDays();
  const store = createStore(path, { now: () => BEGIN });
  await store.start();
  const { code, stderr } = await weir(['store', 'repair', '--data', path]);
  await store.close();
  expect(code).toBe(1);
  expect(stderr).toContain('WEIR_DATA_LOCKED');
});

it.each(['list', 'status', 'columns', 'verify', 'repair'])('%s says so where there is no store', async (name) => {
  const { code, stderr } = await weir(['store', name, '--data', tempFolder().join('none')]);
  expect(code).toBe(1);
  expect(stderr).toContain('WEIR_DATA_EMPTY');
});

it('delete says what will go, and goes no further without a terminal or --yes', async () => {
  const { path } = await threeDays();
  const args = ['store', 'delete', '--data', path, '--utc', '--to', '2026-03-02T18:00'];
  const asked = await weir(args);
  expect(asked.code).toBe(2);
  expect(asked.stderr).toContain('to be deleted: 2 files with 2,000 rows');
  expect(asked.stderr).toContain('Give --yes');
  expect((await json('list', '--data', path)).segments).toHaveLength(3);
  expect(await weir([...args, '--yes'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('deleted 2,000 rows'),
  });
  expect((await json('list', '--data', path)).segments).toHaveLength(1);
  expect(await weir([...args, '--yes'])).toMatchObject({ code: 0, stdout: 'there is nothing to delete\n' });
  expect((await weir(['store', 'delete', '--data', path])).stderr).toContain('Give --from, --to or both');
});
