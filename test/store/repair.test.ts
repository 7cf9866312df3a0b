import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readCatalogue } from '#weir/store/catalogue.js';
import { type TempFolder, tempFolder } from '../helpers/temp.ts';
import { countIds, createStore, plainBatch, until } from './batches.ts';

const SLOT = 1_772_366_400_000;

/** A folder with five segments of 1000 rows, as a writer left it. */
async function filledFolder(): Promise<TempFolder> {
  const folder = tempFolder('store');
  const store = createStore(folder.path, { now: () => SLOT });
  await store.start();
  for (let n = 0; n < 5; n++) {
    store.append(plainBatch(n * 1000, 1000, SLOT + n));
    await store.flush();
  }
  await store.close();
  return folder;
}

/** Opens and closes the store at the time the rows were received, so that nothing is merged; gives the report. */
async function restart(folder: TempFolder) {
  const store = createStore(folder.path, { now: () => SLOT });
  const report = await store.start();
  await store.close();
  return report;
}

const segmentsOf = (folder: TempFolder) => readdirSync(folder.join('flows')).map((name) => `flows/${name}`);

describe('a start', () => {
  it('after a proper end finds nothing to repair', async () => {
    const folder = await filledFolder();
    const before = await readCatalogue(folder.path);
    expect(await restart(folder)).toMatchObject({
      catalogue: 'sound',
      segments: 5,
      rows: 5000,
      adopted: [],
      leftovers: [],
      damaged: [],
      missing: [],
      foreign: [],
    });
    expect((await readCatalogue(folder.path)).segments).toEqual(before.segments);
  });

  it('rebuilds a catalogue that is missing or damaged, with the same figures', async () => {
    for (const spoil of [
      (path: string) => rmSync(path),
      (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 50)),
      (path: string) => writeFileSync(path, Buffer.alloc(500)),
    ]) {
      const folder = await filledFolder();
      const before = await readCatalogue(folder.path);
      for (const name of ['catalogue.json', 'catalogue.live.json']) spoil(folder.join(name));
      expect(await restart(folder)).toMatchObject({ catalogue: 'rebuilt', segments: 5, rows: 5000, damaged: [] });
      // Whether what is found is what was written, nobody can tell any more.
      expect((await readCatalogue(folder.path)).segments).toEqual(
        before.segments.map((entry) => ({ ...entry, sha256: undefined })),
      );
    }
  });

  it('adopts complete files, removes half-written ones, sets unreadable ones aside, tells of missing and foreign ones', async () => {
    const folder = await filledFolder();
    const [first = '', second = '', third = ''] = segmentsOf(folder);
    const lost = readFileSync(folder.join(first));
    // As if killed after the rename and before the catalogue was replaced: number 9 is complete, 10 is cut off.
    writeFileSync(folder.join('flows/20260301T120001Z-f9.parquet'), readFileSync(folder.join(second)));
    writeFileSync(folder.join('flows/20260301T120001Z-f10.parquet'), lost.subarray(0, 2000));
    writeFileSync(folder.join('tmp', '20260301T120001Z-f11.parquet'), lost.subarray(0, 20));
    writeFileSync(folder.join('flows', 'notes.txt'), 'mine');
    rmSync(folder.join(third));
    const report = await restart(folder);
    expect(report).toMatchObject({
      catalogue: 'sound',
      segments: 5,
      adopted: ['flows/20260301T120001Z-f9.parquet'],
      leftovers: ['tmp/20260301T120001Z-f11.parquet'],
      damaged: [{ file: 'flows/20260301T120001Z-f10.parquet', movedTo: 'damaged/20260301T120001Z-f10.parquet' }],
      missing: [third],
      foreign: ['flows/notes.txt'],
    });
    expect(readFileSync(folder.join('damaged/20260301T120001Z-f10.parquet'))).toHaveLength(2000);
    expect(existsSync(folder.join('flows/notes.txt'))).toBe(true);
    expect(await countIds(folder.path)).toMatchObject({ rows: 5000, ids: 4000 });
    // New segments get numbers of their own.
    const store = createStore(folder.path, { now: () => SLOT });
    await store.start();
    store.append(plainBatch(9000, 10, SLOT));
    await store.close();
    expect(segmentsOf(folder).some((file) => file.endsWith('-f11.parquet'))).toBe(true);
  });

  it('reads a merge that was cut off rightly, with and without a catalogue', async () => {
    const folder = await filledFolder();
    const fresh = segmentsOf(folder);
    let now = SLOT;
    const store = createStore(folder.path, { now: () => now });
    await store.start();
    now += 310_000;
    await until(() => store.stats().merges === 1 && !store.stats().merging, 'the slot is merged');
    await store.close();

    // All files are on disk, the replaced ones waiting for their readers; the catalogue is lost.
    expect(segmentsOf(folder)).toHaveLength(6);
    for (const name of ['catalogue.json', 'catalogue.live.json']) rmSync(folder.join(name));
    const report = await restart(folder);
    expect(report).toMatchObject({ catalogue: 'rebuilt', segments: 3, rows: 5000 });
    expect([...report.leftovers].sort()).toEqual([...fresh].sort());
    expect(await countIds(folder.path)).toMatchObject({ rows: 5000, ids: 5000 });
  });

  it('goes back to the segments when the file they were merged into is unreadable', async () => {
    const folder = await filledFolder();
    writeFileSync(folder.join('flows/20260301T120000Z-c1-5.parquet'), 'PAR1 half a file');
    expect(await restart(folder)).toMatchObject({
      segments: 5,
      rows: 5000,
      leftovers: [],
      damaged: [{ movedTo: 'damaged/20260301T120000Z-c1-5.parquet' }],
    });
    expect(await countIds(folder.path)).toMatchObject({ rows: 5000, ids: 5000 });
  });
});
