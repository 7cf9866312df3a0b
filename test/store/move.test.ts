import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withFolder } from '#weir/store/exclusive.js';
import { type MoveOptions, moveStore } from '#weir/store/move.js';
import { verifyStore } from '#weir/store/verify.js';
import { spawnProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { type TempFolder, tempFolder } from '../helpers/temp.ts';
import { weir } from '../helpers/weir.ts';
import { countIds, createStore, plainBatch } from './batches.ts';

const SLOT = 1_772_366_400_000;
const ROWS = 40_000;

/** A folder with a store in `old`, of many files. */
async function filledFolder(): Promise<TempFolder> {
  const folder = tempFolder('move');
  const store = createStore(folder.join('old'), { now: () => SLOT });
  await store.start();
  for (let n = 0; n < ROWS; n += 1000) store.append(plainBatch(n, 1000, SLOT + n * 400));
  await store.close();
  mkdirSync(folder.join('old', 'state'));
  writeFileSync(folder.join('old', 'state', 'names.json'), '{"format":1}\n');
  return folder;
}

const move = (folder: TempFolder, options: Partial<MoveOptions> = {}) =>
  withFolder(
    folder.join('old'),
    () => SLOT,
    (open) => moveStore(open, { target: folder.join('new'), ...options }),
  );

async function expectMoved(folder: TempFolder): Promise<void> {
  const dir = folder.join('new');
  expect(await verifyStore({ dir })).toMatchObject({ findings: [], notes: [], rows: ROWS, decoded: 0 });
  expect(await countIds(dir)).toMatchObject({ rows: ROWS, ids: ROWS });
  expect(readFileSync(folder.join('new', 'state', 'names.json'), 'utf8')).toBe('{"format":1}\n');
  expect(existsSync(folder.join('new', 'netweir-move.json'))).toBe(false);
  expect(readdirSync(folder.path).filter((name) => name !== 'new')).toEqual([]);
  // A writer takes it as its own, with nothing to put right.
  const store = createStore(dir, { now: () => SLOT });
  expect(await store.start()).toMatchObject({ catalogue: 'sound', adopted: [], leftovers: [], missing: [] });
  await store.close();
}

describe('moving a store', () => {
  it('within a file system is a rename', async () => {
    const folder = await filledFolder();
    expect(await move(folder)).toMatchObject({ how: 'renamed' });
    await expectMoved(folder);
  });

  it('to another one copies and compares every file', async () => {
    const folder = await filledFolder();
    const report = await move(folder, { mayRename: false });
    expect(report.how).toBe('copied');
    expect(report.files).toBeGreaterThan(2);
    await expectMoved(folder);
  });

  it('leaves a link in the old place when asked to', async () => {
    const folder = await filledFolder();
    await move(folder, { link: true });
    expect(lstatSync(folder.join('old')).isSymbolicLink()).toBe(true);
    expect(await countIds(folder.join('old'))).toMatchObject({ rows: ROWS });
  });

  it('is refused into a folder with something in it, into itself, and while a writer is at work', async () => {
    const folder = await filledFolder();
    mkdirSync(folder.join('new'));
    writeFileSync(folder.join('new', 'mine.txt'), 'x');
    await expect(move(folder)).rejects.toMatchObject({ code: 'WEIR_USAGE' });
    for (const target of [folder.join('old'), folder.join('old', 'in'), folder.path, folder.join('none', 'new')])
      await expect(move(folder, { target })).rejects.toMatchObject({ code: 'WEIR_USAGE' });
    const store = createStore(folder.join('old'), { now: () => SLOT });
    await store.start();
    await expect(move(folder, { target: folder.join('other') })).rejects.toMatchObject({ code: 'WEIR_DATA_LOCKED' });
    await store.close();
    expect(await verifyStore({ dir: folder.join('old') })).toMatchObject({ findings: [], rows: ROWS });
  });

  it('does not carry a damaged file over: the old store stays', async () => {
    const folder = await filledFolder();
    const [name = ''] = readdirSync(folder.join('old', 'flows'));
    const octets = readFileSync(folder.join('old', 'flows', name));
    octets[100] = (octets[100] ?? 0) ^ 1;
    writeFileSync(folder.join('old', 'flows', name), octets);
    await expect(move(folder, { mayRename: false })).rejects.toMatchObject({ code: 'WEIR_STORE' });
    expect(existsSync(folder.join('old', 'netweir.json'))).toBe(true);
    expect(existsSync(folder.join('new', 'netweir.json'))).toBe(false);
  });

  it('is refused when the copy and the store have gone apart', async () => {
    const folder = await filledFolder();
    await move(folder, { mayRename: false });
    // As after a crash before the old one was removed, with a collector started on the wrong one.
    spawnSync('cp', ['-r', folder.join('new'), folder.join('old')]);
    writeFileSync(folder.join('new', 'netweir-move.json'), `${JSON.stringify({ from: folder.join('old') })}\n`);
    const store = createStore(folder.join('new'), { now: () => SLOT });
    await store.start();
    store.append(plainBatch(ROWS, 1000, SLOT));
    await store.close();
    await expect(move(folder, { mayRename: false })).rejects.toMatchObject({ code: 'WEIR_USAGE' });
    expect(await countIds(folder.join('new'))).toMatchObject({ rows: ROWS + 1000 });
    expect(await countIds(folder.join('old'))).toMatchObject({ rows: ROWS });
  });

  it('onto a disk without room leaves the old store as it was', async (context) => {
    const folder = await filledFolder();
    mkdirSync(folder.join('new'));
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder.join('new')]);
    context.skip(status !== 0, 'mounting a small file system needs root');
    try {
      await expect(move(folder)).rejects.toMatchObject({ code: 'WEIR_STORE' });
      expect(await verifyStore({ dir: folder.join('old') })).toMatchObject({ findings: [], rows: ROWS });
    } finally {
      spawnSync('umount', ['-l', folder.join('new')]);
    }
  });

  it('killed at any moment leaves one whole store, and goes on when run again', async () => {
    const folder = await filledFolder();
    const scripts = tempFolder('script');
    const file = scripts.join('move.mjs');
    writeFileSync(
      file,
      `import { withFolder } from ${JSON.stringify(repositoryPath('dist/store/exclusive.js'))};
       import { moveStore } from ${JSON.stringify(repositoryPath('dist/store/move.js'))};
       await withFolder(${JSON.stringify(folder.join('old'))}, Date.now, (open) => {
         console.log('begun');
         return moveStore(open, { target: ${JSON.stringify(folder.join('new'))}, mayRename: false });
       });`,
    );
    for (let round = 0; round < 30 && existsSync(folder.join('old', 'netweir.json')); round++) {
      const child = spawnProcess(process.execPath, [file]);
      await child.waitFor('begun');
      await Promise.race([child.finished, new Promise((resolve) => setTimeout(resolve, 2 + round * 15))]);
      child.kill();
      await child.finished;
      const whole = ['old', 'new'].filter((name) => existsSync(folder.join(name, 'netweir.json')));
      expect(whole.length).toBeGreaterThan(0);
      for (const name of whole) expect(await countIds(folder.join(name))).toMatchObject({ rows: ROWS, ids: ROWS });
    }
    // A slow machine may not get it done within any of these rounds; nobody kills this one.
    if (existsSync(folder.join('old', 'netweir.json')))
      expect(await spawnProcess(process.execPath, [file]).finished).toMatchObject({ code: 0, stderr: '' });
    // What was moved aside and not removed in time: the same command sees that it is done, and any start in the new folder removes it.
    mkdirSync(folder.join('old.moved', 'flows'), { recursive: true });
    writeFileSync(folder.join('new', 'netweir-move.json'), JSON.stringify({ from: folder.join('old') }));
    const { code, stdout, stderr } = await weir(['store', 'move', '--data', folder.join('old'), folder.join('new')]);
    expect([code, stdout], stderr).toEqual([0, expect.stringContaining('removed what an earlier attempt had left')]);
    await expectMoved(folder);
  }, 120_000);
});
