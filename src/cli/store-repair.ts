import type { Command } from 'commander';
import { grouped, scaledBytes } from '../query/output/humanize.ts';
import type { StartReport } from '../store/repair.ts';
import { type Io, write } from './io.ts';
import { counted } from './sending.ts';
import { addStoreFlags, type StoreFlags } from './store-output.ts';

const EXAMPLES = `
Does what every start of a collector does: lists complete files that are not listed, removes half-written ones and those that a merged file
replaces, sets unreadable files aside in damaged/ (nothing there is ever deleted), forgets files that are gone, and makes a catalogue that is missing or
damaged again from the files. A collector that is writing to the folder must be stopped first.

Examples:
  weir store repair
  weir store repair --data /var/lib/netweir --format json
`;

/** Adds the flags of `weir store repair` and its action. */
export function build(command: Command, io: Io): void {
  addStoreFlags(command)
    .addHelpText('after', EXAMPLES)
    .action((flags: StoreFlags) => repair(flags, io));
}

async function repair({ data, format }: StoreFlags, io: Io): Promise<void> {
  const [{ withFolder }, { setAsideUnreadable }] = await Promise.all([
    import('../store/exclusive.ts'),
    import('../store/repair-listed.ts'),
  ]);
  const report = await withFolder(data, io.now, async (folder) => {
    const damaged = await setAsideUnreadable(folder);
    return { ...folder.report, damaged: [...folder.report.damaged, ...damaged] };
  });
  await write(io.stdout, format === 'json' ? `${JSON.stringify(report)}\n` : `${sentences(report).join('\n')}\n`);
}

/** What was done, line by line. */
function sentences(report: StartReport): string[] {
  const { catalogue, adopted, leftovers, damaged, missing, foreign, tookOverFrom, segments, rows, bytes } = report;
  const lines: string[] = [];
  const name = (what: string, files: readonly string[]) => {
    for (const file of files) lines.push(`${what} ${file}`);
  };
  if (tookOverFrom !== undefined) lines.push(`took the folder over from process ${tookOverFrom}, which has ended`);
  if (catalogue === 'rebuilt') lines.push('made the catalogue again from the files');
  name('listed', adopted);
  name('removed', leftovers);
  for (const { file, movedTo, reason } of damaged) lines.push(`set aside ${file} as ${movedTo}: ${reason}`);
  name('forgot', missing);
  name('left alone', foreign);
  if (lines.length === 0) lines.push('there was nothing to repair');
  lines.push(`the store has ${counted(segments, 'file')} with ${grouped(rows)} rows, ${scaledBytes(bytes)}`);
  return lines;
}
