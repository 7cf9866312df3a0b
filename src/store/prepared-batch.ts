import { type BatchMessage, FlowBatch, forEachRun, slotPresence } from '../flow/batch.ts';
import { SLOT_WIDTH, SLOTS, type SlotArray, slotOf } from '../flow/slots.ts';
import { LEFT_OUT_WHEN_ZERO } from './left-out.ts';

/** Time ranges of a segment, µs since the epoch; null where no row has the time. */
export interface TimeRange {
  readonly minReceived: number;
  readonly maxReceived: number;
  readonly minStart: number | null;
  readonly maxEnd: number | null;
}

/** A batch made ready to be written; writing it does not change it, so that it can be tried again. */
export interface PreparedBatch {
  readonly rows: number;
  /** By slot; that of `time_end` holds durations. */
  readonly arrays: readonly (SlotArray | undefined)[];
  /** By slot: all rows, or the rows of pairs (first, end). */
  readonly presence: ReadonlyMap<number, true | readonly number[]>;
  /** Slots of times that are all whole milliseconds. */
  readonly millis: ReadonlySet<number>;
  /** Slots that may be left out of the file: all their values are 0. */
  readonly zeros: ReadonlySet<number>;
  readonly batch: FlowBatch;
  readonly times: TimeRange;
}

const RECEIVED = slotOf('time_received');
const START = slotOf('time_start');
const END = slotOf('time_end');
/** Times from 2^53 µs on (the year 2255) are an exporter's mistake; they become the greatest time below, which every tool can show. */
const MAX_HIGH = 0x1fffff;
const WORD = 0x1_0000_0000;

/**
 * Makes a batch ready: times are limited, a record with an end but no start gets the end as its start, and ends become durations (which may
 * be negative, as exporters' clocks are). `nowMicros` stands in for the time of reception where no row has one.
 */
export function prepareBatch(message: BatchMessage, nowMicros: number): PreparedBatch {
  const batch = FlowBatch.fromMessage(message);
  const { rows, arrays } = batch;
  const presence: Map<number, true | readonly number[]> = slotPresence(batch);
  const received = limitTimes(arrays[RECEIVED], presence.get(RECEIVED), rows);
  limitTimes(arrays[END], presence.get(END), rows);
  if (presence.has(END)) startWhereEndAlone(batch, presence);
  const start = limitTimes(arrays[START], presence.get(START), rows);
  const millis = new Set<number>();
  if (received?.isMillis === true) millis.add(RECEIVED);
  if (start?.isMillis === true) millis.add(START);
  const end = endsToDurations(arrays, presence.get(END), rows);
  return {
    rows,
    arrays,
    presence,
    millis,
    zeros: new Set(LEFT_OUT_WHEN_ZERO.map(({ slot }) => slot).filter((slot) => isZero(arrays, presence, slot, rows))),
    batch,
    times: {
      minReceived: received?.min ?? nowMicros,
      maxReceived: received?.max ?? nowMicros,
      minStart: start?.min ?? null,
      maxEnd: start === undefined ? null : Math.max(end ?? start.max, start.max),
    },
  };
}

/** The range over several batches. */
export function mergeTimes(ranges: readonly TimeRange[]): TimeRange {
  const starts = ranges.flatMap(({ minStart }) => (minStart === null ? [] : [minStart]));
  const ends = ranges.flatMap(({ maxEnd }) => (maxEnd === null ? [] : [maxEnd]));
  return {
    minReceived: Math.min(...ranges.map(({ minReceived }) => minReceived)),
    maxReceived: Math.max(...ranges.map(({ maxReceived }) => maxReceived)),
    minStart: starts.length === 0 ? null : Math.min(...starts),
    maxEnd: ends.length === 0 ? null : Math.max(...ends),
  };
}

function rangesOf(presence: true | readonly number[], rows: number): readonly number[] {
  return presence === true ? [0, rows] : presence;
}

function isZero(
  arrays: readonly (SlotArray | undefined)[],
  presence: ReadonlyMap<number, true | readonly number[]>,
  slot: number,
  rows: number,
): boolean {
  const array = arrays[slot];
  const present = presence.get(slot);
  if (array === undefined || present === undefined) return true;
  const ranges = rangesOf(present, rows);
  const numbers = SLOT_WIDTH[SLOTS[slot]?.kind ?? 'u8'] === 8 ? 2 : 1;
  for (let i = 0; i < ranges.length; i += 2) {
    const end = numbers * (ranges[i + 1] as number);
    for (let at = numbers * (ranges[i] as number); at < end; at++) if (array[at] !== 0) return false;
  }
  return true;
}

function limitTimes(
  words: SlotArray | undefined,
  presence: true | readonly number[] | undefined,
  rows: number,
): { min: number; max: number; isMillis: boolean } | undefined {
  if (words === undefined || presence === undefined || rows === 0) return undefined;
  const ranges = rangesOf(presence, rows);
  let min = Number.POSITIVE_INFINITY;
  let max = 0;
  let isMillis = true;
  let lastLow = -1;
  let lastHigh = -1;
  for (let i = 0; i < ranges.length; i += 2) {
    const end = 2 * (ranges[i + 1] as number);
    for (let at = 2 * (ranges[i] as number); at < end; at += 2) {
      let high = words[at + 1] as number;
      // The rows of a datagram have arrived at the same time.
      if (high === lastHigh && words[at] === lastLow) continue;
      if (high > MAX_HIGH) {
        high = words[at + 1] = MAX_HIGH;
        words[at] = 0xffffffff;
      }
      lastHigh = high;
      lastLow = words[at] as number;
      const value = high * WORD + lastLow;
      if (value < min) min = value;
      if (value > max) max = value;
      // 2³² is 296 more than a multiple of 1,000. Integers are three times as fast here as a division of `value`.
      if (isMillis) isMillis = ((high % 1000) * 296 + (lastLow % 1000)) % 1000 === 0;
    }
  }
  return { min, max, isMillis };
}

/** Copies the end to the start in runs whose layout has only an end. */
function startWhereEndAlone(batch: FlowBatch, presence: Map<number, true | readonly number[]>): void {
  const ends = batch.arrays[END];
  if (ends === undefined) return;
  const ranges: number[] = [];
  let changed = false;
  forEachRun(batch, ({ slots }, first, end) => {
    const has = slots.includes(START);
    if (!has && !slots.includes(END)) return;
    if (!has) {
      batch.arrays[START] ??= new Uint32Array(ends.length);
      batch.arrays[START].set(ends.subarray(2 * first, 2 * end), 2 * first);
      changed = true;
    }
    if (ranges[ranges.length - 1] === first) ranges[ranges.length - 1] = end;
    else ranges.push(first, end);
  });
  if (changed) presence.set(START, ranges.length === 2 && ranges[0] === 0 && ranges[1] === batch.rows ? true : ranges);
}

/** Subtracts the starts from the ends, in 64 bits. Returns the greatest end. */
function endsToDurations(
  arrays: readonly (SlotArray | undefined)[],
  presence: true | readonly number[] | undefined,
  rows: number,
): number | undefined {
  const ends = arrays[END];
  const starts = arrays[START];
  if (ends === undefined || starts === undefined || presence === undefined || rows === 0) return undefined;
  const ranges = rangesOf(presence, rows);
  let max = 0;
  for (let i = 0; i < ranges.length; i += 2) {
    const stop = 2 * (ranges[i + 1] as number);
    for (let at = 2 * (ranges[i] as number); at < stop; at += 2) {
      const low = ends[at] as number;
      const high = ends[at + 1] as number;
      const value = high * WORD + low;
      if (value > max) max = value;
      const startLow = starts[at] as number;
      ends[at] = low - startLow;
      ends[at + 1] = high - (starts[at + 1] as number) - (low < startLow ? 1 : 0);
    }
  }
  return max;
}
