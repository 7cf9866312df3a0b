import { createLayout, type Layout } from '../flow/layout.ts';
import { COMMON_COLUMNS, columnIndex } from '../flow/schema.ts';
import { slotOf } from '../flow/slots.ts';

/** What is told of connections, see nat-records.ts. */
export const RECORD_FORMS = ['v5-triplet', 'flows', 'biflows', 'events'] as const;
export type RecordForm = (typeof RECORD_FORMS)[number];

/** What a record has, besides what all of its form have. */
export interface RecordTraits {
  /** Ports; of ICMP the source's, its query id. */
  readonly hasSourcePort: boolean;
  readonly hasDestinationPort: boolean;
  readonly isIcmp: boolean;
  readonly hasCounters: boolean;
  readonly isTranslated: boolean;
  readonly hasZone: boolean;
}

/** Codes of RECORD_KINDS and TIME_SOURCES. */
const [FLOW, BIFLOW, NAT_EVENT] = [0, 1, 2];
const [FROM_FLOW, FROM_EVENT] = [0, 1];
/** Code of BIFLOW_DIRECTIONS. */
const INITIATOR = 1;

/** The columns of records of a form with these traits. */
export function recordLayout(form: RecordForm, traits: RecordTraits): Layout {
  const isTriplet = form === 'v5-triplet';
  const isEvent = form === 'events';
  const names = [...COMMON_COLUMNS, 'src_addr', 'dst_addr', 'proto'];
  const add = (condition: boolean, ...columns: readonly string[]): void => {
    if (condition) names.push(...columns);
  };
  add(traits.hasSourcePort, 'src_port');
  add(traits.hasDestinationPort, 'dst_port');
  add(traits.hasCounters && !isEvent, 'bytes', 'packets');
  add(traits.hasCounters && form === 'biflows', 'reverse_bytes', 'reverse_packets');
  add(form === 'biflows', 'biflow_direction');
  // NetFlow v5 has no more, and sends ICMP's type as a port, which nfflowd does not.
  add(!isTriplet, 'flow_id');
  add(!isTriplet && traits.isIcmp, 'icmp_type', 'icmp_code');
  add(!isTriplet && !isEvent, 'flow_end_reason');
  add(!isTriplet && traits.hasZone, 'nat_instance', 'ingress_vrf');
  add(!isTriplet && traits.isTranslated, 'post_nat_src_addr', 'post_nat_dst_addr');
  add(!isTriplet && traits.isTranslated && traits.hasSourcePort, 'post_nat_src_port');
  add(!isTriplet && traits.isTranslated && traits.hasDestinationPort, 'post_nat_dst_port');
  add(isEvent, 'nat_event', 'nat_realm');
  const fixed: (readonly [number, number])[] = [
    [slotOf('record_kind'), isEvent ? NAT_EVENT : form === 'biflows' ? BIFLOW : FLOW],
    [slotOf('time_source'), isEvent ? FROM_EVENT : FROM_FLOW],
    [slotOf('sampling_rate'), 0],
    [slotOf('sampling_source'), 0],
  ];
  if (form === 'biflows') fixed.push([slotOf('biflow_direction'), INITIATOR]);
  return createLayout(names.map(columnIndex), [], fixed);
}
