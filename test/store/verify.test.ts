import { appendFileSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formatCatalogue, parseCatalogue, readCatalogue, type SegmentEntry } from '#weir/store/catalogue.js';
import { withFolder } from '#weir/store/exclusive.js';
import { setAsideUnreadable } from '#weir/store/repair-listed.js';
import { verifyStore } from '#weir/store/verify.js';
import { type TempFolder, tempFolder } from '../helpers/temp.ts';
import { createStore, plainBatch, until } from './batches.ts';

const SLOT = 1_772_366_400_000;

/** A store with merged segments, roll-ups and fresh segments. */
async function mixedFolder(): Promise<TempFolder> {
  const folder = tempFolder('verify');
  let now = SLOT;
  const store = createStore(folder.path, { now: () => now, rotateSeconds: 60 });
  await store.start();
  for (let n = 0; n < 4; n++) {
    store.append(plainBatch(n * 1000, 1000, SLOT + n));
    await store.flush();
  }
  now = SLOT + 66_000;
  await until(() => store.stats().rollups === 2, 'the slot is merged and counted');
  for (let n = 4; n < 6; n++) {
    store.append(plainBatch(n * 1000, 1000, now + n));
    await store.flush();
  }
  await store.close();
  return folder;
}

async function entryOf(folder: TempFolder, tier: SegmentEntry['tier']): Promise<SegmentEntry> {
  const found = (await readCatalogue(folder.path)).segments.find((entry) => entry.tier === tier);
  if (found === undefined) throw new Error(`no segment of the tier ${tier}`);
  return found;
}

/** Changes the entries of the catalogue that hold a file. */
function rewriteEntry(
  folder: TempFolder,
  file: string,
  change: { [Name in keyof SegmentEntry]?: SegmentEntry[Name] | undefined },
): void {
  for (const name of ['catalogue.json', 'catalogue.live.json']) {
    const catalogue = parseCatalogue(readFileSync(folder.join(name), 'utf8'));
    const entries = catalogue.entries.map((entry) =>
      entry.file === file ? ({ ...entry, ...change } as SegmentEntry) : entry,
    );
    writeFileSync(folder.join(name), formatCatalogue({ ...catalogue, entries }));
  }
}

/** Turns one bit of a file. */
function spoil(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 16;
  writeFileSync(path, bytes);
}

const problems = async (folder: TempFolder, full = false) =>
  (await verifyStore({ dir: folder.path, full })).findings.map(({ file, problem }) => [problem, file]);

describe('verifying a store', () => {
  it('that is well finds nothing, and says what was looked at', async () => {
    const folder = await mixedFolder();
    const report = await verifyStore({ dir: folder.path });
    expect(report).toMatchObject({ segments: 5, rows: 6000, compared: 5, decoded: 0, findings: [], notes: [] });
    expect(await verifyStore({ dir: folder.path, full: true })).toMatchObject({ decoded: 5, findings: [] });
  });

  it.each(['fresh', 'compact', 'minute', 'hour'] as const)(
    'finds a bit that has turned in a file: %s',
    async (tier) => {
      const folder = await mixedFolder();
      const { file, bytes } = await entryOf(folder, tier);
      spoil(folder.join(file), Math.floor(bytes / 2));
      expect(await problems(folder)).toEqual([['checksum', file]]);
    },
  );

  it('decodes files that have no checksum, as those of older versions', async () => {
    const folder = await mixedFolder();
    const { file } = await entryOf(folder, 'compact');
    rewriteEntry(folder, file, { sha256: undefined });
    expect(await verifyStore({ dir: folder.path })).toMatchObject({ compared: 4, decoded: 1, findings: [] });
    // In the first page of the first column, past its header.
    const octets = readFileSync(folder.join(file));
    octets.fill(0xa5, 60, 400);
    writeFileSync(folder.join(file), octets);
    expect(await problems(folder)).toEqual([['unreadable', file]]);
  });

  it('finds files that are gone, cut, grown, or have other rows than the catalogue says', async () => {
    const folder = await mixedFolder();
    const [gone, cut, other] = [
      await entryOf(folder, 'hour'),
      await entryOf(folder, 'compact'),
      await entryOf(folder, 'fresh'),
    ];
    rmSync(folder.join(gone.file));
    appendFileSync(folder.join(cut.file), 'x');
    rewriteEntry(folder, other.file, { rows: other.rows + 1 });
    const found = await problems(folder);
    expect(found.map((one) => one.join(' ')).sort()).toEqual([
      `missing ${gone.file}`,
      `rows ${other.file}`,
      `size ${cut.file}`,
    ]);
  });

  it('finds a roll-up that does not count what the catalogue says', async () => {
    const folder = await mixedFolder();
    const { file, rollup } = await entryOf(folder, 'minute');
    if (rollup === undefined) throw new Error('not a roll-up');
    rewriteEntry(folder, file, { rollup: { ...rollup, flows: rollup.flows + 1 } });
    expect(await problems(folder)).toEqual([['rollup', file]]);
  });

  it('finds files that nobody lists, and those that hold the same flows', async () => {
    const folder = await mixedFolder();
    const { file } = await entryOf(folder, 'compact');
    const unlisted = file.replace('-c1-4', '-f77');
    copyFileSync(folder.join(file), folder.join(unlisted));
    expect(await problems(folder)).toEqual([['unlisted', unlisted]]);
    const overlapping = file.replace('-c1-4', '-c4-9');
    copyFileSync(folder.join(file), folder.join(overlapping));
    const base = parseCatalogue(readFileSync(folder.join('catalogue.json'), 'utf8'));
    const entry = base.entries.find((one) => one.file === file) as SegmentEntry;
    const entries = [...base.entries, { ...entry, file: overlapping }];
    writeFileSync(folder.join('catalogue.json'), formatCatalogue({ ...base, entries }));
    expect(await problems(folder)).toEqual([
      ['overlap', overlapping],
      ['unlisted', unlisted],
    ]);
  });

  it('while a writer is at work takes nothing that it does for a fault', async () => {
    const folder = tempFolder('verify');
    let now = SLOT;
    const store = createStore(folder.path, { now: () => now, rotateSeconds: 10, graceSeconds: 0, tickMillis: 20 });
    await store.start();
    let id = 0;
    const timer = setInterval(() => {
      now += 2000;
      store.append(plainBatch(id, 200, now));
      id += 200;
    }, 100);
    try {
      await until(() => store.stats().merges > 0, 'something is merged');
      for (let n = 0; n < 3; n++) {
        const { findings, writer } = await verifyStore({ dir: folder.path });
        expect(findings).toEqual([]);
        expect(writer).toContain(String(process.pid));
      }
    } finally {
      clearInterval(timer);
      await store.close();
    }
    expect(await problems(folder)).toEqual([]);
  }, 60_000);
});

describe('repairing on demand', () => {
  it('sets aside what verifying finds fault with, after which all is well', async () => {
    const folder = await mixedFolder();
    const { file, bytes, rows } = await entryOf(folder, 'fresh');
    spoil(folder.join(file), Math.floor(bytes / 2));
    const damaged = await withFolder(folder.path, Date.now, setAsideUnreadable);
    expect(damaged).toEqual([{ file, movedTo: file.replace('flows/', 'damaged/'), reason: 'its checksum differs' }]);
    const report = await verifyStore({ dir: folder.path });
    expect(report).toMatchObject({ findings: [], rows: 6000 - rows });
    expect(report.notes).toEqual(['1 unreadable files were set aside earlier, in damaged']);
  });

  it('is refused where another writer is at work, and where there is no store', async () => {
    const folder = await mixedFolder();
    const store = createStore(folder.path, { now: () => SLOT });
    await store.start();
    await expect(withFolder(folder.path, Date.now, setAsideUnreadable)).rejects.toMatchObject({
      code: 'WEIR_DATA_LOCKED',
    });
    await store.close();
    const empty = tempFolder('verify');
    await expect(withFolder(empty.path, Date.now, setAsideUnreadable)).rejects.toMatchObject({
      code: 'WEIR_DATA_EMPTY',
    });
  });
});
