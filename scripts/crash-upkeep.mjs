// Looks after a store and is to be killed by crash-rounds.mjs: `node crash-upkeep.mjs WHAT DATA CLOCK ARGUMENT…`, where CLOCK (ms) is what time it is. It prints `begun` when it starts
// to change the folder, and `done JSON` when that is over.
//
//   repair                         what weir store repair does
//   delete FROM TO                 rows received from FROM on, up to but without TO (ms)
//   import FILE                    an IPFIX file
//   move TARGET                    to another folder, as to another disk

import { importDatagrams } from '../dist/app/import-datagrams.js';
import { createSources } from '../dist/cli/datagram-sources.js';
import { datagramsOf, openContent } from '../dist/cli/datagrams.js';
import { loadElements } from '../dist/config/elements.js';
import { deleteRows, planDelete } from '../dist/store/delete.js';
import { withFolder } from '../dist/store/exclusive.js';
import { importInto } from '../dist/store/import.js';
import { moveStore } from '../dist/store/move.js';
import { wasMoved } from '../dist/store/move-end.js';
import { setAsideUnreadable } from '../dist/store/repair-listed.js';

const [what, data, clock, ...rest] = process.argv.slice(2);
const started = performance.now();
const now = () => Number(clock) + Math.floor(performance.now() - started);
const begin = () => process.stdout.write('begun\n');

const WORK = {
  repair: () => {
    begin();
    return withFolder(data, now, async (folder) => ({
      ...folder.report,
      aside: await setAsideUnreadable(folder),
    }));
  },
  delete: ([from, to]) =>
    withFolder(data, now, (folder) => {
      begin();
      const span = { from: Number(from) * 1000, to: Number(to) * 1000 };
      return deleteRows(folder, planDelete(folder.ledger.entries(), span, true));
    }),
  import: async ([file]) => {
    const { datagrams } = await importInto(data, now, async (target) => {
      begin();
      const source = datagramsOf(await openContent(file, process.stdin));
      const sourceOf = createSources(undefined);
      const result = await importDatagrams(target, loadElements([]), received(source, sourceOf));
      target.read({ name: file, sha256: file });
      return result;
    });
    return { datagrams };
  },
  move: async ([target]) => {
    begin();
    if (await wasMoved(data, target)) return withFolder(target, now, () => ({ how: 'finished' }));
    return withFolder(data, now, (folder) => moveStore(folder, { target, mayRename: false }));
  },
};

async function* received(source, sourceOf) {
  for await (const batch of source.batches)
    yield batch.map((one) => ({ payload: one.payload, source: sourceOf(one), micros: one.time }));
}

try {
  process.stdout.write(`done ${JSON.stringify(await WORK[what](rest))}\n`);
} catch (error) {
  process.stdout.write(`refused ${error.code} ${error.message}\n`);
}
