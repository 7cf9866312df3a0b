import { holdsFlows, isRollup, type RollupEntry, type SegmentEntry } from './catalogue.ts';
import { parseSegmentPath } from './paths.ts';
import type { RollupTier } from './rollup-cubes.ts';

/** First and last sequence number of what a file holds or counts. */
export interface Reach {
  readonly first: number;
  readonly last: number;
}

/** Roll-ups of a tier that can be relied on, and the segments of flows that they stand for. */
export interface Cover {
  readonly rollups: readonly RollupEntry[];
  /** Segments whose every row is counted by some of `rollups`, and by which. The flows of other rows that those count are gone. */
  readonly flows: ReadonlyMap<SegmentEntry, readonly RollupEntry[]>;
}

interface Reaching<Entry> extends Reach {
  readonly entry: Entry;
}

/**
 * Which segments of flows the roll-ups of a tier stand for. Both have sequence numbers in their names: a roll-up counts all flows of its numbers. Nothing is
 * believed that does not add up: a roll-up that reaches over the edge of a segment counts for nothing, and one that lies within a segment only when
 * those within it together count as many flows as it has.
 */
export function coverOf(entries: readonly SegmentEntry[], tier: RollupTier): Cover {
  const flows = reachOf(entries.filter(holdsFlows));
  const rollups = reachOf(entries.filter(isRollup).filter((entry) => entry.tier === tier));
  const relied: RollupEntry[] = [];
  const covered = new Map<SegmentEntry, readonly RollupEntry[]>();
  let at = 0;
  for (let i = 0; i < rollups.length; ) {
    // A cluster: roll-ups and segments that overlap each other, directly or by others.
    let end = (rollups[i] as Reach).last;
    const counted: Reaching<RollupEntry>[] = [];
    const segments: Reaching<SegmentEntry>[] = [];
    while (at < flows.length && (flows[at] as Reach).last < (rollups[i] as Reach).first) at++;
    for (let grew = true; grew; ) {
      grew = false;
      for (; i < rollups.length && (rollups[i] as Reach).first <= end; i++) {
        counted.push(rollups[i] as Reaching<RollupEntry>);
        end = Math.max(end, (rollups[i] as Reach).last);
        grew = true;
      }
      for (; at < flows.length && (flows[at] as Reach).first <= end; at++) {
        segments.push(flows[at] as Reaching<SegmentEntry>);
        end = Math.max(end, (flows[at] as Reach).last);
        grew = true;
      }
    }
    if (!addsUp(counted, segments)) continue;
    const believed = counted.map(({ entry }) => entry);
    relied.push(...believed);
    for (const { entry } of segments) covered.set(entry, believed);
  }
  return { rollups: relied, flows: covered };
}

/** Entries with their numbers, in the order of these. */
export function reachOf<Entry extends SegmentEntry>(entries: readonly Entry[]): Reaching<Entry>[] {
  const reaching: Reaching<Entry>[] = [];
  for (const entry of entries) {
    const name = parseSegmentPath(entry.file);
    if (name !== undefined) reaching.push({ first: name.first, last: name.last, entry });
  }
  return reaching.sort((a, b) => a.first - b.first || b.last - a.last);
}

/** Whether `outer` reaches at least as far as `inner` on both sides. */
export function encloses(outer: Reach, inner: Reach): boolean {
  return outer.first <= inner.first && outer.last >= inner.last;
}

function addsUp(rollups: readonly Reaching<RollupEntry>[], segments: readonly Reaching<SegmentEntry>[]): boolean {
  const counted = rollups.reduce((sum, { entry }) => sum + entry.rollup.flows, 0);
  const [rollup, ...others] = rollups;
  if (rollup === undefined) return false;
  if (others.length === 0 && segments.every((segment) => encloses(rollup, segment))) {
    // Fewer are there when retention has given some up.
    return segments.reduce((sum, { entry }) => sum + entry.rows, 0) <= counted;
  }
  const [segment] = segments;
  return (
    segments.length === 1 &&
    segment !== undefined &&
    rollups.every((one) => encloses(segment, one)) &&
    segment.entry.rows === counted
  );
}
