import { RENEWAL_MICROS } from '../session/name-row.ts';
import { holdsFlows, type SegmentEntry } from './catalogue.ts';

/** How long and how much is kept; without a bound, everything. */
export interface Retention {
  readonly maxAgeMs?: number | undefined;
  readonly maxBytes?: number | undefined;
}

/**
 * The segments to give up, oldest first: those whose last row was received longer than `maxAgeMs` ago, then as many as it takes to come
 * under `maxBytes`. Whole files only; those in `busy` (being merged) are looked at again next time. Names go by the flows: they stay while there is
 * a flow that they may be the names of, whatever their own age and size.
 */
export function expiredSegments(
  entries: readonly SegmentEntry[],
  { maxAgeMs, maxBytes }: Retention,
  nowMs: number,
  busy: ReadonlySet<string>,
): string[] {
  const oldestFirst = entries.filter(({ tier }) => tier !== 'names').sort((a, b) => a.maxReceived - b.maxReceived);
  const before = maxAgeMs === undefined ? Number.NEGATIVE_INFINITY : (nowMs - maxAgeMs) * 1000;
  let excess = maxBytes === undefined ? 0 : entries.reduce((sum, { bytes }) => sum + bytes, 0) - maxBytes;
  const expired: string[] = [];
  for (const { file, maxReceived, bytes } of oldestFirst) {
    if (busy.has(file)) continue;
    if (maxReceived >= before && excess <= 0) break;
    expired.push(file);
    excess -= bytes;
  }
  if (maxAgeMs !== undefined || maxBytes !== undefined) expired.push(...needlessNames(entries, expired, nowMs, busy));
  return expired;
}

/** Files of names that were written so long before the oldest flow that is left that every name in force then has been written again. */
function needlessNames(
  entries: readonly SegmentEntry[],
  expired: readonly string[],
  nowMs: number,
  busy: ReadonlySet<string>,
): string[] {
  const gone = new Set(expired);
  let oldest = nowMs * 1000;
  for (const entry of entries)
    if (holdsFlows(entry) && !gone.has(entry.file)) oldest = Math.min(oldest, entry.minReceived);
  const before = oldest - 2 * RENEWAL_MICROS;
  return entries
    .filter(({ tier, file, maxReceived }) => tier === 'names' && !busy.has(file) && maxReceived < before)
    .map(({ file }) => file);
}
