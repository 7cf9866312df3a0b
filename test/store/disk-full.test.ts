import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { readCatalogue } from '#weir/store/catalogue.js';
import { describeUnless } from '../helpers/skip.ts';
import { makeTempFolder, tempFolder } from '../helpers/temp.ts';
import { countIds, createStore, plainBatch, silent, until } from './batches.ts';

/** Octets that are free on the small disk: enough for the catalogue, not for the flows. */
const ROOM = 96 << 10;

function mount(path: string, size: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path]).status === 0;
}

function reasonAgainst(): string | undefined {
  const folder = makeTempFolder('mount');
  try {
    if (!mount(folder.path, '64k')) return 'mounting a small file system needs root';
    spawnSync('umount', [folder.path]);
    return undefined;
  } finally {
    folder.remove();
  }
}

/** A file system of 16 MB with `filler` octets taken. */
function smallDisk(filler: number): { data: string; makeRoom: () => void } {
  const folder = tempFolder('disk');
  mkdirSync(folder.join('mount'));
  mount(folder.join('mount'), '16m');
  onTestFinished(() => {
    spawnSync('umount', ['-l', folder.join('mount')]);
  });
  mkdirSync(folder.join('mount', 'data'));
  writeFileSync(folder.join('mount', 'filler'), Buffer.alloc(filler));
  return { data: folder.join('mount', 'data'), makeRoom: () => rmSync(folder.join('mount', 'filler')) };
}

it('a folder that cannot be written for a while costs nothing', async () => {
  const folder = tempFolder('store');
  const store = createStore(folder.path);
  await store.start();
  renameSync(folder.join('tmp'), folder.join('away'));
  for (let n = 0; n < 3; n++) store.append(plainBatch(n * 1000, 1000, Date.now()));
  // Longer than it would take to give a batch up, were it the batch's fault.
  await until(() => store.stats().writeErrors >= 6, 'several attempts have failed');
  expect(store.stats()).toMatchObject({ rowsStored: 0, rowsWaiting: 3000 });
  renameSync(folder.join('away'), folder.join('tmp'));
  await until(() => store.stats().rowsStored === 3000, 'all is stored');
  await store.close();
  expect(store.stats().rowsDropped).toEqual({ disk_full: 0, write_error: 0, closed: 0 });
  expect(await countIds(folder.path)).toMatchObject({ rows: 3000, ids: 3000 });
});

describeUnless(reasonAgainst(), 'a full disk', () => {
  it('holds up writing until there is room again; nothing that fitted the queue is lost, nothing is damaged', async () => {
    const { data, makeRoom } = smallDisk((16 << 20) - ROOM);
    const errors: string[] = [];
    const store = createStore(data, { log: { ...silent, error: (_, text) => errors.push(text) } });
    await store.start();
    for (let n = 0; n < 8; n++) store.append(plainBatch(n * 50_000, 50_000, Date.now()));
    await until(() => store.stats().failing !== undefined, 'the disk is full');
    await expect(store.flush()).rejects.toMatchObject({ code: 'WEIR_STORE' });
    const during = store.stats();
    expect(during.rowsWaiting).toBeGreaterThan(0);
    expect(during.rowsWaiting + during.rowsStored).toBe(400_000);
    expect(readdirSync(`${data}/tmp`)).toEqual([]);
    // What is listed can be read meanwhile.
    expect(await countIds(data)).toMatchObject({ rows: during.rowsStored });

    makeRoom();
    await until(() => store.stats().rowsStored === 400_000, 'all is stored');
    expect(store.stats()).toMatchObject({ failing: undefined, rowsWaiting: 0, rowsDropped: { disk_full: 0 } });
    await store.close();
    expect(errors).toEqual(['the data folder cannot be written; trying again']);
    expect(await countIds(data)).toEqual({ rows: 400_000, ids: 400_000, max: 399_999 });
  });

  it('that stays full until the end costs what could not be written, which is counted', async () => {
    const { data, makeRoom } = smallDisk((16 << 20) - ROOM);
    const store = createStore(data);
    await store.start();
    for (let n = 0; n < 8; n++) store.append(plainBatch(n * 50_000, 50_000, Date.now()));
    await until(() => store.stats().failing !== undefined, 'the disk is full');
    await store.close();
    const { rowsStored, rowsDropped, rowsWaiting } = store.stats();
    expect(rowsDropped.disk_full).toBeGreaterThan(0);
    expect(rowsStored + rowsDropped.disk_full).toBe(400_000);
    expect(rowsWaiting).toBe(0);
    makeRoom();
    const again = createStore(data);
    expect(await again.start()).toMatchObject({ damaged: [], rows: rowsStored });
    await again.close();
    const { segments } = await readCatalogue(data);
    expect(segments.reduce((sum, { rows }) => sum + rows, 0)).toBe(rowsStored);
  });
});
