import type { Zone } from '../../filter/time-literal.ts';
import type { Probe } from '../probe.ts';
import { hasTiers, type Source } from '../source.ts';
import { type TierChoice, whyNot } from '../tier.ts';
import type { Totals } from '../totals.ts';
import { grouped, humanTime, scaled, scaledBytes, zoneName } from './humanize.ts';

/** How many of the records that match stand for traffic, and how many sum up flows; and whether the sums contain the latter. */
export interface MatchedKinds {
  readonly traffic: number;
  readonly aggregates: number;
  readonly summed: boolean;
}

export interface SummaryFacts {
  readonly source: Source;
  readonly totals: Totals;
  /** Flows are counted for both their ends, so that groups come to more than the totals. */
  readonly bothEnds: boolean;
  /** Undefined where nobody needed it. */
  readonly probe: Probe | undefined;
  readonly raw: boolean;
  readonly kinds: MatchedKinds;
  /** Rows shown, and whether there are more. */
  readonly shown: number;
  readonly limit: number | undefined;
  readonly grouped: boolean;
  readonly zone: Zone;
  /** Whether the first and the last time are those of flows in any case. */
  readonly exactTimes: boolean;
  readonly seconds: number;
}

/** The lines below a table: which time, how much, what was read and how long it took. */
export function summaryText(facts: SummaryFacts): string {
  const { source, totals, zone } = facts;
  const lines: (readonly [string, string])[] = [];
  const zoneText = zoneName(zone, totals.flows > 0 ? totals.first / 1000 : Date.now());
  const time = (micros: number) => humanTime(micros, zone);
  const rounded = roundedText(facts);
  if (totals.flows > 0)
    lines.push([
      'time',
      `${time(totals.first)} to ${time(totals.last)} (${zoneText})${rounded}${askedText(source, zone)}`,
    ]);
  else lines.push(['time', noFlowsText(source, zone)]);
  const counted = `${grouped(totals.flows)} flows, ${scaled(totals.packets)} packets, ${scaled(totals.bytes)}B`;
  lines.push(['total', counted.replace(/(\d)B$/, '$1 B')]);
  if (facts.bothEnds)
    lines.push(['ends', 'each flow counts for both its ends, so that groups come to more than the total']);
  const { rows, bytes } = source;
  lines.push([
    'read',
    `${readText(source)}, ${grouped(rows)} rows, ${scaledBytes(bytes)} in ${facts.seconds.toFixed(2)} s`,
  ]);
  const unknown = hasTiers(source) ? source.tiers.unknown : source.onlyRolled;
  if (unknown !== undefined) lines.push(['gone', goneText(facts, unknown)]);
  const kinds = kindsText(facts.kinds);
  if (kinds !== undefined) lines.push(['kinds', kinds]);
  const sampling = samplingText(facts);
  if (sampling !== undefined) lines.push(['sampling', sampling]);
  if (facts.limit !== undefined && facts.shown === facts.limit && !facts.grouped && totals.flows > facts.shown) {
    lines.push(['shown', `the first ${grouped(facts.shown)} flows; --top 0 shows all, --by src_addr sums up`]);
  }
  return `\n${lines.map(([label, text]) => `${label.padEnd(9)}${text}`).join('\n')}\n`;
}

/** From where the answer is: `12 of 60 segments from roll-ups per hour, 3 read`. */
function readText(source: Source): string {
  const { segments, stored } = source;
  if (!hasTiers(source)) return `${grouped(segments.length)} of ${grouped(stored.segments)} segments`;
  const { spared, rolled } = source.tiers;
  const names = (['hour', 'minute'] as const).filter(
    (tier) => spared[tier] > 0 || rolled.some((part) => part.tier === tier),
  );
  const parts = names.map(
    (tier) => `${grouped(spared[tier])} of ${grouped(stored.segments)} segments from roll-ups per ${tier}`,
  );
  return [...parts, `${grouped(segments.length)} read`].join(', ');
}

/** Flows that were removed, and that only roll-ups know of. */
function goneText({ source, zone }: SummaryFacts, { first, last }: NonNullable<TierChoice['unknown']>): string {
  const time = `${humanTime(first, zone)} to ${humanTime(last, zone)}`;
  return hasTiers(source)
    ? `some flows from ${time} are there in roll-ups only: those that began before the first whole bucket, or in the last, are not counted`
    : `some flows from ${time} are there in roll-ups only, which cannot answer this: ${whyNot(source.tiers)}`;
}

/** Roll-ups know when flows began by their buckets. */
function roundedText({ source, exactTimes }: SummaryFacts): string {
  if (exactTimes || !hasTiers(source)) return '';
  const tier = source.tiers.rolled.some((part) => part.tier === 'hour') ? 'hour' : 'minute';
  return source.tiers.rolled.length === 0 ? '' : `, to the ${tier}`;
}

/** That nothing was found, when it was looked for, and the times of what is stored. */
export function noFlowsText(source: Source, zone: Zone): string {
  return `no flows${askedText(source, zone)}; stored are ${storedText(source, zone)} (${zoneName(zone, Date.now())})`;
}

function askedText({ span: { from, to } }: Source, zone: Zone): string {
  if (from === undefined && to === undefined) return '';
  const text = (micros: bigint | undefined, open: string) =>
    micros === undefined ? open : humanTime(Number(micros), zone);
  return `, asked for ${text(from, 'the beginning')} to ${text(to, 'the end')}`;
}

function storedText({ stored: { first, last } }: Source, zone: Zone): string {
  return first === null || last === null
    ? 'flows without times'
    : `${humanTime(first, zone)} to ${humanTime(last, zone)}`;
}

/** What is to be said of aggregated records: a flow may be in one of them and stored by itself, so that it would count twice. */
export function kindsText({ traffic, aggregates, summed }: MatchedKinds): string | undefined {
  if (aggregates === 0) return undefined;
  const count = `${grouped(aggregates)} aggregated record${aggregates === 1 ? '' : 's'}`;
  if (!summed) return `${count} left out; the filter 'kind aggregate' sums them`;
  if (traffic === 0) return undefined;
  return `sums both ${grouped(traffic)} flows and ${count}; 'kind flow' or 'kind aggregate' in the filter takes one`;
}

function samplingText({ probe, raw }: SummaryFacts): string | undefined {
  if (probe === undefined) return undefined;
  if (probe.maxRate > 1) {
    const unknown = probe.unknownRates ? '; where the rate is unknown, as counted' : '';
    if (raw) return `counters as exported; packets were sampled, up to 1 in ${grouped(probe.maxRate)}`;
    return `counters multiplied by the sampling rate, up to ${grouped(probe.maxRate)}${unknown} (--raw: as exported)`;
  }
  return probe.unknownRates ? 'rate unknown for some flows: their counters are taken as they are' : undefined;
}
