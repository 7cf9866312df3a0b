import { resolve } from 'node:path';
import type { Command } from 'commander';
import { scaledBytes } from '../query/output/humanize.ts';
import type { MoveReport } from '../store/move.ts';
import { type Io, write } from './io.ts';
import { counted, createProgress } from './sending.ts';
import { addStoreFlags, type StoreFlags } from './store-output.ts';

const EXAMPLES = `
Within a file system that is one rename. To another disk, every file is copied, synced and compared by its checksum before the new folder becomes the store and the old one
is removed. Should it be killed, one of both is the whole store: run it again and it goes on. A collector must be stopped first, and started with the new folder.

Examples:
  weir store move /mnt/big/weir-data
  weir store move /mnt/big/weir-data --data /var/lib/netweir --link     the old path goes on to work
`;

interface Flags extends StoreFlags {
  readonly link?: boolean;
}

/** Adds the flags of `weir store move` and its action. */
export function build(command: Command, io: Io): void {
  addStoreFlags(command)
    .argument('<dir>', 'where to: a new or empty folder')
    .option('--link', 'leave a symbolic link in the old place')
    .addHelpText('after', EXAMPLES)
    .action((target: string, flags: Flags) => move(target, flags, io));
}

async function move(target: string, { data, format, link }: Flags, io: Io): Promise<void> {
  const [{ withFolder }, { moveStore }, { leaveLink, wasMoved }] = await Promise.all([
    import('../store/exclusive.ts'),
    import('../store/move.ts'),
    import('../store/move-end.ts'),
  ]);
  if (await wasMoved(data, target)) {
    // Killed when only the old folder's remains were left: what a start does with the new one removes them.
    await withFolder(target, io.now, () => Promise.resolve());
    if (link === true) await leaveLink(resolve(data), resolve(target));
    await tell({ how: 'finished', files: 0, bytes: 0 });
    return;
  }
  const progress = createProgress(io);
  const onProgress = (done: { readonly bytes: number; readonly totalBytes: number }) =>
    progress.show(() => `${scaledBytes(done.bytes)} of ${scaledBytes(done.totalBytes)}`);
  const report = await withFolder(data, io.now, (folder) => moveStore(folder, { target, link, onProgress })).finally(
    () => progress.clear(),
  );
  await tell(report);

  async function tell({ how, files, bytes }: Outcome): Promise<void> {
    if (format === 'json') {
      await write(io.stdout, `${JSON.stringify({ from: data, to: target, how, files, bytes })}\n`);
      return;
    }
    const what = {
      copied: `copied ${counted(files, 'file')}, ${scaledBytes(bytes)}, compared them and removed the old ones`,
      renamed: 'renamed the folder',
      finished: 'removed what an earlier attempt had left in the old place',
    }[how];
    await write(io.stdout, `${what}: the store is ${target} now\n`);
    if (link !== true) io.stderr.write(`  start the collector, and ask, with --data ${target}\n`);
  }
}

type Outcome = Omit<MoveReport, 'how'> & { readonly how: MoveReport['how'] | 'finished' };
