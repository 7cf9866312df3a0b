import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readCatalogue, type SegmentEntry } from '#weir/store/catalogue.js';
import { deleteRows, planDelete } from '#weir/store/delete.js';
import { withFolder } from '#weir/store/exclusive.js';
import { verifyStore } from '#weir/store/verify.js';
import { type TempFolder, tempFolder } from '../helpers/temp.ts';
import { ask, createStore, plainBatch, until } from './batches.ts';

const SLOT = 1_772_366_400_000;
const MINUTE = 60_000;

/** Flows 0 to 7999, one a millisecond: 4000 merged and counted, and 4000 fresh ones a minute later. */
async function mixedFolder(): Promise<TempFolder> {
  const folder = tempFolder('delete');
  let now = SLOT;
  const store = createStore(folder.path, { now: () => now, rotateSeconds: 60 });
  await store.start();
  const add = async (first: number, startMs: number) => {
    for (let n = 0; n < 4000; n += 1000) {
      store.append(plainBatch(first + n, 1000, startMs + n));
      await store.flush();
    }
  };
  await add(0, SLOT);
  now = SLOT + MINUTE + 6000;
  await until(() => store.stats().rollups === 2, 'the slot is merged and counted');
  await add(4000, SLOT + MINUTE);
  await store.close();
  return folder;
}

const remove = (folder: TempFolder, fromMs: number, toMs: number, rows: boolean) =>
  withFolder(folder.path, Date.now, (open) =>
    deleteRows(open, planDelete(open.ledger.entries(), { from: fromMs * 1000, to: toMs * 1000 }, rows)),
  );

async function ids(folder: TempFolder): Promise<number[]> {
  return (await ask(folder.path, 'SELECT flow_id FROM flows ORDER BY flow_id')).map(([id]) => Number(id));
}

const range = (first: number, end: number) => Array.from({ length: end - first }, (_, n) => first + n);
const tiers = async (folder: TempFolder) =>
  (await readCatalogue(folder.path)).segments.map(({ tier }: SegmentEntry) => tier).sort((a, b) => a.localeCompare(b));

async function expectSound(folder: TempFolder): Promise<void> {
  expect(await verifyStore({ dir: folder.path })).toMatchObject({ findings: [], notes: [], decoded: 0 });
}

/** Lets a collector go over the folder; what the roll-ups then count, and how many flows they stand for. */
async function recount(folder: TempFolder): Promise<unknown[][]> {
  const store = createStore(folder.path, { now: () => SLOT + 10 * MINUTE, rotateSeconds: 60, graceSeconds: 0 });
  await store.start();
  const isCounted = async () => {
    const found = await tiers(folder);
    const count = (tier: string) => found.filter((one) => one === tier).length;
    return count('fresh') === 0 && count('minute') === count('compact') && count('hour') === count('compact');
  };
  await until(isCounted, 'all is merged and counted');
  await store.close();
  const sums = 'sum(bytes)::VARCHAR, sum(packets)::VARCHAR';
  const cube = 'cube = (SELECT min(cube) FROM minute)';
  const [flows] = await ask(folder.path, `SELECT count(*)::VARCHAR, ${sums} FROM flows`);
  const [minute] = await ask(folder.path, `SELECT sum(flows)::VARCHAR, ${sums} FROM minute WHERE ${cube}`);
  return [flows ?? [], minute ?? []];
}

describe('deleting', () => {
  it('whole files leaves those that reach over an edge, and takes sums of deleted flows along', async () => {
    const folder = await mixedFolder();
    expect(await tiers(folder)).toEqual(['compact', 'fresh', 'fresh', 'fresh', 'fresh', 'hour', 'minute']);
    const { rows } = await remove(folder, SLOT + 1500, SLOT + MINUTE + 2500, false);
    expect(rows).toBe(2000);
    expect(await ids(folder)).toEqual([...range(0, 4000), ...range(6000, 8000)]);
    await remove(folder, SLOT, SLOT + 5000, false);
    expect(await ids(folder)).toEqual(range(6000, 8000));
    expect(await tiers(folder)).toEqual(['fresh', 'fresh']);
    await expectSound(folder);
    expect(readdirSync(folder.join('flows'))).toHaveLength(2);
  });

  it('rows leaves exactly those outside of the span, and sums are made again of what is left', async () => {
    const folder = await mixedFolder();
    const { rows } = await remove(folder, SLOT + 1500, SLOT + MINUTE + 2500, true);
    expect(rows).toBe(2500 + 2500);
    expect(await ids(folder)).toEqual([...range(0, 1500), ...range(6500, 8000)]);
    expect(await tiers(folder)).toEqual(['compact', 'compact', 'fresh']);
    await expectSound(folder);
    // Once more in the same file: a second revision.
    await remove(folder, SLOT + 100, SLOT + 200, true);
    expect(await ids(folder)).toEqual([...range(0, 100), ...range(200, 1500), ...range(6500, 8000)]);
    expect(readdirSync(folder.join('flows')).some((name) => name.endsWith('-c1-4r2.parquet'))).toBe(true);
    await expectSound(folder);
    const [flows, minute] = await recount(folder);
    expect(flows?.[0]).toBe('2900');
    expect(minute).toEqual(flows);
    await expectSound(folder);
  });

  it('that is cut off after a file was written anew is completed for that file by the next start', async () => {
    const folder = await mixedFolder();
    const before = tempFolder('before');
    cpSync(folder.path, before.path, { recursive: true });
    await remove(folder, SLOT, SLOT + 1000, true);
    const [revised = ''] = readdirSync(folder.join('flows')).filter((name) => name.includes('r1'));
    // As it is when the file has its name and the catalogue is still the old one, but for the sums, which go first.
    cpSync(folder.join('flows', revised), before.join('flows', revised));
    const report = await withFolder(before.path, Date.now, ({ report: found }) => Promise.resolve(found));
    expect(report.adopted).toEqual([`flows/${revised}`]);
    expect(report.leftovers).toEqual([expect.stringMatching(/-c1-4\.parquet$/)]);
    expect(await ids(before)).toEqual(range(1000, 8000));
  });

  it('is refused where sums of flows that are gone would go with it', async () => {
    const folder = await mixedFolder();
    const { segments } = await readCatalogue(folder.path);
    const compact = segments.find(({ tier }) => tier === 'compact') as SegmentEntry;
    const fewer = segments.map((entry) => (entry === compact ? { ...entry, rows: 3000 } : entry));
    expect(() => planDelete(fewer, { from: SLOT * 1000, to: (SLOT + 2000) * 1000 }, true)).toThrow(
      expect.objectContaining({ code: 'WEIR_USAGE' }),
    );
    const all = planDelete(fewer, { from: SLOT * 1000, to: (SLOT + 4000) * 1000 }, true);
    expect(all.rollups.map(({ tier }) => tier)).toEqual(['minute', 'hour']);
  });

  it('on a full disk leaves everything as it was', async (context) => {
    const source = await mixedFolder();
    const mount = tempFolder('full');
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount.path]);
    context.skip(status !== 0, 'mounting a small file system needs root');
    try {
      const data = mount.join('data');
      cpSync(source.path, data, { recursive: true });
      // All but some pages, which the catalogue needs.
      spawnSync('sh', ['-c', `cat /dev/zero > ${mount.join('filler')}; truncate -s -40960 ${mount.join('filler')}`]);
      const before = readdirSync(`${data}/flows`);
      const attempt = withFolder(data, Date.now, (open) =>
        deleteRows(open, planDelete(open.ledger.entries(), { from: (SLOT + 5) * 1000, to: (SLOT + 10) * 1000 }, true)),
      );
      await expect(attempt).rejects.toMatchObject({ code: 'WEIR_STORE' });
      expect(readdirSync(`${data}/flows`)).toEqual(before);
      expect(readdirSync(`${data}/tmp`)).toEqual([]);
      expect(await verifyStore({ dir: data })).toMatchObject({ findings: [], segments: 7 });
    } finally {
      spawnSync('umount', ['-l', mount.path]);
    }
  });
});
