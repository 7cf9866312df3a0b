import { type AllowList, loadAllowListFile, parseAllowList } from '../collect/allow-list.ts';
import type { AllowConfig } from './collect-config.ts';

/**
 * The allow-list that is configured: its entries and those of its file together; undefined when neither is given, and everyone may send. Reads
 * the file anew each time, for reloading. Rejects with WEIR_ALLOW_LIST; whoever reloads keeps the list it had.
 */
export async function loadAllowList({ entries, file }: AllowConfig, where = 'allow'): Promise<AllowList | undefined> {
  const listed = entries.length > 0 ? parseAllowList(entries, where) : undefined;
  const filed = file === undefined ? undefined : await loadAllowListFile(file);
  if (listed === undefined || filed === undefined) return listed ?? filed;
  return {
    size: listed.size + filed.size,
    allows: (w0, w1, w2, w3, port) => listed.allows(w0, w1, w2, w3, port) || filed.allows(w0, w1, w2, w3, port),
  };
}
