import { u16 } from '../util/octets.ts';
import { type ElementValue, elementValue } from './element-value.ts';
import type { Layout } from './layout.ts';

/** Length that says the value's length stands before it. */
const VARIABLE = 65_535;

/**
 * The fields no column takes, of the record whose octets lie at `offset` of a batch's heap, as name → value. Variable-length values have their
 * length before them as in RFC 7011 section 7. A name that comes twice in a record gets a list of values.
 */
export function extraFields(
  layout: Layout,
  heap: Uint8Array,
  offset: number,
): Record<string, ElementValue | ElementValue[]> {
  const fields: Record<string, ElementValue | ElementValue[]> = Object.create(null) as Record<string, ElementValue>;
  let p = offset;
  for (const field of layout.extra) {
    let { length } = field;
    if (length === VARIABLE) {
      length = heap[p] as number;
      p += 1;
      if (length === 255) {
        length = u16(heap, p);
        p += 2;
      }
    }
    const value = elementValue(field.type, heap, p, length);
    const present = fields[field.name];
    if (present === undefined) fields[field.name] = value;
    else if (Array.isArray(present)) present.push(value);
    else fields[field.name] = [present, value];
    p += length;
  }
  return fields;
}

/** `extraFields` as JSON text, integers above 2⁵³ as exact decimal numbers. This is what the column `extra` holds in a file. */
export function extraJson(layout: Layout, heap: Uint8Array, offset: number): string {
  return jsonText(extraFields(layout, heap, offset));
}

/** JSON text of a value that may hold bigint (written as plain decimal digits). */
export function jsonText(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  if (typeof value === 'number' && !Number.isFinite(value)) return JSON.stringify(String(value));
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${jsonText(member)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}
