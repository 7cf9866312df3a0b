/** How charts are drawn. */
export interface ChartStyle {
  /** Columns. */
  readonly width: number;
  /** Lines of a chart over time, without its axis and legend. */
  readonly height: number;
  /** Blocks and braille; otherwise ASCII alone. */
  readonly unicode: boolean;
  /** Series are told apart by colours; otherwise by letters. */
  readonly colour: boolean;
  /** Gives text the colour of a series. */
  readonly paint: (text: string, series: number) => string;
}

/** Series that are told apart; more are summed up as one. */
export const MOST_SERIES = 8;
/** SGR codes of the series: cyan, yellow, magenta, green, red, blue, bright black, white. */
const COLOURS = [36, 33, 35, 32, 31, 34, 90, 37];

/** Where it is not a terminal. */
const USUAL = { width: 80, height: 24 } as const;
/** Lines of a terminal that the axis, the legend, the summary and the next prompt take. */
const AROUND = 17;
const HEIGHTS = { least: 5, most: 20 } as const;

/** Columns and lines of a chart on a terminal of that size. */
export function chartSize({ width = USUAL.width, height = USUAL.height }: TerminalSize): {
  readonly width: number;
  readonly height: number;
} {
  return { width, height: Math.min(HEIGHTS.most, Math.max(HEIGHTS.least, height - AROUND)) };
}

interface TerminalSize {
  readonly width?: number | undefined;
  readonly height?: number | undefined;
}

export function chartStyle(options: {
  readonly width: number;
  readonly height: number;
  readonly unicode: boolean;
  readonly colour: boolean;
}): ChartStyle {
  const paint = (text: string, series: number) =>
    options.colour && text.trim() !== ''
      ? `\u001B[${COLOURS[series % COLOURS.length] as number}m${text}\u001B[39m`
      : text;
  return { ...options, paint };
}
