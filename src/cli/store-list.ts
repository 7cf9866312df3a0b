import { type Command, Option } from 'commander';
import { grouped, scaledBytes } from '../query/output/humanize.ts';
import { parseSpan, type TimeSpan } from '../query/time.ts';
import { readCatalogue, type SegmentEntry } from '../store/catalogue.ts';
import { type Io, write } from './io.ts';
import { addStoreFlags, isoText, type StoreFlags, secondText, TIER_NAMES, TIERS, tableText } from './store-output.ts';
import { addZone, type ZoneFlags, zoneOf } from './zone.ts';

const EXAMPLES = `
Times are those at which flows were received. Works while a collector runs.

Examples:
  weir store list
  weir store list --from today --tier fresh
  weir store list --format json | jq -r '.segments[] | select(.bytes > 1e9) | .file'
`;

interface Flags extends StoreFlags, ZoneFlags {
  readonly from?: string;
  readonly to?: string;
  readonly tier?: string;
}

/** Adds the flags of `weir store list` and its action. */
export function build(command: Command, io: Io): void {
  addZone(addStoreFlags(command))
    .option('--from <time>', 'only files with something received at this time or later')
    .option('--to <time>', 'only files with something received before this time')
    .addOption(new Option('--tier <tier>', 'only files of this tier').choices(TIERS))
    .addHelpText('after', EXAMPLES)
    .action((flags: Flags) => list(flags, io));
}

async function list(flags: Flags, io: Io): Promise<void> {
  const zone = zoneOf(flags);
  const span = parseSpan(flags.from, flags.to, { now: io.now(), zone });
  const { segments, updated } = await readCatalogue(flags.data);
  const wanted = segments.filter((entry) => isWithin(entry, span) && (flags.tier ?? entry.tier) === entry.tier);
  if (flags.format === 'json') {
    const shown = wanted.map(({ columns, minReceived, maxReceived, minStart, maxEnd, ...rest }) => ({
      ...rest,
      received: { from: isoText(minReceived), to: isoText(maxReceived) },
      flows: { from: isoText(minStart), to: isoText(maxEnd) },
      columns,
    }));
    await write(io.stdout, `${JSON.stringify({ updated: isoText(updated * 1000), segments: shown })}\n`);
    return;
  }
  const rows = wanted.map(({ file, tier, minReceived, maxReceived, rows: count, bytes }) => [
    file,
    TIER_NAMES[tier],
    secondText(minReceived, zone),
    secondText(maxReceived, zone),
    grouped(count),
    scaledBytes(bytes),
    count === 0 ? '-' : (bytes / count).toFixed(1),
  ]);
  const bytes = wanted.reduce((sum, entry) => sum + entry.bytes, 0);
  await write(io.stdout, tableText(COLUMNS, rows, io));
  await write(io.stdout, `${grouped(wanted.length)} files, ${scaledBytes(bytes)}\n`);
}

const COLUMNS = [
  { label: 'file', right: false, whole: true },
  { label: 'tier', right: false },
  { label: 'from', right: false, whole: true },
  { label: 'to', right: false, whole: true, dispensable: 2 },
  { label: 'rows', right: true },
  { label: 'size', right: true },
  { label: 'B/row', right: true, dispensable: 1 },
];

function isWithin({ minReceived, maxReceived }: SegmentEntry, { from, to }: TimeSpan): boolean {
  return (from === undefined || BigInt(maxReceived) >= from) && (to === undefined || BigInt(minReceived) < to);
}
