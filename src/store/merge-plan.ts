import type { SegmentEntry } from './catalogue.ts';
import { FOLDERS, type Kind, parseSegmentPath, type SegmentName } from './paths.ts';
import { ROLLUP_TIERS, type RollupTier } from './rollup-cubes.ts';
import { mustStayApart, nextRollup, type RollupJob } from './rollup-plan.ts';
import { OVERDUE_MS } from './rollup-progress.ts';
import { hasEnded, isOfEndedSlot, windowOf } from './slot.ts';

export interface MergeRules {
  /** Length of a time slot, s. */
  readonly rotateSeconds: number;
  /** Rows of a merged file, at most (unless one segment alone has more): what bounds the merger's memory. */
  readonly unitRows: number;
  /** So many small segments of the slot that is being written are merged before its end. */
  readonly crowd: number;
  /** Segments that could not be merged: they stay as they are, and nothing is merged across them. */
  readonly skip?: ReadonlySet<string>;
  /** The tiers that flows are counted for; all when not given. */
  readonly rollups?: readonly RollupTier[];
  /** Flows received until then, µs, are not to be counted. */
  readonly rolledUntil?: Readonly<Record<RollupTier, number>>;
}

/** Adjacent segments that become one file. */
export interface MergeJob {
  readonly kind: Kind;
  readonly inputs: readonly SegmentEntry[];
  /** The name of the result. */
  readonly name: SegmentName;
}

const HOUR = 3600;
const DAY = 24 * HOUR;

interface Item {
  readonly entry: SegmentEntry;
  readonly name: SegmentName;
}

/**
 * What is to be done next: slots that have ended are merged, then counted, and then small files become larger ones. Where merging never comes to an end,
 * merged flows that have waited for long are counted before; only merging makes them, so neither keeps the other from its turn.
 */
export function nextJob(
  entries: readonly SegmentEntry[],
  rules: MergeRules,
  nowSeconds: number,
): MergeJob | RollupJob | undefined {
  const { rotateSeconds, rollups = ROLLUP_TIERS, rolledUntil } = rules;
  const countAt = (seconds: number) =>
    nextRollup(
      entries,
      (entry, tier) =>
        rollups.includes(tier) &&
        isOfEndedSlot(entry, rotateSeconds, seconds) &&
        entry.maxReceived > (rolledUntil?.[tier] ?? 0),
      rules.skip,
    );
  return (
    countAt(nowSeconds - OVERDUE_MS / 1000) ??
    nextMerge(entries, rules, nowSeconds, [rotateSeconds]) ??
    countAt(nowSeconds) ??
    nextMerge(entries, rules, nowSeconds)
  );
}

/**
 * The next merge that is due, or undefined. Segments that follow each other are merged up to `unitRows`: within a slot when small ones
 * are a crowd, and all once it has ended; then, where they are small, those of an hour and of a day, so that a quiet site has a file a
 * day and not hundreds. A row is rewritten four times at most. The older the segments, the earlier their turn.
 */
export function nextMerge(
  entries: readonly SegmentEntry[],
  rules: MergeRules,
  nowSeconds: number,
  windows: readonly number[] = [rules.rotateSeconds, HOUR, DAY],
): MergeJob | undefined {
  const items = entries
    .map((entry) => ({ entry, name: parseSegmentPath(entry.file) }))
    .filter((item): item is Item => item.name !== undefined)
    .sort((a, b) => a.name.first - b.name.first);
  for (const kind of Object.keys(FOLDERS) as Kind[]) {
    const own = items.filter(({ name }) => name.kind === kind);
    const apart = mustStayApart(kind, entries);
    const isFresh = own.some(({ name }) => !name.merged);
    for (const seconds of windows) {
      // A small table gets a few rows a minute: those of an hour are soon enough.
      if (seconds < rules.rotateSeconds || (kind !== 'flows' && seconds < HOUR)) continue;
      if (seconds === rules.rotateSeconds && !isFresh) continue;
      const inputs = firstGroup(own, seconds, { ...rules, apart }, nowSeconds);
      if (inputs !== undefined) return createJob(kind, inputs);
    }
  }
  return undefined;
}

/** Segments that wait to be merged: fresh ones of slots that have ended. */
export function backlog(
  entries: readonly SegmentEntry[],
  rotateSeconds: number,
  nowSeconds: number,
): { files: number; rows: number } {
  let files = 0;
  let rows = 0;
  for (const entry of entries) {
    if (entry.tier !== 'fresh' || !hasEnded(windowOf(entry, rotateSeconds), rotateSeconds, nowSeconds)) continue;
    files++;
    rows += entry.rows;
  }
  return { files, rows };
}

/** The first run of adjacent segments of one window that is to be merged. */
function firstGroup(
  items: readonly Item[],
  seconds: number,
  rules: MergeRules & { readonly apart: (a: SegmentName, b: SegmentName) => boolean },
  nowSeconds: number,
): Item[] | undefined {
  let group: Item[] = [];
  let rows = 0;
  let window = Number.NaN;
  const isDue = (): boolean => {
    const fresh = group.filter(({ name }) => !name.merged).length;
    if (seconds > rules.rotateSeconds) return group.length > 1 && hasEnded(window, seconds, nowSeconds);
    if (fresh === 0) return group.length > 1 && hasEnded(window, seconds, nowSeconds);
    return fresh >= rules.crowd || hasEnded(window, seconds, nowSeconds);
  };
  for (const item of items) {
    const { entry, name } = item;
    const own = windowOf(entry, seconds);
    // What is merged already and large stays as it is.
    const isDone = (name.merged && entry.rows > rules.unitRows / 2) || rules.skip?.has(entry.file) === true;
    const isFull = rows + entry.rows > rules.unitRows;
    const previous = group.at(-1);
    if (previous !== undefined && (own !== window || isDone || isFull || rules.apart(previous.name, name))) {
      if (isDue()) return group;
      group = [];
      rows = 0;
    }
    if (isDone) continue;
    window = own;
    group.push(item);
    rows += entry.rows;
  }
  return group.length > 0 && isDue() ? group : undefined;
}

function createJob(kind: Kind, items: readonly Item[]): MergeJob {
  return {
    kind,
    inputs: items.map(({ entry }) => entry),
    name: {
      kind,
      merged: true,
      first: Math.min(...items.map(({ name }) => name.first)),
      last: Math.max(...items.map(({ name }) => name.last)),
    },
  };
}
