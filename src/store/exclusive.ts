import { stat } from 'node:fs/promises';
import { messageOf, WeirError } from '../util/errors.ts';
import { Duck } from './duck.ts';
import { claimFolder } from './folder.ts';
import { adoptIncoming } from './incoming.ts';
import { Ledger } from './ledger.ts';
import { FolderLock } from './lock.ts';
import { inFolder, MARKER } from './paths.ts';
import { repairFolder, type StartReport } from './repair.ts';

/** A data folder that is this process's alone, in the state that a start of the collector leaves it in. */
export interface OpenFolder {
  readonly dir: string;
  readonly ledger: Ledger;
  readonly duck: Duck;
  readonly report: StartReport;
}

const REFRESH = 5000;
const MEMORY_MEGABYTES = 512;

/**
 * Takes a data folder as a collector does (lock, repair, catalogue), lets `work` change it, and gives it free, whatever happens.
 *
 * @throws WeirError WEIR_DATA_EMPTY when there is no store (none is made), WEIR_DATA_LOCKED while another process writes to it, and as `claimFolder`
 */
export async function withFolder<Result>(
  dir: string,
  now: () => number,
  work: (folder: OpenFolder) => Promise<Result>,
): Promise<Result> {
  await requireStore(dir);
  const lock = new FolderLock(dir);
  await claimFolder(dir);
  const owner = lock.acquire();
  const timer = setInterval(() => lock.refresh(), REFRESH);
  const duck = new Duck({ memoryMegabytes: MEMORY_MEGABYTES, temporary: inFolder(dir, 'tmp', 'spill') });
  try {
    await duck.open();
    const { report, state } = await repairFolder(dir, (path, kind) => duck.inspect(path, kind));
    const ledger = new Ledger(dir, now, state);
    await ledger.save();
    await adoptIncoming(dir, ledger);
    return await work({ dir, ledger, duck, report: { ...report, tookOverFrom: owner?.pid } });
  } catch (error) {
    if (error instanceof WeirError) throw error;
    throw new WeirError('WEIR_STORE', `${dir} could not be changed: ${messageOf(error)}`, {
      hint: `check space and rights of the data folder; weir store verify --data ${dir} says whether all is well`,
      cause: error,
    });
  } finally {
    duck.close();
    clearInterval(timer);
    lock.release();
  }
}

/** Throws WEIR_DATA_EMPTY when there is no store in the folder. */
async function requireStore(dir: string): Promise<void> {
  const found = await stat(inFolder(dir, MARKER)).catch(() => undefined);
  if (found === undefined) {
    throw new WeirError('WEIR_DATA_EMPTY', `there is no store in ${dir}`, {
      hint: 'check --data; the default is ./weir-data in the current folder',
    });
  }
}
