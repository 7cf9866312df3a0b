import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { messageOf, systemCode, WeirError } from '../util/errors.ts';
import { replaceFile } from './durable.ts';
import { DAMAGED, FOLDERS, inFolder, MARKER, STORE_VERSION, TEMPORARY } from './paths.ts';

/** What a file system or a desktop puts into any folder. */
const HARMLESS = new Set(['lost+found', '.DS_Store']);

/**
 * Makes sure that `dir` is a data folder that can be written: creates it, or recognises it by its marker. Any other folder that is not empty
 * is left untouched. Other parts of the program that keep files there do so after this.
 *
 * @throws WeirError WEIR_DATA_FOREIGN or WEIR_DATA_FOLDER
 */
export async function claimFolder(dir: string): Promise<void> {
  try {
    await makeFolder(dir);
    const marker = await readFile(inFolder(dir, MARKER), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (marker === undefined) {
      const found = (await readdir(dir)).filter((name) => !HARMLESS.has(name) && !name.startsWith(`${MARKER}.`));
      if (found.length > 0) throw foreign(dir, found);
      await replaceFile(inFolder(dir, MARKER), `${JSON.stringify({ store: 'netweir', version: STORE_VERSION })}\n`);
    } else checkMarker(dir, marker);
    for (const name of [...Object.values(FOLDERS), TEMPORARY, DAMAGED]) await makeFolder(inFolder(dir, name));
    // Rights to a folder say nothing about a read-only mount or a quota; a written file does.
    const probe = inFolder(dir, TEMPORARY, `probe-${process.pid}`);
    await writeFile(probe, 'probe\n');
    await rm(probe);
  } catch (error) {
    if (error instanceof WeirError) throw error;
    throw unwritable(dir, error as NodeJS.ErrnoException);
  }
}

/** Creates a folder and those above it. (Node's own `recursive` never ends where the system refuses with ENOENT, as below /proc.) */
async function makeFolder(path: string, isParent = false): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EEXIST') {
      // A file of that name is told by the next step, a folder is what was wanted.
      if (!isParent && !(await stat(path)).isDirectory()) throw error;
      return;
    }
    const parent = dirname(path);
    if (code !== 'ENOENT' || parent === path || (await stat(parent).catch(() => undefined)) !== undefined) throw error;
    await makeFolder(parent, true);
    await mkdir(path);
  }
}

function checkMarker(dir: string, text: string): void {
  let version: unknown;
  try {
    const marker = JSON.parse(text) as { store?: unknown; version?: unknown };
    if (marker.store === 'netweir') version = marker.version;
  } catch {
    // Not ours: told below.
  }
  if (typeof version !== 'number') throw foreign(dir, [MARKER]);
  if (version > STORE_VERSION) {
    throw new WeirError(
      'WEIR_DATA_FOREIGN',
      `${dir} was written by a newer version of weir (layout ${version}, known up to ${STORE_VERSION})`,
      {
        hint: 'use that version, or give another folder with --data DIR',
      },
    );
  }
}

function foreign(dir: string, names: readonly string[]): WeirError {
  const shown = names.slice(0, 3).join(', ');
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return new WeirError(
    'WEIR_DATA_FOREIGN',
    `${dir} is not a data folder of weir and not empty: it holds ${shown}${more}`,
    {
      hint: 'nothing was changed; give an empty or new folder with --data DIR',
      details: { dir, names: names.slice(0, 100) },
    },
  );
}

function unwritable(dir: string, error: NodeJS.ErrnoException): WeirError {
  const user = process.getuid?.() === undefined ? 'USER' : userName();
  const hints: Record<string, string> = {
    EACCES: `sudo mkdir -p ${dir} && sudo chown -R ${user} ${dir}`,
    EPERM: `sudo mkdir -p ${dir} && sudo chown -R ${user} ${dir}`,
    EROFS: 'the file system is mounted read-only: mount it with write access, or give another folder with --data DIR',
    ENOTDIR: `a part of the path is a file, not a folder: give another folder with --data DIR`,
    EEXIST: `a file of this name stands there: give another folder with --data DIR`,
    ENOSPC: 'the file system is full: make space, or give another folder with --data DIR',
  };
  return new WeirError('WEIR_DATA_FOLDER', `the data folder ${dir} cannot be written: ${messageOf(error)}`, {
    hint: hints[error.code ?? ''] ?? 'give another folder with --data DIR',
    details: { dir, code: error.code },
    cause: error,
  });
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'USER');
  }
}
