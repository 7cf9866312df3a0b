import { rm, stat } from 'node:fs/promises';
import { WeirError } from '../util/errors.ts';
import { sqlFile, sqlText } from '../util/sql-text.ts';
import { holdsFlows, isRollup, type SegmentEntry } from './catalogue.ts';
import { checksumOf } from './checksum.ts';
import type { Duck } from './duck.ts';
import { publish } from './durable.ts';
import type { OpenFolder } from './exclusive.ts';
import { millisSql } from './merge.ts';
import { copyOptions, MERGED } from './parquet.ts';
import { inFolder, parseSegmentPath, type SegmentName, segmentPath, TEMPORARY } from './paths.ts';
import { encloses, reachOf } from './rollup-cover.ts';
import { isSmallTable, SMALL_TABLES } from './small-tables.ts';

/** From the first (µs since the epoch) on, up to but without the second. */
export interface DeleteSpan {
  readonly from: number;
  readonly to: number;
}

/** What is to go. */
export interface DeletePlan {
  readonly span: DeleteSpan;
  /** Files with nothing received outside of the span. */
  readonly whole: readonly SegmentEntry[];
  /** Files of flows and small tables with rows inside and outside; they are rewritten where rows are to go too. */
  readonly parts: readonly SegmentEntry[];
  /** Roll-ups of the span, or that count a flow which goes. */
  readonly rollups: readonly SegmentEntry[];
}

/**
 * What deleting a span of time means, by the times of reception. Without `rows` only whole files go. A roll-up goes once it counts a flow that goes: what it
 * counts besides is counted again by the next collector. Names stay: flows of other times may need them.
 *
 * @throws WeirError WEIR_USAGE when roll-ups could not be made again, as other flows that they count are gone already
 */
export function planDelete(entries: readonly SegmentEntry[], span: DeleteSpan, rows: boolean): DeletePlan {
  const own = entries.filter((entry) => entry.tier !== 'names' && !isRollup(entry));
  const whole = own.filter(({ minReceived, maxReceived }) => minReceived >= span.from && maxReceived < span.to);
  const parts = rows
    ? own.filter((entry) => entry.maxReceived >= span.from && entry.minReceived < span.to && !whole.includes(entry))
    : [];
  const flows = reachOf(entries.filter(holdsFlows));
  const going = new Set<SegmentEntry>([...whole, ...parts]);
  const rollups = reachOf(entries.filter(isRollup)).filter(({ entry, first, last }) => {
    if (entry.minReceived >= span.from && entry.maxReceived < span.to) return true;
    const counted = flows.filter((one) => one.first <= last && one.last >= first);
    if (!counted.some((one) => going.has(one.entry))) return false;
    const isWider = counted.every((one) => encloses({ first, last }, one));
    const left = counted.reduce((sum, one) => sum + one.entry.rows, 0);
    if (isWider && left < entry.rollup.flows) throw outlived(entry);
    return true;
  });
  return { span, whole, parts, rollups: rollups.map(({ entry }) => entry) };
}

function outlived({ file, minReceived, maxReceived }: SegmentEntry): WeirError {
  const time = (micros: number) => new Date(micros / 1000).toISOString();
  return new WeirError(
    'WEIR_USAGE',
    `${file} counts flows of that time together with others, which are gone already, so that its sums cannot be made again`,
    { hint: `delete all of what it counts, received from ${time(minReceived)} to ${time(maxReceived)}, or none of it` },
  );
}

/**
 * Does what a plan says: writes the files anew that keep some rows, then takes everything off the list in one step, then removes the files. When
 * something fails before (a full disk), all is as it was. Killed in between, the store is sound and has more or less of what was to go: run it again.
 *
 * @throws what the disk or DuckDB throws
 */
export async function deleteRows(folder: OpenFolder, plan: DeletePlan): Promise<{ rows: number; bytes: number }> {
  const { dir, ledger, duck } = folder;
  const written: Rewritten[] = [];
  try {
    for (const entry of plan.parts) written.push(await rewrite(duck, dir, entry, plan.span));
    // Roll-ups first: with them, a rewritten file would be counted as it was.
    if (plan.rollups.length > 0) {
      ledger.replace(plan.rollups.map(({ file }) => file));
      await ledger.save();
    }
    for (const { temporary, made } of written)
      if (made !== undefined) await publish(temporary, inFolder(dir, made.file));
  } catch (error) {
    for (const { temporary } of written) await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  for (const { entry, made } of written) ledger.replace([entry.file], made);
  ledger.replace(plan.whole.map(({ file }) => file));
  await ledger.save();
  await ledger.removeRetired(0);
  await ledger.save();
  const sum = (key: 'rows' | 'bytes', of: readonly (SegmentEntry | undefined)[]) =>
    of.reduce((total, entry) => total + (entry?.[key] ?? 0), 0);
  const kept = written.map(({ made }) => made);
  const old = [...plan.whole, ...plan.parts];
  return {
    rows: sum('rows', old) - sum('rows', kept),
    bytes: sum('bytes', [...old, ...plan.rollups]) - sum('bytes', kept),
  };
}

interface Rewritten {
  readonly entry: SegmentEntry;
  readonly temporary: string;
  /** Undefined when no row is left. */
  readonly made: SegmentEntry | undefined;
}

/** Writes the rows outside of the span to a file that supersedes the old one. */
async function rewrite(duck: Duck, dir: string, entry: SegmentEntry, { from, to }: DeleteSpan): Promise<Rewritten> {
  const name = parseSegmentPath(entry.file);
  if (name === undefined) throw new Error(`${entry.file} is no segment`);
  const revised: SegmentName = name.merged
    ? { ...name, revision: (name.revision ?? 0) + 1 }
    : { ...name, merged: true };
  const temporary = inFolder(dir, TEMPORARY, `delete-${name.kind}-${name.first}-${name.last}.parquet`);
  const source = `read_parquet(${sqlFile(inFolder(dir, entry.file))})`;
  const time = isSmallTable(name.kind) ? SMALL_TABLES[name.kind].time : 'time_received';
  const millis = (await duck.run(millisSql({ inputs: [inFolder(dir, entry.file)] }))).map(
    ([column]) => `"${String(column)}"`,
  );
  const replace =
    millis.length === 0
      ? ''
      : ` REPLACE (${millis.map((column) => `${column}::TIMESTAMP_MS AS ${column}`).join(', ')})`;
  const keep = `"${time}" IS NULL OR epoch_us("${time}") < ${from} OR epoch_us("${time}") >= ${to}`;
  await duck.run(
    `COPY (SELECT *${replace} FROM ${source} WHERE ${keep}) TO ${sqlText(temporary)} ${copyOptions(MERGED)}`,
  );
  const inspection = await duck.inspect(temporary, name.kind);
  if (inspection.rows === 0) {
    await rm(temporary, { force: true });
    return { entry, temporary, made: undefined };
  }
  const made = {
    ...entry,
    ...inspection,
    file: segmentPath(revised, inspection.minReceived),
    tier: entry.tier === 'fresh' ? 'compact' : entry.tier,
    bytes: (await stat(temporary)).size,
    sha256: await checksumOf(temporary),
  } satisfies SegmentEntry;
  return { entry, temporary, made };
}
