import type { ElementRegistry } from '../elements/registry.ts';
import { createLayout, type ExtraField, type Layout } from '../flow/layout.ts';
import { COLUMNS, columnIndex } from '../flow/schema.ts';
import { FIRST_SLOT, SLOTS } from '../flow/slots.ts';
import { feedersOf } from './feeders.ts';
import { type FieldSpecifier, VARIABLE } from './template.ts';

/**
 * What one step of a plan does with one field. `u8`…`u64`: an integer of 1–8 octets into a column of that width. `v4` `v6`: an address. `string`
 * `hex` `application`: into a text column. `label`: one MPLS label. `icmp`: type and code in two octets. `start` `end` `event`: a time, in
 * one of the encodings. `duration`: ms or µs. `rate`: a sampling parameter of the record. `init`: system init time. `extra`: kept as it is.
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
  | 'label'
  | 'icmp'
  | 'start'
  | 'end'
  | 'event'
  | 'duration'
  | 'rate'
  | 'init'
  | 'extra';

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
  /** For `rate` the element's number, for `duration` µs per unit. */
  readonly number: number;
}

/** 1, 5, 6, 7 and 8 have fixed records, whose fields are named by v9's numbers. */
export type PlanVersion = 1 | 5 | 6 | 7 | 8 | 9 | 10;

/** A template compiled to steps: what a record's octets mean, independent of how the steps are run. */
export interface Plan {
  readonly version: PlanVersion;
  readonly fields: readonly FieldSpecifier[];
  readonly steps: readonly Step[];
  readonly layout: Layout;
  /** Octets of fixed-length fields per segment. One segment means that all records have the same length. */
  readonly segments: readonly number[];
  readonly minimumLength: number;
  /** Code of RECORD_KINDS. */
  readonly recordKind: number;
  /** Start and end are sysUptime stamps and nothing else, relative to what the message says. */
  readonly usesUptime: boolean;
  /** The record may name the sampler or interface that a rate is known for. */
  readonly samplerSlot: number;
  readonly interfaceSlot: number;
}

const slot = (name: string): number => FIRST_SLOT[columnIndex(name)] as number;

/** Columns every record has: what the collector knows of the message, and the times. */
const ALWAYS = [
  'time_received',
  'exporter',
  'observation_domain',
  'flow_type',
  'record_kind',
  'sampling_rate',
  'sampling_source',
  'time_start',
  'time_end',
  'time_source',
].map(columnIndex);

/** IANA elements that are times, with what they tell and how. Best first: an exact absolute time beats a coarse or relative one. */
const TIME_FIELDS: ReadonlyMap<number, readonly ['start' | 'end' | 'event' | 'init', TimeEncoding]> = new Map([
  [156, ['start', 'ntp']],
  [154, ['start', 'ntp']],
  [152, ['start', 'ms']],
  [150, ['start', 's']],
  [22, ['start', 'uptime']],
  [158, ['start', 'ago']],
  [157, ['end', 'ntp']],
  [155, ['end', 'ntp']],
  [153, ['end', 'ms']],
  [151, ['end', 's']],
  [21, ['end', 'uptime']],
  [159, ['end', 'ago']],
  [325, ['event', 'ntp']],
  [324, ['event', 'ntp']],
  [323, ['event', 'ms']],
  [322, ['event', 's']],
  [258, ['event', 'ms']],
  [160, ['init', 'ms']],
]);
const TIME_RANK: readonly number[] = [...TIME_FIELDS.keys()];

/** Durations in µs per unit: flowDurationMilliseconds, flowDurationMicroseconds. */
const DURATIONS: ReadonlyMap<number, number> = new Map([
  [161, 1000],
  [162, 1],
]);

/** Sampling parameters that a data record may carry: RFC 5477 section 8.2, and those of NetFlow v9. */
const RATE_FIELDS: ReadonlySet<number> = new Set([34, 50, 305, 306, 309, 310, 311]);

/** ICMP: type and code together, or one of them. */
const ICMP_BOTH: ReadonlySet<number> = new Set([32, 139]);
const ICMP_TYPE: ReadonlySet<number> = new Set([176, 178]);
const ICMP_CODE: ReadonlySet<number> = new Set([177, 179]);

const PADDING = 210;
/** Code of RECORD_KINDS: what NetFlow v8 sends. */
const AGGREGATE = 5;

interface Placed {
  readonly field: FieldSpecifier;
  readonly segment: number;
  readonly offset: number;
}

/**
 * Compiles the fields of a template to a plan. Pure; never fails: a field that fits no column is kept as `extra`.
 */
export function buildPlan(version: PlanVersion, fields: readonly FieldSpecifier[], registry: ElementRegistry): Plan {
  const { placed, segments } = place(fields);
  const wireVersion = version === 10 ? 10 : 9;
  const candidates = new Map<number, { rank: number; placed: Placed }[]>();
  const steps: Step[] = [];
  const times: Step[] = [];
  const extra: Step[] = [];
  const extraFields: ExtraField[] = [];
  const columns = new Set<number>(ALWAYS);

  const keep = (at: Placed): void => {
    const { enterprise, id, length } = at.field;
    if (length === 0 || (enterprise === 0 && id === PADDING)) return;
    const element = registry.lookup(enterprise, id, wireVersion);
    extraFields.push({ name: element?.name ?? `${enterprise}/${id}`, type: element?.type ?? 'octetArray', length });
    extra.push(step(at, 'extra'));
  };

  for (const at of placed) {
    const special = specialStep(at);
    if (special !== undefined) {
      times.push(special);
      continue;
    }
    if (at.field.length === 0) continue;
    if (isIcmp(at.field)) {
      const name = ICMP_CODE.has(at.field.id) ? 'icmp_code' : 'icmp_type';
      steps.push(step(at, 'icmp', { slot: slot(name), ifZero: columns.has(columnIndex(name)) }));
      if (!ICMP_CODE.has(at.field.id)) columns.add(columnIndex('icmp_type'));
      if (!ICMP_TYPE.has(at.field.id)) columns.add(columnIndex('icmp_code'));
      continue;
    }
    const feeder = feedersOf(wireVersion).get(fieldKey(at.field));
    if (feeder === undefined || columnOp(feeder.column, at.field) === undefined) keep(at);
    else {
      const list = candidates.get(feeder.column) ?? [];
      list.push({ rank: feeder.rank, placed: at });
      candidates.set(feeder.column, list);
    }
  }

  for (const [column, list] of candidates) {
    list.sort((a, b) => a.rank - b.rank);
    const first = FIRST_SLOT[column] as number;
    const isCounter = COLUMNS[column]?.unit !== undefined;
    const isLabels = COLUMNS[column]?.name === 'mpls_labels';
    columns.add(column);
    list.forEach(({ placed: at }, index) => {
      // A second counter of the same kind counts something else (totals beside deltas); any other second field fills gaps of the first.
      if (index > 0 && isCounter) keep(at);
      else steps.push(step(at, columnOp(column, at.field) as StepOp, { slot: first, ifZero: index > 0 && !isLabels }));
    });
  }

  times.sort((a, b) => a.number - b.number);
  const isLabel = ({ op }: Step): number => Number(op === 'label');
  steps.sort((a, b) => {
    const order = Number(a.ifZero) - Number(b.ifZero) || isLabel(a) - isLabel(b);
    // Labels stay in the stack's order, wherever they lie.
    return order !== 0 || isLabel(a) === 1 ? order : a.segment - b.segment || a.offset - b.offset;
  });
  if (extraFields.length > 0) columns.add(columnIndex('extra'));
  const has = (name: string): boolean => columns.has(columnIndex(name));
  const kind = version === 8 ? AGGREGATE : recordKind(has);
  const layout = createLayout(columns, extraFields, [[slot('record_kind'), kind], ...emptyHalves(steps)]);
  return {
    version,
    fields,
    steps: [...steps, ...times, ...extra],
    layout,
    segments,
    minimumLength: segments.reduce((sum, octets) => sum + octets, 0) + segments.length - 1,
    recordKind: kind,
    usesUptime:
      times.some(({ encoding }) => encoding === 'uptime') &&
      times.every(({ op, encoding }) => (op !== 'start' && op !== 'end' && op !== 'init') || encoding === 'uptime'),
    samplerSlot: has('sampler_id') ? slot('sampler_id') : -1,
    interfaceSlot: has('in_if') ? slot('in_if') : -1,
  };
}

/** The upper halves of columns that one IPv4 field feeds and nothing else: 0 in every row. */
function emptyHalves(steps: readonly Step[]): [number, number][] {
  const uses = (slot: number): number => steps.filter((step) => step.slot === slot).length;
  return steps.filter(({ op, slot }) => op === 'v4' && uses(slot) === 1).map(({ slot }): [number, number] => [slot, 0]);
}

/** Where each field lies: fixed fields by their offset in a segment; a variable one starts a segment and has offset 0. */
function place(fields: readonly FieldSpecifier[]): { placed: Placed[]; segments: number[] } {
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

function step(at: Placed, op: StepOp, more: Partial<Step> = {}): Step {
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

/** The step of a field that is a time, a duration or a sampling parameter, of a length that it can have. */
function specialStep(at: Placed): Step | undefined {
  const { enterprise, id, length } = at.field;
  if (enterprise !== 0 || length < 1 || length > 8) return undefined;
  const time = TIME_FIELDS.get(id);
  if (time !== undefined) {
    const [op, encoding] = time;
    if (encoding === 'ntp' && length !== 8) return undefined;
    return step(at, op, { encoding, number: op === 'init' ? -1 : TIME_RANK.indexOf(id) });
  }
  const micros = DURATIONS.get(id);
  if (micros !== undefined) return step(at, 'duration', { number: micros });
  if (RATE_FIELDS.has(id) && (id !== 311 || length === 4 || length === 8)) return step(at, 'rate', { number: id });
  return undefined;
}

function isIcmp({ enterprise, id, length }: FieldSpecifier): boolean {
  if (enterprise !== 0) return false;
  return ICMP_BOTH.has(id) ? length === 2 : (ICMP_TYPE.has(id) || ICMP_CODE.has(id)) && length === 1;
}

function fieldKey({ enterprise, id }: FieldSpecifier): number {
  return enterprise * 65_536 + id;
}

/** How a field's octets go into a column, or undefined when they do not fit there. */
function columnOp(column: number, field: FieldSpecifier): StepOp | undefined {
  const definition = COLUMNS[column];
  const { length } = field;
  switch (definition?.type) {
    case 'address':
      return length === 4 ? 'v4' : length === 16 ? 'v6' : undefined;
    case 'mac':
      return length === 6 || length === 8 ? 'u64' : undefined;
    case 'text':
      if (definition.name === 'mpls_labels') return length === 3 ? 'label' : undefined;
      if (definition.name === 'app_id') return 'application';
      return definition.name.endsWith('_acl') ? 'hex' : 'string';
    case 'u8':
    case 'u16':
    case 'u32':
    case 'u64':
      return length <= 8 ? (SLOTS[FIRST_SLOT[column] as number]?.kind as StepOp) : undefined;
    default:
      return undefined;
  }
}

/** What records with these columns tell; see RECORD_KINDS. */
function recordKind(has: (name: string) => boolean): number {
  if (has('firewall_event') || has('firewall_extended_event')) return 3;
  if (has('nat_event') && !has('bytes') && !has('packets')) return 2;
  return has('reverse_bytes') || has('reverse_packets') ? 1 : 0;
}
