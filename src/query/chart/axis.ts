import { fromWallClock, type Zone, zoneOffset } from '../../util/zone.ts';
import { scaled } from '../output/humanize.ts';

/** Places on an axis with what stands there. */
export interface Tick {
  readonly at: number;
  readonly label: string;
}

/** A value below this is as good as 0: no rate of flows is that small. */
const LEAST_VALUE = 1e-12;

/** The upper end of an axis from 0 that holds `max`, and how far apart its marks are: steps of 1, 2 or 5 times a power of ten, at most `most` of them. */
export function valueAxis(max: number, most: number): { readonly top: number; readonly step: number } {
  // Below that a step would round to 0.
  if (!(max >= LEAST_VALUE) || !Number.isFinite(max)) return { top: 1, step: 1 };
  const rough = max / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((digit) => digit * power >= rough * 0.999_999) as number) * power;
  return { top: Math.max(1, Math.ceil((max / step) * 0.999_999)) * step, step };
}

/** A mark of a value axis: `1.5 M`. */
export function valueLabel(value: number): string {
  return scaled(Number(value.toPrecision(6)));
}

const SECOND = 1e6;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Distances of marks of time, µs. */
const TIME_STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
  ...[1, 2, 7, 14, 30, 90, 365].map((count) => count * DAY),
];

/**
 * Marks of the times (µs) from `from` to before `to`, at most `most` of them: at full hours, midnights and the like of the zone, with what is needed to tell them apart.
 */
export function timeTicks(from: number, to: number, most: number, zone: Zone): Tick[] {
  const step = TIME_STEPS.find((one) => (to - from) / one <= Math.max(1, most)) ?? Math.ceil((to - from) / DAY) * DAY;
  const clock = (micros: number) => micros + zoneOffset(zone, Math.floor(micros / 1000)) * 1000;
  const ticks: Tick[] = [];
  // Steps are those of the zone's clocks, so that midnight stays midnight when they change.
  for (let wall = Math.ceil(clock(from) / step) * step; ; wall += step) {
    const at = fromWallClock(zone, wall / 1000) * 1000;
    if (!(at < to)) return ticks;
    if (at >= from && at > (ticks.at(-1)?.at ?? Number.NEGATIVE_INFINITY))
      ticks.push({ at, label: timeLabel(wall, step) });
  }
}

/** A clock's time, written as if it were UTC; as exact as `step` needs. Midnight is its date. */
function timeLabel(wall: number, step: number): string {
  const date = new Date(wall / 1000);
  if (Number.isNaN(date.getTime())) return '';
  const text = date.toISOString();
  if (step >= DAY || wall % DAY === 0) return step >= 30 * DAY ? text.slice(0, 10) : text.slice(5, 10);
  return step >= MINUTE ? text.slice(11, 16) : text.slice(11, 19);
}
