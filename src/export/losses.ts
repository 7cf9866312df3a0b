import { COMMON_COLUMNS } from '../flow/schema.ts';

/**
 * What a target format cannot carry, and what is done about it. Each rule has a name, under which it is counted; docs/encode.md explains all of them.
 * A record is refused as a whole, or sent with a changed value, or sent without the values of columns for which the format has no field.
 */

/** Why a record is not sent at all. */
export const REFUSALS = ['ipv6', 'record_kind', 'no_address', 'too_long', 'template_limit'] as const;
export type Refusal = (typeof REFUSALS)[number];

/** Why a value is sent that is not the record's own. */
export const CHANGES = [
  'split',
  'counter_clamped',
  'as_trans',
  'interface_clamped',
  'flags_cut',
  'time_clamped',
  'time_rounded',
  'domain_cut',
  'sampling_clamped',
  'sampling_assumed',
  'text_cut',
  'value_left_out',
  'flow_as_sample',
  'sample_as_flow',
] as const;
export type Change = (typeof CHANGES)[number];

/** What becomes of a field of `extra`: sent, or left out for one of the other reasons. */
const EXTRA_RULES = ['sent', 'no_number', 'no_octets', 'no_length', 'taken'] as const;
export type ExtraRule = (typeof EXTRA_RULES)[number];

/** What became of names that were given for options data. */
export interface NameCounters {
  /** Options data records with a name, each time that it is sent. */
  sent: number;
  /** Names for which the format has no field, or the message no room. */
  left_out: number;
  /** Texts that are longer than their field. */
  cut: number;
}

/** Counts of one encoder since it was made. */
export interface EncoderCounters {
  /** Data records in messages; options data records do not count. */
  records: number;
  messages: number;
  octets: number;
  readonly refused: Record<Refusal, number>;
  /** Values, except for `split`: there it is records more than there were. */
  readonly changed: Record<Change, number>;
  /** By column name: records that had a value of a column for which the format has no field. */
  readonly omitted: Record<string, number>;
  /** Fields of `extra`, in formats that have templates. */
  readonly extra: Record<ExtraRule, number>;
  /** Names as options data. */
  readonly names: NameCounters;
}

/** Counters at zero. */
export function createCounters(): EncoderCounters {
  const zeros = <Name extends string>(names: readonly Name[]): Record<Name, number> =>
    Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
  return {
    records: 0,
    messages: 0,
    octets: 0,
    refused: zeros(REFUSALS),
    changed: zeros(CHANGES),
    omitted: {},
    extra: zeros(EXTRA_RULES),
    names: { sent: 0, left_out: 0, cut: 0 },
  };
}

/** What only the collector knows of a record, or what the message tells: no field is expected to carry it. */
export const COLLECTOR_COLUMNS: ReadonlySet<string> = new Set(COMMON_COLUMNS);

/** Code of RECORD_KINDS. */
export const SAMPLE = 4;

/** By code of RECORD_KINDS: flow, biflow, sample. */
const TRAFFIC: readonly boolean[] = [true, true, false, false, true];

/** Whether a record of this kind can be sent in formats that know traffic only: NAT events and the like would look like flows of no packets. */
export function isTraffic(kind: number): boolean {
  return TRAFFIC[kind] === true;
}
