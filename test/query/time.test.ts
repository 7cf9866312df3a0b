import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTimeLiteral, parseTimeLiteral } from '#weir/filter/time-literal.js';
import { parseSpan, parseTime } from '#weir/query/time.js';
import { WeirError } from '#weir/util/errors.js';

const now = Date.UTC(2026, 10, 21, 9, 30, 15, 250);
const utc = { now, zone: 'utc' } as const;
const show = (text: string) => formatTimeLiteral(parseTime(text, utc));

describe('parseTime', () => {
  it.each([
    ['2026-11-21', '2026-11-21T00:00:00.000000Z'],
    ['2026-11-21 09:30', '2026-11-21T09:30:00.000000Z'],
    ['2026-11-21T09:30:15', '2026-11-21T09:30:15.000000Z'],
    ['2026-11-21 09:30:15.123456', '2026-11-21T09:30:15.123456Z'],
    ['2026-11-21 09:30:15,5', '2026-11-21T09:30:15.500000Z'],
    ['2026-11-21T09:30:15.1234567Z', '2026-11-21T09:30:15.123456Z'],
    ['2026-11-21T09:30:00+01:00', '2026-11-21T08:30:00.000000Z'],
    ['2026-11-21 09:30 -0530', '2026-11-21T15:00:00.000000Z'],
    ['2026-11-21 09:30Z', '2026-11-21T09:30:00.000000Z'],
    ['2026/11/21.09:30:15', '2026-11-21T09:30:15.000000Z'],
    ['2026/11/21.09:30:15.250', '2026-11-21T09:30:15.250000Z'],
    ['2026-02-28 24:00', '2026-03-01T00:00:00.000000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000000Z'],
    ['@1763717400', '2025-11-21T09:30:00.000000Z'],
    ['@1763717400.000001', '2025-11-21T09:30:00.000001Z'],
    ['now', '2026-11-21T09:30:15.250000Z'],
    ['-1h', '2026-11-21T08:30:15.250000Z'],
    ['-30m', '2026-11-21T09:00:15.250000Z'],
    ['-7d', '2026-11-14T09:30:15.250000Z'],
    ['-1h30m', '2026-11-21T08:00:15.250000Z'],
    ['now-90s', '2026-11-21T09:28:45.250000Z'],
    ['today', '2026-11-21T00:00:00.000000Z'],
    ['today+9h', '2026-11-21T09:00:00.000000Z'],
    ['yesterday', '2026-11-20T00:00:00.000000Z'],
    [' TODAY ', '2026-11-21T00:00:00.000000Z'],
  ])('%s', (text, expected) => {
    expect(show(text)).toBe(expected);
  });

  it('takes local times and days in the zone of the process', () => {
    const local = { now, zone: 'local' } as const;
    expect(parseTime('2026-11-21 09:30', local)).toBe(BigInt(new Date(2026, 10, 21, 9, 30).getTime()) * 1000n);
    const date = new Date(now);
    const midnight = new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
    expect(parseTime('today', local)).toBe(BigInt(midnight) * 1000n);
  });

  it.each([
    '',
    'soon',
    '2026-13-01',
    '2026-02-30',
    '2026-11-21 25:00',
    '2026-11-21 09:60',
    '2026/11-21',
    '1h',
    '-1x',
    '--1h',
    'now-',
    '0099-01-01',
    '-99999999d',
    '2026-11-21 24:01',
    '20261121',
  ])('refuses %s', (text) => {
    const fault = catchFault(() => parseTime(text, utc));
    expect(fault.code).toBe('WEIR_TIME');
    expect(fault.hint).toMatch(/-1h/);
  });

  it('reads back what formatTimeLiteral writes, to the microsecond', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 4_102_444_800_000_000n }), (micros) => {
        expect(parseTimeLiteral(formatTimeLiteral(micros))).toBe(micros);
      }),
    );
  });

  it('never throws anything but WEIR_TIME', () => {
    const piece = fc.constantFrom(
      'now',
      'today',
      '-',
      '+',
      '1',
      '99',
      'h',
      'd',
      ':',
      '.',
      '/',
      '2026',
      '11',
      'T',
      'Z',
      ' ',
      '@',
      '\u0660',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece, { maxLength: 12 }).map((parts) => parts.join('')),
        ),
        (text) => {
          try {
            parseTime(text, utc);
          } catch (error) {
            expect(error).toBeInstanceOf(WeirError);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('parseSpan', () => {
  it('leaves ends open that are not given', () => {
    expect(parseSpan(undefined, undefined, utc)).toEqual({ from: undefined, to: undefined });
    expect(parseSpan('-1h', undefined, utc)).toEqual({ from: BigInt(now - 3_600_000) * 1000n, to: undefined });
  });

  it('refuses a span that ends before it begins', () => {
    expect(catchFault(() => parseSpan('now', '-1h', utc)).message).toMatch(/empty/);
    expect(catchFault(() => parseSpan('today', 'today', utc)).code).toBe('WEIR_TIME');
  });
});

function catchFault(act: () => unknown): WeirError {
  try {
    act();
  } catch (error) {
    if (error instanceof WeirError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
