import { RENEWAL_MICROS } from '../session/name-row.ts';
import { holdsFlows, isRollup, type SegmentEntry } from './catalogue.ts';
import { ROLLUP_TIERS, type RollupTier } from './rollup-cubes.ts';

/** How long and how much is kept; without a bound, everything. */
export interface Bounds {
  readonly maxAgeMs?: number | undefined;
  readonly maxBytes?: number | undefined;
}

/** Bounds of all files together, which flows give way to, and those of each tier of roll-ups. */
export interface Retention extends Bounds {
  readonly minute?: Bounds | undefined;
  readonly hour?: Bounds | undefined;
}

/** What roll-ups may have unless told otherwise: so many times the age of flows, and this part of all bytes. */
const USUAL: Readonly<Record<RollupTier, { readonly ages: number; readonly share: number }>> = {
  minute: { ages: 4, share: 0.1 },
  hour: { ages: 24, share: 0.05 },
};

/** The bounds of a tier of roll-ups. */
function rollupBounds({ maxAgeMs, maxBytes, ...tiers }: Retention, tier: RollupTier): Bounds {
  const { ages, share } = USUAL[tier];
  return {
    maxAgeMs: tiers[tier]?.maxAgeMs ?? (maxAgeMs === undefined ? undefined : maxAgeMs * ages),
    maxBytes: tiers[tier]?.maxBytes ?? (maxBytes === undefined ? undefined : Math.floor(maxBytes * share)),
  };
}

/**
 * The segments to give up, oldest first: those whose last row was received longer than `maxAgeMs` ago, then as many as it takes to come
 * under `maxBytes`. Whole files only; those in `busy` (being merged) are looked at again next time. Roll-ups have bounds of their own and outlive
 * their flows; their bytes are among those of all. Names go by the flows: they stay while there is a flow that they may be the names of, whatever their
 * own age and size.
 */
export function expiredSegments(
  entries: readonly SegmentEntry[],
  retention: Retention,
  nowMs: number,
  busy: ReadonlySet<string>,
): SegmentEntry[] {
  const expired = ROLLUP_TIERS.flatMap((tier) => {
    const own = entries.filter((entry) => entry.tier === tier);
    return oldestBeyond(own, own, rollupBounds(retention, tier), nowMs, busy);
  });
  const rest = entries.filter((entry) => !expired.includes(entry));
  const movable = rest.filter((entry) => entry.tier !== 'names' && !isRollup(entry));
  expired.push(...oldestBeyond(movable, rest, retention, nowMs, busy));
  const { maxAgeMs, maxBytes } = retention;
  if (maxAgeMs !== undefined || maxBytes !== undefined) expired.push(...needlessNames(entries, expired, nowMs, busy));
  return expired;
}

/** The oldest of `movable` that are too old, or of which `all` have too many bytes. */
function oldestBeyond(
  movable: readonly SegmentEntry[],
  all: readonly SegmentEntry[],
  { maxAgeMs, maxBytes }: Bounds,
  nowMs: number,
  busy: ReadonlySet<string>,
): SegmentEntry[] {
  const before = maxAgeMs === undefined ? Number.NEGATIVE_INFINITY : (nowMs - maxAgeMs) * 1000;
  let excess = maxBytes === undefined ? 0 : all.reduce((sum, { bytes }) => sum + bytes, 0) - maxBytes;
  const expired: SegmentEntry[] = [];
  for (const entry of [...movable].sort((a, b) => a.maxReceived - b.maxReceived)) {
    if (busy.has(entry.file)) continue;
    if (entry.maxReceived >= before && excess <= 0) break;
    expired.push(entry);
    excess -= entry.bytes;
  }
  return expired;
}

/** Files of names that were written so long before the oldest flow that is left that every name in force then has been written again. */
function needlessNames(
  entries: readonly SegmentEntry[],
  expired: readonly SegmentEntry[],
  nowMs: number,
  busy: ReadonlySet<string>,
): SegmentEntry[] {
  const gone = new Set(expired);
  let oldest = nowMs * 1000;
  for (const entry of entries) if (holdsFlows(entry) && !gone.has(entry)) oldest = Math.min(oldest, entry.minReceived);
  const before = oldest - 2 * RENEWAL_MICROS;
  return entries.filter(({ tier, file, maxReceived }) => tier === 'names' && !busy.has(file) && maxReceived < before);
}
