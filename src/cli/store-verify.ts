import type { Command } from 'commander';
import { scaledBytes } from '../query/output/humanize.ts';
import { EXIT, type Io, write } from './io.ts';
import { counted, createProgress } from './sending.ts';
import { addStoreFlags, type StoreFlags } from './store-output.ts';

const EXAMPLES = `
Reads every listed file: size and SHA-256 against the catalogue (files of older versions have none there and are decoded to their end), rows, sums of
roll-ups; looks for files that are listed and gone, there and not listed, or that hold the same flows. Changes nothing, and works while
a collector runs. It ends with 0 when all is well, and with 1 when something is wrong.

Examples:
  weir store verify
  weir store verify --full                              decode every file as well
  weir store verify --format json | jq .findings
`;

/** What to do about findings. */
const REMEDY = 'weir store repair lists what is not listed, forgets what is gone and sets unreadable files aside';

interface Flags extends StoreFlags {
  readonly full?: boolean;
}

/** Adds the flags of `weir store verify` and its action. */
export function build(command: Command, io: Io, exit: (code: number) => void): void {
  addStoreFlags(command)
    .option('--full', 'decode every file, also where its checksum is right')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: Flags) => {
      exit(await verify(flags, io));
    });
}

async function verify(flags: Flags, io: Io): Promise<number> {
  const { verifyStore } = await import('../store/verify.ts');
  const progress = createProgress(io);
  let isStopped = false;
  const stopListening = io.onSignal((kind) => {
    isStopped ||= kind === 'stop';
  });
  const report = await verifyStore({
    dir: flags.data,
    full: flags.full,
    isStopped: () => isStopped,
    onProgress: ({ bytes, totalBytes }) =>
      progress.show(
        () => `${Math.floor((100 * bytes) / totalBytes)} %  ${scaledBytes(bytes)} of ${scaledBytes(totalBytes)}`,
      ),
  }).finally(() => {
    progress.clear();
    stopListening();
  });
  const isSound = report.findings.length === 0 && !isStopped;
  if (flags.format === 'json') {
    await write(io.stdout, `${JSON.stringify({ sound: isSound, stopped: isStopped, ...report })}\n`);
    return isSound ? EXIT.ok : EXIT.failed;
  }
  const { segments, rows, bytes, compared, decoded, findings, notes, writer } = report;
  for (const { file, problem, text } of findings) await write(io.stdout, `${problem.padEnd(10)}  ${file} ${text}\n`);
  for (const note of notes) io.stderr.write(`note: ${note}\n`);
  if (writer !== undefined) io.stderr.write(`note: meanwhile ${writer} was writing to the folder\n`);
  const what = `${counted(segments, 'file')} with ${counted(rows, 'row')}, ${scaledBytes(bytes)}: ${compared} checksums compared, ${decoded} files decoded`;
  if (isStopped) await write(io.stdout, `stopped before the end of ${what}\n`);
  else if (isSound) await write(io.stdout, `all is well: ${what}\n`);
  else {
    await write(io.stdout, `${counted(findings.length, 'fault')} in ${what}\n`);
    io.stderr.write(`  ${REMEDY}: weir store repair --data ${flags.data}\n`);
  }
  return isSound ? EXIT.ok : EXIT.failed;
}
