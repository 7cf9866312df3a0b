import { readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { holdsFlows, readCatalogue, type SegmentEntry } from './catalogue.ts';
import { replaceFile, sync } from './durable.ts';
import { formatSources, type ImportSource, noteImports, parseSources } from './imports.ts';
import type { Ledger } from './ledger.ts';
import { FolderLock } from './lock.ts';
import { FOLDERS, INCOMING, inFolder, parseSegmentPath, segmentPath } from './paths.ts';

/** Its presence says that a store under `incoming` is complete and may be taken over. */
const READY = 'ready.json';

/** Says that the store in `staging`, which its writer has closed, is complete: from now on it belongs to the folder above, whatever happens. */
export async function markReady(staging: string, sources: readonly ImportSource[]): Promise<void> {
  await replaceFile(inFolder(staging, READY), formatSources(sources));
}

/** What the complete stores under `incoming` were made of. */
export async function readySources(dir: string): Promise<readonly ImportSource[]> {
  const lists = (await stagingFolders(dir)).map(readySource);
  return (await Promise.all(lists)).flat();
}

async function readySource(staging: string): Promise<readonly ImportSource[]> {
  return parseSources(await readFile(inFolder(staging, READY), 'utf8').catch(() => ''));
}

/**
 * Takes over the files of complete stores under `incoming`: each gets the next sequence number and is renamed to its place; all are listed in one step. To be
 * called by who has the folder's lock. Killed in between, a file is in the one place or the other: those that were renamed are adopted by
 * the next start, and the rest is taken over then. Returns how many files were taken.
 */
export async function adoptIncoming(dir: string, ledger: Ledger): Promise<number> {
  let count = 0;
  for (const staging of await stagingFolders(dir)) {
    if (!(await exists(inFolder(staging, READY)))) continue;
    const taken: SegmentEntry[] = [];
    for (const entry of (await readCatalogue(staging)).segments) {
      const name = parseSegmentPath(entry.file);
      // One that is not there was renamed before a crash, and adopted.
      if (name === undefined || !(await exists(inFolder(staging, entry.file)))) continue;
      const number = ledger.takeSequence();
      const file = segmentPath({ kind: name.kind, merged: false, first: number, last: number }, entry.minReceived);
      await rename(inFolder(staging, entry.file), inFolder(dir, file));
      taken.push({ ...entry, file, tier: holdsFlows(entry) ? 'fresh' : entry.tier });
    }
    for (const folder of Object.values(FOLDERS)) await sync(inFolder(dir, folder));
    for (const entry of taken) ledger.add(entry);
    await ledger.save();
    await noteImports(dir, await readySource(staging));
    await rm(staging, { recursive: true, force: true });
    count += taken.length;
  }
  return count;
}

/** Removes what imports that have died left under `incoming`, unless it is complete. Returns the names, relative to the folder. */
export async function clearIncoming(dir: string): Promise<string[]> {
  const removed: string[] = [];
  for (const staging of await stagingFolders(dir)) {
    if ((await exists(inFolder(staging, READY))) || new FolderLock(staging).writer() !== undefined) continue;
    await rm(staging, { recursive: true, force: true });
    removed.push(staging.slice(dir.length + 1));
  }
  return removed;
}

async function stagingFolders(dir: string): Promise<string[]> {
  const names = await readdir(inFolder(dir, INCOMING)).catch(() => []);
  return names.map((name) => inFolder(dir, INCOMING, name));
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
