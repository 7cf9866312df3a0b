import type { FieldSpecifier, TemplateRecord } from '../wire/template.ts';

/** An options template with its data records, as octets. */
export interface OptionsData {
  readonly template: TemplateRecord;
  readonly records: readonly Uint8Array[];
}

/** Ids of the options templates; data templates follow. */
export const OPTIONS_ID = {
  sampling: 256,
  interfaces: 257,
  applications: 258,
  vrfs: 259,
  samplers: 260,
  users: 261,
  users6: 262,
  longApplications: 263,
} as const;
export const FIRST_DATA_TEMPLATE = 264;

/** Scope types of NetFlow v9 (RFC 3954 section 6.1). */
export const V9_SCOPE = { system: 1, interface: 2 } as const;
/** Only selector there is: the stream's. */
const SELECTOR = 1;

/** A field of an IANA element, or of NetFlow v9. */
export const field = (id: number, length: number): FieldSpecifier => ({ enterprise: 0, id, length });

export function optionsTemplate(id: number, scopeCount: number, fields: FieldSpecifier[]): TemplateRecord {
  return { id, kind: 'options', scopeCount, fields };
}

/**
 * The sampling rate of a stream. v9: samplingInterval (34) and samplingAlgorithm (35) of the system. IPFIX: systematic count-based sampling of a selector,
 * one packet taken and `rate` − 1 left (RFC 5477 section 8.2).
 */
export function samplingOptions(version: 9 | 10, rate: number): OptionsData {
  const { sampling } = OPTIONS_ID;
  if (version === 9) {
    const template = optionsTemplate(sampling, 1, [field(V9_SCOPE.system, 4), field(34, 4), field(35, 1)]);
    return { template, records: [octets([0, 4], [rate, 4], [1, 1])] };
  }
  const template = optionsTemplate(sampling, 1, [field(302, 8), field(304, 2), field(305, 4), field(306, 4)]);
  return { template, records: [octets([SELECTOR, 8], [1, 2], [1, 4], [rate - 1, 4])] };
}

/** Numbers of so many octets each, in network order, one after the other. */
export function octets(...numbers: readonly (readonly [value: number, length: number])[]): Uint8Array {
  const bytes = Buffer.alloc(numbers.reduce((sum, [, length]) => sum + length, 0));
  let at = 0;
  for (const [value, length] of numbers) {
    bytes.writeUIntBE(value, at + Math.max(0, length - 6), Math.min(length, 6));
    at += length;
  }
  return bytes;
}
