import type { NumberRange } from './tree.ts';

/** Sorted ranges as doubles; bounds beyond 2⁵³ are rounded, which numbers up to 2⁵³ do not notice. */
export interface DoubleRanges {
  readonly lows: Float64Array;
  readonly highs: Float64Array;
}

export function doubleRanges(ranges: readonly NumberRange[]): DoubleRanges {
  return {
    lows: Float64Array.from(ranges, ({ from }) => (from === undefined ? Number.NEGATIVE_INFINITY : Number(from))),
    highs: Float64Array.from(ranges, ({ to }) => (to === undefined ? Number.POSITIVE_INFINITY : Number(to))),
  };
}

/** Whether a number lies in one of the ranges. NaN lies in none. */
export function inDoubles({ lows, highs }: DoubleRanges, value: number): boolean {
  let low = 0;
  let high = highs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (value > (highs[middle] as number)) low = middle + 1;
    else high = middle;
  }
  return low < lows.length && value >= (lows[low] as number) && value <= (highs[low] as number);
}

/** The same for integers of any size. */
export function inRanges(ranges: readonly NumberRange[], value: bigint): boolean {
  return ranges.some(({ from, to }) => (from === undefined || value >= from) && (to === undefined || value <= to));
}

/** Sorted ranges of 64-bit integers as words: `from` and `to` each in a high and a low one. */
export interface WordRanges {
  readonly fromHigh: Uint32Array;
  readonly fromLow: Uint32Array;
  readonly toHigh: Uint32Array;
  readonly toLow: Uint32Array;
}

const GREATEST = (1n << 64n) - 1n;

export function wordRanges(ranges: readonly NumberRange[]): WordRanges {
  const froms = ranges.map(({ from }) => clamp(from ?? 0n));
  const tos = ranges.map(({ to }) => clamp(to ?? GREATEST));
  const high = (values: readonly bigint[]) => Uint32Array.from(values, (value) => Number(value >> 32n));
  const low = (values: readonly bigint[]) => Uint32Array.from(values, (value) => Number(value & 0xffff_ffffn));
  return { fromHigh: high(froms), fromLow: low(froms), toHigh: high(tos), toLow: low(tos) };
}

function clamp(value: bigint): bigint {
  return value < 0n ? 0n : value > GREATEST ? GREATEST : value;
}

/** Whether the integer of these words lies in one of the ranges. */
export function inWords(ranges: WordRanges, high: number, low: number): boolean {
  const { fromHigh, fromLow, toHigh, toLow } = ranges;
  let first = 0;
  let end = toHigh.length;
  while (first < end) {
    const middle = (first + end) >>> 1;
    const th = toHigh[middle] as number;
    if (high > th || (high === th && low > (toLow[middle] as number))) first = middle + 1;
    else end = middle;
  }
  if (first === toHigh.length) return false;
  const fh = fromHigh[first] as number;
  return high > fh || (high === fh && low >= (fromLow[first] as number));
}
