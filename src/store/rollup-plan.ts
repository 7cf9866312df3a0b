import { holdsFlows, isRollup, type SegmentEntry } from './catalogue.ts';
import { type Kind, parseSegmentPath, type SegmentName } from './paths.ts';
import { coverOf, encloses, type Reach, reachOf } from './rollup-cover.ts';
import { ROLLUP_TIERS, type RollupTier } from './rollup-cubes.ts';

/** A segment of flows that is to be counted for a tier. */
export interface RollupJob {
  readonly tier: RollupTier;
  readonly segment: SegmentEntry;
  /** The name of the result. */
  readonly name: SegmentName;
  /** Roll-ups that the result replaces. */
  readonly replaces: readonly SegmentEntry[];
}

/** How a job is called in the set of those that failed. */
export function rollupKey(tier: RollupTier, segment: SegmentEntry): string {
  return `${tier}:${segment.file}`;
}

/** The next roll-up that is missing, or undefined: of a merged segment for which `isDue`, the oldest first. `failed` ones are left out. */
export function nextRollup(
  entries: readonly SegmentEntry[],
  isDue: (segment: SegmentEntry, tier: RollupTier) => boolean,
  failed: ReadonlySet<string> = new Set(),
): RollupJob | undefined {
  for (const tier of ROLLUP_TIERS) {
    const { flows } = coverOf(entries, tier);
    const segments = reachOf(entries.filter((entry) => entry.tier === 'compact' && isDue(entry, tier)));
    const rollups = reachOf(entries.filter((entry) => entry.tier === tier));
    for (const segment of segments) {
      if (flows.has(segment.entry) || failed.has(rollupKey(tier, segment.entry))) continue;
      const { first, last } = segment;
      const touching = rollups.filter((rollup) => rollup.first <= last && rollup.last >= first);
      // One that reaches further counts other flows, too, which may be gone: it stays, and the segment is read itself.
      if (touching.some((rollup) => encloses(rollup, segment) || !encloses(segment, rollup))) continue;
      const name = { kind: tier, merged: true, first, last };
      return { tier, segment: segment.entry, name, replaces: touching.map(({ entry }) => entry) };
    }
  }
  return undefined;
}

/**
 * Whether files that follow each other must not become one, lest roll-ups and flows no longer fit together: the result must not reach over the edge of
 * a roll-up (or, of a roll-up, of a segment of flows), nor over one between them, which counts flows that are gone (or is not counted yet).
 */
export function mustStayApart(kind: Kind, entries: readonly SegmentEntry[]): (a: Reach, b: Reach) => boolean {
  if (kind !== 'flows' && kind !== 'minute' && kind !== 'hour') return () => false;
  const others: Reach[] = [];
  for (const entry of entries.filter(kind === 'flows' ? isRollup : holdsFlows)) {
    const name = parseSegmentPath(entry.file);
    if (name !== undefined) others.push(name);
  }
  return (a, b) => {
    const both = { first: a.first, last: b.last };
    const isApart = (other: Reach) => other.last < both.first || other.first > both.last;
    return others.some(
      (other) => !(isApart(other) || encloses(other, both) || encloses(a, other) || encloses(b, other)),
    );
  };
}
