import type { Zone } from '../../util/zone.ts';
import { textWidth } from '../output/table.ts';
import { timeTicks, valueAxis, valueLabel } from './axis.ts';
import type { ChartStyle } from './style.ts';

export interface ChartSeries {
  readonly label: string;
  /** A value for each step. */
  readonly values: ArrayLike<number>;
}

export interface TimeChart {
  readonly series: readonly ChartSeries[];
  /** Begin of the first step, and the length of each, µs. */
  readonly from: number;
  readonly step: number;
  readonly steps: number;
  /** What the values are: `bit/s`. */
  readonly unit: string;
  readonly zone: Zone;
}

/** Least columns of the plot. */
const LEAST = 10;
/** Room for a mark of time and what keeps it from the next. */
const TICK = 12;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const BLOCKS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/** Bits of a braille character by column and row, rows from above (Unicode 15, 21.1). */
const BRAILLE = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

/** A chart over time: one series as an area, several as lines, with axes, and a legend for several. */
export function timeChartLines(chart: TimeChart, style: ChartStyle): string[] {
  const { series, unit } = chart;
  const height = Math.max(2, style.height);
  const max = series.reduce((most, { values }) => Array.from(values).reduce((a, b) => Math.max(a, b), most), 0);
  const { top, step } = valueAxis(max, Math.max(1, Math.floor(height / 3)));
  const marks = new Map<number, string>();
  for (let value = 0; value <= top * 1.000_001; value += step) {
    marks.set(height - 1 - Math.round((value / top) * (height - 1)), valueLabel(value));
  }
  const margin = Math.max(...[...marks.values()].map(textWidth));
  const width = Math.max(LEAST, style.width - margin - 2);
  const rows =
    series.length === 1
      ? areaRows(chart, { width, height, top }, style)
      : lineRows(chart, { width, height, top }, style);
  const [line, mark] = style.unicode ? ['│', '┤'] : ['|', '+'];
  const plot = rows.map((row, index) => {
    const label = marks.get(index);
    return `${(label ?? '').padStart(margin)} ${label === undefined ? line : mark}${row}`.trimEnd();
  });
  return [unit, ...plot, ...timeAxis(chart, { width, margin }, style), ...legend(chart, style)];
}

interface Plot {
  readonly width: number;
  readonly height: number;
  /** The value at the upper edge. */
  readonly top: number;
}

/** Average of the steps that fall into a column of `columns`; where steps are wider than columns, that of the one there. */
function sampled({ values }: ChartSeries, steps: number, columns: number): number[] {
  return Array.from({ length: columns }, (_, column) => {
    const first = Math.floor((column * steps) / columns);
    const end = Math.max(first + 1, Math.floor(((column + 1) * steps) / columns));
    let sum = 0;
    for (let at = first; at < end; at++) sum += values[at] ?? 0;
    return sum / (end - first);
  });
}

function areaRows({ series, steps }: TimeChart, { width, height, top }: Plot, style: ChartStyle): string[] {
  const values = sampled(series[0] as ChartSeries, steps, width);
  return Array.from({ length: height }, (_, row) => {
    const below = height - 1 - row;
    const text = values.map((value) => {
      const filled = (value / top) * height - below;
      if (!style.unicode) return filled >= 0.5 || (below === 0 && value > 0) ? '#' : ' ';
      // What is not nothing is seen.
      const eighths = Math.max(below === 0 && value > 0 ? 1 : 0, Math.min(8, Math.round(filled * 8)));
      return BLOCKS[eighths] as string;
    });
    return style.paint(text.join(''), 0);
  });
}

/** Lines of dots, two by four to a character, where colours tell them apart; letters otherwise. The first series is drawn over the others. */
function lineRows({ series, steps }: TimeChart, { width, height, top }: Plot, style: ChartStyle): string[] {
  const isBraille = style.unicode && style.colour;
  const [across, down] = isBraille ? [2, 4] : [1, 1];
  const dots = new Uint8Array(width * height);
  const owners = new Int8Array(width * height).fill(-1);
  for (let index = series.length - 1; index >= 0; index--) {
    const values = sampled(series[index] as ChartSeries, steps, width * across);
    let before: number | undefined;
    values.forEach((value, x) => {
      const y = Math.round((1 - value / top) * (height * down - 1));
      // A step up or down is drawn, so that the line is one.
      const [first, last] = isBraille && before !== undefined ? [Math.min(before, y), Math.max(before, y)] : [y, y];
      for (let at = first; at <= last; at++) {
        const cell = Math.floor(at / down) * width + Math.floor(x / across);
        if (owners[cell] !== index) dots[cell] = 0;
        owners[cell] = index;
        dots[cell] = (dots[cell] as number) | (BRAILLE[x % across === 0 ? 0 : 1][at % 4] as number);
      }
      before = y;
    });
  }
  return Array.from({ length: height }, (_, row) =>
    Array.from({ length: width }, (_unused, column) => {
      const cell = row * width + column;
      const owner = owners[cell] as number;
      if (owner < 0) return ' ';
      return isBraille
        ? style.paint(String.fromCodePoint(0x2800 + (dots[cell] as number)), owner)
        : (LETTERS[owner] as string);
    }).join(''),
  );
}

function timeAxis(
  { from, step, steps, zone }: TimeChart,
  { width, margin }: { readonly width: number; readonly margin: number },
  { unicode }: ChartStyle,
): string[] {
  const [corner, line, mark] = unicode ? ['└', '─', '┬'] : ['+', '-', '+'];
  const to = from + step * steps;
  const axis = Array.from({ length: width }, () => line);
  let labels = '';
  for (const { at, label } of timeTicks(from, to, Math.floor(width / TICK), zone)) {
    const column = Math.floor(((at - from) / (to - from)) * width);
    const start = Math.max(0, column - (label.length >> 1));
    // Clocks that change bring marks together.
    if (column >= width || (labels !== '' && start <= labels.length)) continue;
    axis[column] = mark;
    labels = labels.padEnd(start) + label;
  }
  const left = ' '.repeat(margin + 1);
  return [`${left}${corner}${axis.join('')}`, `${left} ${labels}`.trimEnd()];
}

/** A line for each series, with its average and its greatest value. */
function legend({ series, steps }: TimeChart, style: ChartStyle): string[] {
  if (series.length < 2) return [];
  const signs = style.colour ? (style.unicode ? '━' : '-') : undefined;
  const texts = series.map(({ values }) => {
    const all = Array.from(values);
    const average = all.reduce((sum, value) => sum + value, 0) / Math.max(1, steps);
    return [valueLabel(average), valueLabel(all.reduce((most, value) => Math.max(most, value), 0))] as const;
  });
  const widest = Math.max(...series.map(({ label }) => textWidth(label)));
  const [averages, peaks] = [0, 1].map((at) => Math.max(...texts.map((text) => (text[at] as string).length))) as [
    number,
    number,
  ];
  return series.map(({ label }, index) => {
    const [average, peak] = texts[index] as readonly [string, string];
    const sign = style.paint(signs ?? (LETTERS[index] as string), index);
    const space = ' '.repeat(widest - textWidth(label));
    return `${sign} ${label}${space}  average ${average.padStart(averages)}  most ${peak.padStart(peaks)}`;
  });
}
