import { nearest } from '../elements/nearest.ts';
import { WeirError } from '../util/errors.ts';
import { COUNTERS, type Counter, counterSql, sumSql } from './counters.ts';
import { sqlPercentile } from './interval-rates.ts';
import type { Measure, MeasureContext } from './measure.ts';

function rate(name: string, label: string, about: string, sql: string): Measure {
  return { name, label, about, display: 'count', kind: 'double', needs: [], outer: () => sql };
}

function perFlow(of: 'bytes' | 'packets'): Measure[] {
  const inner = (aggregate: (value: string) => string) => (context: MeasureContext) =>
    `${aggregate(`(${counterSql(of, { ...context, arithmetic: 'doubles' })})`)}::DOUBLE`;
  return [
    {
      name: `avg_${of}`,
      label: `avg ${of}`,
      about: `Average ${of} of a flow.`,
      display: 'count',
      perFlow: true,
      kind: 'double',
      needs: [],
      ofSums: true,
      outer: () => `${of} / nullif(flows, 0)`,
    },
    {
      name: `p95_${of}`,
      label: `p95 ${of}`,
      about: `95 of 100 flows have at most so many ${of}.`,
      display: 'count',
      perFlow: true,
      kind: 'double',
      needs: [of],
      inner: inner((value) => `quantile_disc(${value}, 0.95)`),
    },
    {
      name: `max_${of}`,
      label: `max ${of}`,
      about: `${of === 'bytes' ? 'Bytes' : 'Packets'} of the largest flow.`,
      display: 'count',
      perFlow: true,
      kind: 'double',
      needs: [of],
      inner: inner((value) => `max(${value})`),
    },
  ];
}

function perInterval(name: string, label: string, about: string, of: 'bytes' | 'packets'): Measure {
  const outer = () => `${of === 'bytes' ? '8 * ' : ''}${sqlPercentile(of)}`;
  return { name, label, about, display: 'count', kind: 'double', needs: [], perInterval: of, outer };
}

function duration(name: string, label: string, about: string, aggregate: string): Measure {
  const inner = () => `${aggregate}::DOUBLE`;
  return { name, label, about, display: 'duration', perFlow: true, kind: 'double', needs: ['duration'], inner };
}

function share(of: Counter): Measure {
  const outer = () => `100.0 * ${of} / nullif(total_${of}, 0)`;
  return {
    name: `share_${of}`,
    label: `% ${of}`,
    about: `Per cent of all ${of} that match.`,
    display: 'percent',
    kind: 'double',
    needs: [],
    ofSums: true,
    outer,
  };
}

function ofReverse(name: 'reverse_packets' | 'reverse_bytes', label: string, about: string): Measure {
  const inner = (context: MeasureContext) => `${sumSql(name, context)}::DOUBLE`;
  return { name, label, about, display: 'count', kind: 'double', needs: [name], additive: true, inner };
}

/** Packets and bytes of the other direction, in the order of those of the first. */
export const REVERSE: readonly Measure[] = [
  ofReverse('reverse_packets', 'packets back', 'Packets from the destination to the source.'),
  ofReverse('reverse_bytes', 'bytes back', 'Bytes from the destination to the source.'),
];

/** What is told of conversations. */
export const CONVERSATION_MEASURES: readonly Measure[] = [
  ...REVERSE,
  {
    name: 'both_bytes',
    label: 'bytes both',
    about: 'Bytes of both directions.',
    display: 'count',
    kind: 'double',
    needs: ['reverse_bytes'],
    additive: true,
    inner: (context) => `(${sumSql('bytes', context)} + ${sumSql('reverse_bytes', context)})::DOUBLE`,
  },
];

/** How far sums of sampled packets may be off. Phaal and Panchen, "Packet Sampling Basics" (sFlow.org): % error <= 196 * sqrt(1 / c), c the samples. */
export const MARGIN: Measure = {
  name: 'margin',
  label: '± %',
  about: 'Margin of error of packets and bytes at 95 % confidence where packets were sampled: 196 % / √(packets seen).',
  display: 'percent',
  kind: 'double',
  needs: ['packets', 'sampling_rate'],
  ofSums: true,
  inner: () => `sum(CASE WHEN "sampling_rate" > 1 THEN "packets" END)::DOUBLE`,
  outer: (own) => `196 / sqrt(nullif(${own}, 0))`,
};

/** Measures beside flows, packets and bytes. */
export const MEASURES: readonly Measure[] = [
  rate(
    'bps',
    'bit/s',
    'Bits per second over the time of the whole answer, or of the step of time.',
    'bytes * 8 / nullif(seconds, 0)',
  ),
  rate(
    'pps',
    'packet/s',
    'Packets per second over the time of the whole answer, or of the step of time.',
    'packets / nullif(seconds, 0)',
  ),
  { ...rate('bpp', 'byte/packet', 'Bytes per packet.', 'bytes / nullif(packets, 0)'), ofSums: true },
  share('flows'),
  share('packets'),
  share('bytes'),
  ...perFlow('bytes'),
  ...perFlow('packets'),
  duration('avg_duration', 'avg lasted', 'Average duration of a flow.', 'avg("duration")'),
  duration('p95_duration', 'p95 lasted', '95 of 100 flows last no longer.', 'quantile_disc("duration", 0.95)'),
  MARGIN,
  perInterval('p95_bps', 'p95 bit/s', '95 of 100 averages of 5 minutes are at most so many bits per second.', 'bytes'),
  perInterval(
    'p95_pps',
    'p95 packet/s',
    '95 of 100 averages of 5 minutes are at most so many packets per second.',
    'packets',
  ),
];

/** Reads `bps,avg_bytes`. Throws WEIR_USAGE with the nearest name. Counters among them are left out: every group has them. */
export function parseMeasures(text: string): Measure[] {
  const names = text
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((name) => name !== '');
  const wanted = [...new Set(names)].filter((name) => !(COUNTERS as readonly string[]).includes(name));
  return wanted.map((name) => {
    const measure = MEASURES.find((one) => one.name === name);
    if (measure !== undefined) return measure;
    const known = [...COUNTERS, ...MEASURES.map((one) => one.name)];
    const suggestion = nearest(name, known);
    throw new WeirError('WEIR_USAGE', `--measures: there is no measure '${name.slice(0, 60)}'`, {
      hint: suggestion === undefined ? `There are ${known.join(', ')}.` : `Did you mean '${suggestion}'?`,
    });
  });
}
