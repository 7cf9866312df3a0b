import { messageOf } from '../util/errors.ts';
import { sqlFile } from '../util/sql-text.ts';
import { checksumOf } from './checksum.ts';
import type { OpenFolder } from './exclusive.ts';
import { inFolder } from './paths.ts';
import type { StartReport } from './repair.ts';
import { setAside } from './repair.ts';

/**
 * Sets listed files aside that are not what was written or cannot be decoded. A start does not look that closely, since it would have to read everything; this
 * is for who asked for a repair.
 */
export async function setAsideUnreadable({ dir, ledger, duck }: OpenFolder): Promise<StartReport['damaged']> {
  const damaged: { file: string; movedTo: string; reason: string }[] = [];
  for (const { file, sha256 } of ledger.entries()) {
    const path = inFolder(dir, file);
    let reason: string | undefined;
    try {
      if (sha256 === undefined) await duck.run(`SELECT bit_xor(hash(COLUMNS(*))) FROM read_parquet(${sqlFile(path)})`);
      else if ((await checksumOf(path)) !== sha256) reason = 'its checksum differs';
    } catch (error) {
      reason = messageOf(error);
    }
    if (reason === undefined) continue;
    damaged.push({ file, movedTo: await setAside(dir, file), reason });
    ledger.forget(file);
    await ledger.save();
  }
  return damaged;
}
