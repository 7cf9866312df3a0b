import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTimeLiteral } from '#weir/filter/time-literal.js';
import { createHumanTime, humanTime, zoneName } from '#weir/query/output/humanize.js';
import { parseTime } from '#weir/query/time.js';
import { fromWallClock, parseZone, zoneOffset } from '#weir/util/zone.js';

const NAMES = ['Europe/Vienna', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Pacific/Apia', 'UTC'];
/** What Intl says the clocks show, as if it were UTC. */
function wallClock(timeZone: string, millis: number): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(new Date(millis));
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = [
    'year',
    'month',
    'day',
    'hour',
    'minute',
    'second',
  ].map((type) => Number(parts.find((part) => part.type === type)?.value));
  return Date.UTC(year, month - 1, day, hour, minute, second);
}
const seconds = fc.integer({ min: Date.UTC(1971, 0) / 1000, max: Date.UTC(2037, 0) / 1000 });

describe('a named zone', () => {
  it.each(NAMES)('%s has the clocks that Intl has', (name) => {
    const zone = parseZone(name);
    fc.assert(
      fc.property(seconds, (second) => {
        expect(second * 1000 + zoneOffset(zone, second * 1000)).toBe(wallClock(name, second * 1000));
      }),
    );
  });

  it.each(NAMES)('%s: what its clocks show is read back as the same time, or an hour that they show twice', (name) => {
    const zone = parseZone(name);
    fc.assert(
      fc.property(seconds, (second) => {
        const wall = second * 1000 + zoneOffset(zone, second * 1000);
        const found = fromWallClock(zone, wall);
        expect(found + zoneOffset(zone, found)).toBe(wall);
        expect(found).toBeLessThanOrEqual(second * 1000);
      }),
    );
  });

  it.each([
    ['2026-03-29 02:30', '2026-03-29T01:30:00Z', 'skipped: as if the clocks had not been put forward'],
    ['2026-10-25 02:30', '2026-10-25T00:30:00Z', 'shown twice: the first'],
    ['2026-01-01', '2025-12-31T23:00:00Z', 'winter'],
    ['2026-07-01T12:00:00', '2026-07-01T10:00:00Z', 'summer'],
    ['2026-07-01T12:00:00+05:00', '2026-07-01T07:00:00Z', 'says its own offset'],
  ])('reads %s as %s (%s)', (text, utc) => {
    expect(parseTimeLiteral(text, parseZone('europe/vienna'))).toBe(parseTimeLiteral(utc, 'utc'));
  });

  it('has a midnight of its own for today', () => {
    const now = Date.UTC(2026, 10, 21, 23, 30);
    const zone = parseZone('Europe/Vienna');
    expect(parseTime('today', { now, zone })).toBe(parseTimeLiteral('2026-11-21T23:00:00Z', 'utc'));
    expect(parseTime('yesterday', { now, zone })).toBe(parseTimeLiteral('2026-11-20T23:00:00Z', 'utc'));
  });

  it('is shown', () => {
    const zone = parseZone('Europe/Vienna');
    const millis = Date.UTC(2026, 6, 1, 22, 30);
    expect(humanTime(millis * 1000, zone)).toBe('2026-07-02 00:30:00.000');
    expect(zoneName(zone, millis)).toBe('Europe/Vienna, UTC+02:00');
    expect(zoneName(parseZone('America/St_Johns'), millis)).toBe('America/St_Johns, UTC-02:30');
    expect(zoneName('utc', millis)).toBe('UTC');
  });

  it('is shown the same in a list of times', () => {
    const zones = ['utc', 'local', 'Europe/Vienna', 'America/St_Johns', 'Asia/Kathmandu'].map(parseZone);
    const time = fc.oneof(
      // Neighbours, ends of hours and years among them, and what is no time any more.
      fc.integer({ min: Date.UTC(2026, 2, 29), max: Date.UTC(2026, 2, 29, 4) }),
      fc.constantFrom(-1, 0, 999, Date.UTC(2026, 0, 1) - 1, Date.UTC(9999, 11, 31, 23, 59, 59, 999), 8.64e15, 9e15),
      fc.integer({ min: -Date.UTC(2100, 0), max: Date.UTC(2100, 0) }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...zones), fc.array(time, { minLength: 1 }), (zone, times) => {
        const show = createHumanTime(zone);
        for (const millis of times) expect(show(millis * 1000)).toBe(humanTime(millis * 1000, zone));
      }),
    );
    expect(createHumanTime('utc')(Number.NaN)).toBe('-');
  });

  it('must exist', () => {
    for (const name of ['Europe/Wien', '', '<'.repeat(1000)]) {
      expect(() => parseZone(name)).toThrow(expect.objectContaining({ code: 'WEIR_TIME' }));
    }
    expect([parseZone('UTC'), parseZone(' Local ')]).toEqual(['utc', 'local']);
  });
});
