import type { SegmentEntry } from './catalogue.ts';

/** How long and how much is kept; without a bound, everything. */
export interface Retention {
  readonly maxAgeMs?: number | undefined;
  readonly maxBytes?: number | undefined;
}

/**
 * The segments to give up, oldest first: those whose last row was received longer than `maxAgeMs` ago, then as many as it takes to come
 * under `maxBytes`. Whole files only; those in `busy` (being merged) are looked at again next time.
 */
export function expiredSegments(
  entries: readonly SegmentEntry[],
  { maxAgeMs, maxBytes }: Retention,
  nowMs: number,
  busy: ReadonlySet<string>,
): string[] {
  const oldestFirst = [...entries].sort((a, b) => a.maxReceived - b.maxReceived);
  const before = maxAgeMs === undefined ? Number.NEGATIVE_INFINITY : (nowMs - maxAgeMs) * 1000;
  let excess = maxBytes === undefined ? 0 : entries.reduce((sum, { bytes }) => sum + bytes, 0) - maxBytes;
  const expired: string[] = [];
  for (const { file, maxReceived, bytes } of oldestFirst) {
    if (busy.has(file)) continue;
    if (maxReceived >= before && excess <= 0) break;
    expired.push(file);
    excess -= bytes;
  }
  return expired;
}
