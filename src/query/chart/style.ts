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
