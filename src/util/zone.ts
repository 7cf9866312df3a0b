import { WeirError } from './errors.ts';

/** How clocks are read: in UTC, in the zone of this process (TZ), or in a zone that was named. */
export type Zone = 'utc' | 'local' | NamedZone;

/** A zone of the IANA Time Zone Database. */
export interface NamedZone {
  readonly name: string;
  /** What its clocks are ahead of UTC by at a time, both in milliseconds. */
  readonly offsetAt: (millis: number) => number;
}

/** Offsets change at full quarters of an hour, so that one look-up serves a quarter. */
const QUARTER = 900_000;

/** Reads `utc`, `local` or the name of a zone, `Europe/Vienna`, in any case. Throws WEIR_TIME. */
export function parseZone(text: string): Zone {
  const word = text.trim().toLowerCase();
  if (word === 'utc' || word === 'local') return word;
  try {
    return namedZone(text.trim());
  } catch {
    throw new WeirError('WEIR_TIME', `there is no time zone '${text.slice(0, 60)}'`, {
      hint: 'Write utc, local, or a name of the IANA database such as Europe/Vienna or America/New_York.',
    });
  }
}

/** Throws RangeError for a name that is none. */
function namedZone(asked: string): NamedZone {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: asked, timeZoneName: 'longOffset' });
  let quarter = Number.NaN;
  let offset = 0;
  return {
    name: format.resolvedOptions().timeZone,
    offsetAt: (millis) => {
      const found = Math.floor(millis / QUARTER);
      if (found !== quarter) {
        quarter = found;
        offset = offsetOf(format, found * QUARTER);
      }
      return offset;
    },
  };
}

/** Reads `GMT`, `GMT+01:00` and, of before there was standard time, `GMT-00:01:15`. */
function offsetOf(format: Intl.DateTimeFormat, millis: number): number {
  const date = new Date(millis);
  if (Number.isNaN(date.getTime())) return 0;
  const text = format.formatToParts(date).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign, hours = '0', minutes = '0', seconds = '0'] =
    /^GMT([+-])(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?$/.exec(text) ?? [];
  const size = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
  return sign === undefined ? 0 : sign === '+' ? size : -size;
}

/** What a zone's clocks are ahead of UTC by at a time, both in milliseconds. */
export function zoneOffset(zone: Zone, millis: number): number {
  if (zone === 'utc') return 0;
  return zone === 'local' ? -new Date(millis).getTimezoneOffset() * 60_000 : zone.offsetAt(millis);
}

/**
 * The time (ms) at which a zone's clocks show `wall`, written as if it were UTC. A time that clocks skip is taken as if they had not been put forward
 * yet; of one that they show twice it is the first, as JavaScript's Date has it.
 */
export function fromWallClock(zone: Zone, wall: number): number {
  if (zone === 'utc' || Number.isNaN(wall)) return wall;
  const day = 86_400_000;
  const before = zoneOffset(zone, wall - day);
  const after = zoneOffset(zone, wall + day);
  for (const offset of [before, after]) {
    if (zoneOffset(zone, wall - offset) === offset) return wall - offset;
  }
  return wall - before;
}
