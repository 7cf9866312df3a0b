import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { WeirError } from '../util/errors.ts';
import { withFolder } from './exclusive.ts';
import { FlowStore } from './flow-store.ts';
import { claimFolder } from './folder.ts';
import { type ImportSource, readImports } from './imports.ts';
import { markReady, readySources } from './incoming.ts';
import { INCOMING, inFolder } from './paths.ts';

const QUEUE_BYTES = 64 << 20;
/** A tick is when a store merges and gives up old data; the folder above does that, later. */
const NEVER = 2 ** 31 - 1;
const PATIENCE_MS = 60_000;
const SILENT = { info: () => {}, warn: () => {}, error: () => {} };

/** What `importInto` hands to who brings the flows. */
export interface ImportTarget {
  readonly store: FlowStore;
  /** Resolves when there is room for more. Throws WEIR_STORE when the disk does not take what was handed over. */
  readonly ready: () => Promise<void>;
  /** Tells what a file was that has been read to its end. */
  readonly read: (source: Omit<ImportSource, 'at'>) => void;
}

/**
 * Stores what `fill` brings all or not at all, also in a folder that a collector is writing to: in a store of its own under `incoming`, which is taken over when
 * it is complete, by this process or by the collector, within a second. Until then, nothing of it is to be seen; whatever fails leaves the folder as it was.
 * The folder is made when there is none. What `fill` has read and was imported before is refused, unless `again`: who does not know whether an import came to its end
 * runs it once more.
 *
 * @throws WeirError as `claimFolder`; WEIR_IMPORTED; WEIR_STORE when the disk is full or the collector does not take the flows over; and what `fill` throws
 */
export async function importInto<Result>(
  dir: string,
  now: () => number,
  fill: (target: ImportTarget) => Promise<Result>,
  { again = false }: { readonly again?: boolean | undefined } = {},
): Promise<Result> {
  await claimFolder(dir);
  // A new folder is an empty store from the start, whatever comes of the import; what an earlier one had complete is taken over now.
  await takeOver(dir, now);
  const staging = inFolder(dir, INCOMING, `${now()}-${process.pid}`);
  await mkdir(inFolder(dir, INCOMING), { recursive: true });
  const store = new FlowStore({ dir: staging, maxQueueBytes: QUEUE_BYTES, now, log: SILENT, tickMillis: NEVER });
  const sources: ImportSource[] = [];
  const read = (source: Omit<ImportSource, 'at'>) => void sources.push({ ...source, at: now() });
  let result: Result;
  try {
    await store.start();
    try {
      result = await fill({ store, ready: () => ready(store), read });
      await store.flush();
    } finally {
      await store.close();
    }
    if (!again) await requireNew(dir, sources);
    await markReady(staging, sources);
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
  await handOver(dir, staging, now);
  return result;
}

/** Throws WEIR_IMPORTED when something was imported before, or waits to be taken over. */
async function requireNew(dir: string, sources: readonly ImportSource[]): Promise<void> {
  const known = [...(await readySources(dir)), ...(await readImports(dir))];
  for (const { name, sha256 } of sources) {
    const before = known.find((one) => one.sha256 === sha256);
    if (before === undefined) continue;
    const when = new Date(before.at).toISOString();
    const as = before.name === name ? '' : `, as ${before.name}`;
    throw new WeirError('WEIR_IMPORTED', `${name} was imported already, at ${when}${as}`, {
      hint: 'nothing was imported now; with --again its flows are there twice',
      details: { file: name, sha256, at: when },
    });
  }
}

/** Waits while half of the queue is in use. */
async function ready(store: FlowStore): Promise<void> {
  for (;;) {
    const { failing, failed, queueBytes } = store.stats();
    const reason = failing ?? failed;
    if (reason !== undefined) {
      throw new WeirError('WEIR_STORE', `the flows could not be stored: ${reason}`, {
        hint: 'nothing was imported; make space, or check the rights of the data folder, and run it again',
      });
    }
    if (queueBytes < QUEUE_BYTES / 2) return;
    await sleep(5);
  }
}

/** Takes the complete store over, or waits until the collector has. */
async function handOver(dir: string, staging: string, now: () => number): Promise<void> {
  const end = now() + PATIENCE_MS;
  while (existsSync(staging)) {
    if (!(await takeOver(dir, now))) {
      if (now() > end) {
        throw new WeirError(
          'WEIR_STORE',
          `the flows are complete in ${staging}, and the collector has not taken them over`,
          {
            hint: 'its next start does; a collector of an older version does not know how',
          },
        );
      }
      await sleep(200);
    }
  }
}

/** Does what a start does, which takes over complete stores. False when another process has the folder: it is at that itself. */
async function takeOver(dir: string, now: () => number): Promise<boolean> {
  try {
    await withFolder(dir, now, () => Promise.resolve());
    return true;
  } catch (error) {
    if (error instanceof WeirError && error.code === 'WEIR_DATA_LOCKED') return false;
    throw error;
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
