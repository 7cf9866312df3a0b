import type { ElementRegistry } from '../elements/registry.ts';
import { JSON_TYPE } from '../flow/extra.ts';
import { createLayout, type ExtraField, type Layout } from '../flow/layout.ts';
import { COLUMNS, COMMON_COLUMNS, columnIndex } from '../flow/schema.ts';
import { FIRST_SLOT, SLOTS } from '../flow/slots.ts';
import { isAggregated } from './aggregation.ts';
import { feedersOf } from './feeders.ts';
import { PAYLOAD_SECTION, SECTION_LINK_TYPES, type SectionPlan, sectionPlan } from './packet-section.ts';
import { type Placed, place, type Step, type StepOp, step } from './plan-step.ts';
import { specialStep } from './plan-times.ts';
import { isListType, LIST_TYPES } from './structured-data.ts';
import type { FieldSpecifier } from './template.ts';

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
  /** What a section of the packet gives, where records have one. */
  readonly section: SectionPlan | undefined;
  /** Start and end are sysUptime stamps and nothing else, relative to what the message says. */
  readonly usesUptime: boolean;
  /** The record may name the selection sequence, sampler or interface that a rate is known for. */
  readonly sequenceSlot: number;
  readonly samplerSlot: number;
  readonly interfaceSlot: number;
}

const slot = (name: string): number => FIRST_SLOT[columnIndex(name)] as number;

const ALWAYS = COMMON_COLUMNS.map(columnIndex);

/** ICMP: type and code together, or one of them. */
const ICMP_BOTH: ReadonlySet<number> = new Set([32, 139]);
const ICMP_TYPE: ReadonlySet<number> = new Set([176, 178]);
const ICMP_CODE: ReadonlySet<number> = new Set([177, 179]);

/** protocolIdentifier. A record with two of them tells of a packet in a packet, the outer first (RFC 7011 section 8): Cisco's SRv6. */
const PROTOCOL = 4;
/** Where the second field of such a record goes that would feed the column. */
const INNER_COLUMNS: ReadonlyMap<number, number> = new Map(
  ['src_addr', 'dst_addr', 'src_port', 'dst_port', 'proto'].map((name) => [
    columnIndex(name),
    columnIndex(`inner_${name}`),
  ]),
);
const PADDING = 210;
/** dataLinkFrameSize (RFC 7133). */
const FRAME_SIZE = 312;
/** Code of RECORD_KINDS: what NetFlow v8 sends, and RFC 7015 describes. */
const AGGREGATE = 5;
/** What tells of dropped packets and of none that went on. */
const DISCARD = 6;
/** What a record with a section of one packet and no counters is. */
const SAMPLE = 4;

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
    const name = element?.name ?? `${enterprise}/${id}`;
    if (element !== undefined && isListType(element.type)) {
      extraFields.push({ name, type: JSON_TYPE, length });
      extra.push(step(at, 'list', { number: LIST_TYPES.indexOf(element.type) }));
      return;
    }
    extraFields.push({ name, type: element?.type ?? 'octetArray', length });
    extra.push(step(at, 'extra'));
  };

  const sectionAt = bestSection(placed);
  const isTunnelled = fields.filter(({ enterprise, id }) => enterprise === 0 && id === PROTOCOL).length > 1;

  for (const at of placed) {
    if (at === sectionAt) continue;
    const special = specialStep(at);
    if (special !== undefined) {
      times.push(special);
      if (special.op === 'reverse_end') columns.add(columnIndex('reverse_time_end'));
      else if (special.op.startsWith('reverse_')) columns.add(columnIndex('reverse_time_start'));
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
    const isInner = feeder !== undefined && isTunnelled && candidates.has(feeder.column);
    const column = isInner ? INNER_COLUMNS.get(feeder.column) : feeder?.column;
    if (feeder === undefined || column === undefined || columnOp(column, at.field) === undefined) keep(at);
    else {
      const list = candidates.get(column) ?? [];
      list.push({ rank: feeder.rank, placed: at });
      candidates.set(column, list);
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
  // The length of the frame that was looked at counts no flow.
  const countsFrame = candidates.get(columnIndex('bytes'))?.[0]?.placed.field.id === FRAME_SIZE;
  const isSample = sectionAt !== undefined && !has('packets') && (countsFrame || !has('bytes'));
  const kind = version === 8 ? AGGREGATE : isSample ? SAMPLE : recordKind(has, isAggregated(fields));
  const section = sectionAt === undefined ? undefined : sectionPlan(sectionAt.field.id, columns, isSample);
  for (const column of section?.columns ?? []) columns.add(column);
  if (sectionAt !== undefined) extra.push(step(sectionAt, 'section'));
  const layout = createLayout(columns, extraFields, [[slot('record_kind'), kind], ...emptyHalves(steps)]);
  return {
    version,
    fields,
    steps: [...steps, ...times, ...extra],
    layout,
    segments,
    minimumLength: segments.reduce((sum, octets) => sum + octets, 0) + segments.length - 1,
    recordKind: kind,
    section,
    usesUptime:
      times.some(({ encoding }) => encoding === 'uptime') &&
      times.every(({ op, encoding }) => (op !== 'start' && op !== 'end' && op !== 'init') || encoding === 'uptime'),
    sequenceSlot: has('selection_sequence') ? slot('selection_sequence') : -1,
    samplerSlot: has('sampler_id') ? slot('sampler_id') : -1,
    interfaceSlot: has('in_if') ? slot('in_if') : -1,
  };
}

/** The field with the beginning of the packet that tells most; others are kept as they are. */
function bestSection(placed: readonly Placed[]): Placed | undefined {
  const find = (id: number): Placed | undefined =>
    placed.find(({ field }) => field.enterprise === 0 && field.id === id && field.length > 0);
  for (const id of SECTION_LINK_TYPES.keys()) {
    const found = find(id);
    if (found !== undefined) return found;
  }
  return find(PROTOCOL) === undefined ? undefined : find(PAYLOAD_SECTION);
}

/** The upper halves of columns that one IPv4 field feeds and nothing else: 0 in every row. */
function emptyHalves(steps: readonly Step[]): [number, number][] {
  const uses = (slot: number): number => steps.filter((step) => step.slot === slot).length;
  return steps.filter(({ op, slot }) => op === 'v4' && uses(slot) === 1).map(({ slot }): [number, number] => [slot, 0]);
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
      if (definition.name === 'bgp_communities') return 'communities';
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

/**
 * What records with these columns tell; see RECORD_KINDS. An event with counters is traffic: the teardown and update of a firewall (NSEL) carry what
 * went by since the event before, its create and denied carry none; NAT devices exist that put an event into ordinary flow records.
 */
function recordKind(has: (name: string) => boolean, isAggregate: boolean): number {
  const hasReverse = has('reverse_bytes') || has('reverse_packets');
  if (has('bytes') || has('packets') || hasReverse) return isAggregate ? AGGREGATE : hasReverse ? 1 : 0;
  if (has('firewall_event') || has('firewall_extended_event')) return 3;
  // There are exporters of translations that do not say which event it was (Nokia).
  const isTranslation = has('nat_event') || has('post_nat_src_addr') || has('port_range_start');
  if (isTranslation) return 2;
  return has('dropped_packets') || has('dropped_bytes') ? DISCARD : 0;
}
