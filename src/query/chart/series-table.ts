import { WeirError } from '../../util/errors.ts';
import { OTHER } from '../output/people-rows.ts';
import type { ChartSeries } from './time-chart.ts';

/** Steps of time that a chart takes; more are no chart. */
const MOST_STEPS = 100_000;
/** Values that are held at once. When there are more, those of the smallest series are summed up. */
const MOST_VALUES = 1_000_000;

interface Held {
  total: number;
  readonly values: Map<number, number>;
}

/** Collects values by series and step, in bounded memory. */
export class SeriesTable {
  readonly #step: number;
  readonly #series = new Map<string, Held>();
  readonly #other = new Map<number, number>();
  #held = 0;
  #first = Number.POSITIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;

  /** `step`: length of a step, µs. */
  constructor(step: number) {
    this.#step = step;
  }

  /** Adds a value at the step that begins at `time` (µs). Throws WEIR_USAGE for more steps than a chart has. */
  add(series: string, time: number, value: number): void {
    if (!Number.isFinite(time) || !Number.isFinite(value)) return;
    this.#first = Math.min(this.#first, time);
    this.#last = Math.max(this.#last, time);
    if (this.steps > MOST_STEPS) {
      throw new WeirError('WEIR_USAGE', `--chart: more than ${MOST_STEPS} steps of time`, {
        hint: 'Take longer steps, such as --by time/1h, or a shorter time (--from).',
      });
    }
    let held = this.#series.get(series);
    if (held === undefined) this.#series.set(series, (held = { total: 0, values: new Map() }));
    if (!held.values.has(time)) this.#held++;
    held.total += value;
    held.values.set(time, (held.values.get(time) ?? 0) + value);
    if (this.#held > MOST_VALUES) this.#keep(Math.max(1, this.#series.size >> 1));
  }

  /** Begin of the first step, µs. */
  get from(): number {
    return this.#first;
  }

  /** Steps from the first to the last that has a value. */
  get steps(): number {
    return this.#last < this.#first ? 0 : Math.round((this.#last - this.#first) / this.#step) + 1;
  }

  /** The `most` series with the greatest sums, the greatest first; when there are more, the last of them is what the others come to. Values are multiplied by `factor`. */
  largest(most: number, factor: number): ChartSeries[] {
    const hasOther = this.#other.size > 0 || this.#series.size > most;
    if (hasOther) this.#keep(most - 1);
    const shown = [...this.#series].sort(([, a], [, b]) => b.total - a.total);
    const all = shown.map(([label, { values }]) => ({ label, values }));
    if (hasOther) all.push({ label: OTHER, values: this.#other });
    return all.map(({ label, values }) => {
      const dense = new Float64Array(this.steps);
      for (const [time, value] of values) {
        const at = Math.round((time - this.#first) / this.#step);
        dense[at] = (dense[at] as number) + value * factor;
      }
      return { label, values: dense };
    });
  }

  /** Sums up all but the `count` greatest. */
  #keep(count: number): void {
    const sorted = [...this.#series].sort(([, a], [, b]) => b.total - a.total);
    for (const [name, { values }] of sorted.slice(count)) {
      for (const [time, value] of values) this.#other.set(time, (this.#other.get(time) ?? 0) + value);
      this.#held -= values.size;
      this.#series.delete(name);
    }
  }
}
