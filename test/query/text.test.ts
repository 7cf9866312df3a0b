import { describe, expect, it } from 'vitest';
import { parseKeys } from '#weir/query/key.js';
import { parseOrder } from '#weir/query/order.js';
import { csvField } from '#weir/query/output/format.js';
import { humanDuration, humanTime, scaled } from '#weir/query/output/humanize.js';
import { printable, Table } from '#weir/query/output/table.js';
import { parseTop } from '#weir/query/question.js';

describe('numbers for people', () => {
  it.each([
    [0, '0'],
    [0.25, '0.3'],
    [999, '999'],
    [1000, '1.0 k'],
    [999_949, '999.9 k'],
    [999_999, '1.0 M'],
    [1_234_567, '1.2 M'],
    [2 ** 64, '18.4 E'],
    [Number.NaN, '-'],
  ])('%d is %s', (value, text) => {
    expect(scaled(value)).toBe(text);
  });

  it.each([
    [0, '0.000 s'],
    [59_999_000, '59.999 s'],
    [185_000_000, '3m 05s'],
    [8_100_000_000, '2h 15m'],
    [273_600_000_000, '3d 04h'],
    [-5000, '-0.005 s'],
  ])('%d µs are %s', (value, text) => {
    expect(humanDuration(value)).toBe(text);
  });

  it('times have milliseconds', () => {
    expect(humanTime(1_767_225_600_123_456, 'utc')).toBe('2026-01-01 00:00:00.123');
  });
});

describe('a table', () => {
  const columns = [
    { label: 'name', right: false },
    { label: 'count', right: true },
    { label: 'rate', right: true, dispensable: 1 },
  ];
  const rows = [
    ['a rather long name of something', '1', '2.0 k'],
    ['short', '1000', '3'],
  ];

  it('is aligned', () => {
    const table = new Table(columns, { width: undefined, colour: false });
    expect(table.header(rows) + table.lines(rows)).toBe(
      [
        'name                             count   rate',
        'a rather long name of something      1  2.0 k',
        'short                             1000      3',
        '',
      ].join('\n'),
    );
  });

  it('fits its terminal: columns that can be missed go, then texts are cut', () => {
    const table = new Table(columns, { width: 20, colour: false });
    const text = table.header(rows) + table.lines(rows);
    expect(text).toBe(['name           count', 'a rather lon…      1', 'short           1000', ''].join('\n'));
  });

  it('shows no control characters of the network', () => {
    expect(printable('a\u001B[31mb\n\u202Ec')).toBe('a·[31mb··c');
  });
});

describe('csvField', () => {
  it('quotes what would break a line', () => {
    expect(['a', 'a,b', 'a"b', 'a\nb', ''].map(csvField)).toEqual(['a', '"a,b"', '"a""b"', '"a\nb"', '']);
  });
});

describe('what is asked for', () => {
  it('keys are columns', () => {
    expect(parseKeys(' src_addr, DST_PORT ').map(({ name }) => name)).toEqual(['src_addr', 'dst_port']);
    expect(() => parseKeys('src_adr')).toThrow(
      expect.objectContaining({ code: 'WEIR_USAGE', hint: "Did you mean 'src_addr'?" }),
    );
    expect(() => parseKeys('bytes')).toThrow(/measured by/);
    expect(() => parseKeys('proto,proto')).toThrow(/twice/);
    expect(() => parseKeys(',')).toThrow(/no column/);
  });

  it('orders are measures, keys or columns', () => {
    const keys = { sums: true, by: parseKeys('proto'), measures: [] };
    const listing = { sums: false, by: [], measures: [] };
    expect(parseOrder(undefined, keys)).toEqual([{ name: 'bytes', descending: true }]);
    expect(parseOrder(undefined, listing)).toEqual([{ name: 'time_start', descending: false }]);
    expect(parseOrder('proto', keys)).toEqual([{ name: 'proto', descending: false }]);
    expect(parseOrder('bytes:asc', keys)).toEqual([{ name: 'bytes', descending: false }]);
    expect(() => parseOrder('dst_port', keys)).toThrow(expect.objectContaining({ code: 'WEIR_USAGE' }));
    expect(() => parseOrder('bytes:up', keys)).toThrow(/asc or desc/);
  });

  it('tops are counts', () => {
    expect([parseTop('10'), parseTop('0'), parseTop('all')]).toEqual([10, undefined, undefined]);
    for (const text of ['-1', 'x', '1.5', '']) expect(() => parseTop(text)).toThrow(/no number of rows/);
  });
});
