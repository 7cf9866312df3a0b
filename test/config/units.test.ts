import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, formatSize, parseDuration, parseSize } from '#weir/config/units.js';

describe('parseDuration', () => {
  it.each([
    ['700ms', 700],
    ['2s', 2000],
    ['5m', 300_000],
    ['1.5h', 5_400_000],
    ['30d', 2_592_000_000],
    ['2w', 1_209_600_000],
    ['1h30m', 5_400_000],
    ['0s', 0],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '5', 's', '5 s', '5sec', '-5s', '5S', '5m 3s', '1e3s', '.5s', '5M', '99999999999999999d'])(
    'refuses %j',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );
});

describe('parseSize', () => {
  it.each([
    ['65536', 65_536],
    ['64MiB', 67_108_864],
    ['64Mi', 67_108_864],
    ['100GB', 100e9],
    ['100G', 100e9],
    ['1.5k', 1500],
    ['2tib', 2 * 1024 ** 4],
    ['10 MB', 10e6],
    ['5B', 5],
  ])('reads %s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['', 'MB', '5XB', '-1M', '1e9', '5iB', '1,000', '9999999T'])('refuses %j', (text) => {
    expect(parseSize(text)).toBeUndefined();
  });
});

describe('what is formatted', () => {
  it('is read back as it was', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 50 }), (value) => {
        expect(parseDuration(formatDuration(value))).toBe(value);
        expect(parseSize(formatSize(value))).toBe(value);
      }),
    );
  });

  it('has the unit that people would take', () => {
    expect([300_000, 700, 2_592_000_000, 90_000].map(formatDuration)).toEqual(['5m', '700ms', '30d', '90s']);
    expect([67_108_864, 100e9, 1500, 0, 1e6].map(formatSize)).toEqual(['64MiB', '100GB', '1500', '0', '1MB']);
  });
});
