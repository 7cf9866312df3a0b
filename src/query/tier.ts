import { isRollup, type RollupEntry, type SegmentEntry, timesOf } from '../store/catalogue.ts';
import { type Cover, coverOf, encloses, type Reach, reachOf } from '../store/rollup-cover.ts';
import { BUCKET_MICROS, cubeColumns, type RollupTier, TIER_CUBES } from '../store/rollup-cubes.ts';
import type { QuerySpec } from './spec.ts';
import { type TierNeeds, tierNeeds } from './tier-needs.ts';
import type { TimeSpan } from './time.ts';
import { zoneOffsets } from './zone-offsets.ts';

/** Rows of roll-ups that an answer sums up. */
export interface RolledPart {
  readonly tier: RollupTier;
  readonly cube: number;
  readonly entries: readonly RollupEntry[];
  /** Which buckets: those of `inside` that are not of `outside`. */
  readonly inside: TimeSpan;
  readonly outside: TimeSpan | undefined;
}

/** Segments of which the flows themselves are read. */
export interface RawPart {
  readonly segments: readonly SegmentEntry[];
  /** Flows that begin in it are counted by roll-ups already; undefined where all are to be read. */
  readonly outside: TimeSpan | undefined;
}

/** How a question is answered from roll-ups and flows: each flow of the span is in exactly one part. */
export interface TierChoice {
  readonly rolled: readonly RolledPart[];
  readonly raw: readonly RawPart[];
  /** Segments that need not be read, for roll-ups of the tier count all of their rows that belong to the span. */
  readonly spared: Readonly<Record<RollupTier, number>>;
  /** Time of flows that are gone and of which the roll-ups do not tell whether they belong to the span, µs. */
  readonly unknown: Lost | undefined;
}

/** Time of flows that are gone, µs. */
export interface Lost {
  readonly first: number;
  readonly last: number;
}

const ALL: TimeSpan = { from: undefined, to: undefined };

/**
 * Decides which segments roll-ups can stand for, exactly. `segments` are those of a whole store, `selected` those with flows of the span. Without a
 * choice it says why flows alone answer the question.
 */
export function chooseTiers(
  spec: QuerySpec,
  segments: readonly SegmentEntry[],
  selected: readonly SegmentEntry[],
): TierChoice | { readonly why: string } {
  if (!segments.some(isRollup)) return { why: 'there are no roll-ups' };
  const needs = tierNeeds(spec);
  if ('why' in needs) return needs;
  if (spec.splitBiflows === true) return { why: 'roll-ups do not keep the directions of biflows apart' };
  const hour = tierOf('hour', spec, needs, segments);
  const minute = tierOf('minute', spec, needs, segments);
  if (hour === undefined && minute === undefined)
    return { why: 'no roll-up has buckets as short as those asked for, or all columns' };
  return combine(hour, minute, selected, spec.span);
}

/** Why roll-ups are not used. */
export function whyNot(choice: TierChoice | { readonly why: string } | undefined): string {
  return choice !== undefined && 'why' in choice ? choice.why : 'flows are asked for, not sums';
}

interface Usable {
  readonly tier: RollupTier;
  readonly cube: number;
  readonly cover: Cover;
  /** The part of the span that is made of whole buckets. */
  readonly inner: TimeSpan;
}

function tierOf(
  tier: RollupTier,
  spec: QuerySpec,
  { columns, buckets }: TierNeeds,
  segments: readonly SegmentEntry[],
): Usable | undefined {
  const width = BigInt(BUCKET_MICROS[tier]);
  const times = timesOf(segments);
  const fits = buckets.every(
    (micros) =>
      micros % width === 0n && zoneOffsets(spec.zone, times, micros).every(({ offset }) => offset % width === 0n),
  );
  const cube = TIER_CUBES[tier].find((one) => [...columns].every((name) => cubeColumns(one).includes(name)));
  const inner = wholeBuckets(spec.span, width);
  if (!fits || cube === undefined || inner === undefined) return undefined;
  const known = segments.filter((entry) => !isRollup(entry) || entry.rollup.cubes.includes(cube));
  return { tier, cube, cover: coverOf(known, tier), inner };
}

function wholeBuckets({ from, to }: TimeSpan, width: bigint): TimeSpan | undefined {
  const up = (time: bigint) => down(time + width - 1n);
  const down = (time: bigint) => time - (((time % width) + width) % width);
  const inner = { from: from === undefined ? undefined : up(from), to: to === undefined ? undefined : down(to) };
  if (inner.from !== undefined && inner.to !== undefined && inner.from >= inner.to) return undefined;
  return inner;
}

function combine(
  hour: Usable | undefined,
  minute: Usable | undefined,
  selected: readonly SegmentEntry[],
  span: TimeSpan,
): TierChoice {
  const [hours, minutes, edges] = share(hour?.cover.rollups ?? [], minute?.cover.rollups ?? []);
  const rolled: RolledPart[] = [];
  const add = (usable: Usable | undefined, entries: Iterable<RollupEntry>, outside?: TimeSpan) => {
    if (usable === undefined) return;
    const { tier, cube, inner } = usable;
    const used = [...entries].filter(
      (entry) => overlaps(entry, inner) && (outside === undefined || reachesOut(entry, outside)),
    );
    if (used.length > 0) rolled.push({ tier, cube, entries: used, inside: inner, outside });
  };
  add(hour, hours);
  add(minute, minutes);
  add(minute, edges, hour?.inner ?? ALL);

  const raw = new Map<TimeSpan | undefined, SegmentEntry[]>();
  const spared = { hour: 0, minute: 0 };
  for (const segment of selected) {
    const by = (usable: Usable | undefined, used: ReadonlySet<RollupEntry>) =>
      usable?.cover.flows.get(segment)?.every((rollup) => used.has(rollup)) === true;
    const byMinute = by(minute, minutes) || by(minute, edges);
    const byHour = by(hour, hours);
    const counted = byMinute ? minute?.inner : byHour ? hour?.inner : undefined;
    if (counted !== undefined && !reachesOut(segment, counted)) spared[byHour ? 'hour' : 'minute']++;
    else raw.set(counted, [...(raw.get(counted) ?? []), segment]);
  }
  const finest = (entry: RollupEntry) => (entry.tier === 'minute' ? minute : hour)?.inner ?? ALL;
  const lost = [...hours, ...minutes].filter((entry) => {
    const kept = edges.size > 0 && entry.tier === 'hour' && minute !== undefined ? minute.inner : finest(entry);
    const cover = (entry.tier === 'hour' ? hour : minute)?.cover;
    return cover !== undefined && countsLost(entry, cover) && overlaps(entry, span) && reachesOut(entry, kept);
  });
  return {
    rolled,
    raw: [...raw].map(([outside, segments]) => ({ segments, outside })),
    spared,
    unknown: timeOf(lost),
  };
}

type Rollups = ReadonlySet<RollupEntry>;

/**
 * Which roll-ups of each tier are summed up, so that none counts what another one does: hours; minutes of flows that no hour counts; minutes of
 * flows that hours count too, for the ends of the span. They are compared cluster by cluster of those that overlap.
 */
function share(
  hour: readonly RollupEntry[],
  minute: readonly RollupEntry[],
): [hours: Rollups, minutes: Rollups, edges: Rollups] {
  const [hours, minutes, edges] = [new Set<RollupEntry>(), new Set<RollupEntry>(), new Set<RollupEntry>()];
  const all = reachOf([...hour, ...minute]);
  for (let i = 0; i < all.length; ) {
    const cluster: typeof all = [];
    for (let end = (all[i] as Reach).last; i < all.length && (all[i] as Reach).first <= end; i++) {
      cluster.push(all[i] as (typeof all)[number]);
      end = Math.max(end, (all[i] as Reach).last);
    }
    const own = (tier: RollupTier) => cluster.filter(({ entry }) => entry.tier === tier);
    const count = (tier: RollupTier) => own(tier).reduce((sum, { entry }) => sum + entry.rollup.flows, 0);
    if (count('minute') > count('hour')) {
      for (const { entry } of own('minute')) minutes.add(entry);
      continue;
    }
    const isWhole = count('minute') === count('hour');
    for (const { entry } of own('hour')) hours.add(entry);
    for (const one of own('minute'))
      if (isWhole || own('hour').some((each) => encloses(each, one))) edges.add(one.entry);
  }
  return [hours, minutes, edges];
}

/** The time of flows of a span that roll-ups count and that are gone. */
export function lostFlows(segments: readonly SegmentEntry[], span: TimeSpan): Lost | undefined {
  const lost = (['minute', 'hour'] as const).flatMap((tier) => {
    const cover = coverOf(segments, tier);
    return cover.rollups.filter((entry) => overlaps(entry, span) && countsLost(entry, cover));
  });
  return timeOf(lost);
}

function timeOf(entries: readonly RollupEntry[]): Lost | undefined {
  const { first, last } = timesOf(entries);
  return first === null || last === null ? undefined : { first, last };
}

/** Whether a roll-up counts flows that are not there any more. */
function countsLost(entry: RollupEntry, cover: Cover): boolean {
  let rows = 0;
  for (const [segment, rollups] of cover.flows) {
    if (!rollups.includes(entry)) continue;
    if (rollups.length > 1) return false;
    rows += segment.rows;
  }
  return rows < entry.rollup.flows;
}

/** Whether some flow of a file can begin or last within a span; one without times may. */
function overlaps({ minStart, maxEnd }: SegmentEntry, { from, to }: TimeSpan): boolean {
  return (
    (to === undefined || minStart === null || BigInt(minStart) < to) &&
    (from === undefined || maxEnd === null || BigInt(maxEnd) >= from)
  );
}

/** Whether some flow of a file can begin before or after a span. */
function reachesOut({ minStart, maxEnd }: SegmentEntry, { from, to }: TimeSpan): boolean {
  if (minStart === null || maxEnd === null) return from !== undefined || to !== undefined;
  return (from !== undefined && BigInt(minStart) < from) || (to !== undefined && BigInt(maxEnd) >= to);
}
