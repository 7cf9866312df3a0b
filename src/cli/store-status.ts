import { statfs } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { duration } from '../app/status-text.ts';
import type { CollectConfig } from '../config/collect-config.ts';
import { grouped, scaledBytes } from '../query/output/humanize.ts';
import { holdsFlows, readCatalogue, type SegmentEntry, type Tier } from '../store/catalogue.ts';
import { type DayOctets, daysOf, type Forecast, forecast } from '../store/growth.ts';
import { FolderLock } from '../store/lock.ts';
import { ROLLUP_TIERS } from '../store/rollup-cubes.ts';
import { OVERDUE_MS, type RollupProgress, rollupProgress } from '../store/rollup-progress.ts';
import type { Zone } from '../util/zone.ts';
import { type Io, write } from './io.ts';
import { counted } from './sending.ts';
import { addStoreFlags, isoText, type StoreFlags, secondText, TIER_NAMES, TIERS, tableText } from './store-output.ts';
import { addZone, type ZoneFlags, zoneOf } from './zone.ts';

const EXAMPLES = `
Days are those of UTC, by the time of reception. The forecast takes the mean of the last seven whole days; with the collector's configuration (or its
flags) it says how long flows will be kept, otherwise when the disk will be full. Of sums per minute and per hour it says up to which time of reception
every flow is counted, and how long the others have been waiting if that is longer than usual.

Examples:
  weir store status
  weir store status --config /etc/netweir/weir.yaml
  weir store status --retention-size 200GB              how long would 200 GB last?
`;

/** Days that are shown. */
const SHOWN = 14;

interface Flags extends StoreFlags, ZoneFlags {
  readonly config?: string;
  readonly retentionAge?: string;
  readonly retentionSize?: string;
}

/** Adds the flags of `weir store status` and its action. */
export function build(command: Command, io: Io): void {
  addZone(addStoreFlags(command))
    .addOption(new Option('--config <file>', 'the configuration of the collector: rotation, roll-ups, retention'))
    .option('--retention-age <time>', 'as if flows were removed after this time')
    .option('--retention-size <size>', 'as if the oldest files were removed beyond this size')
    .addHelpText('after', EXAMPLES)
    .action((flags: Flags) => status(flags, io));
}

interface TierTotal {
  readonly tier: Tier;
  readonly files: number;
  readonly rows: number;
  readonly bytes: number;
  readonly from: number;
  readonly to: number;
}

async function status(flags: Flags, io: Io): Promise<void> {
  const { data } = flags;
  const { segments } = await readCatalogue(data);
  const { bavail, bsize } = await statfs(data);
  const free = bavail * bsize;
  const settings = await settingsOf(flags);
  const expected = forecast(segments, settings.retention, { free, now: io.now() });
  const days = daysOf(segments);
  const writer = new FolderLock(data).writer();
  const totals = TIERS.flatMap((tier) => totalOf(tier, segments));
  const rotateSeconds = settings.rotateMs / 1000;
  const rollups = ROLLUP_TIERS.map((tier) => ({
    tier,
    isMade: settings.rollups.includes(tier),
    ...rollupProgress(segments, tier, { rotateSeconds, nowMs: io.now() }),
  }));
  if (flags.format === 'json') {
    const tiers = totals.map(({ from, to, ...rest }) => ({ ...rest, from: isoText(from), to: isoText(to) }));
    const ofDays = days.map(({ day, ...rest }) => ({ day: new Date(day).toISOString().slice(0, 10), ...rest }));
    const counted = rollups.map(({ countedUntil, behindMs, ...rest }) => ({
      ...rest,
      countedUntil: isoText(countedUntil ?? null),
      behind: Math.round(behindMs / 1000),
    }));
    const state = { data, writer: writer ?? null, free };
    const all = { ...state, tiers, rollups: counted, days: ofDays, forecast: expected ?? null };
    await write(io.stdout, `${JSON.stringify(all)}\n`);
    return;
  }
  const zone = zoneOf(flags);
  const rows = totals.map(({ tier, files, rows: count, bytes, from, to }) => [
    TIER_NAMES[tier],
    grouped(files),
    grouped(count),
    scaledBytes(bytes),
    count === 0 ? '-' : (bytes / count).toFixed(1),
    secondText(from, zone),
    secondText(to, zone),
  ]);
  const bytes = totals.reduce((sum, one) => sum + one.bytes, 0);
  await write(io.stdout, tableText(TIER_COLUMNS, rows, io));
  if (segments.some(holdsFlows)) {
    const lines = rollups.map((one) => `${TIER_NAMES[one.tier]}: ${progressText(one, writer !== undefined, zone)}\n`);
    await write(io.stdout, `\n${lines.join('')}`);
  }
  await write(
    io.stdout,
    `\n${dayLines(days, io)}\n${scaledBytes(bytes)} stored, ${scaledBytes(free)} free on the disk\n`,
  );
  await write(io.stdout, `${forecastText(expected)}\n`);
  await write(io.stdout, writer === undefined ? 'nothing is writing to the folder\n' : `written to by ${writer}\n`);
}

const TIER_COLUMNS = [
  { label: 'tier', right: false },
  { label: 'files', right: true },
  { label: 'rows', right: true },
  { label: 'size', right: true },
  { label: 'B/row', right: true, dispensable: 1 },
  { label: 'from', right: false, whole: true },
  { label: 'to', right: false, whole: true },
];

function totalOf(tier: Tier, segments: readonly SegmentEntry[]): TierTotal[] {
  const own = segments.filter((entry) => entry.tier === tier);
  if (own.length === 0) return [];
  const sum = (key: 'rows' | 'bytes') => own.reduce((total, entry) => total + entry[key], 0);
  const [from, to] = own.reduce(
    ([min, max], { minReceived, maxReceived }) => [Math.min(min, minReceived), Math.max(max, maxReceived)],
    [Number.POSITIVE_INFINITY, 0],
  );
  return [{ tier, files: own.length, rows: sum('rows'), bytes: sum('bytes'), from, to }];
}

function dayLines(days: readonly DayOctets[], io: Io): string {
  const shown = days.slice(-SHOWN);
  const rows = shown.map(({ day, bytes, flows }) => [
    new Date(day).toISOString().slice(0, 10),
    grouped(flows),
    scaledBytes(bytes),
  ]);
  const columns = ['day (UTC)', 'flows', 'size'].map((label, index) => ({ label, right: index > 0 }));
  const before = days.length - shown.length;
  return `${tableText(columns, rows, io)}${before > 0 ? `and ${counted(before, 'day')} before\n` : ''}`;
}

function forecastText(expected: Forecast | undefined): string {
  if (expected === undefined) return 'too little is stored for a forecast';
  const { perDay, days, fullInDays, keptDays, bound } = expected;
  const from = days === 0 ? 'going by less than a day' : `the mean of ${counted(days, 'day')}`;
  const whole = (number: number | undefined) => counted(Math.floor(number ?? 0), 'day');
  if (bound === 'disk') return `${scaledBytes(perDay)} a day (${from}): the disk is full in ${whole(fullInDays)}`;
  return `${scaledBytes(perDay)} a day (${from}): flows are kept for ${whole(keptDays)}, bounded by ${bound}`;
}

interface Progress extends RollupProgress {
  readonly isMade: boolean;
}

/** What is counted, and what waits for it and why. */
function progressText({ isMade, countedUntil, waiting, behindMs }: Progress, isWritten: boolean, zone: Zone): string {
  const until =
    countedUntil === undefined
      ? 'no flow is counted'
      : `every flow received until ${secondText(countedUntil, zone)} is counted`;
  if (!isMade) return `${until}; store.rollups does not ask for more`;
  if (waiting === 0) return until;
  const flows = `${grouped(waiting)} ${waiting === 1 ? 'flow waits' : 'flows wait'}`;
  if (!isWritten) return `${until}; ${flows} for a collector`;
  return behindMs > OVERDUE_MS
    ? `${until}; BEHIND: ${flows}, for ${duration(Math.round(behindMs / 1000))}`
    : `${until}; ${flows}`;
}

/** What the collector is told of its store by the flags and the configuration file; the defaults where they say nothing. */
async function settingsOf({ config, retentionAge, retentionSize }: Flags): Promise<CollectConfig['store']> {
  const { loadConfig } = await import('../config/load.ts');
  const flags = {
    ...(retentionAge === undefined ? {} : { 'store.retention.age': retentionAge }),
    ...(retentionSize === undefined ? {} : { 'store.retention.size': retentionSize }),
  };
  return loadConfig({ file: config, flags }).store;
}
