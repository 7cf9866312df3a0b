import { REVERSE_ENTERPRISE } from '../elements/reverse.ts';
import type { Layout } from '../flow/layout.ts';
import { COLUMNS, columnIndex } from '../flow/schema.ts';
import { FIRST_SLOT, slotOf } from '../flow/slots.ts';
import { ORIGINAL_FLOWS_PRESENT } from '../wire/aggregation.ts';
import { feedersOf } from '../wire/feeders.ts';
import { type FieldSpecifier, VARIABLE } from '../wire/template.ts';
import {
  address4,
  address6,
  double,
  lowOctet,
  type MessageClock,
  mac,
  microseconds,
  milliseconds,
  octet,
  quad,
  seconds,
  uptimeStamp,
  word,
  zeroQuad,
} from './field-writers.ts';
import { COLLECTOR_COLUMNS, type EncoderCounters } from './losses.ts';
import type { FieldWriter } from './row-selection.ts';
import { applicationField, communitiesField, hexField, labelFields, type TextField, textField } from './text-fields.ts';

/** Elements of absolute times: start and end of a flow, the time of an event, and their octets. */
const ABSOLUTE = {
  seconds: { start: 150, end: 151, event: 322, length: 4 },
  milliseconds: { start: 152, end: 153, event: 323, length: 8 },
  microseconds: { start: 154, end: 155, event: 324, length: 8 },
  nanoseconds: { start: 156, end: 157, event: 325, length: 8 },
} as const;

/** How the times of records are sent: as sysUptime stamps (22, 21), or absolute; the last two are in NTP format, and none is finer than a µs. */
export type TimeForm = 'uptime' | keyof typeof ABSOLUTE;
/** All of them. */
export const TIME_FORMS: readonly TimeForm[] = ['uptime', 'seconds', 'milliseconds', 'microseconds', 'nanoseconds'];

/** A field of a data record, and what writes it. */
export interface RecordField {
  readonly specifier: FieldSpecifier;
  /** For fields of fixed length. */
  readonly write?: FieldWriter;
  /** For fields of variable length, and texts. */
  readonly text?: TextField;
}

export interface FieldContext {
  readonly version: 9 | 10;
  readonly times: TimeForm;
  readonly clock: MessageClock;
  readonly counters: EncoderCounters;
}

/** Which of several templates a row needs: what it says is not in its layout, but in its values. */
export interface RowShape {
  /** Bit n: the n-th address column of the layout holds an IPv6 address. */
  readonly addresses: number;
  /** The record sums up flows: originalFlowsPresent (375) says so, which only Aggregated Flows have (RFC 7015). */
  readonly isAggregate: boolean;
  /** TCP control bits need two octets. Otherwise they have one, which is allowed (RFC 7125 section 3) and all that some collectors understand. */
  readonly hasWideFlags: boolean;
  /** The time is that of an event (observationTimeMilliseconds), not of a flow. */
  readonly isEvent: boolean;
  /** The record carries its own sampling rate (samplingInterval 34). */
  readonly hasRate: boolean;
}

/** Element of a column where the first one in the schema is deprecated or not for every value. */
const PREFERRED: Readonly<Record<string, readonly [v9: string, ipfix: string]>> = {
  // samplerId (48) is deprecated in IPFIX in favour of selectorId.
  sampler_id: ['48', '302'],
};

/** Columns that are sent as structured data (RFC 6313). */
const STRUCTURED: ReadonlySet<string> = new Set(['bgp_communities']);

/** Times of the other direction (RFC 5103). */
const REVERSE_TIMES: Readonly<Record<string, 'start' | 'end'>> = {
  reverse_time_start: 'start',
  reverse_time_end: 'end',
};

/** Columns of one octet that have an element of their own for IPv6, told by the source address. */
const BY_FAMILY: Readonly<Record<string, readonly [v4: number, v6: number]>> = {
  src_mask: [9, 29],
  dst_mask: [13, 30],
  icmp_type: [176, 178],
  icmp_code: [177, 179],
};

/** IPFIX has both in one element (32, 139) too, which more collectors know: nfcapd 1.7.1 knows no other. */
const ICMP: readonly string[] = ['icmp_type', 'icmp_code'];

/** Columns of a layout whose type is `address`, in schema order: what the bits of `RowShape.addresses` mean. */
export function addressColumns(layout: Layout): number[] {
  return layout.columns.filter(
    (column) => COLUMNS[column]?.type === 'address' && !COLLECTOR_COLUMNS.has(COLUMNS[column]?.name ?? ''),
  );
}

/** Columns of a layout for which NetFlow v9 or IPFIX has no element. What the message or the collector says is not among them, nor `extra`, see extra-fields.ts. */
export function omittedColumns(layout: Layout, version: 9 | 10): string[] {
  const names = layout.columns.map((column) => COLUMNS[column]?.name ?? '');
  return names.filter(
    (name) =>
      !COLLECTOR_COLUMNS.has(name) &&
      name !== 'extra' &&
      BY_FAMILY[name] === undefined &&
      elementsOf(name, version).length === 0 &&
      !(version === 10 && REVERSE_TIMES[name] !== undefined),
  );
}

/** The fields of a data record with the columns of `layout`, for rows of this shape: the columns in schema order, then the times. */
export function recordFields(layout: Layout, shape: RowShape, context: FieldContext): RecordField[] {
  const addresses = addressColumns(layout);
  const fields: RecordField[] = [];
  const sourceBit = addresses.indexOf(columnIndex('src_addr'));
  const isIpv6 = sourceBit >= 0 && (shape.addresses & (1 << sourceBit)) !== 0;
  for (const column of layout.columns) {
    const name = COLUMNS[column]?.name ?? '';
    if (COLLECTOR_COLUMNS.has(name)) continue;
    if (context.version === 10 && ICMP.every((part) => layout.columns.includes(columnIndex(part)))) {
      if (name === ICMP[0]) fields.push(fixedField(isIpv6 ? 139 : 32, 2, icmpTypeCode()));
      if (ICMP.includes(name)) continue;
    }
    const byFamily = BY_FAMILY[name];
    if (byFamily !== undefined) {
      fields.push(fixedField(byFamily[isIpv6 ? 1 : 0], 1, octet(slotOf(name))));
      continue;
    }
    if (name.endsWith('tcp_flags') && !shape.hasWideFlags) {
      const [element] = elementsOf(name, context.version);
      if (element !== undefined)
        fields.push({ specifier: { ...element, length: 1 }, write: lowOctet(slotOf(name), context.counters) });
      continue;
    }
    const bit = addresses.indexOf(column);
    fields.push(...columnFields(column, bit >= 0 && (shape.addresses & (1 << bit)) !== 0, context));
  }
  fields.push(...timeFields(shape, context));
  if (shape.isAggregate) fields.push(originalFlows(layout));
  if (shape.hasRate) fields.push(fixedField(34, 4, samplingRate(context.counters)));
  return fields;
}

function columnFields(column: number, isIpv6: boolean, context: FieldContext): RecordField[] {
  const { version, times, counters } = context;
  const definition = COLUMNS[column];
  const slot = FIRST_SLOT[column] as number;
  const name = definition?.name ?? '';
  const reverse = REVERSE_TIMES[name];
  if (reverse !== undefined) {
    if (version === 9) return [];
    const { specifier, write } = absoluteTime(times, reverse, slot, counters);
    return [{ specifier: { ...specifier, enterprise: REVERSE_ENTERPRISE }, write }];
  }
  const [element, second] = elementsOf(name, version);
  if (definition === undefined || element === undefined) return [];
  const specifier = (length: number): FieldSpecifier => ({ ...element, length });
  const fixed = (length: number, write: FieldWriter): RecordField[] => [{ specifier: specifier(length), write }];
  switch (definition.type) {
    case 'u8':
      return fixed(1, octet(slot));
    case 'u16':
      return fixed(2, word(slot));
    case 'u32':
      return fixed(4, double(slot));
    case 'u64':
      return fixed(8, quad(slot));
    case 'mac':
      return fixed(6, mac(slot));
    case 'address':
      if (!isIpv6) return fixed(4, address4(slot));
      return [{ specifier: { ...(second ?? element), length: 16 }, write: address6(slot) }];
    case 'text': {
      if (name === 'mpls_labels') return labelFields(slot).map(([id, write]) => fixedField(id, 3, write));
      const text =
        name === 'app_id'
          ? applicationField(slot, version, counters)
          : name === 'bgp_communities'
            ? communitiesField(slot, counters)
            : name.endsWith('_acl')
              ? hexField(slot, version, counters)
              : textField(slot, version, counters);
      return [{ specifier: specifier(text.length), text }];
    }
    default:
      return [];
  }
}

/** The elements that carry a column in this version, best first, without those that only readers use. */
function elementsOf(name: string, version: 9 | 10): { enterprise: number; id: number }[] {
  const column = columnIndex(name);
  const preferred = PREFERRED[name]?.[version === 9 ? 0 : 1];
  const all = preferred === undefined ? (COLUMNS[column]?.elements ?? []) : [preferred];
  return all.flatMap((element) => {
    const text = String(element);
    if (text.startsWith('v9/')) return version === 9 ? [{ enterprise: 0, id: Number(text.slice(3)) }] : [];
    const [enterprise, id] = text.includes('/') ? text.split('/').map(Number) : [0, Number(text)];
    // NetFlow v9 has no structured data.
    if (version === 9 && STRUCTURED.has(name)) return [];
    // NetFlow v9 has no enterprise numbers, and field types are not the elements of another column there.
    if (enterprise !== 0 && version === 9) return [];
    if (feedersOf(version).get((enterprise as number) * 65_536 + (id as number))?.column !== column) return [];
    return [{ enterprise: enterprise as number, id: id as number }];
  });
}

function timeFields({ isEvent }: RowShape, { version, times, clock, counters }: FieldContext): RecordField[] {
  const start = slotOf('time_start');
  const end = slotOf('time_end');
  if (isEvent) return [absoluteTime(times, 'event', end, counters)];
  if (times === 'uptime' && version === 9) {
    return [
      fixedField(22, 4, uptimeStamp(start, clock, counters)),
      fixedField(21, 4, uptimeStamp(end, clock, counters)),
    ];
  }
  return [absoluteTime(times, 'start', start, counters), absoluteTime(times, 'end', end, counters)];
}

/** Where there is no sysUptime, ms stand for it. */
function absoluteTime(
  times: TimeForm,
  what: 'start' | 'end' | 'event',
  slot: number,
  counters: EncoderCounters,
): { readonly specifier: FieldSpecifier; readonly write: FieldWriter } {
  const form = times === 'uptime' ? 'milliseconds' : times;
  const { [what]: id, length } = ABSOLUTE[form];
  const specifier = { enterprise: 0, id, length };
  if (form === 'seconds') return { specifier, write: seconds(slot, counters) };
  return { specifier, write: form === 'milliseconds' ? milliseconds(slot, counters) : microseconds(slot) };
}

/** icmpTypeCodeIPv4 and icmpTypeCodeIPv6: type × 256 + code. */
function icmpTypeCode(): FieldWriter {
  const [type, code] = [slotOf('icmp_type'), slotOf('icmp_code')];
  return (view, at, stride, { arrays }, rows, from, to) => {
    const [types, codes] = [arrays[type], arrays[code]];
    for (let i = from; i < to; i++, at += stride) {
      const row = rows[i] as number;
      view.setUint16(at, (types?.[row] ?? 0) * 256 + (codes?.[row] ?? 0));
    }
  };
}

/** How many flows an aggregated record sums up; 0 where the record does not say. */
function originalFlows(layout: Layout): RecordField {
  const isKnown = layout.columns.includes(columnIndex('flow_count'));
  return fixedField(ORIGINAL_FLOWS_PRESENT, 8, isKnown ? quad(slotOf('flow_count')) : zeroQuad);
}

/** The record's own rate. Unknown is sent as 1: a collector would take 0 for the rate of the stream. */
function samplingRate({ changed }: EncoderCounters): FieldWriter {
  const slot = slotOf('sampling_rate');
  return (view, at, stride, { arrays }, rows, from, to) => {
    const rates = arrays[slot];
    for (let i = from; i < to; i++, at += stride) {
      const rate = rates?.[rows[i] as number] ?? 0;
      if (rate === 0) changed.sampling_assumed++;
      view.setUint32(at, rate === 0 ? 1 : rate);
    }
  };
}

function fixedField(id: number, length: number, write: FieldWriter): RecordField {
  return { specifier: { enterprise: 0, id, length }, write };
}

/** Whether a field's length stands before its value. */
export function isVariable({ specifier }: RecordField): boolean {
  return specifier.length === VARIABLE;
}
