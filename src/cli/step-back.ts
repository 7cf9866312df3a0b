import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';
import { FolderLock } from '../store/lock.ts';

/** As `nice` does it. */
const LATER = 10;

/**
 * Lowers the priority of this process while a collector writes to the data folder: datagrams that it does not take in time are lost, an answer only comes later.
 * To be called before DuckDB starts its threads, which inherit it. Changes nothing where the system does not allow it.
 */
export function stepBack(dir: string): void {
  if (new FolderLock(dir).writer() === undefined) return;
  for (const thread of threads()) {
    try {
      setPriority(thread, LATER);
    } catch {
      // Not allowed here, or the thread has ended: then it is served as it was.
    }
  }
}

/** On Linux each thread has a priority of its own; elsewhere 0 is the whole process. */
function threads(): number[] {
  try {
    return readdirSync('/proc/self/task').map(Number);
  } catch {
    return [0];
  }
}
