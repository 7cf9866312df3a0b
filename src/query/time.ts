import { parseTimeLiteral } from '../filter/time-literal.ts';
import { WeirError } from '../util/errors.ts';
import { fromWallClock, type Zone, zoneOffset } from '../util/zone.ts';

/** A span of time in µs since the epoch: `from` belongs to it, `to` does not; an end that is undefined is open. */
export interface TimeSpan {
  readonly from: bigint | undefined;
  readonly to: bigint | undefined;
}

export interface TimeContext {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** How times without a zone, and `today`, are meant. */
  readonly zone: Zone;
}

const UNITS: Readonly<Record<string, bigint>> = {
  us: 1n,
  ms: 1000n,
  s: 1_000_000n,
  sec: 1_000_000n,
  m: 60_000_000n,
  min: 60_000_000n,
  h: 3_600_000_000n,
  d: 86_400_000_000n,
  w: 604_800_000_000n,
};

const HINT =
  'Write -1h, -30m, -7d, now, today, yesterday, 2026-11-21, "2026-11-21 09:30", 2026-11-21T09:30:00Z or 2026-11-21T09:30:00+01:00.';

/** Times beyond these make no sense in a question, and DuckDB's timestamps end some way after. */
const EARLIEST = -62_135_596_800_000_000n;
const LATEST = 253_402_300_799_999_999n;

/**
 * Reads one end of a span: a point in time (`parseTimeLiteral`), `@1763717400` (seconds since the epoch), `now`, `today`, `yesterday`, or one of these
 * words, or nothing, followed by steps: `-1h`, `-1h30m`, `now-90s`, `today+9h`. Returns µs. Throws WEIR_TIME.
 */
export function parseTime(text: string, context: TimeContext): bigint {
  const time = parseRelative(text.trim(), context) ?? parseTimeLiteral(text, context.zone) ?? parseEpoch(text.trim());
  if (time === undefined) throw new WeirError('WEIR_TIME', `'${text.slice(0, 60)}' is not a time`, { hint: HINT });
  if (time < EARLIEST || time > LATEST) {
    throw new WeirError('WEIR_TIME', `'${text.slice(0, 60)}' lies outside the years 1 to 9999`, { hint: HINT });
  }
  return time;
}

/** Reads both ends. Throws WEIR_TIME, also when the span ends before it begins. */
export function parseSpan(from: string | undefined, to: string | undefined, context: TimeContext): TimeSpan {
  const span = {
    from: from === undefined ? undefined : parseTime(from, context),
    to: to === undefined ? undefined : parseTime(to, context),
  };
  if (span.from !== undefined && span.to !== undefined && span.from >= span.to) {
    throw new WeirError('WEIR_TIME', `the range from '${from ?? ''}' to '${to ?? ''}' is empty`, {
      hint: 'The earlier end comes first; the later one does not belong to the range.',
    });
  }
  return span;
}

/** Reads a length of time, `5m` or `1h30m`, as µs; undefined when it is none. */
export function parseStep(text: string): bigint | undefined {
  if (!/^(?:\d{1,9}(?:us|ms|sec|min|[smhdw]))+$/i.test(text)) return undefined;
  let length = 0n;
  for (const [, count = '0', unit = 's'] of text.matchAll(/(\d+)([a-z]+)/gi))
    length += BigInt(count) * (UNITS[unit.toLowerCase()] as bigint);
  return length;
}

function parseRelative(text: string, context: TimeContext): bigint | undefined {
  const match = /^(now|today|yesterday)?((?:[+-](?:\d{1,9}(?:us|ms|sec|min|[smhdw]))+)*)$/i.exec(text);
  if (match === null || text === '') return undefined;
  let time = anchor((match[1] ?? 'now').toLowerCase(), context);
  for (const [, sign, steps = ''] of (match[2] ?? '').matchAll(/([+-])([^+-]+)/g)) {
    const step = parseStep(steps) ?? 0n;
    time += sign === '-' ? -step : step;
  }
  return time;
}

/** `today` and `yesterday` are the midnights of that zone. */
function anchor(word: string, { now, zone }: TimeContext): bigint {
  if (word === 'now') return BigInt(Math.round(now * 1000));
  const back = word === 'yesterday' ? 1 : 0;
  const clock = new Date(now + zoneOffset(zone, now));
  const midnight = Date.UTC(clock.getUTCFullYear(), clock.getUTCMonth(), clock.getUTCDate() - back);
  return BigInt(fromWallClock(zone, midnight)) * 1000n;
}

function parseEpoch(text: string): bigint | undefined {
  const match = /^@(\d{1,12})(?:\.(\d{1,6}))?$/.exec(text);
  return match === null ? undefined : BigInt(match[1] as string) * 1_000_000n + BigInt((match[2] ?? '').padEnd(6, '0'));
}
