import { WeirError } from '../../util/errors.ts';
import { type Cell, createCell } from '../cells.ts';
import type { Rows } from '../duck.ts';
import { type BucketKey, type ClassKey, DURATION, type Key } from '../key.ts';
import { humanDuration, scaled } from '../output/humanize.ts';
import type { Output, OutputOptions } from '../output/output.ts';
import { columnForPeople, type PeopleColumn } from '../output/people.ts';
import { OTHER } from '../output/people-rows.ts';
import { type SummaryFacts, summaryText } from '../output/summary.ts';
import type { AnswerColumn } from '../plan.ts';
import type { Stat } from '../spec.ts';
import type { Totals } from '../totals.ts';
import { type Bar, barLines } from './bars.ts';
import { SeriesTable } from './series-table.ts';
import { chartSize, chartStyle, MOST_SERIES } from './style.ts';
import { timeChartLines } from './time-chart.ts';

/** Bars that are drawn; `--top 0` may give millions of rows. */
const MOST_BARS = 10_000;

/** What a counter is called when it is a rate. */
const RATES: Readonly<Record<string, { readonly unit: string; readonly factor: number }>> = {
  bytes: { unit: 'bit/s', factor: 8 },
  packets: { unit: 'packet/s', factor: 1 },
  flows: { unit: 'flow/s', factor: 1 },
};

/** What is drawn of an answer. */
interface Drawing {
  readonly keys: readonly PeopleColumn[];
  readonly cells: readonly Cell[];
  readonly value: Cell;
  /** Of the value. */
  readonly name: string;
  readonly label: string;
  readonly bucket: { readonly key: BucketKey; readonly cell: Cell; readonly series: SeriesTable } | undefined;
  readonly classes: { readonly key: ClassKey; readonly cell: Cell; readonly found: Map<number, number> } | undefined;
  readonly bars: Bar[];
}

/** Sums as a picture: over time where a key is a step of time, the distribution of a number, bars otherwise. */
export class ChartOutput implements Output {
  readonly forPeople = true;
  readonly #options: OutputOptions;
  #drawing: Drawing | undefined;
  #written = false;

  /** Throws WEIR_USAGE for a question that is not about groups. */
  constructor(options: OutputOptions) {
    const { spec } = options;
    this.#options = options;
    if (spec.by.length > 0 || spec.stats.length > 0) return;
    throw new WeirError('WEIR_USAGE', '--chart draws sums, and there are none', {
      hint: 'For example --by time/5m, --by src_addr or --histogram bytes',
    });
  }

  async begin(answer: readonly AnswerColumn[], _totals: Totals, stat?: Stat): Promise<boolean> {
    if (!(await this.#draw())) return false;
    const { spec } = this.#options;
    const keys = stat?.keys ?? spec.by;
    const cells = answer.map(({ kind, at, column, lengths }) => createCell(kind, at, column, lengths));
    const cellOf = (name: string): Cell | undefined => cells[answer.findIndex((column) => column.name === name)];
    const find = <Kind extends Key['kind']>(kind: Kind) => {
      const key = keys.find((one): one is Extract<Key, { kind: Kind }> => one.kind === kind);
      const cell = key === undefined ? undefined : cellOf(key.name);
      return key === undefined || cell === undefined ? undefined : { key, cell };
    };
    const [bucket, classes] = [find('bucket'), find('class')];
    const figures = answer.filter(({ column }) => column === undefined).map(({ name }) => name);
    // Steps of time and classes are ordered by themselves first; what of a distribution is then ordered by nobody asked for.
    const orders = classes === undefined ? spec.order : spec.order.slice(0, 1);
    const asked = orders.find(({ name }) => figures.includes(name))?.name;
    const name = asked ?? (classes === undefined ? 'bytes' : 'flows');
    const apart = new Set([bucket?.key.name, classes?.key.name]);
    this.#drawing = {
      keys: answer.flatMap((one, index) =>
        one.column === undefined || apart.has(one.name)
          ? []
          : columnForPeople(one.column, cells[index] as Cell, this.#options),
      ),
      cells,
      value: cellOf(name) as Cell,
      name,
      label: answer.find((one) => one.name === name)?.measure?.label ?? name,
      bucket: bucket && { ...bucket, series: new SeriesTable(Number(bucket.key.micros)) },
      classes: classes && { ...classes, found: new Map() },
      bars: [],
    };
    return true;
  }

  rows(rows: Rows, first: number): Promise<boolean> {
    const drawing = this.#drawing;
    if (drawing === undefined || first >= rows.count) return Promise.resolve(true);
    const { cells, keys, value, bucket, classes, bars } = drawing;
    for (const cell of cells) cell.bind(rows);
    for (let row = first; row < rows.count; row++) {
      const number = value.number(row);
      if (bucket !== undefined) bucket.series.add(labelOf(keys, row), bucket.cell.number(row), number);
      else if (classes !== undefined) classes.found.set(classes.cell.number(row), number);
      else if (bars.length < MOST_BARS)
        bars.push({ label: labelOf(keys, row), value: number, text: this.#text(number) });
    }
    return Promise.resolve(true);
  }

  other(rows: Rows): Promise<boolean> {
    const drawing = this.#drawing;
    if (drawing === undefined || drawing.bucket !== undefined || drawing.classes !== undefined)
      return Promise.resolve(true);
    drawing.value.bind(rows);
    const number = drawing.value.number(0);
    drawing.bars.push({ label: OTHER, value: number, text: this.#text(number) });
    return Promise.resolve(true);
  }

  async end(facts: SummaryFacts): Promise<boolean> {
    if (!(await this.#draw())) return false;
    if (this.#options.quiet === true) return true;
    const text = summaryText(facts);
    return this.#options.write(this.#written ? text : text.slice(1));
  }

  /** Writes what has been collected. */
  #draw(): Promise<boolean> {
    const drawing = this.#drawing;
    this.#drawing = undefined;
    const lines = drawing === undefined ? [] : this.#lines(drawing);
    if (lines.length === 0) return Promise.resolve(true);
    const gap = this.#written ? '\n' : '';
    this.#written = true;
    return this.#options.write(`${gap}${lines.join('\n')}\n`);
  }

  #lines(drawing: Drawing): string[] {
    const { unicode = false, colour, zone } = this.#options;
    const style = chartStyle({ ...chartSize(this.#options), unicode, colour });
    const { bucket, classes, bars, name, label } = drawing;
    if (bucket !== undefined) {
      const { series } = bucket;
      if (series.steps === 0) return [];
      const step = Number(bucket.key.micros);
      const rate = RATES[name];
      const unit = rate?.unit ?? label;
      const factor = rate === undefined ? 1 : (rate.factor * 1e6) / step;
      const largest = series.largest(MOST_SERIES, factor);
      return timeChartLines({ series: largest, from: series.from, step, steps: series.steps, unit, zone }, style);
    }
    if (classes !== undefined) {
      const found = this.#classBars(classes.key, classes.found);
      return found.length === 0 ? [] : [`${label} by ${classes.key.column.label}`, ...barLines(found, style, true)];
    }
    return bars.length === 0 ? [] : [label, ...barLines(bars, style)];
  }

  /** A bar for each class from the first to the last, empty ones included: a gap in a distribution is to be seen. */
  #classBars({ bounds, column }: ClassKey, found: ReadonlyMap<number, number>): Bar[] {
    const lower = [...found.keys()].filter((bound) => !Number.isNaN(bound));
    const [first, last] = [Math.min(...lower), Math.max(...lower)];
    const bars = bounds
      .filter((bound) => bound >= first && bound <= last)
      .map((bound): Bar => {
        const value = found.get(bound) ?? 0;
        return {
          label: column.name === DURATION.name ? humanDuration(bound) : scaled(bound),
          value,
          text: this.#text(value),
        };
      });
    const none = found.get(Number.NaN);
    return none === undefined ? bars : [...bars, { label: '-', value: none, text: this.#text(none) }];
  }

  #text(value: number): string {
    if (!Number.isFinite(value)) return '-';
    return this.#options.plain ? String(Math.round(value)) : scaled(value);
  }
}

function labelOf(keys: readonly PeopleColumn[], row: number): string {
  return keys.map((key) => key.text(row)).join(' ');
}
