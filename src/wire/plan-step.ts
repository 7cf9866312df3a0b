import { type FieldSpecifier, VARIABLE } from './template.ts';

/**
 * What one step of a plan does with one field. `u8`…`u64`: an integer of 1–8 octets into a column of that width. `v4` `v6`: an address. `string`
 * `hex` `application` `communities`: into a text column. `label`: one MPLS label. `icmp`: type and code in two octets. `start` `end` `event`: a time, in
 * one of the encodings; `reverse_start` `reverse_end`: those of a biflow's other direction, `reverse_after`:
 * ms from `start` to `reverse_start`. `duration`: ms or µs. `rate`: a sampling parameter of the
 * record. `init`: system init time. `extra`: kept as it is. `list`: structured data, kept as JSON. `section`: the beginning of a packet, whose headers
 * give the columns that no field gives.
 */
export type StepOp =
  | 'u8'
  | 'u16'
  | 'u32'
  | 'u64'
  | 'v4'
  | 'v6'
  | 'string'
  | 'hex'
  | 'application'
  | 'communities'
  | 'label'
  | 'icmp'
  | 'start'
  | 'end'
  | 'event'
  | 'reverse_start'
  | 'reverse_end'
  | 'reverse_after'
  | 'duration'
  | 'rate'
  | 'init'
  | 'extra'
  | 'list'
  | 'section';

export type TimeEncoding = 's' | 'ms' | 'ntp' | 'uptime' | 'ago';

export interface Step {
  readonly op: StepOp;
  /** First slot written, or −1. */
  readonly slot: number;
  /** Octets read before this field since the segment's start. */
  readonly offset: number;
  /** 0 is the record's start; each variable-length field starts the next segment. */
  readonly segment: number;
  /** Octets, or VARIABLE for the field that starts the segment. */
  readonly length: number;
  /** Writes only where a better field left zero. */
  readonly ifZero: boolean;
  readonly encoding: TimeEncoding | undefined;
  /** For `rate` the element's number, for `duration` µs per unit, for times their rank, for `list` its kind. */
  readonly number: number;
}

/** Where a field of a template lies in its records. */
export interface Placed {
  readonly field: FieldSpecifier;
  readonly segment: number;
  readonly offset: number;
}

/** Where each field lies: fixed fields by their offset in a segment; a variable one starts a segment and has offset 0. */
export function place(fields: readonly FieldSpecifier[]): { placed: Placed[]; segments: number[] } {
  const segments = [0];
  const placed = fields.map((field): Placed => {
    if (field.length === VARIABLE) return { field, segment: segments.push(0) - 1, offset: 0 };
    const segment = segments.length - 1;
    const offset = segments[segment] as number;
    segments[segment] = offset + field.length;
    return { field, segment, offset };
  });
  return { placed, segments };
}

/** A step for the field there; what is not said is nothing. */
export function step(at: Placed, op: StepOp, more: Partial<Step> = {}): Step {
  const { field, segment, offset } = at;
  return {
    op,
    slot: -1,
    offset,
    segment,
    length: field.length,
    ifZero: false,
    encoding: undefined,
    number: 0,
    ...more,
  };
}
