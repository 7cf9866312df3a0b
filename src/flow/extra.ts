import { u16, u32 } from '../util/octets.ts';
import { addMember, type ElementObject, elementValue } from './element-value.ts';
import type { Layout } from './layout.ts';

/** Length that says the value's length stands before it. */
const VARIABLE = 65_535;

/**
 * Type of structured data (RFC 6313) in the heap: they are taken apart while decoding, because the templates that they name are known then. The
 * heap has them as JSON text in UTF-8, its length in four octets before it; integers above 2⁵³ are text in it.
 */
export const JSON_TYPE = 'json';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Structured data as they lie in the heap, without the length. */
export function structuredOctets(value: ElementObject): Uint8Array {
  // JSON has no numbers for these.
  const plain = (_: string, member: unknown): unknown =>
    typeof member === 'bigint' || (typeof member === 'number' && !Number.isFinite(member)) ? String(member) : member;
  return encoder.encode(JSON.stringify(value, plain));
}

/**
 * The fields no column takes, of the record whose octets lie at `offset` of a batch's heap, as name → value. Variable-length values have their
 * length before them as in RFC 7011 section 7. A name that comes twice in a record gets a list of values.
 */
export function extraFields(layout: Layout, heap: Uint8Array, offset: number): ElementObject {
  const fields = Object.create(null) as ElementObject;
  let p = offset;
  for (const { name, type, length: declared } of layout.extra) {
    let length = declared;
    if (type === JSON_TYPE) {
      length = u32(heap, p);
      p += 4;
      addMember(fields, name, JSON.parse(decoder.decode(heap.subarray(p, p + length))) as ElementObject);
    } else {
      if (length === VARIABLE) {
        length = heap[p] as number;
        p += 1;
        if (length === 255) {
          length = u16(heap, p);
          p += 2;
        }
      }
      addMember(fields, name, elementValue(type, heap, p, length));
    }
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
