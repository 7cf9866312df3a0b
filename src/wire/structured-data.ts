import type { AbstractType } from '../elements/element.ts';
import type { ElementRegistry } from '../elements/registry.ts';
import { addMember, type ElementObject, type ElementValue, elementValue } from '../flow/element-value.ts';
import { hex, u16, u32 } from '../util/octets.ts';
import { variableLength } from './data-record.ts';
import { type FieldSpecifier, VARIABLE } from './template.ts';

/*
 * Structured data of IPFIX (RFC 6313 section 4.5):
 *
 *     basicList             | semantic 8 | E + element id 16 | element length 16 | [enterprise number 32] | values … |
 *     subTemplateList       | semantic 8 | template id 16 | records … |
 *     subTemplateMultiList  | semantic 8 | template id 16 | length 16, with these four octets | records … | template id … |
 *
 * Elements in a list may be lists again.
 */

/** The three types in the order of their elements, 291 to 293. */
export const LIST_TYPES = ['basicList', 'subTemplateList', 'subTemplateMultiList'] as const;
export type ListType = (typeof LIST_TYPES)[number];

/** True for the type of a field that holds structured data. */
export function isListType(type: AbstractType | undefined): type is ListType {
  return (LIST_TYPES as readonly (string | undefined)[]).includes(type);
}

/** Semantics of a list (RFC 6313 section 4.4); other numbers are given as numbers. */
const SEMANTICS: Readonly<Record<number, string>> = {
  0: 'noneOf',
  1: 'exactlyOneOf',
  2: 'oneOrMoreOf',
  3: 'allOf',
  4: 'ordered',
  255: 'undefined',
};

/** Lists within lists that are taken apart; what lies deeper is given as octets. No exporter is known to nest more than three. */
const MAX_DEPTH = 16;
/** Values of one field, over all its lists: a datagram of one-octet values must not become megabytes of text. */
const MAX_VALUES = 8_192;

/** The templates that lists of one transport session may name. */
export interface TemplateLookup {
  /** Fields of the template `id` for messages from `port`; undefined when it is not known. */
  fieldsOf(id: number, port: number): readonly FieldSpecifier[] | undefined;
}

/** What taking lists apart needs to know. */
export interface ListNames {
  readonly registry: ElementRegistry;
  readonly templates: TemplateLookup | undefined;
  readonly port: number;
}

/**
 * The field of structured data at `offset`, `length` octets, as an object. A basicList has its values under the name of its element:
 * `{"semantic": "ordered", "bgpCommunity": [1, 2]}`; the others have `records`: `{"semantic": "allOf", "records": [{…}, {…}]}`. Records of an
 * unknown template are `{"template": 300, "octets": "…"}`, and what is damaged or beyond the bounds is kept as `octets`. Never throws.
 */
export function structuredValue(
  type: ListType,
  bytes: Uint8Array,
  offset: number,
  length: number,
  names: ListNames,
): ElementObject {
  return new ListReader(bytes, names).list(type, offset, offset + length, 1);
}

/** One field's lists; counts what it has given so far. */
class ListReader {
  readonly #bytes: Uint8Array;
  readonly #names: ListNames;
  #left = MAX_VALUES;

  constructor(bytes: Uint8Array, names: ListNames) {
    this.#bytes = bytes;
    this.#names = names;
  }

  list(type: ListType, start: number, end: number, depth: number): ElementObject {
    const value: ElementObject = {};
    if (start === end) return value;
    const semantic = this.#bytes[start] as number;
    value['semantic'] = SEMANTICS[semantic] ?? semantic;
    const p = start + 1;
    let stopped: number;
    if (type === 'basicList') stopped = this.#basic(value, p, end, depth);
    else {
      const records: ElementObject[] = [];
      value['records'] = records;
      stopped = type === 'subTemplateList' ? this.#single(records, p, end, depth) : this.#multi(records, p, end, depth);
    }
    if (stopped < end) value['octets'] = hex(this.#bytes, stopped, end - stopped);
    return value;
  }

  /** Each of these returns where it stopped: `end`, or before what it could not use. */
  #basic(value: ElementObject, start: number, end: number, depth: number): number {
    const bytes = this.#bytes;
    if (start + 4 > end) return start;
    const word = u16(bytes, start);
    const hasEnterprise = word >= 0x8000;
    if (hasEnterprise && start + 8 > end) return start;
    const field = {
      id: word & 0x7fff,
      length: u16(bytes, start + 2),
      enterprise: hasEnterprise ? u32(bytes, start + 4) : 0,
    };
    const values: ElementValue[] = [];
    value[this.#name(field)] = values;
    let p = start + (hasEnterprise ? 8 : 4);
    while (p < end && field.length > 0) {
      const next = this.#field(field, p, end, depth, (item) => values.push(item));
      if (next === undefined) return p;
      p = next;
    }
    return p;
  }

  #single(records: ElementObject[], start: number, end: number, depth: number): number {
    if (start + 2 > end) return start;
    this.#records(records, u16(this.#bytes, start), start + 2, end, depth);
    return end;
  }

  #multi(records: ElementObject[], start: number, end: number, depth: number): number {
    let p = start;
    while (p + 4 <= end) {
      const stop = p + u16(this.#bytes, p + 2);
      if (stop < p + 4 || stop > end) return p;
      this.#records(records, u16(this.#bytes, p), p + 4, stop, depth);
      p = stop;
    }
    return p;
  }

  #records(records: ElementObject[], template: number, start: number, end: number, depth: number): void {
    const fields = this.#names.templates?.fieldsOf(template, this.#names.port);
    let p = start;
    while (p < end) {
      if (fields === undefined) break;
      const record: ElementObject = {};
      let next: number | undefined = p;
      for (const field of fields) {
        if (field.length === 0) continue;
        next = this.#field(field, next, end, depth, (item) => addMember(record, this.#name(field), item));
        if (next === undefined) break;
      }
      if (next === undefined || next === p) break;
      records.push(record);
      p = next;
    }
    if (p < end) records.push({ template, octets: hex(this.#bytes, p, end - p) });
  }

  /** One value; undefined when it goes past `end` or the bounds are reached. */
  #field(
    field: FieldSpecifier,
    start: number,
    end: number,
    depth: number,
    take: (value: ElementValue) => void,
  ): number | undefined {
    let p = start;
    let { length } = field;
    if (length === VARIABLE) {
      const variable = variableLength(this.#bytes, p, end);
      if (variable === undefined) return undefined;
      p += variable.prefix;
      length = variable.length;
    }
    if (p + length > end || this.#left-- <= 0) return undefined;
    const type = this.#names.registry.lookup(field.enterprise, field.id)?.type;
    if (!isListType(type)) take(elementValue(type ?? 'octetArray', this.#bytes, p, length));
    else if (depth < MAX_DEPTH) take(this.list(type, p, p + length, depth + 1));
    else take({ octets: hex(this.#bytes, p, length) });
    return p + length;
  }

  #name({ enterprise, id }: FieldSpecifier): string {
    return this.#names.registry.lookup(enterprise, id)?.name ?? `${enterprise}/${id}`;
  }
}
