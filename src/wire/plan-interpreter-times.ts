import { columnIndex } from '../flow/schema.ts';
import { FIRST_SLOT } from '../flow/slots.ts';
import { ntpMicros, u32, unsigned } from '../util/octets.ts';
import { type Columns, put, putWide, wide } from './cells.ts';
import type { Plan } from './plan.ts';
import type { Step } from './plan-step.ts';
import { AHEAD, EARLIEST, LATEST, type RecordContext, STALE } from './record-context.ts';

const slot = (name: string): number => FIRST_SLOT[columnIndex(name)] as number;
const START = slot('time_start');
const END = slot('time_end');
const TIME_SOURCE = slot('time_source');
const REVERSE_START = slot('reverse_time_start');
const REVERSE_END = slot('reverse_time_end');

/** The times of a record as its fields say them, by the steps' names; µs, 0 for none. */
export interface RecordTimes {
  start: number;
  end: number;
  event: number;
  duration: number;
  reverse_start: number;
  reverse_end: number;
  reverse_after: number;
}

/** What a step of times gives: µs, 0 for none. */
export function timeValue(
  step: Step,
  bytes: Uint8Array,
  at: number,
  length: number,
  uptime: number,
  context: RecordContext,
): number {
  switch (step.encoding) {
    case 's':
      return wide(bytes, at, length) * 1e6;
    case 'ms':
      return wide(bytes, at, length) * 1e3;
    case 'ntp':
      return ntpMicros(u32(bytes, at), u32(bytes, at + 4));
    case 'ago':
      return context.exportMillis * 1e3 - wide(bytes, at, length);
    case 'uptime': {
      const octets = Math.min(4, length);
      const stamp = unsigned(bytes, at + length - octets, octets);
      if (uptime < 0) return stamp * 1e3;
      // A flow may have begun at boot; when that is long ago, 0 says that the exporter does not know.
      if (stamp === 0 && !(step.op === 'start' && uptime > 0 && uptime <= AHEAD)) return 0;
      const age = (uptime - stamp) >>> 0;
      return (context.exportMillis - (age > 4_294_967_295 - AHEAD ? age - 4_294_967_296 : age)) * 1e3;
    }
    default:
      return wide(bytes, at, length) * step.number;
  }
}

/** Start, end and what they rest on into the columns; then those of a biflow's other direction. */
export function writeTimes(
  plan: Plan,
  columns: Columns,
  row: number,
  times: RecordTimes,
  context: RecordContext,
): void {
  let { start, end, duration } = times;
  let source = 0;
  if (plan.usesUptime && end > 0 && context.exportMillis * 1e3 - end > STALE) {
    context.relative++;
    if (duration === 0 && start > 0 && end > start) duration = end - start;
    start = 0;
    end = 0;
  }
  if (!isSane(start) || !isSane(end)) {
    context.repairTimes(start, end, times.event, duration);
    ({ start, end, timeSource: source } = context);
  }
  put(columns, TIME_SOURCE, row, source);
  putWide(columns, START, row, start);
  putWide(columns, END, row, end);
  const after = start + times.reverse_after < LATEST ? start + times.reverse_after : start;
  putWide(columns, REVERSE_START, row, isSane(times.reverse_start) ? times.reverse_start : after);
  putWide(columns, REVERSE_END, row, isSane(times.reverse_end) ? times.reverse_end : end);
}

function isSane(micros: number): boolean {
  return micros >= EARLIEST && micros < LATEST;
}

/** See plan-code-times.ts, rateSource. */
export function recordRate(rates: ReadonlyMap<number, number>): number {
  if (rates.size === 0) return 0;
  const value = (id: number): number => rates.get(id) ?? 0;
  let rate = value(34) || value(50);
  const count = value(305);
  if (rate === 0 && rates.has(305)) {
    if (!rates.has(306)) rate = count;
    else if (count > 0) rate = Math.round((count + value(306)) / count);
  }
  if (rate === 0 && rates.has(310) && value(309) > 0) rate = Math.round(value(310) / value(309));
  const probability = value(311);
  if (rate === 0 && probability > 0 && probability <= 1) rate = Math.round(1 / probability);
  return rate;
}
