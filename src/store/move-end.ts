import { lstat, readFile, realpath, rm, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { sync } from './durable.ts';
import { inFolder, MARKER } from './paths.ts';

/** In a folder that a store is being copied to: where from. As long as it is there, the copy may be gone on with. */
export const INTENT = 'netweir-move.json';

/** What a store is called that has been copied and is to be removed. */
export function asideOf(dir: string): string {
  return `${dir}.moved`;
}

/** Where the store in a folder is being moved from; undefined when it is not. */
export async function readIntent(dir: string): Promise<string | undefined> {
  try {
    const { from } = JSON.parse(await readFile(inFolder(dir, INTENT), 'utf8')) as { from?: unknown };
    return typeof from === 'string' ? from : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The end of a move, in the new folder: once the old one has been taken away, its remains are removed. Also done at every start, for a move that was killed here.
 * While the old folder is a store, it stays: both are whole, and the move is to be run again. Returns what was removed, or undefined.
 */
export async function finishMove(dir: string): Promise<string | undefined> {
  const from = await readIntent(dir);
  if (from === undefined || !(await isStore(dir)) || (await isStore(from))) return undefined;
  await rm(asideOf(from), { recursive: true, force: true });
  await rm(inFolder(dir, INTENT), { force: true });
  await sync(dir);
  return asideOf(from);
}

/** Whether `dir` has been taken away by a move to `target` that was killed after that. */
export async function wasMoved(dir: string, target: string): Promise<boolean> {
  const path = resolve(dir);
  const real = join(await realpath(dirname(path)).catch(() => dirname(path)), basename(path));
  return (await isStore(target)) && !(await isStore(real)) && (await readIntent(target)) === real;
}

/** Leaves a symbolic link in the old place of a store. */
export async function leaveLink(path: string, target: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSymbolicLink() === true) await rm(path);
  await symlink(target, path);
}

function isStore(dir: string): Promise<boolean> {
  return stat(inFolder(dir, MARKER)).then(
    () => true,
    () => false,
  );
}
