import { nearest } from '../elements/nearest.ts';
import { COLUMNS, type ColumnDefinition } from '../flow/schema.ts';
import { WeirError } from '../util/errors.ts';
import { type Counting, counterSql } from './counters.ts';
import { type ClassKey, DURATION } from './key.ts';
import type { Measure } from './measure.ts';
import { sqlName } from './sql-text.ts';

/** A number of a flow whose distribution can be asked for, and that no column has. */
interface Ratio {
  readonly label: string;
  readonly about: string;
  readonly needs: readonly string[];
  readonly sql: (counting: Counting) => string;
}

const counter = (name: 'bytes' | 'packets', counting: Counting) =>
  counterSql(name, { ...counting, arithmetic: 'doubles' });
const perSecond = (value: string) => `${value} * 1e6 / nullif("duration", 0)`;

/** They have no value for flows without a duration, or without packets. */
const RATIOS: Readonly<Record<string, Ratio>> = {
  bps: {
    label: 'bit/s',
    about: 'Bits per second of a flow.',
    needs: ['bytes', 'duration'],
    sql: (counting) => perSecond(`8 * ${counter('bytes', counting)}`),
  },
  pps: {
    label: 'packet/s',
    about: 'Packets per second of a flow.',
    needs: ['packets', 'duration'],
    sql: (counting) => perSecond(counter('packets', counting)),
  },
  bpp: {
    label: 'byte/packet',
    about: 'Bytes per packet of a flow.',
    needs: ['bytes', 'packets'],
    sql: () => `"bytes"::DOUBLE / nullif("packets", 0)`,
  },
};

/** Columns whose values are numbers that can be compared, and not names of something. */
const NUMBERS = [
  ...COLUMNS.filter(({ type, display }) => /^u(?:8|16|32|64)$/.test(type) && display === 'number'),
  DURATION,
];

/** What `--histogram` takes. */
export const HISTOGRAM_NAMES: readonly { readonly name: string; readonly about: string }[] = [
  ...NUMBERS,
  ...Object.entries(RATIOS).map(([name, { about }]) => ({ name, about })),
];

/** Lower ends of classes from 10^`lowest` on: 0, 1, 2, 5, 10, 20, 50 … */
function boundsFrom(lowest: number): readonly number[] {
  const powers = Array.from({ length: 20 - lowest }, (_, index) => lowest + index);
  return [0, ...powers.flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`)))];
}
const OF_WHOLE = boundsFrom(0);
const OF_RATIOS = boundsFrom(-3);

/** Reads the number whose distribution is asked for. Throws WEIR_USAGE with the nearest name. */
export function parseHistogram(text: string): ClassKey {
  const name = text.trim().toLowerCase();
  const ratio = RATIOS[name];
  const column = NUMBERS.find((each) => each.name === name);
  if (ratio !== undefined) {
    const shown: ColumnDefinition = { ...DURATION, name, unit: undefined, label: ratio.label, about: ratio.about };
    return classKey(name, shown, ratio.needs, OF_RATIOS, ratio.sql);
  }
  if (column === undefined) {
    const names = HISTOGRAM_NAMES.map((each) => each.name);
    const suggestion = nearest(name, names);
    throw new WeirError('WEIR_USAGE', `--histogram: '${name.slice(0, 60)}' is no number of a flow`, {
      hint:
        suggestion === undefined
          ? 'For example --histogram bytes, packets, duration, bpp.'
          : `Did you mean '${suggestion}'?`,
    });
  }
  const isCounter = name === 'bytes' || name === 'packets';
  return classKey(name, column, [name], OF_WHOLE, (counting) =>
    isCounter ? counter(name, counting) : `${sqlName(name)}::DOUBLE`,
  );
}

function classKey(
  name: string,
  of: ColumnDefinition,
  needs: readonly string[],
  bounds: readonly number[],
  sql: Ratio['sql'],
): ClassKey {
  const column = { ...of, label: `${of.label} from` };
  const lower = (counting: Counting) =>
    `CASE WHEN (${sql(counting)}) IS NOT NULL THEN ${lowerEnd(`(${sql(counting)})`, bounds)} END`;
  return { kind: 'class', name: `${name}_from`, column, needs, bounds, sql: lower };
}

/** The lower end of a value's class, found by halves. */
function lowerEnd(value: string, bounds: readonly number[]): string {
  if (bounds.length === 1) return `${bounds[0] as number}::DOUBLE`;
  const middle = bounds.length >> 1;
  const [below, above] = [lowerEnd(value, bounds.slice(0, middle)), lowerEnd(value, bounds.slice(middle))];
  return `CASE WHEN ${value} >= ${bounds[middle] as number}::DOUBLE THEN ${above} ELSE ${below} END`;
}

/** What a class tells besides its counters: its upper end, and the share of flows in it and in it and those below. `k0` is the lower end. */
export function classMeasures({ name, column, bounds }: ClassKey): Measure[] {
  const next = bounds.slice(1).map((bound, index) => `WHEN ${bounds[index] as number}::DOUBLE THEN ${bound}::DOUBLE`);
  const display = column.name === DURATION.name ? 'duration' : 'count';
  const common = { kind: 'double', needs: [] } as const;
  return [
    {
      ...common,
      name: name.replace(/_from$/, '_to'),
      label: 'below',
      about: 'Upper end of a class, which is not in it.',
      display,
      outer: () => `CASE k0 ${next.join(' ')} END`,
    },
    {
      ...common,
      name: 'share_flows',
      label: '% flows',
      about: 'Per cent of all flows that match.',
      display: 'percent',
      outer: () => '100.0 * flows / nullif(total_flows, 0)',
    },
    {
      ...common,
      name: 'cumulated_flows',
      label: 'cumulated',
      about: 'Per cent of all flows that match, in this class and those below.',
      display: 'percent',
      outer: () => '100.0 * sum(flows) OVER (ORDER BY k0 NULLS LAST) / nullif(total_flows, 0)',
    },
  ];
}
