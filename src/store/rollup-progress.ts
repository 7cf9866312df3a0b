import { holdsFlows, type SegmentEntry } from './catalogue.ts';
import { coverOf, reachOf } from './rollup-cover.ts';
import type { RollupTier } from './rollup-cubes.ts';
import { hasEnded, windowOf } from './slot.ts';

/** From when on flows that wait to be counted go before other work, and are told of, ms after the end of their slot: usually they wait a few seconds. */
export const OVERDUE_MS = 15 * 60_000;

/** How far the roll-ups of a tier have got. */
export interface RollupProgress {
  /** Every flow that was received before is counted, µs; undefined where there are no roll-ups. */
  readonly countedUntil: number | undefined;
  /** Flows of ended slots that are not counted. */
  readonly waiting: number;
  /** How long ago the slot of the oldest of these ended, ms; 0 where none waits. */
  readonly behindMs: number;
}

/**
 * Reads how far a tier has got from the list of segments. Flows with lower numbers than the first roll-up's do not wait: theirs have been given up by
 * retention before them.
 */
export function rollupProgress(
  entries: readonly SegmentEntry[],
  tier: RollupTier,
  { rotateSeconds, nowMs }: { readonly rotateSeconds: number; readonly nowMs: number },
): RollupProgress {
  const { flows, rollups } = coverOf(entries, tier);
  const first = reachOf(rollups)[0]?.first ?? 0;
  let countedUntil = rollups.reduce((last, { maxReceived }) => Math.max(last, maxReceived), 0);
  let waiting = 0;
  let behindMs = 0;
  for (const { entry, last } of reachOf(entries.filter(holdsFlows))) {
    if (flows.has(entry) || last < first) continue;
    countedUntil = Math.min(countedUntil, entry.minReceived);
    const slot = windowOf(entry, rotateSeconds);
    if (!hasEnded(slot, rotateSeconds, nowMs / 1000)) continue;
    waiting += entry.rows;
    behindMs = Math.max(behindMs, nowMs - (slot + 1) * rotateSeconds * 1000);
  }
  return { countedUntil: rollups.length === 0 ? undefined : countedUntil, waiting, behindMs };
}
