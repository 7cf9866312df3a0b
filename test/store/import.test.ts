import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readCatalogue } from '#weir/store/catalogue.js';
import { withFolder } from '#weir/store/exclusive.js';
import { type ImportTarget, importInto } from '#weir/store/import.js';
import { verifyStore } from '#weir/store/verify.js';
import { spawnProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { type TempFolder, tempFolder } from '../helpers/temp.ts';
import { countIds, createStore, plainBatch } from './batches.ts';

const SLOT = 1_772_366_400_000;
const start = (dir: string) => withFolder(dir, Date.now, ({ report }) => Promise.resolve(report));

/** Hands over `count` batches of 1000 flows, numbered from `first`. */
const filling =
  (first: number, count: number) =>
  async ({ store, ready }: ImportTarget): Promise<void> => {
    for (let n = 0; n < count; n++) {
      store.append(plainBatch(first + n * 1000, 1000, SLOT + n * 400_000));
      await ready();
    }
  };

async function expectSound(folder: TempFolder, rows: number): Promise<void> {
  expect(await verifyStore({ dir: folder.path })).toMatchObject({ findings: [], notes: [], rows, decoded: 0 });
  expect(await countIds(folder.path)).toMatchObject({ rows, ids: rows });
  expect(readdirSync(folder.join('incoming'))).toEqual([]);
}

describe('an import', () => {
  it('into a folder that nobody writes to is there at its end, twice when it is done twice', async () => {
    const folder = tempFolder('import');
    await importInto(folder.path, Date.now, filling(0, 3));
    await importInto(folder.path, Date.now, filling(3000, 2));
    await expectSound(folder, 5000);
  });

  it('of a file that was imported before is refused, wherever that got to, unless it is wanted twice', async () => {
    const folder = tempFolder('import');
    const source = { name: 'a.pcap', sha256: 'a'.repeat(64) };
    const run = (again?: boolean) =>
      importInto(
        folder.path,
        () => SLOT,
        async (target) => {
          await filling(0, 1)(target);
          target.read(source);
        },
        { again },
      );
    await run();
    await expect(run()).rejects.toMatchObject({
      code: 'WEIR_IMPORTED',
      message: expect.stringMatching(/^a.pcap was imported already, at 2026/),
    });
    await expectSound(folder, 1000);
    await run(true);
    expect(await countIds(folder.path)).toMatchObject({ rows: 2000, ids: 1000 });
    // One that is complete and was killed before it was taken over.
    const staging = folder.join('incoming', 'x');
    const other = tempFolder('import');
    await importInto(other.path, () => SLOT, filling(5000, 1));
    cpSync(other.path, staging, { recursive: true });
    writeFileSync(`${staging}/ready.json`, JSON.stringify({ sources: [{ ...source, sha256: 'b', at: SLOT }] }));
    const same = importInto(
      folder.path,
      () => SLOT,
      async (target) => target.read({ name: 'b.pcap', sha256: 'b' }),
    );
    await expect(same).rejects.toThrow('b.pcap was imported already, at 2026-03-01T12:00:00.000Z, as a.pcap');
    expect(await countIds(folder.path)).toMatchObject({ rows: 3000 });
  });

  it('into a folder that a collector writes to is taken over by it, with no number used twice', async () => {
    const folder = tempFolder('import');
    const store = createStore(folder.path, { now: () => SLOT });
    await store.start();
    store.append(plainBatch(0, 1000, SLOT));
    await store.flush();
    await importInto(folder.path, Date.now, filling(1000, 3));
    expect(await countIds(folder.path)).toMatchObject({ rows: 4000, ids: 4000 });
    store.append(plainBatch(4000, 1000, SLOT + 5));
    await store.close();
    await expectSound(folder, 5000);
  });

  it('that fails leaves nothing behind', async () => {
    const folder = tempFolder('import');
    await importInto(folder.path, Date.now, filling(0, 1));
    const failing = importInto(folder.path, Date.now, async (target) => {
      await filling(1000, 3)(target);
      throw new Error('the file is damaged');
    });
    await expect(failing).rejects.toThrow('the file is damaged');
    await expectSound(folder, 1000);
  });

  it('on a full disk leaves nothing behind', async (context) => {
    const mount = tempFolder('full');
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mount.path]);
    context.skip(status !== 0, 'mounting a small file system needs root');
    try {
      const data = mount.join('data');
      await importInto(data, Date.now, filling(0, 1));
      const before = (await readCatalogue(data)).segments;
      await expect(importInto(data, Date.now, filling(1000, 400))).rejects.toMatchObject({ code: 'WEIR_STORE' });
      expect((await readCatalogue(data)).segments).toEqual(before);
      expect(readdirSync(`${data}/incoming`)).toEqual([]);
      expect(await verifyStore({ dir: data })).toMatchObject({ findings: [], rows: 1000 });
    } finally {
      spawnSync('umount', ['-l', mount.path]);
    }
  });

  it('that is killed is cleared away by the next start', async () => {
    const folder = tempFolder('import');
    await importInto(folder.path, Date.now, filling(0, 1));
    const script = tempFolder('script').join('import.mjs');
    writeFileSync(
      script,
      `import { importInto } from ${JSON.stringify(repositoryPath('dist/store/import.js'))};
      await importInto(${JSON.stringify(folder.path)}, Date.now, () => {
        console.log('begun');
        return new Promise(() => setInterval(() => {}, 1000));
      });`,
    );
    const child = spawnProcess(process.execPath, [script]);
    await child.waitFor('begun');
    // A start meanwhile leaves it alone.
    expect((await start(folder.path)).leftovers).toEqual([]);
    expect(readdirSync(folder.join('incoming'))).toHaveLength(1);
    child.kill();
    await child.finished;
    expect((await start(folder.path)).leftovers).toEqual([expect.stringMatching(/^incoming\//)]);
    await expectSound(folder, 1000);
  });

  it('that is killed while its files are taken over is completed by the next start', async () => {
    const source = tempFolder('source');
    await importInto(source.path, Date.now, filling(0, 5));
    const { segments } = await readCatalogue(source.path);
    expect(segments.length).toBeGreaterThan(2);
    const folder = tempFolder('import');
    await importInto(folder.path, Date.now, filling(9000, 1));
    const staging = folder.join('incoming', 'x');
    mkdirSync(staging);
    cpSync(source.path, staging, { recursive: true });
    writeFileSync(`${staging}/ready.json`, '{}\n');
    // Two have their places already, under the next numbers; the catalogue does not know.
    for (const [n, { file }] of segments.slice(0, 2).entries())
      renameSync(`${staging}/${file}`, folder.join(file.replace(/-f\d+/, `-f${n + 50}`)));
    await start(folder.path);
    expect(existsSync(staging)).toBe(false);
    expect(await verifyStore({ dir: folder.path })).toMatchObject({ findings: [], rows: 6000 });
    expect(await countIds(folder.path)).toMatchObject({ rows: 6000, ids: 6000 });
  });
});
