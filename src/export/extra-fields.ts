import type { FlowBatch } from '../flow/batch.ts';
import { JSON_TYPE } from '../flow/extra.ts';
import type { ExtraField, Layout } from '../flow/layout.ts';
import { slotOf } from '../flow/slots.ts';
import { u16, u32 } from '../util/octets.ts';
import { type FieldSpecifier, VARIABLE } from '../wire/template.ts';
import type { ElementNumbers } from './element-numbers.ts';
import type { EncoderCounters, ExtraRule } from './losses.ts';
import type { RecordField } from './template-fields.ts';
import { cutOctets, type TextField, V9_TEXT } from './text-fields.ts';

const EXTRA = slotOf('extra');
const NOTHING = new Uint8Array(0);

/** What becomes of the fields that no column takes. */
export interface ExtraFields {
  readonly fields: readonly RecordField[];
  /** By rule: fields of one record. */
  readonly rules: readonly (readonly [rule: ExtraRule, fields: number])[];
}

/**
 * The fields of a layout's `extra` that a template can name, with their octets as they came. `taken`: elements that the record has already, by `fieldName`.
 */
export function extraRecordFields(
  layout: Layout,
  elements: ElementNumbers,
  taken: ReadonlySet<string>,
  counters: EncoderCounters,
): ExtraFields {
  const fields: RecordField[] = [];
  const rules = new Map<ExtraRule, number>();
  layout.extra.forEach((field, index) => {
    const element = elements.find(field.name);
    const { type, length } = field;
    const isVariable = length === VARIABLE;
    let rule: ExtraRule = 'sent';
    if (element === undefined) rule = 'no_number';
    else if (type === JSON_TYPE) rule = 'no_octets';
    else if (taken.has(fieldName(element))) rule = 'taken';
    else if (isVariable && elements.version === 9 && type !== 'string') rule = 'no_length';
    rules.set(rule, (rules.get(rule) ?? 0) + 1);
    if (rule !== 'sent' || element === undefined) return;
    const isCut = isVariable && elements.version === 9;
    const sent = isCut ? V9_TEXT : length;
    const text = isCut ? cut(octetsField(layout.extra, index, sent), counters) : octetsField(layout.extra, index, sent);
    fields.push({ specifier: { enterprise: element.enterprise, id: element.id, length: sent }, text });
  });
  return { fields, rules: [...rules] };
}

/** An element as a key. */
export function fieldName({ enterprise, id }: Pick<FieldSpecifier, 'enterprise' | 'id'>): string {
  return `${enterprise}/${id}`;
}

/** The octets of the field at `index`, found by going over those before it. */
function octetsField(extra: readonly ExtraField[], index: number, length: number): TextField {
  return {
    length,
    octets({ arrays, heap }: FlowBatch, row: number) {
      const code = arrays[EXTRA]?.[row] ?? 0;
      if (code === 0 || heap === undefined) return NOTHING;
      let start = code - 1;
      let end = start;
      for (let i = 0; i <= index; i++) {
        const { type, length: declared } = extra[i] as ExtraField;
        start = end + prefixLength(heap, end, type, declared);
        end = start + valueLength(heap, end, type, declared);
      }
      return heap.subarray(start, end);
    },
  };
}

/** Octets of the length that stands before a value; see flow/extra.ts. */
function prefixLength(heap: Uint8Array, at: number, type: string, declared: number): number {
  if (type === JSON_TYPE) return 4;
  if (declared !== VARIABLE) return 0;
  return heap[at] === 255 ? 3 : 1;
}

function valueLength(heap: Uint8Array, at: number, type: string, declared: number): number {
  if (type === JSON_TYPE) return u32(heap, at);
  if (declared !== VARIABLE) return declared;
  return heap[at] === 255 ? u16(heap, at + 1) : (heap[at] as number);
}

function cut(field: TextField, counters: EncoderCounters): TextField {
  const { length } = field;
  return { length, octets: (batch, row) => cutOctets(field.octets(batch, row), length, counters) };
}
