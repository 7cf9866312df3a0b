import { fromWallClock, type Zone } from '../../util/zone.ts';
import type { TimeContext } from '../time.ts';

/** A point in time as a mail has it. */
export interface MailTime {
  /** µs since the epoch. */
  readonly at: bigint;
  /** As it stands in the mail. */
  readonly text: string;
  /** Whether it came with a zone. */
  readonly zoned: boolean;
}

/** Minutes that zones with a name are ahead of UTC: those of RFC 5322 section 4.3, and others that mean one thing only. */
// biome-ignore format: pairs
const ZONES: Readonly<Record<string, number>> = {
  Z: 0, UT: 0, UTC: 0, GMT: 0, EST: -300, EDT: -240, CST: -360, CDT: -300, MST: -420, MDT: -360, PST: -480, PDT: -420,
  WET: 0, WEST: 60, CET: 60, CEST: 120, MET: 60, MEST: 120, MEZ: 60, MESZ: 120, EET: 120, EEST: 180, MSK: 180, JST: 540, AEST: 600, AEDT: 660,
};
/** Names that mean several zones: a time in one of them is not understood. */
const AMBIGUOUS = /^\s*\(?(?:IST|BST|AST|ADT|SST|GST|AMT|ECT|CCT|WST)\b/;
const OFFSET = '[+-]\\d{1,2}(?::?\\d{2})?';
const ZONE = `(?:\\s*\\(?((?:${Object.keys(ZONES).join('|')})(?:\\s?${OFFSET})?|[+-]\\d{2}:?\\d{2})\\b\\)?)?`;
const CLOCK = '(?<h>\\d{1,2}):(?<mi>\\d{2})(?::(?<s>\\d{2})(?:[.,](?<f>\\d{1,9}))?)?';
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH = `(?<mon>${MONTHS.join('|')})[a-z]*\\.?`;

/** Forms of times, those that say most first. The last group of each is the zone. */
const FORMS: readonly RegExp[] = [
  // ISO 8601 and those like it.
  `(?<y>\\d{4})[-/.](?<m>\\d{2})[-/.](?<d>\\d{2})(?:T|[ ,_.]+)${CLOCK}${ZONE}`,
  // RFC 5322, and logs of web servers: 30 Jul 2009 11:14:40 +0000, 30/Jul/2009:11:14:40 +0000.
  `(?<d>\\d{1,2})[ /-]${MONTH}[ /-](?<y>\\d{4})[ ,:]+(?:at )?${CLOCK}${ZONE}`,
  // July 30, 2009 at 11:14:40 GMT.
  `${MONTH} (?<d>\\d{1,2}),? (?<y>\\d{4})[ ,]+(?:at )?${CLOCK}${ZONE}`,
  // ctime(3), with date(1)'s zone: Thu Jul 30 11:14:40 UTC 2009.
  `${MONTH} +(?<d>\\d{1,2}) ${CLOCK}${ZONE} (?<y>\\d{4})\\b`,
  // Syslog (RFC 3164) has no year.
  `${MONTH} +(?<d>\\d{1,2}) ${CLOCK}${ZONE}`,
].map((form) => new RegExp(`(?<![\\d\\w])${form}`, 'gi'));

/** Seconds or milliseconds since the epoch, of the years 2001 to 2033. */
const EPOCH =
  /(?:^|@|(?:time|date|stamp|epoch)\w*["']?\s*[:=>]\s*["']?)\s*\[?(?<s>1\d{9})(?:\.(?<f>\d{1,9})|(?<ms>\d{3}))?(?![\d.])/gi;

/** The times in a line of a mail. Those without a zone are of `context.zone`, unless `zoneOffset` (minutes ahead of UTC) is the mail's own. */
export function findTimes(
  line: string,
  context: TimeContext,
  zoneOffset: number | undefined,
): { times: MailTime[]; rest: string } {
  const times: MailTime[] = [];
  let rest = line;
  for (const form of FORMS) {
    rest = rest.replace(form, (text: string, ...groups: unknown[]) => {
      const named = groups.at(-1) as Readonly<Record<string, string | undefined>>;
      const zone = groups.find(
        (group, index) => index < groups.length - 3 && typeof group === 'string' && isZone(group),
      );
      const offset = typeof zone === 'string' ? parseZone(zone) : zoneOffset;
      const behind = (groups.at(-2) as string).slice((groups.at(-3) as number) + text.length);
      if (zone === undefined && AMBIGUOUS.test(behind)) return text;
      const at = instant(named, offset, context);
      if (at === undefined) return text;
      times.push({ at, text: text.trim(), zoned: offset !== undefined });
      return ' '.repeat(text.length);
    });
  }
  rest = rest.replace(EPOCH, (text: string, ...groups: unknown[]) => {
    const { s = '', f = '', ms = '' } = groups.at(-1) as Readonly<Record<string, string | undefined>>;
    times.push({
      at: BigInt(s) * 1_000_000n + BigInt((ms + f).slice(0, 6).padEnd(6, '0')),
      text: text.trim(),
      zoned: true,
    });
    return ' '.repeat(text.length);
  });
  return { times, rest };
}

/** What the mail says of all its times: `Time zone: UTC`, `all times are in GMT+2`. Minutes ahead of UTC, or undefined. */
export function mailZone(text: string): number | undefined {
  const named = `((?:${Object.keys(ZONES).join('|')})(?:\\s?${OFFSET})?|${OFFSET})(?![\\w:])`;
  const said = new RegExp(
    `time ?zone["']?\\s*[:=>(]*\\s*["']?${named}|\\btime(?:s|stamps?)?\\b[^\\n\\d]{0,40}\\b(?:in|are|is)\\s+${named}`,
    'i',
  ).exec(text);
  const zone = said?.[1] ?? said?.[2];
  return zone === undefined ? undefined : parseZone(zone);
}

function isZone(text: string): boolean {
  return new RegExp(`^(?:(?:${Object.keys(ZONES).join('|')})(?:\\s?${OFFSET})?|[+-]\\d{2}:?\\d{2})$`, 'i').test(
    text.trim(),
  );
}

/** Minutes that `UTC+2`, `CEST` or `-0500` is ahead of UTC. */
function parseZone(text: string): number {
  const [, name = '', sign, hours = '0', minutes = '0'] =
    /^([a-z]*)\s*(?:([+-])(\d{1,2}):?(\d{2})?)?$/i.exec(text.trim()) ?? [];
  const named = ZONES[name.toUpperCase()] ?? 0;
  return named + (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

function instant(
  { y, m, mon, d, h, mi, s = '0', f = '' }: Readonly<Record<string, string | undefined>>,
  offset: number | undefined,
  { now, zone }: TimeContext,
): bigint | undefined {
  const month = mon === undefined ? Number(m) - 1 : MONTHS.indexOf(mon.toLowerCase());
  const [day, hour, minute, second] = [d, h, mi, s].map(Number) as [number, number, number, number];
  if (month < 0 || month > 11 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return undefined;
  const inYear = (year: number): number => millisOf([year, month, day, hour, minute, second], offset, zone);
  // A time without a year is of the last year in which it lies before now, a day being granted for wrong clocks.
  const thisYear = new Date(now).getUTCFullYear();
  const year = y === undefined ? (inYear(thisYear) > now + 86_400_000 ? thisYear - 1 : thisYear) : Number(y);
  const date = new Date(Date.UTC(year, month, day));
  if (date.getUTCMonth() !== month || year < 1971) return undefined;
  return BigInt(inYear(year)) * 1000n + BigInt(f.slice(0, 6).padEnd(6, '0'));
}

type Fields = readonly [year: number, month: number, day: number, hour: number, minute: number, second: number];

function millisOf(fields: Fields, offset: number | undefined, zone: Zone): number {
  const wall = Date.UTC(...fields);
  return offset === undefined ? fromWallClock(zone, wall) : wall - offset * 60_000;
}
