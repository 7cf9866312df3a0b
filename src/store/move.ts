import { copyFile, mkdir, readdir, readFile, realpath, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { systemCode, WeirError } from '../util/errors.ts';
import { readCatalogue } from './catalogue.ts';
import { checksumOf } from './checksum.ts';
import { publish, replaceFile, sync } from './durable.ts';
import type { OpenFolder } from './exclusive.ts';
import { asideOf, finishMove, INTENT, leaveLink, readIntent } from './move-end.ts';
import { CATALOGUE, inFolder, LIVE_CATALOGUE, LOCK, MARKER, TEMPORARY } from './paths.ts';

/** What makes a folder a store, in this order: copied last. */
const HEADS = [CATALOGUE, LIVE_CATALOGUE, MARKER] as const;
const NOT_COPIED: ReadonlySet<string> = new Set([LOCK, TEMPORARY, INTENT, ...HEADS]);

export interface MoveOptions {
  /** Where to: a folder that is not there, or empty, or that an earlier attempt was copying to. */
  readonly target: string;
  /** Leaves a symbolic link in the old place. */
  readonly link?: boolean | undefined;
  /** False copies also within one file system, where a rename would do. */
  readonly mayRename?: boolean | undefined;
  /** Called after each file that is copied. */
  readonly onProgress?: ((done: { readonly bytes: number; readonly totalBytes: number }) => void) | undefined;
}

export interface MoveReport {
  readonly how: 'renamed' | 'copied';
  readonly files: number;
  readonly bytes: number;
}

/**
 * Moves a store, everything in its folder included. Within a file system that is one rename. To another one, every file is copied, synced, and its checksum compared; then
 * the new folder gets its catalogue and, last, its marker; then the old one is taken away under another name and removed. Killed at any moment, one of both is the
 * complete store, and the same call goes on. A full disk or an unreadable file leaves the old one as it was.
 *
 * @throws WeirError WEIR_USAGE for a target that cannot be used, WEIR_STORE when a file cannot be copied rightly
 */
export async function moveStore({ dir, ledger }: OpenFolder, options: MoveOptions): Promise<MoveReport> {
  const source = await realpath(dir);
  const aside = asideOf(source);
  if ((await stat(aside).catch(() => undefined)) !== undefined) {
    throw new WeirError(
      'WEIR_USAGE',
      `${aside} is in the way: the old folder is called that while it is being removed`,
      {
        hint: 'look what it is, and give it another name or remove it; nothing was changed',
      },
    );
  }
  const target = await checkTarget(source, resolve(options.target));
  const how = options.mayRename !== false && (await renameFolder(source, target)) ? 'renamed' : 'copied';
  const checksums = new Map(ledger.entries().map(({ file, sha256 }) => [file, sha256]));
  const done = how === 'copied' ? await copyFolder(source, target, checksums, options) : { files: 0, bytes: 0 };
  if (options.link === true) await leaveLink(resolve(dir), target);
  return { how, ...done };
}

/** The target's path. Throws WEIR_USAGE when something else is there, or one folder would be within the other. */
async function checkTarget(source: string, target: string): Promise<string> {
  const refuse = (message: string, hint: string) => new WeirError('WEIR_USAGE', message, { hint });
  const parent = await realpath(dirname(target)).catch(() => undefined);
  if (parent === undefined) throw refuse(`there is no folder ${dirname(target)}`, 'make it first');
  const real = join(parent, relative(dirname(target), target));
  for (const [outer, inner] of [
    [source, real],
    [real, source],
  ] as const) {
    const path = relative(outer, inner);
    if (path === '' || !(path.startsWith('..') || resolve(path) === path))
      throw refuse(`${inner} is within ${outer}`, 'give a folder beside it');
  }
  const names = await readdir(real).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw refuse(`${real} cannot be used: ${systemCode(error) ?? ''}`, 'give a folder that is not there yet');
  });
  const own = names.filter((name) => name !== 'lost+found');
  if (own.length === 0) return real;
  if ((await readIntent(real)) !== source)
    throw refuse(`${real} is not empty`, 'give a new or empty folder; nothing was changed');
  return real;
}

/** Renames the folder. False where that is not possible: another file system, or a mount point. */
async function renameFolder(source: string, target: string): Promise<boolean> {
  if ((await readdir(target).catch(() => [])).length > 0) return false;
  try {
    await rename(source, target);
  } catch (error) {
    if (['EXDEV', 'EBUSY', 'EPERM', 'EACCES', 'ENOTEMPTY'].includes(systemCode(error) ?? '')) return false;
    throw error;
  }
  await rm(inFolder(target, LOCK), { force: true });
  await sync(dirname(target));
  await sync(dirname(source));
  return true;
}

async function copyFolder(
  source: string,
  target: string,
  checksums: ReadonlyMap<string, string | undefined>,
  { onProgress }: MoveOptions,
): Promise<{ files: number; bytes: number }> {
  const files = await filesIn(source);
  const totalBytes = files.reduce((sum, { size }) => sum + size, 0);
  await mkdir(target, { recursive: true });
  if (await isComplete(source, target)) {
    // An earlier attempt had come so far: only the old folder was left to be removed.
  } else {
    await replaceFile(inFolder(target, INTENT), `${JSON.stringify({ from: source })}\n`);
    // Until the last step it is no store, whatever an earlier attempt left.
    await rm(inFolder(target, MARKER), { force: true });
    await requireSpace(target, files);
    const wanted = new Set(files.map(({ path }) => path));
    for (const { path } of await filesIn(target)) if (!wanted.has(path)) await rm(inFolder(target, path));
    let bytes = 0;
    for (const { path, size } of files) {
      await copyOne(source, target, path, checksums.get(path));
      bytes += size;
      onProgress?.({ bytes, totalBytes });
    }
    for (const folder of await foldersIn(source)) {
      await mkdir(inFolder(target, folder), { recursive: true });
      await sync(inFolder(target, folder));
    }
    for (const name of HEADS) await replaceFile(inFolder(target, name), await readFile(inFolder(source, name), 'utf8'));
  }
  await removeFolder(source);
  await finishMove(target);
  return { files: files.length, bytes: totalBytes };
}

/** Copies a file unless it is there already, and compares what has arrived. */
async function copyOne(source: string, target: string, path: string, known: string | undefined): Promise<void> {
  const [from, to] = [inFolder(source, path), inFolder(target, path)];
  const expected = known ?? (await checksumOf(from));
  const isThere = await stat(to).then(
    async () => (await checksumOf(to)) === expected,
    () => false,
  );
  if (isThere) return;
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, `${to}.part`);
  if ((await checksumOf(`${to}.part`)) !== expected) {
    throw new WeirError('WEIR_STORE', `${path} is not what was written: its checksum differs`, {
      hint: `nothing was changed in ${source}; weir store repair --data ${source} sets such files aside`,
    });
  }
  await publish(`${to}.part`, to);
}

/** Whether the target is the whole store. Throws WEIR_USAGE when it is one, and another one by now. */
async function isComplete(source: string, target: string): Promise<boolean> {
  if ((await stat(inFolder(target, MARKER)).catch(() => undefined)) === undefined) return false;
  const filesOf = async (dir: string) => (await readCatalogue(dir)).segments.map(({ file, sha256 }) => [file, sha256]);
  if (JSON.stringify(await filesOf(source)) === JSON.stringify(await filesOf(target))) return true;
  throw new WeirError('WEIR_USAGE', `${source} was copied to ${target}, and one of them was written to since then`, {
    hint: `both are whole stores: look which one is to stay, and remove the other, or ${inFolder(target, INTENT)}`,
  });
}

/** Takes a store away in one step: it has the name of one that is to be removed then. */
async function removeFolder(dir: string): Promise<void> {
  try {
    await rename(dir, asideOf(dir));
    await sync(dirname(dir));
  } catch (error) {
    // A mount point stays, empty.
    if (!['EBUSY', 'EPERM', 'EACCES'].includes(systemCode(error) ?? '')) throw error;
    await rm(inFolder(dir, MARKER), { force: true });
    for (const name of await readdir(dir)) await rm(inFolder(dir, name), { recursive: true, force: true });
  }
}

interface FoundFile {
  /** Relative to the folder. */
  readonly path: string;
  readonly size: number;
}

/** All files but those of the writer, and those that make the folder a store. */
async function filesIn(dir: string): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const path = relative(dir, join(entry.parentPath, entry.name));
    if (!entry.isFile() || NOT_COPIED.has(path.split('/')[0] ?? '')) continue;
    found.push({ path, size: (await stat(inFolder(dir, path))).size });
  }
  return found;
}

async function foldersIn(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .filter((path) => !path.startsWith(`${TEMPORARY}/`));
}

async function requireSpace(target: string, files: readonly FoundFile[]): Promise<void> {
  let needed = 0;
  for (const { path, size } of files)
    if ((await stat(inFolder(target, path)).catch(() => undefined))?.size !== size) needed += size;
  const { bavail, bsize } = await statfs(target);
  if (needed <= bavail * bsize) return;
  throw new WeirError('WEIR_STORE', `${target} has room for ${bavail * bsize} octets, and ${needed} are to be copied`, {
    hint: 'nothing was moved; make space there, or delete old data first: weir store delete',
  });
}
