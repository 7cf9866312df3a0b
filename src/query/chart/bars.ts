import { cutText, textWidth } from '../output/table.ts';
import type { ChartStyle } from './style.ts';

export interface Bar {
  readonly label: string;
  readonly value: number;
  /** The value as it is shown. */
  readonly text: string;
}

/** Least columns for the bars themselves. */
const LEAST = 10;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar a line: label, bar, value. The longest fills what the others leave of the width. Labels on the right side where they are numbers. */
export function barLines(bars: readonly Bar[], style: ChartStyle, isRight = false): string[] {
  const texts = Math.max(0, ...bars.map(({ text }) => textWidth(text)));
  const most = Math.max(1, style.width - texts - LEAST - 2);
  const labels = bars.map(({ label }) => cutText(label, most, '~'));
  const widest = Math.max(0, ...labels.map(textWidth));
  const room = Math.max(1, style.width - widest - texts - 2);
  const max = Math.max(0, ...bars.map(({ value }) => (Number.isFinite(value) ? value : 0)));
  return bars.map(({ value, text }, index) => {
    const label = labels[index] as string;
    const space = ' '.repeat(widest - textWidth(label));
    const drawn = bar(max > 0 ? (room * value) / max : 0, style.unicode);
    const line = `${drawn}${' '.repeat(room - textWidth(drawn))}`;
    return `${isRight ? space + label : label + space} ${style.paint(line, 0)} ${' '.repeat(texts - textWidth(text))}${text}`;
  });
}

/** A bar of so many columns. What is not nothing is seen. */
function bar(columns: number, unicode: boolean): string {
  if (!(columns > 0)) return '';
  if (!unicode) return '#'.repeat(Math.max(1, Math.round(columns)));
  const eighths = Math.max(1, Math.round(columns * 8));
  return '█'.repeat(eighths >> 3) + (EIGHTHS[eighths & 7] as string);
}
