import type { TypeInformation } from '../elements/taught.ts';
import { text, unsigned } from '../util/octets.ts';
import type { LocatedField } from '../wire/data-record.ts';
import type { FieldSpecifier } from '../wire/template.ts';

/* Elements of the type information options template (RFC 5610 section 3.9). */
const INFORMATION_ELEMENT_ID = 303;
const DATA_TYPE = 339;
const NAME = 341;
const SEMANTICS = 344;
const UNITS = 345;
const ENTERPRISE = 346;

/** Whether records with these fields describe elements. */
export function describesElements(fields: readonly FieldSpecifier[]): boolean {
  return [INFORMATION_ELEMENT_ID, DATA_TYPE, NAME].every((wanted) =>
    fields.some(({ enterprise, id }) => enterprise === 0 && id === wanted),
  );
}

/** What one such record says. The enterprise bit of the element's number is left off, for exporters that send it. */
export function typeInformation(located: readonly LocatedField[], bytes: Uint8Array): TypeInformation {
  const find = (wanted: number): LocatedField | undefined =>
    located.find(({ field, length }) => field.enterprise === 0 && field.id === wanted && length > 0);
  const number = (wanted: number): number => {
    const found = find(wanted);
    return found === undefined || found.length > 8 ? 0 : unsigned(bytes, found.offset, found.length);
  };
  const name = find(NAME);
  return {
    enterprise: number(ENTERPRISE),
    id: number(INFORMATION_ELEMENT_ID) % 0x8000,
    name: name === undefined ? '' : text(bytes, name.offset, name.length),
    type: number(DATA_TYPE),
    semantics: number(SEMANTICS),
    units: number(UNITS),
  };
}
