import type { FlowBatch } from '../flow/batch.ts';
import type { Layout } from '../flow/layout.ts';
import { FIRST_SLOT, type SlotArray, slotOf } from '../flow/slots.ts';
import { type TemplateRecord, VARIABLE } from '../wire/template.ts';
import { FIRST_DATA_TEMPLATE } from './description.ts';
import type { ElementNumbers } from './element-numbers.ts';
import { extraRecordFields, fieldName } from './extra-fields.ts';
import type { ExtraRule } from './losses.ts';
import {
  addressColumns,
  type FieldContext,
  omittedColumns,
  type RecordField,
  type RowShape,
  recordFields,
} from './template-fields.ts';

/** A template and what writes its records. */
export interface ExportTemplate {
  readonly record: TemplateRecord;
  readonly fields: readonly RecordField[];
  /** Octets of the fields of fixed length, texts of fixed length included. */
  readonly length: number;
  /** What becomes of the fields of a record's `extra`. */
  readonly extra: readonly (readonly [rule: ExtraRule, fields: number])[];
  /** Some field is a text, so that records are written one by one. */
  readonly hasTexts: boolean;
}

/** What is known of a layout; the same layout has the same object. */
export interface ExportLayout {
  readonly layout: Layout;
  /** Upper slots of its address columns, the order of the bits in `RowShape.addresses`. */
  readonly addresses: readonly number[];
  readonly hasFlags: boolean;
  readonly hasReverseFlags: boolean;
  /** Columns without an element. */
  readonly omitted: readonly string[];
  /** By shape, as `createShaper` numbers them. */
  readonly templates: Map<number, ExportTemplate | undefined>;
}

/** A shape as a number is below this. */
export const SHAPES = 2 ** 28;
const LAST_TEMPLATE = 65_535;
const START = slotOf('time_start');
const END = slotOf('time_end');
const TIME_SOURCE = slotOf('time_source');
const FLAGS = slotOf('tcp_flags');
const REVERSE_FLAGS = slotOf('reverse_tcp_flags');
const KIND = slotOf('record_kind');
/** Code of RECORD_KINDS. */
const AGGREGATE = 5;
/** Code of TIME_SOURCES: the time of an event. */
const EVENT = 1;

/** The halves of address columns as arrays, upper and lower in turn. */
export function addressArrays({ arrays }: FlowBatch, slots: readonly number[]): SlotArray[] {
  return slots.flatMap((slot) => [arrays[slot] as SlotArray, arrays[slot + 1] as SlotArray]);
}

/** Bit n: the n-th of these columns holds no IPv4 address in the row whose words begin at `low`. */
export function ipv6Bits(halves: readonly SlotArray[], low: number): number {
  let bits = 0;
  for (let i = 0; i < halves.length; i += 2) {
    const upper = halves[i] as SlotArray;
    const lower = halves[i + 1] as SlotArray;
    if (lower[low + 1] !== 0xffff || upper[low] !== 0 || upper[low + 1] !== 0) bits |= 1 << (i >> 1);
  }
  return bits;
}

/**
 * A function that gives the shape of a row as a number: addresses × 16 + aggregate × 8 + wide flags × 4 + event × 2; the rate is for the caller to add, as 1.
 * What it looks at is fetched once for many rows.
 */
export function createShaper(batch: FlowBatch, layout: ExportLayout): (row: number) => number {
  const { arrays } = batch;
  const halves = addressArrays(batch, layout.addresses);
  const flags = layout.hasFlags ? arrays[FLAGS] : undefined;
  const reverseFlags = layout.hasReverseFlags ? arrays[REVERSE_FLAGS] : undefined;
  const sources = arrays[TIME_SOURCE];
  const kinds = arrays[KIND];
  const start = arrays[START];
  const end = arrays[END];
  return (row) => {
    const low = row * 2;
    let shape = ipv6Bits(halves, low) * 16;
    if (kinds?.[row] === AGGREGATE) shape |= 8;
    if (flags !== undefined && (flags[row] as number) > 0xff) shape |= 4;
    if (reverseFlags !== undefined && (reverseFlags[row] as number) > 0xff) shape |= 4;
    if (sources?.[row] === EVENT && start?.[low] === end?.[low] && start?.[low + 1] === end?.[low + 1]) shape |= 2;
    return shape;
  };
}

function readShape(shape: number): RowShape {
  return {
    addresses: Math.floor(shape / 16),
    isAggregate: (shape & 8) !== 0,
    hasWideFlags: (shape & 4) !== 0,
    isEvent: (shape & 2) !== 0,
    hasRate: (shape & 1) !== 0,
  };
}

/** The templates of an encoder, by their fields; ids are given in the order in which templates are first needed. */
export class ExportTemplates {
  readonly #context: FieldContext;
  readonly #elements: ElementNumbers;
  readonly #longest: number;
  readonly #layouts = new WeakMap<Layout, ExportLayout>();
  readonly #bySignature = new Map<string, ExportTemplate>();

  /** `longest`: octets of a template record at most, since it cannot be divided between messages. */
  constructor(context: FieldContext, elements: ElementNumbers, longest: number) {
    this.#context = context;
    this.#elements = elements;
    this.#longest = longest;
  }

  layout(layout: Layout): ExportLayout {
    let found = this.#layouts.get(layout);
    if (found === undefined) {
      found = {
        layout,
        addresses: addressColumns(layout).map((column) => FIRST_SLOT[column] as number),
        hasFlags: layout.slots.includes(FLAGS),
        hasReverseFlags: layout.slots.includes(REVERSE_FLAGS),
        omitted: omittedColumns(layout, this.#context.version),
        templates: new Map(),
      };
      this.#layouts.set(layout, found);
    }
    return found;
  }

  /** The template for rows of this shape; equal ones of different layouts are one. Undefined when all ids are taken, or it fits into no message. */
  find({ layout, templates }: ExportLayout, shape: number): ExportTemplate | undefined {
    if (templates.has(shape)) return templates.get(shape);
    const columns = recordFields(layout, readShape(shape), this.#context);
    const taken = new Set(columns.map(({ specifier }) => fieldName(specifier)));
    const extra = extraRecordFields(layout, this.#elements, taken, this.#context.counters);
    const fields = [...columns, ...extra.fields];
    const specifiers = fields.map(({ specifier }) => specifier);
    // What writes fields of `extra` goes by the whole of it, the fields that are not sent included.
    const kept = layout.extra.map(({ name, type, length }) => `${name} ${type} ${length}`);
    const signature = [...specifiers.map((one) => `${fieldName(one)}:${one.length}`), ...kept].join(',');
    let template = this.#bySignature.get(signature);
    const id = FIRST_DATA_TEMPLATE + this.#bySignature.size;
    const octets = specifiers.reduce((sum, { enterprise }) => sum + (enterprise === 0 ? 4 : 8), 4);
    if (template === undefined && id <= LAST_TEMPLATE && octets <= this.#longest) {
      template = {
        record: { id, kind: 'data', scopeCount: 0, fields: specifiers },
        fields,
        extra: extra.rules,
        length: specifiers.reduce((sum, { length }) => sum + (length === VARIABLE ? 0 : length), 0),
        hasTexts: fields.some(({ text }) => text !== undefined),
      };
      this.#bySignature.set(signature, template);
    }
    templates.set(shape, template);
    return template;
  }
}
