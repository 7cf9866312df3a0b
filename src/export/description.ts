import { type FieldSpecifier, type TemplateRecord, VARIABLE } from '../wire/template.ts';
import { applicationOctets } from './text-fields.ts';

/** Names that a stream tells beside its templates, as options data. */
export interface StreamNames {
  readonly interfaces?: readonly { readonly index: number; readonly name: string; readonly description?: string }[];
  /** `id` as the column `app_id` has it: `engine:selector`. */
  readonly applications?: readonly { readonly id: string; readonly name: string; readonly description?: string }[];
}

/** An options template with its data records, as octets. */
export interface OptionsData {
  readonly template: TemplateRecord;
  readonly records: readonly Uint8Array[];
}

/** Ids of the options templates; data templates follow. */
const SAMPLING_ID = 256;
const INTERFACES_ID = 257;
const APPLICATIONS_ID = 258;
export const FIRST_DATA_TEMPLATE = 259;

/** Scope types of NetFlow v9 (RFC 3954 section 6.1). */
const V9_SYSTEM = 1;
const V9_INTERFACE = 2;
/** Octets of names at most; in NetFlow v9 they are padded with zeros. */
const NAME = 64;
/** Octets of an application id in NetFlow v9 (Cisco): engine 1, selector 3. */
const V9_APPLICATION = 4;
/** Only selector there is: the stream's. */
const SELECTOR = 1;

const field = (id: number, length: number): FieldSpecifier => ({ enterprise: 0, id, length });

function options(id: number, scopeCount: number, fields: FieldSpecifier[]): TemplateRecord {
  return { id, kind: 'options', scopeCount, fields };
}

/**
 * The sampling rate of a stream. v9: samplingInterval (34) and samplingAlgorithm (35) of the system. IPFIX: systematic count-based sampling of a selector,
 * one packet taken and `rate` − 1 left (RFC 5477 section 8.2).
 */
export function samplingOptions(version: 9 | 10, rate: number): OptionsData {
  if (version === 9) {
    const template = options(SAMPLING_ID, 1, [field(V9_SYSTEM, 4), field(34, 4), field(35, 1)]);
    return { template, records: [octets([0, 4], [rate, 4], [1, 1])] };
  }
  const template = options(SAMPLING_ID, 1, [field(302, 8), field(304, 2), field(305, 4), field(306, 4)]);
  return { template, records: [octets([SELECTOR, 8], [1, 2], [1, 4], [rate - 1, 4])] };
}

/** Names of interfaces (82, 83) by interface, and of applications (96, 94) by applicationId (RFC 6759 section 5.1). */
export function nameOptions(version: 9 | 10, names: StreamNames): OptionsData[] {
  const { interfaces = [], applications = [] } = names;
  const text = (id: number) => field(id, version === 9 ? NAME : VARIABLE);
  const found: OptionsData[] = [];
  if (interfaces.length > 0) {
    found.push({
      template: options(INTERFACES_ID, 1, [field(version === 9 ? V9_INTERFACE : 10, 4), text(82), text(83)]),
      records: interfaces.map(({ index, name, description = '' }) =>
        join(octets([index, 4]), nameOctets(version, name), nameOctets(version, description)),
      ),
    });
  }
  const known = applications.flatMap(({ id, name, description = '' }) => {
    const octetsOfId = applicationOctets(id);
    // The field of v9 has four octets; an application that does not fit there has no name there.
    if (octetsOfId === undefined || (version === 9 && octetsOfId.length > V9_APPLICATION)) return [];
    return [{ id: octetsOfId, name, description }];
  });
  if (known.length > 0) {
    const fields =
      version === 9
        ? [field(V9_SYSTEM, 4), field(95, V9_APPLICATION), text(96), text(94)]
        : [field(95, VARIABLE), text(96), text(94)];
    found.push({
      template: options(APPLICATIONS_ID, 1, fields),
      records: known.map(({ id, name, description }) =>
        join(
          version === 9 ? octets([0, 4]) : Uint8Array.of(id.length),
          id,
          nameOctets(version, name),
          nameOctets(version, description),
        ),
      ),
    });
  }
  return found;
}

/** A name as its field has it, cut to what fits. */
function nameOctets(version: 9 | 10, name: string): Uint8Array {
  const room = new Uint8Array(NAME);
  const { written } = new TextEncoder().encodeInto(name, room);
  return version === 9 ? room : join(Uint8Array.of(written), room.subarray(0, written));
}

function octets(...numbers: readonly (readonly [value: number, length: number])[]): Uint8Array {
  const bytes = Buffer.alloc(numbers.reduce((sum, [, length]) => sum + length, 0));
  let at = 0;
  for (const [value, length] of numbers) {
    bytes.writeUIntBE(value, at + Math.max(0, length - 6), Math.min(length, 6));
    at += length;
  }
  return bytes;
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
