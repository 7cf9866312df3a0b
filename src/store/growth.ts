import { holdsFlows, type SegmentEntry } from './catalogue.ts';
import type { Bounds } from './retention.ts';

const DAY = 86_400_000;
/** Whole days that a forecast is made from, at most. */
const RECENT = 7;

export interface DayOctets {
  /** Beginning of the day (UTC), ms since the epoch. */
  readonly day: number;
  readonly bytes: number;
  readonly flows: number;
}

/** Octets of all files and flows of each day (UTC) by the time of reception, oldest first; a file over several days counts in each for the part of its span. */
export function daysOf(entries: readonly SegmentEntry[]): DayOctets[] {
  const days = new Map<number, { bytes: number; flows: number }>();
  for (const entry of entries) {
    const { minReceived, maxReceived, bytes } = entry;
    const flows = holdsFlows(entry) ? entry.rows : 0;
    const [from, to] = [minReceived / 1000, maxReceived / 1000];
    for (let day = Math.floor(from / DAY) * DAY; day <= to; day += DAY) {
      const part = to === from ? 1 : (Math.min(to, day + DAY) - Math.max(from, day)) / (to - from);
      const before = days.get(day);
      days.set(day, { bytes: (before?.bytes ?? 0) + bytes * part, flows: (before?.flows ?? 0) + flows * part });
    }
  }
  return [...days]
    .sort(([a], [b]) => a - b)
    .map(([day, { bytes, flows }]) => ({ day, bytes: Math.round(bytes), flows: Math.round(flows) }));
}

/** What is to be expected if days go on as the last ones were. */
export interface Forecast {
  /** Octets of a day, and how many days that is the mean of (0: extrapolated from less than a day). */
  readonly perDay: number;
  readonly days: number;
  /** Days until the disk is full, if nothing is ever given up; undefined where retention prevents that. */
  readonly fullInDays: number | undefined;
  /** Days that flows will be kept for once retention is at work; undefined without any. */
  readonly keptDays: number | undefined;
  /** What bounds that. */
  readonly bound: 'age' | 'size' | 'disk';
}

/** Forecast from the last whole days, or, where there is none yet, from the span there is. `free` are octets; undefined when there is nothing to go by. */
export function forecast(
  entries: readonly SegmentEntry[],
  { maxAgeMs, maxBytes }: Bounds,
  { free, now }: { readonly free: number; readonly now: number },
): Forecast | undefined {
  const today = Math.floor(now / DAY) * DAY;
  const [first, last] = entries.reduce(
    ([min, max], { minReceived, maxReceived }) => [Math.min(min, minReceived), Math.max(max, maxReceived)],
    [Number.POSITIVE_INFINITY, 0],
  );
  const whole = daysOf(entries).filter(({ day }) => day < today && day >= first / 1000 && day >= today - RECENT * DAY);
  const total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  const perDay =
    whole.length > 0
      ? whole.reduce((sum, { bytes }) => sum + bytes, 0) / whole.length
      : (total / ((last - first) / 1000)) * DAY;
  if (!Number.isFinite(perDay) || perDay <= 0) return undefined;
  const bounds = [
    { bound: 'age' as const, days: maxAgeMs === undefined ? Number.POSITIVE_INFINITY : maxAgeMs / DAY },
    { bound: 'size' as const, days: maxBytes === undefined ? Number.POSITIVE_INFINITY : maxBytes / perDay },
    { bound: 'disk' as const, days: (total + free) / perDay },
  ].sort((a, b) => a.days - b.days);
  const [tightest] = bounds;
  const isDisk = tightest?.bound === 'disk';
  return {
    perDay: Math.round(perDay),
    days: whole.length,
    fullInDays: isDisk ? free / perDay : undefined,
    keptDays: isDisk ? undefined : tightest?.days,
    bound: tightest?.bound ?? 'disk',
  };
}
