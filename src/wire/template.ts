import { u16, u32 } from '../util/octets.ts';

/** Field length that says: the length stands before each value (RFC 7011 section 7; some vendors do so in NetFlow v9 too). */
export const VARIABLE = 65_535;

/** A field specifier of a template record (RFC 7011 section 3.2, RFC 3954 section 5.2). */
export interface FieldSpecifier {
  /** 0 for IANA's elements. */
  readonly enterprise: number;
  /** Element number without the enterprise bit; in v9 the field type, 0–65535. For scope fields of v9, the scope type. */
  readonly id: number;
  /** Octets, or VARIABLE. */
  readonly length: number;
}

/** A template record or options template record. */
export interface TemplateRecord {
  /** 256–65535. */
  readonly id: number;
  readonly kind: 'data' | 'options';
  /** How many of the first fields are scope fields; 0 for data templates. */
  readonly scopeCount: number;
  readonly fields: readonly FieldSpecifier[];
}

/** What a template set contains, in order. `withdraw` 0 means all templates of that kind (RFC 7011 section 8.1). */
export type TemplateEvent =
  | { readonly record: TemplateRecord }
  | { readonly withdraw: number; readonly kind: 'data' | 'options' };

/** What can be wrong in a template set; a counted value. */
export type TemplateFault = 'template_truncated' | 'template_id' | 'template_empty' | 'template_zero_length';

/**
 * Template FlowSet of NetFlow v9 (RFC 3954 section 5.2), content only, without the set header:
 *
 *     | template id 256–65535 | field count | field type | field length | … |   16 bits each, records follow each other
 */
export function readV9Templates(
  bytes: Uint8Array,
  start: number,
  end: number,
  emit: (event: TemplateEvent) => void,
): TemplateFault | undefined {
  let p = start;
  while (p + 4 <= end) {
    const id = u16(bytes, p);
    const count = u16(bytes, p + 2);
    // Zeros up to the next multiple of four, or a zero-filled rest of the datagram, are padding.
    if (id === 0 && count === 0) return undefined;
    if (id < 256) return 'template_id';
    p += 4;
    if (count === 0) return 'template_empty';
    if (p + count * 4 > end) return 'template_truncated';
    emit({ record: { id, kind: 'data', scopeCount: 0, fields: readV9Specifiers(bytes, p, count) } });
    p += count * 4;
  }
  return undefined;
}

/**
 * Options Template FlowSet of NetFlow v9 (RFC 3954 section 6.1), content only:
 *
 *     | template id | scope length (octets of the specifiers) | option length (octets) | scope type | scope field length | … |
 *     | field type | field length | … | padding
 */
export function readV9OptionsTemplates(
  bytes: Uint8Array,
  start: number,
  end: number,
  emit: (event: TemplateEvent) => void,
): TemplateFault | undefined {
  let p = start;
  while (p + 6 <= end) {
    const id = u16(bytes, p);
    const scopeOctets = u16(bytes, p + 2);
    const optionOctets = u16(bytes, p + 4);
    if (id === 0) return undefined;
    if (id < 256) return 'template_id';
    p += 6;
    if (scopeOctets % 4 !== 0 || optionOctets % 4 !== 0 || p + scopeOctets + optionOctets > end)
      return 'template_truncated';
    const count = (scopeOctets + optionOctets) / 4;
    if (count === 0) return 'template_empty';
    emit({ record: { id, kind: 'options', scopeCount: scopeOctets / 4, fields: readV9Specifiers(bytes, p, count) } });
    p += count * 4;
  }
  return undefined;
}

/** `count` field specifiers of NetFlow v9, type 16 and length 16 each; the caller has checked that they are there. */
function readV9Specifiers(bytes: Uint8Array, start: number, count: number): FieldSpecifier[] {
  return Array.from({ length: count }, (_, i) => {
    const p = start + i * 4;
    return { enterprise: 0, id: u16(bytes, p), length: u16(bytes, p + 2) };
  });
}

/**
 * Template Set and Options Template Set of IPFIX (RFC 7011 sections 3.4.1 and 3.4.2), content only:
 *
 *     | template id | field count | [scope field count, options only] | E + element id | length | [enterprise number 32] | … |
 *
 * Field count 0 withdraws the template, or with id 2 (3 for options) all of the domain (section 8.1).
 */
export function readIpfixTemplates(
  bytes: Uint8Array,
  start: number,
  end: number,
  kind: 'data' | 'options',
  emit: (event: TemplateEvent) => void,
): TemplateFault | undefined {
  let p = start;
  while (p + 4 <= end) {
    const id = u16(bytes, p);
    const count = u16(bytes, p + 2);
    if (id === 0 && count === 0) return undefined;
    p += 4;
    if (count === 0) {
      const all = kind === 'data' ? 2 : 3;
      if (id !== all && id < 256) return 'template_id';
      emit({ withdraw: id === all ? 0 : id, kind });
      continue;
    }
    if (id < 256) return 'template_id';
    let scopeCount = 0;
    if (kind === 'options') {
      if (p + 2 > end) return 'template_truncated';
      scopeCount = u16(bytes, p);
      p += 2;
    }
    const fields: FieldSpecifier[] = [];
    for (let i = 0; i < count; i++) {
      if (p + 4 > end) return 'template_truncated';
      const word = u16(bytes, p);
      const length = u16(bytes, p + 2);
      p += 4;
      let enterprise = 0;
      if (word >= 0x8000) {
        if (p + 4 > end) return 'template_truncated';
        enterprise = u32(bytes, p);
        p += 4;
      }
      fields.push({ enterprise, id: word & 0x7fff, length });
    }
    emit({ record: { id, kind, scopeCount: Math.min(scopeCount, count), fields } });
  }
  return undefined;
}
