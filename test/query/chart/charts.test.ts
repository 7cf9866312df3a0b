import { stripVTControlCharacters } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { timeTicks, valueAxis, valueLabel } from '#weir/query/chart/axis.js';
import { barLines } from '#weir/query/chart/bars.js';
import { SeriesTable } from '#weir/query/chart/series-table.js';
import { chartStyle } from '#weir/query/chart/style.js';
import { type TimeChart, timeChartLines } from '#weir/query/chart/time-chart.js';
import { parseZone } from '#weir/util/zone.js';

const MINUTE = 60e6;
const NOON = Date.UTC(2026, 10, 21, 12) * 1000;
const style = (width: number, more: Partial<Parameters<typeof chartStyle>[0]> = {}) =>
  chartStyle({ width, height: 6, unicode: false, colour: false, ...more });
const ramp = Array.from({ length: 30 }, (_, at) => at * 50);
const chart = (more: Partial<TimeChart> = {}): TimeChart => ({
  series: [{ label: 'tcp', values: ramp }],
  from: NOON,
  step: MINUTE,
  steps: 30,
  unit: 'bit/s',
  zone: 'utc',
  ...more,
});
const two = chart({
  series: [
    { label: 'tcp', values: ramp },
    { label: 'udp', values: [...ramp].reverse().map((value) => value / 2) },
  ],
});

describe('a chart over time', () => {
  it('of one series is an area', () => {
    expect(`\n${timeChartLines(chart(), style(48)).join('\n')}\n`).toMatchInlineSnapshot(`
      "
      bit/s
      2.0 k +
            |
      1.0 k +                                 ########
            |                        #################
            |              ###########################
          0 +  #######################################
            ++------------+-------------+-------------
             12:00      12:10         12:20
      "
    `);
    expect(`\n${timeChartLines(chart(), style(48, { unicode: true })).join('\n')}\n`).toMatchInlineSnapshot(`
      "
      bit/s
      2.0 k ┤
            │                                       ▂▃
      1.0 k ┤                             ▁▁▂▄▅▅▆▇████
            │                    ▁▂▃▃▄▆▇▇█████████████
            │           ▂▂▃▄▄▅▆███████████████████████
          0 ┤  ▁▂▂▄▅▆▆▇███████████████████████████████
            └┬────────────┬─────────────┬─────────────
             12:00      12:10         12:20
      "
    `);
  });

  it('of several has letters, and a legend', () => {
    expect(`\n${timeChartLines(two, style(48)).join('\n')}\n`).toMatchInlineSnapshot(`
      "
      bit/s
      2.0 k +
            |                                        a
      1.0 k +                             aaaaaaaaaaa
            |bbbbbbb           aaaaaaaaaaa
            |       aaaaaaaaaaabbbbbbbbbbb
          0 +aaaaaaa                      bbbbbbbbbbbb
            ++------------+-------------+-------------
             12:00      12:10         12:20
      a tcp  average   725  most 1.4 k
      b udp  average 362.5  most   725
      "
    `);
  });

  it('of several has lines in colours where there are colours', () => {
    const lines = timeChartLines(two, style(48, { unicode: true, colour: true }));
    expect(`\n${stripVTControlCharacters(lines.join('\n'))}\n`).toMatchInlineSnapshot(`
      "
      bit/s
      2.0 k ┤
            │                                     ⣀⣀⣀⡤
      1.0 k ┤                             ⣀⣠⠤⠤⠖⠒⠒⠋⠁
            │⣀⣀⣀⣀⣀              ⢀⣠⠤⠤⠴⠒⠒⠋⠉⠉⠁
            │    ⠈⠉⠉⠉⠉⠉⣀⡤⠤⠤⠖⠒⠚⠉⠉⠉⣀⣀⣀⣀
          0 ┤⣀⣠⠤⠤⠴⠒⠒⠋⠉⠉⠁            ⠈⠉⠉⠉⠉⠉⠓⠒⠒⠒⠦⠤⠤⠤⠤⢤⣀⣀
            └┬────────────┬─────────────┬─────────────
             12:00      12:10         12:20
      ━ tcp  average   725  most 1.4 k
      ━ udp  average 362.5  most   725
      "
    `);
    expect(lines.at(-1)).toContain('\u001B[33m━\u001B[39m udp');
  });

  it('is never wider than asked for, and as high, whatever the values', () => {
    const values = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e18, noNaN: true })), {
      minLength: 1,
      maxLength: 300,
    });
    const series = fc.array(fc.record({ label: fc.constantFrom('a', 'tcp', '10.0.0.1 udp'), values }), {
      minLength: 1,
      maxLength: 8,
    });
    const shape = fc.record({
      width: fc.integer({ min: 60, max: 250 }),
      unicode: fc.boolean(),
      colour: fc.boolean(),
      height: fc.integer({ min: 2, max: 30 }),
    });
    const step = fc.constantFrom(1e6, MINUTE, 3600e6, 86_400e6);
    fc.assert(
      fc.property(series, shape, step, (drawn, asked, length) => {
        const steps = Math.max(...drawn.map(({ values: { length: count } }) => count));
        const lines = timeChartLines(chart({ series: drawn, steps, step: length }), chartStyle(asked));
        const plain = lines.map((line) => stripVTControlCharacters(line));
        expect(Math.max(...plain.map((line) => Array.from(line).length))).toBeLessThanOrEqual(asked.width);
        expect(lines).toHaveLength(1 + asked.height + 2 + (drawn.length > 1 ? drawn.length : 0));
        if (!asked.unicode) expect(plain.join('\n')).toMatch(/^[\u0020-\u007E\n]*$/);
        if (!asked.colour) expect(plain).toEqual(lines);
      }),
    );
  });
});

describe('marks of values', () => {
  it('are round, hold the greatest, and are few', () => {
    expect(valueAxis(950, 5)).toEqual({ top: 1000, step: 200 });
    expect(valueAxis(1000, 5)).toEqual({ top: 1000, step: 200 });
    expect(valueAxis(0, 5)).toEqual({ top: 1, step: 1 });
    expect(valueAxis(5e-324, 5)).toEqual({ top: 1, step: 1 });
    fc.assert(
      fc.property(fc.double({ min: 1e-9, max: 1e20, noNaN: true }), fc.integer({ min: 1, max: 12 }), (max, most) => {
        const { top, step } = valueAxis(max, most);
        expect(top).toBeGreaterThanOrEqual(max * 0.999_99);
        expect(Math.round(top / step)).toBeLessThanOrEqual(most);
        expect(top - step).toBeLessThan(max);
      }),
    );
    expect([0, 200, 1_500_000, 0.3].map(valueLabel)).toEqual(['0', '200', '1.5 M', '0.3']);
  });
});

describe('marks of time', () => {
  const hours = (count: number) => count * 3600e6;

  it('are at full times of the zone, and midnight is its date', () => {
    const utc = timeTicks(NOON, NOON + hours(24), 8, 'utc').map(({ label }) => label);
    expect(utc).toEqual(['12:00', '15:00', '18:00', '21:00', '11-22', '03:00', '06:00', '09:00']);
    const kolkata = timeTicks(NOON, NOON + hours(24), 4, parseZone('Asia/Kolkata'));
    expect(kolkata.map(({ at, label }) => [(at - NOON) / hours(1), label])).toEqual([
      [0.5, '18:00'],
      [6.5, '11-22'],
      [12.5, '06:00'],
      [18.5, '12:00'],
    ]);
    expect(timeTicks(NOON, NOON + 40e6, 4, 'utc').map(({ label }) => label)).toEqual([
      '12:00:00',
      '12:00:10',
      '12:00:20',
      '12:00:30',
    ]);
  });

  it('stay at midnight when the clocks change', () => {
    // 25 October 2026: Vienna's clocks go back at 03:00.
    const from = Date.UTC(2026, 9, 23, 22) * 1000;
    const days = timeTicks(from, from + hours(4 * 24), 5, parseZone('Europe/Vienna'));
    expect(days.map(({ at, label }) => [(at - from) / hours(1), label])).toEqual([
      [0, '10-24'],
      [24, '10-25'],
      [49, '10-26'],
      [73, '10-27'],
    ]);
  });
});

describe('bars', () => {
  const bars = [
    { label: '10.0.0.1', value: 1000, text: '1.0 k' },
    { label: 'a-very-long-name.example.net', value: 333, text: '333' },
    { label: '-', value: 1, text: '1' },
    { label: 'none', value: 0, text: '0' },
  ];

  it('fill the width, and what is not nothing is seen', () => {
    expect(`\n${barLines(bars, style(60)).join('\n')}\n`).toMatchInlineSnapshot(`
      "
      10.0.0.1                     ######################### 1.0 k
      a-very-long-name.example.net ########                    333
      -                            #                             1
      none                                                       0
      "
    `);
    expect(`\n${barLines(bars, style(60, { unicode: true })).join('\n')}\n`).toMatchInlineSnapshot(`
      "
      10.0.0.1                     █████████████████████████ 1.0 k
      a-very-long-name.example.net ████████▍                   333
      -                            ▏                             1
      none                                                       0
      "
    `);
    expect(barLines(bars, style(30)).every((line) => line.length === 30)).toBe(true);
    expect(barLines([], style(60))).toEqual([]);
    expect(barLines([{ label: 'a', value: Number.NaN, text: '-' }], style(30))).toHaveLength(1);
  });
});

describe('the table of series', () => {
  it('keeps the sum of every step when it has more series than are shown', () => {
    const rows = fc.array(
      fc.tuple(
        fc.constantFrom(...'a b c d e f g h i j k l'.split(' ')),
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: 0, max: 1000 }),
      ),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(rows, (added) => {
        const table = new SeriesTable(MINUTE);
        for (const [label, step, value] of added) table.add(label, NOON + step * MINUTE, value);
        const series = table.largest(8, 2);
        expect(series.length).toBeLessThanOrEqual(8);
        const names = new Set(added.map(([label]) => label));
        expect(series.map(({ label }) => label).includes('other')).toBe(names.size > 8);
        const first = Math.min(...added.map(([, step]) => step));
        for (let step = 0; step < table.steps; step++) {
          const drawn = series.reduce((sum, { values }) => sum + (values[step] as number), 0);
          expect(drawn).toBe(
            2 * added.filter(([, at]) => at === first + step).reduce((sum, [, , value]) => sum + value, 0),
          );
        }
      }),
    );
  });

  it('refuses more steps than are a chart', () => {
    const table = new SeriesTable(1e6);
    table.add('a', 0, 1);
    expect(() => table.add('a', 1e12, 1)).toThrow(/more than 100000 steps/);
  });
});
