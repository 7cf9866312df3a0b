import { type Zone, zoneOffset } from '../util/zone.ts';

/** What a zone's clocks are ahead of UTC by, µs, for times before `until` (µs; undefined for the rest of time). */
export interface ZoneOffset {
  readonly until: bigint | undefined;
  readonly offset: bigint;
}

const HOUR = 3_600_000;
/** Clocks are put forward and back twice a year; a longer span of data is not looked through hour by hour. */
const MOST_DAYS = 20 * 366;

/**
 * The offsets of a zone over the time of some data, in order, by which times are put into buckets of `micros`: multiples of a bucket that divides the
 * zone's offsets need none.
 */
export function zoneOffsets(
  zone: Zone,
  { first, last }: { readonly first: number | null; readonly last: number | null },
  micros: bigint,
): ZoneOffset[] {
  const none = [{ until: undefined, offset: 0n }];
  if (zone === 'utc' || first === null || last === null) return none;
  const from = Math.floor(first / 1000 / HOUR) * HOUR;
  const to = Math.min(last / 1000, from + MOST_DAYS * 24 * HOUR);
  const found: ZoneOffset[] = [];
  let offset = offsetAt(zone, from);
  for (let day = from; day < to; day += 24 * HOUR) {
    const next = Math.min(day + 24 * HOUR, to);
    if (offsetAt(zone, next) === offset) continue;
    for (let hour = day; hour < next; hour += HOUR / 4) {
      if (offsetAt(zone, hour) === offset) continue;
      found.push({ until: BigInt(hour) * 1000n, offset });
      offset = offsetAt(zone, hour);
      break;
    }
  }
  found.push({ until: undefined, offset });
  return found.every((one) => one.offset % micros === 0n) ? none : found;
}

function offsetAt(zone: Zone, millis: number): bigint {
  return BigInt(zoneOffset(zone, millis)) * 1000n;
}
