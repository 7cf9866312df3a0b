import { type Layout } from '../flow/layout.ts';
import { COLUMNS, columnIndex } from '../flow/schema.ts';
import { FIRST_SLOT, SLOTS, slotOf } from '../flow/slots.ts';
import { feedersOf } from '../wire/feeders.ts';
import { V1_HEADER, V1_SHORT_FIELDS } from '../wire/netflow-v1.ts';
import { V5_FIELDS, V5_HEADER } from '../wire/netflow-v5.ts';
import { V6_FIELDS, V6_HEADER } from '../wire/netflow-v6.ts';
import { V7_FIELDS, V7_HEADER } from '../wire/netflow-v7.ts';
import type { FieldSpecifier } from '../wire/template.ts';
import {
  address4,
  lowerDouble,
  lowOctet,
  type MessageClock,
  narrowed,
  octet,
  uptimeStamp,
  word,
  writeNothing,
} from './field-writers.ts';
import { COLLECTOR_COLUMNS, type EncoderCounters } from './losses.ts';
import type { FieldWriter } from './row-selection.ts';

/** Versions of NetFlow that are written without templates. */
export type FixedVersion = 1 | 5 | 6 | 7;

export interface FixedFormat {
  readonly header: number;
  readonly fields: readonly FieldSpecifier[];
  /** Records of a datagram at most (Cisco, "NetFlow Export Datagram Format"). */
  readonly most: number;
  readonly hasSequence: boolean;
  readonly hasSampling: boolean;
}

export const FIXED_FORMATS: Readonly<Record<FixedVersion, FixedFormat>> = {
  // Records of 48 octets: nfcapd, Wireshark and softflowd know no longer ones, and readers of longer ones know these by the datagram's length.
  1: { header: V1_HEADER, fields: V1_SHORT_FIELDS, most: 24, hasSequence: false, hasSampling: false },
  5: { header: V5_HEADER, fields: V5_FIELDS, most: 30, hasSequence: true, hasSampling: true },
  6: { header: V6_HEADER, fields: V6_FIELDS, most: 27, hasSequence: true, hasSampling: false },
  7: { header: V7_HEADER, fields: V7_FIELDS, most: 27, hasSequence: true, hasSampling: false },
};

/** A field of the record, where it lies, and what writes it. */
export interface PlacedField {
  readonly id: number;
  readonly offset: number;
  readonly length: number;
  readonly write: FieldWriter;
}

/** AS_TRANS stands for a number that 16 bits cannot hold (RFC 6793 section 9). */
const AS_TRANS = 23_456;

const START_STAMP = 22;
const END_STAMP = 21;
const DESTINATION_PORT = 11;

/** The fields of a fixed record, for rows of this layout. Columns that the layout does not have are sent as zero. */
export function placeFields(
  { fields }: FixedFormat,
  layout: Layout,
  clock: MessageClock,
  counters: EncoderCounters,
): PlacedField[] {
  let offset = 0;
  return fields.map((field): PlacedField => {
    const at = offset;
    offset += field.length;
    return { id: field.id, offset: at, length: field.length, write: writer(field, layout, clock, counters) };
  });
}

/** Columns of the layout for which the format has no field. */
export function omittedColumns({ fields }: FixedFormat, layout: Layout): string[] {
  const carried = new Set(fields.map((field) => columnOf(field)));
  const names = layout.columns
    .filter((column) => !carried.has(column))
    .map((column) => COLUMNS[column]?.name ?? '')
    // ICMP goes into the destination port.
    .filter((name) => !COLLECTOR_COLUMNS.has(name) && name !== 'icmp_type' && name !== 'icmp_code');
  return names;
}

function columnOf({ enterprise, id }: FieldSpecifier): number | undefined {
  return enterprise === 0 ? feedersOf(9).get(id)?.column : undefined;
}

function writer(field: FieldSpecifier, layout: Layout, clock: MessageClock, counters: EncoderCounters): FieldWriter {
  const { id, length } = field;
  const { changed } = counters;
  if (field.enterprise !== 0) return writeNothing;
  if (id === START_STAMP) return uptimeStamp(slotOf('time_start'), clock, counters);
  if (id === END_STAMP) return uptimeStamp(slotOf('time_end'), clock, counters);
  if (id === DESTINATION_PORT && layout.columns.includes(columnIndex('icmp_type'))) return portOrIcmp(layout);
  const column = columnOf(field);
  if (column === undefined || !layout.columns.includes(column)) return writeNothing;
  const slot = FIRST_SLOT[column] as number;
  const name = COLUMNS[column]?.name ?? '';
  if (COLUMNS[column]?.type === 'address') {
    return name === 'next_hop' ? nextHop(slot, () => changed.value_left_out++) : address4(slot);
  }
  const { kind } = SLOTS[slot] ?? { kind: 'u8' };
  if (kind === 'u64') return lowerDouble(slot);
  if (kind === 'u8') return octet(slot);
  if (kind === 'u16' && length === 2) return word(slot);
  if (length === 1) return lowOctet(slot, counters);
  return name.endsWith('_as')
    ? narrowed(slot, AS_TRANS, 'as_trans', counters)
    : narrowed(slot, 65_535, 'interface_clamped', counters);
}

/** The next hop, when it is an IPv4 address; an IPv6 one is left out. */
function nextHop(slot: number, count: () => void): FieldWriter {
  return (view, at, stride, { arrays }, rows, from, to) => {
    const upper = arrays[slot];
    const lower = arrays[slot + 1];
    for (let i = from; i < to; i++, at += stride) {
      const low = (rows[i] as number) * 2;
      const isIpv4 = lower?.[low + 1] === 0xffff && upper?.[low] === 0 && upper[low + 1] === 0;
      if (isIpv4) view.setUint32(at, lower[low] as number);
      else if (lower?.[low] !== 0 || lower[low + 1] !== 0 || upper?.[low] !== 0 || upper[low + 1] !== 0) count();
    }
  };
}

/** The destination port, which for ICMP is type × 256 + code (Cisco, as above). */
function portOrIcmp(layout: Layout): FieldWriter {
  const has = (name: string): boolean => layout.columns.includes(columnIndex(name));
  const port = has('dst_port') ? slotOf('dst_port') : -1;
  const protocol = has('proto') ? slotOf('proto') : -1;
  const type = slotOf('icmp_type');
  const code = has('icmp_code') ? slotOf('icmp_code') : -1;
  return (view, at, stride, { arrays }, rows, from, to) => {
    for (let i = from; i < to; i++, at += stride) {
      const row = rows[i] as number;
      const isIcmp = arrays[protocol]?.[row] === 1;
      const icmp = (arrays[type]?.[row] ?? 0) * 256 + (arrays[code]?.[row] ?? 0);
      view.setUint16(at, isIcmp ? icmp : (arrays[port]?.[row] ?? 0));
    }
  };
}
