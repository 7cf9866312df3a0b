import { fromWallClock, type Zone } from '../util/zone.ts';

export type { Zone };

const PATTERN =
  /^(\d{4})([-/])(\d{2})\2(\d{2})(?:(?:[T.]| +)(\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)? ?(Z|UTC|[+-]\d{2}(?::?\d{2})?)?$/i;

/**
 * Reads a point in time: `2026-11-21`, `2026-11-21 09:30`, `2026-11-21T09:30:15.123456Z`, `… +01:00`, and nfdump's `2026/11/21.09:30:15`.
 * Digits beyond microseconds are cut. Returns µs since the epoch, or undefined when the text is no time or names a day or hour that
 * does not exist. Times that a change of the clock skips or repeats are read as JavaScript's Date does.
 */
export function parseTimeLiteral(text: string, zone: Zone = 'utc'): bigint | undefined {
  const match = PATTERN.exec(text.trim());
  if (match === null) return undefined;
  const [, y, , mo, d, h = '00', mi = '00', s = '00', fraction = '', offset] = match;
  const [year, month, day, hour, minute, second] = [y, mo, d, h, mi, s].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month < 1 || month > 12 || hour > 24 || minute > 59 || second > 59) return undefined;
  if (hour === 24 && (minute > 0 || second > 0 || Number(fraction) > 0)) return undefined;
  if (day < 1 || day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return undefined;
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  const millis = offset === undefined ? fromWallClock(zone, wall) : wall - offsetMillis(offset);
  // Years below 100 mean 19xx to Date.
  if (Number.isNaN(millis) || year < 100) return undefined;
  return BigInt(millis) * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, '0'));
}

function offsetMillis(offset: string): number {
  if (/^[zu]/i.test(offset)) return 0;
  const hours = Number(offset.slice(1, 3));
  const minutes = Number(offset.slice(3).replace(':', '') || '0');
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

/** ISO 8601 in UTC with six digits of a second: `2026-11-21T09:30:15.123456Z`. Any µs count of a signed 64-bit number. */
export function formatTimeLiteral(micros: bigint): string {
  let millis = micros / 1000n;
  let rest = micros % 1000n;
  if (rest < 0n) {
    rest += 1000n;
    millis -= 1n;
  }
  const date = new Date(Number(millis));
  // Beyond the years that Date knows (±271,821) no clock has been.
  if (Number.isNaN(date.getTime())) return `${micros}us`;
  return `${date.toISOString().slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}
