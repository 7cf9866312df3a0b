import type { SegmentEntry } from './catalogue.ts';

/** Time for the last batch of a slot to arrive and be written, s. */
const SETTLE = 5;

/** The number of the window of `seconds` that a segment is of, since 1970. */
export function windowOf(entry: SegmentEntry, seconds: number): number {
  return Math.floor(entry.minReceived / 1_000_000 / seconds);
}

/** Whether nothing is to be expected any more in a window. */
export function hasEnded(window: number, seconds: number, nowSeconds: number): boolean {
  return (window + 1) * seconds + SETTLE <= nowSeconds;
}

/** Whether the slot of a segment has ended. */
export function isOfEndedSlot(entry: SegmentEntry, rotateSeconds: number, nowSeconds: number): boolean {
  return hasEnded(windowOf(entry, rotateSeconds), rotateSeconds, nowSeconds);
}
