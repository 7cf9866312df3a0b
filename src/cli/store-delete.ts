import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { grouped, scaledBytes } from '../query/output/humanize.ts';
import { parseSpan } from '../query/time.ts';
import { readCatalogue } from '../store/catalogue.ts';
import type { DeletePlan, DeleteSpan } from '../store/delete.ts';
import { WeirError } from '../util/errors.ts';
import { EXIT, type Io, write } from './io.ts';
import { counted } from './sending.ts';
import { addStoreFlags, type StoreFlags, secondText } from './store-output.ts';
import { addZone, type ZoneFlags, zoneOf } from './zone.ts';

const EXAMPLES = `
Deletes files of flows, sums, quality and counters in which everything was received in that time. With --rows, files that reach over an edge are written
anew without the rows in question, so that exactly that time is gone. Sums that count deleted flows go too; the next collector counts what is left
again. It says what will go and asks; without a terminal it needs --yes. A collector must be stopped first.

Examples:
  weir store delete --to -90d                           all that is older than 90 days, as far as it fills files
  weir store delete --from '2026-03-01 10:00' --to '2026-03-01 10:30' --rows
  weir store delete --to 2026-01-01 --yes --format json
`;

interface Flags extends StoreFlags, ZoneFlags {
  readonly from?: string;
  readonly to?: string;
  readonly rows?: boolean;
  readonly yes?: boolean;
}

/** Adds the flags of `weir store delete` and its action. */
export function build(command: Command, io: Io, exit: (code: number) => void): void {
  addZone(addStoreFlags(command))
    .option('--from <time>', 'what was received at this time or later')
    .option('--to <time>', 'what was received before this time')
    .option('--rows', 'also single rows, of files that reach over an edge')
    .option('--yes', 'do not ask')
    .addHelpText('after', EXAMPLES)
    .action(async (flags: Flags) => {
      exit(await deleteSpan(flags, io));
    });
}

async function deleteSpan(flags: Flags, io: Io): Promise<number> {
  if (flags.from === undefined && flags.to === undefined) {
    throw new WeirError('WEIR_USAGE', 'which time is to be deleted?', { hint: 'Give --from, --to or both.' });
  }
  const zone = zoneOf(flags);
  const { from, to } = parseSpan(flags.from, flags.to, { now: io.now(), zone });
  const span: DeleteSpan = { from: Number(from ?? 0n), to: to === undefined ? Number.POSITIVE_INFINITY : Number(to) };
  const { planDelete, deleteRows } = await import('../store/delete.ts');
  const { segments } = await readCatalogue(flags.data);
  const plan = planDelete(segments, span, flags.rows === true);
  const files = [...plan.whole, ...plan.parts, ...plan.rollups];
  if (files.length === 0) {
    await write(
      io.stdout,
      flags.format === 'json' ? '{"files":0,"rows":0,"bytes":0}\n' : 'there is nothing to delete\n',
    );
    return EXIT.ok;
  }
  for (const line of preview(plan, (micros) => secondText(micros, zone))) io.stderr.write(`${line}\n`);
  if (flags.yes !== true && !(await confirmed(io))) return EXIT.failed;
  const { withFolder } = await import('../store/exclusive.ts');
  // What a start puts right may change what there is: the plan is made again under the lock.
  const done = await withFolder(flags.data, io.now, (folder) =>
    deleteRows(folder, planDelete(folder.ledger.entries(), span, flags.rows === true)),
  );
  const text =
    flags.format === 'json'
      ? JSON.stringify({ files: files.length, ...done })
      : `deleted ${counted(done.rows, 'row')}, ${scaledBytes(done.bytes)}`;
  await write(io.stdout, `${text}\n`);
  return EXIT.ok;
}

function preview({ whole, parts, rollups }: DeletePlan, time: (micros: number) => string): string[] {
  const lines: string[] = [];
  const say = (files: DeletePlan['whole'], what: string) => {
    if (files.length === 0) return;
    const sum = (key: 'rows' | 'bytes') => files.reduce((total, file) => total + file[key], 0);
    const first = files.reduce((least, { minReceived }) => Math.min(least, minReceived), Number.POSITIVE_INFINITY);
    const last = files.reduce((most, { maxReceived }) => Math.max(most, maxReceived), 0);
    const range = `received from ${time(first)} to ${time(last)}`;
    lines.push(
      `${what}: ${counted(files.length, 'file')} with ${grouped(sum('rows'))} rows, ${scaledBytes(sum('bytes'))}, ${range}`,
    );
  };
  say(whole, 'to be deleted');
  say(parts, 'to be written anew without the rows of that time');
  say(rollups, 'sums to be deleted');
  return lines;
}

/** Asks on the terminal. Throws WEIR_USAGE where there is none. */
async function confirmed(io: Io): Promise<boolean> {
  if ((io.stdin as { isTTY?: boolean }).isTTY !== true) {
    throw new WeirError('WEIR_USAGE', 'there is no terminal to ask on, so nothing was deleted', {
      hint: 'Give --yes when that is to be deleted.',
    });
  }
  const lines = createInterface({ input: io.stdin, output: io.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question('Delete this? [y/N] ')).trim());
  } finally {
    lines.close();
  }
}
