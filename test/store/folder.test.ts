import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readCatalogue } from '#weir/store/catalogue.js';
import { FolderLock } from '#weir/store/lock.js';
import { tempFolder } from '../helpers/temp.ts';
import { createStore, plainBatch } from './batches.ts';

describe('the data folder', () => {
  it('is created, and told from foreign folders, which are left untouched', async () => {
    const folder = tempFolder('store');
    writeFileSync(folder.join('thesis.txt'), 'years of work');
    await expect(createStore(folder.path).start()).rejects.toMatchObject({
      code: 'WEIR_DATA_FOREIGN',
      message: expect.stringContaining('thesis.txt'),
    });
    expect(readdirSync(folder.path)).toEqual(['thesis.txt']);
    const store = createStore(folder.join('deep', 'er'));
    await store.start();
    await store.close();
    await expect(readCatalogue(folder.join('deep', 'er'))).resolves.toMatchObject({ segments: [] });
  });

  it('of a newer version is refused', async () => {
    const folder = tempFolder('store');
    writeFileSync(folder.join('netweir.json'), '{"store":"netweir","version":99}');
    await expect(createStore(folder.path).start()).rejects.toMatchObject({
      code: 'WEIR_DATA_FOREIGN',
      message: expect.stringContaining('newer'),
    });
    writeFileSync(folder.join('netweir.json'), '{"name":"something else"}');
    await expect(createStore(folder.path).start()).rejects.toMatchObject({ code: 'WEIR_DATA_FOREIGN' });
  });

  it('that cannot be written is an error that says what to do', async () => {
    const folder = tempFolder('store');
    writeFileSync(folder.join('file'), '');
    for (const path of [folder.join('file'), folder.join('file', 'below'), '/proc/weir']) {
      await expect(createStore(path).start()).rejects.toMatchObject({
        code: 'WEIR_DATA_FOLDER',
        message: expect.stringContaining(path),
        hint: expect.stringContaining('--data'),
      });
    }
  });

  it('without a store is empty to readers; one with a damaged catalogue says so', async () => {
    const folder = tempFolder('store');
    await expect(readCatalogue(folder.path)).rejects.toMatchObject({ code: 'WEIR_DATA_EMPTY' });
    await expect(readCatalogue(folder.join('none'))).rejects.toMatchObject({ code: 'WEIR_DATA_EMPTY' });
    const store = createStore(folder.join('data'));
    await store.start();
    await store.close();
    for (const text of [
      '',
      '{',
      '[]',
      '{"version":1}',
      'null',
      '{"version":1,"updated":1,"nextSequence":1,"retired":[],"columns":[],"segments":[{}]}',
    ]) {
      writeFileSync(folder.join('data', 'catalogue.live.json'), text);
      await expect(readCatalogue(folder.join('data'))).rejects.toMatchObject({ code: 'WEIR_CATALOGUE' });
    }
  });
});

describe('the lock', () => {
  it('lets one writer in, names it to the others, and is free after close', async () => {
    const folder = tempFolder('store');
    const first = createStore(folder.path);
    await first.start();
    first.append(plainBatch(0, 10, Date.now()));
    await expect(createStore(folder.path).start()).rejects.toMatchObject({
      code: 'WEIR_DATA_LOCKED',
      message: expect.stringContaining(`process ${process.pid}`),
      details: { pid: process.pid },
    });
    await first.close();
    const second = createStore(folder.path);
    expect(await second.start()).toMatchObject({ rows: 10, tookOverFrom: undefined });
    await second.close();
  });

  it('of a dead process, or of another process with the same number, is taken over', () => {
    const folder = tempFolder('store');
    const dead = spawnSync(process.execPath, ['-e', 'console.log(process.pid)']).stdout.toString().trim();
    const own = new FolderLock(folder.path);
    own.acquire();
    const owner = JSON.parse(readFileSync(folder.join('writer.lock'), 'utf8')) as Record<string, unknown>;
    own.release();
    expect(existsSync(folder.join('writer.lock'))).toBe(false);

    writeFileSync(folder.join('writer.lock'), JSON.stringify({ ...owner, pid: Number(dead) }));
    const lock = new FolderLock(folder.path);
    expect(lock.acquire()).toMatchObject({ pid: Number(dead) });
    lock.release();

    writeFileSync(folder.join('writer.lock'), JSON.stringify({ ...owner, started: '1' }));
    if (owner['started'] !== '') expect(lock.acquire()).toMatchObject({ pid: process.pid });
    lock.release();
  });

  it('of one that died while it took over a dead one is taken over at once; while it lives, its turn holds', () => {
    const folder = tempFolder('store');
    const [path, turn] = [folder.join('writer.lock'), folder.join('writer.lock.takeover')];
    const own = new FolderLock(folder.path);
    own.acquire();
    const owner = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    own.release();
    const dead = { ...owner, pid: Number(spawnSync(process.execPath, ['-p', 'process.pid']).stdout.toString()) };
    writeFileSync(path, JSON.stringify(dead));
    writeFileSync(turn, JSON.stringify(owner));
    expect(() => own.acquire()).toThrow(expect.objectContaining({ code: 'WEIR_DATA_LOCKED' }));
    expect(JSON.parse(readFileSync(turn, 'utf8'))).toEqual(owner);
    for (const isThere of [true, false]) {
      writeFileSync(turn, JSON.stringify(dead));
      if (isThere) writeFileSync(path, JSON.stringify(dead));
      expect(own.acquire()?.pid).toBe(isThere ? dead.pid : undefined);
      own.release();
    }
    expect(existsSync(path)).toBe(false);
  });

  it('of another machine or container holds while it is refreshed', () => {
    const folder = tempFolder('store');
    const path = folder.join('writer.lock');
    for (const text of [
      JSON.stringify({ pid: 1, started: '1', realm: 'elsewhere', host: 'other', since: 'today' }),
      '',
    ]) {
      writeFileSync(path, text);
      expect(() => new FolderLock(folder.path).acquire()).toThrow(
        expect.objectContaining({ code: 'WEIR_DATA_LOCKED', hint: expect.stringContaining(path) }),
      );
      const long = new Date(Date.now() - 60_000);
      utimesSync(path, long, long);
      const lock = new FolderLock(folder.path);
      lock.acquire();
      lock.release();
    }
    mkdirSync(folder.join('sub'));
    expect(readdirSync(folder.path)).toEqual(['sub', 'tmp']);
    expect(readdirSync(folder.join('tmp'))).toEqual([]);
  });
});
