import { readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { messageOf, systemCode } from '../util/errors.ts';
import { type CatalogueFile, isRollup, parseCatalogue, type RetiredFile, type SegmentEntry } from './catalogue.ts';
import type { Inspection } from './duck.ts';
import { sync } from './durable.ts';
import { clearIncoming } from './incoming.ts';
import type { LedgerState } from './ledger.ts';
import { finishMove } from './move-end.ts';
import {
  CATALOGUE,
  DAMAGED,
  FOLDERS,
  inFolder,
  LIVE_CATALOGUE,
  parseSegmentPath,
  type SegmentName,
  supersededAmong,
  TEMPORARY,
} from './paths.ts';

/** What a start found in the data folder, and what was done about it. */
export interface StartReport {
  /** `rebuilt`: it was missing or damaged and was made again from the segments. */
  readonly catalogue: 'new' | 'sound' | 'rebuilt';
  readonly segments: number;
  readonly rows: number;
  readonly bytes: number;
  /** Segments that were complete but not listed, now listed. */
  readonly adopted: readonly string[];
  /** Half-written files, files replaced by merged ones, and the old folder of a move that was killed, removed. */
  readonly leftovers: readonly string[];
  /** Unreadable files, with the place they were moved to. */
  readonly damaged: readonly { readonly file: string; readonly movedTo: string; readonly reason: string }[];
  /** Listed files that are not there any more. */
  readonly missing: readonly string[];
  /** Files in the folders of segments that weir did not write; left where they are and not read. */
  readonly foreign: readonly string[];
  /** The process whose lock was taken over, if one had died. */
  readonly tookOverFrom: number | undefined;
}

export interface RepairResult {
  readonly report: Omit<StartReport, 'tookOverFrom'>;
  readonly state: LedgerState;
}

type Inspect = (path: string, kind: SegmentName['kind']) => Promise<Inspection>;

/**
 * Compares catalogue and folder after whatever ended the last writer, and makes them agree: complete files that are not listed are adopted, files
 * that a merged one replaces are removed, unreadable ones are set aside in `damaged`, half-written ones removed.
 */
export async function repairFolder(dir: string, inspect: Inspect): Promise<RepairResult> {
  const moved = await finishMove(dir);
  const [base, live] = [await readFileOfCatalogue(dir, CATALOGUE), await readFileOfCatalogue(dir, LIVE_CATALOGUE)];
  const listed = new Map<string, SegmentEntry>();
  for (const file of [base, live])
    if (typeof file === 'object') for (const entry of file.entries) listed.set(entry.file, entry);
  const retired = new Map<string, RetiredFile>();
  for (const file of [base, live])
    if (typeof file === 'object') for (const one of file.retired) retired.set(one.file, one);

  const report = {
    adopted: [] as string[],
    leftovers: [...(moved === undefined ? [] : [moved]), ...(await emptyTemporary(dir)), ...(await clearIncoming(dir))],
    damaged: [] as { file: string; movedTo: string; reason: string }[],
    missing: [] as string[],
    foreign: [] as string[],
  };
  const found = await findSegments(dir, report.foreign);
  for (const file of listed.keys()) if (!found.has(file)) report.missing.push(file);

  const sound = new Map<string, SegmentEntry>();
  const candidates = new Map([...found].filter(([file]) => !retired.has(file)));
  while (candidates.size > 0) {
    // The widest first: only a sound file may send those that it replaces away.
    const replaced = supersededAmong(candidates);
    for (const [file, name] of candidates) {
      if (replaced.has(file)) continue;
      candidates.delete(file);
      const bytes = (await stat(inFolder(dir, file))).size;
      const entry = listed.get(file);
      if (entry !== undefined && entry.bytes === bytes) sound.set(file, entry);
      else {
        try {
          sound.set(file, entryOf(file, name, bytes, await inspect(inFolder(dir, file), name.kind)));
          report.adopted.push(file);
        } catch (error) {
          report.damaged.push({ file, movedTo: await setAside(dir, file), reason: messageOf(error) });
        }
      }
    }
    const names = new Map([...sound.keys()].map((file) => [file, found.get(file) as SegmentName]));
    const gone = supersededAmong(new Map([...names, ...candidates]));
    for (const file of candidates.keys()) {
      if (!gone.has(file) || !isReplacedBy(file, found, names)) continue;
      candidates.delete(file);
      await rm(inFolder(dir, file), { force: true });
      report.leftovers.push(file);
    }
  }

  const isNew = base === 'missing' && live === 'missing' && found.size === 0;
  const isSound = typeof base === 'object' && typeof live === 'object';
  const entries = [...sound.values()];
  const total = (key: 'rows' | 'bytes', of = entries) => of.reduce((sum, entry) => sum + entry[key], 0);
  return {
    report: {
      ...report,
      catalogue: isNew ? 'new' : isSound ? 'sound' : 'rebuilt',
      segments: entries.length,
      rows: total(
        'rows',
        entries.filter((entry) => !isRollup(entry)),
      ),
      bytes: total('bytes'),
    },
    state: {
      base: entries,
      live: [],
      retired: [...retired.values()].filter(({ file }) => found.has(file)),
      nextSequence: await nextSequence(dir, found, [base, live]),
    },
  };
}

/** Moves an unreadable file out of the way; it is never deleted. Returns where to, relative to the folder. */
export async function setAside(dir: string, file: string): Promise<string> {
  let target = `${DAMAGED}/${basename(file)}`;
  const taken = new Set(await readdir(inFolder(dir, DAMAGED)));
  for (let n = 2; taken.has(basename(target)); n++) target = `${DAMAGED}/${basename(file)}.${n}`;
  await rename(inFolder(dir, file), inFolder(dir, target));
  await sync(inFolder(dir, DAMAGED));
  return target;
}

/** The catalogue's entry for a file. */
function entryOf(file: string, name: SegmentName, bytes: number, inspection: Inspection): SegmentEntry {
  const tier = name.kind !== 'flows' ? name.kind : name.merged ? 'compact' : 'fresh';
  return { file, tier, bytes, sorted: name.merged, ...inspection };
}

function isReplacedBy(
  file: string,
  found: ReadonlyMap<string, SegmentName>,
  sound: ReadonlyMap<string, SegmentName>,
): boolean {
  const name = found.get(file);
  if (name === undefined) return false;
  return supersededAmong(new Map([...sound, [file, name]])).has(file);
}

async function readFileOfCatalogue(dir: string, name: string): Promise<CatalogueFile | 'missing' | 'damaged'> {
  try {
    return parseCatalogue(await readFile(inFolder(dir, name), 'utf8'));
  } catch (error) {
    return systemCode(error) === 'ENOENT' ? 'missing' : 'damaged';
  }
}

async function emptyTemporary(dir: string): Promise<string[]> {
  const names = await readdir(inFolder(dir, TEMPORARY));
  for (const name of names) await rm(inFolder(dir, TEMPORARY, name), { recursive: true, force: true });
  return names.map((name) => `${TEMPORARY}/${name}`);
}

async function findSegments(dir: string, foreign: string[]): Promise<Map<string, SegmentName>> {
  const found = new Map<string, SegmentName>();
  for (const folder of Object.values(FOLDERS)) {
    for (const base of (await readdir(inFolder(dir, folder))).sort()) {
      const file = `${folder}/${base}`;
      const name = parseSegmentPath(file);
      if (name === undefined) foreign.push(file);
      else found.set(file, name);
    }
  }
  return found;
}

/** A number that no file of this folder has had, as far as anything left in it can tell. */
async function nextSequence(
  dir: string,
  found: ReadonlyMap<string, SegmentName>,
  catalogues: readonly (CatalogueFile | 'missing' | 'damaged')[],
): Promise<number> {
  let next = 1;
  for (const file of catalogues) if (typeof file === 'object') next = Math.max(next, file.nextSequence);
  for (const { last } of found.values()) next = Math.max(next, last + 1);
  for (const base of await readdir(inFolder(dir, DAMAGED))) {
    const name = parseSegmentPath(`${FOLDERS.flows}/${base.replace(/\.\d+$/, '')}`);
    if (name !== undefined) next = Math.max(next, name.last + 1);
  }
  return next;
}
