import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, systemCode } from '../util/errors.ts';

/** Waits until what was written to the file, or the names in the folder, would survive a power failure. */
export async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Gives a finished temporary file its name: synced before, the folder synced after, so that the name never shows half a file. */
export async function publish(temporary: string, path: string): Promise<void> {
  await sync(temporary);
  await rename(temporary, path);
  await sync(dirname(path));
}

/** Replaces the file at once: readers see the old text or the new one. A failed attempt leaves the old one and no temporary file. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  try {
    const handle = await open(temporary, 'w', 0o644);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await sync(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

/** Whether an error, Node's or DuckDB's, means that the disk or a quota is full. */
export function isDiskFull(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT' || /no space left|disk quota|enospc/i.test(messageOf(error));
}
