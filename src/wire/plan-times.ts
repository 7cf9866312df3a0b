import { REVERSE_ENTERPRISE } from '../elements/reverse.ts';
import { type Placed, type Step, step, type TimeEncoding } from './plan-step.ts';

/** IANA elements that are times, with what they tell and how. Best first: an exact absolute time beats a coarse or relative one. */
const TIME_FIELDS: ReadonlyMap<number, readonly ['start' | 'end' | 'event' | 'init', TimeEncoding]> = new Map([
  [156, ['start', 'ntp']],
  [154, ['start', 'ntp']],
  [152, ['start', 'ms']],
  [150, ['start', 's']],
  [22, ['start', 'uptime']],
  [158, ['start', 'ago']],
  [157, ['end', 'ntp']],
  [155, ['end', 'ntp']],
  [153, ['end', 'ms']],
  [151, ['end', 's']],
  [21, ['end', 'uptime']],
  [159, ['end', 'ago']],
  [325, ['event', 'ntp']],
  [324, ['event', 'ntp']],
  [323, ['event', 'ms']],
  [322, ['event', 's']],
  [258, ['event', 'ms']],
  [160, ['init', 'ms']],
]);
const TIME_RANK: readonly number[] = [...TIME_FIELDS.keys()];

/** Durations in µs per unit: flowDurationMilliseconds, flowDurationMicroseconds. */
const DURATIONS: ReadonlyMap<number, number> = new Map([
  [161, 1000],
  [162, 1],
]);

/** Sampling parameters that a data record may carry: RFC 5477 section 8.2, and those of NetFlow v9. */
const RATE_FIELDS: ReadonlySet<number> = new Set([34, 50, 305, 306, 309, 310, 311]);

/** YAF's reverseFlowDeltaMilliseconds: from the first packet to the first of the other direction. */
const CERT = 6871;
const REVERSE_DELTA = 21;

/** The step of a field that is a time, a duration or a sampling parameter, of a length that it can have. */
export function specialStep(at: Placed): Step | undefined {
  const { enterprise, id, length } = at.field;
  if (length < 1 || length > 8) return undefined;
  if (enterprise === CERT && id === REVERSE_DELTA) return step(at, 'reverse_after', { number: 1000 });
  if (enterprise !== 0 && enterprise !== REVERSE_ENTERPRISE) return undefined;
  const time = TIME_FIELDS.get(id);
  if (time !== undefined) {
    const [op, encoding] = time;
    if (encoding === 'ntp' && length !== 8) return undefined;
    if (enterprise === 0) return step(at, op, { encoding, number: op === 'init' ? -1 : TIME_RANK.indexOf(id) });
    // RFC 5103: the other direction has its own start and end; of events and of the exporter's boot there is but one.
    if (op !== 'start' && op !== 'end') return undefined;
    return step(at, `reverse_${op}`, { encoding, number: TIME_RANK.indexOf(id) });
  }
  if (enterprise !== 0) return undefined;
  const micros = DURATIONS.get(id);
  if (micros !== undefined) return step(at, 'duration', { number: micros });
  if (RATE_FIELDS.has(id) && (id !== 311 || length === 4 || length === 8)) return step(at, 'rate', { number: id });
  return undefined;
}
