import { netflow9Scope } from '../elements/netflow9-scopes.ts';
import type { ElementRegistry } from '../elements/registry.ts';
import { addMember, type ElementObject, elementValue } from '../flow/element-value.ts';
import { locateFields } from '../wire/data-record.ts';
import { fixedElement } from '../wire/fixed-fields.ts';
import type { Plan } from '../wire/plan.ts';
import { isListType, type ListNames, structuredValue } from '../wire/structured-data.ts';

/** paddingOctets. */
const PADDING = 210;

/**
 * The records of a data set as they are on the wire: values under the names of their information elements (IANA's spelling, `enterprise/number` for unknown
 * ones), without padding. A name that comes twice has a list of its values. Fixed formats go by the elements that NetFlow v9
 * numbers alike, and by Cisco's names for the rest.
 */
export function* elementRecords(
  { fields, version, minimumLength }: Plan,
  bytes: Uint8Array,
  start: number,
  end: number,
  names: ListNames,
): Generator<ElementObject> {
  const elements = fields.map(
    ({ enterprise, id }) =>
      fixedElement(enterprise, id) ?? names.registry.lookup(enterprise, id, version === 10 ? 10 : 9),
  );
  for (let p = start; end - p >= minimumLength; ) {
    const record = locateFields(fields, bytes, p, end);
    if (record === undefined || record.next === p) return;
    const values: ElementObject = {};
    record.located.forEach(({ field: { enterprise, id }, offset, length }, index) => {
      if (enterprise === 0 && id === PADDING) return;
      const { name = `${enterprise}/${id}`, type = 'octetArray' } = elements[index] ?? {};
      const value = isListType(type)
        ? structuredValue(type, bytes, offset, length, names)
        : elementValue(type, bytes, offset, length);
      addMember(values, name, value);
    });
    yield values;
    p = record.next;
  }
}

/** Name of a template's field: its element's, or that of a scope of NetFlow v9 (RFC 3954 section 6.1). */
export function fieldName(
  { enterprise, id }: { readonly enterprise: number; readonly id: number },
  version: number,
  isScope: boolean,
  registry: ElementRegistry,
): string {
  const scope = isScope && version === 9 ? netflow9Scope(id) : undefined;
  return scope ?? registry.lookup(enterprise, id, version === 10 ? 10 : 9)?.name ?? `${enterprise}/${id}`;
}
