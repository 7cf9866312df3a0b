import { createElementRegistry } from '#weir/elements/registry.js';
import { COLUMNS } from '#weir/flow/schema.js';
import type { MessageHeader } from '#weir/session/single-datagram-header.js';
import type { DecodedRecord } from './decoded-case.ts';

/* Where in a record of ours the fields of the sources are. */

export const registry = createElementRegistry();

const COLUMN_OF: ReadonlyMap<string, string> = new Map(
  COLUMNS.flatMap(({ name, elements }) => elements.map((element) => [String(element), name] as const)),
);
const COLUMN_NAMES: ReadonlySet<string> = new Set(COLUMNS.map(({ name }) => name));
/** Names of the elements that feed a column: options data have the elements alone. */
const FEEDING: ReadonlyMap<string, readonly string[]> = new Map(
  COLUMNS.map(({ name, elements }) => [
    name,
    elements.flatMap((element) => {
      const [enterprise, id] = typeof element === 'number' ? [0, element] : element.split('/').map(Number);
      return registry.lookup(enterprise ?? 0, id ?? 0)?.name ?? [];
    }),
  ]),
);

/** Our places of a source's fields: a column; `=` and elements with `|` between, the first that is there; `header.` and a field of the header; `set`. */
export type Places = Readonly<Record<string, string>>;

/** What our record has for a field: at its place, or else under IANA's or our own name. Undefined where there is nothing. */
export function valueAt(places: Places, field: string, record: DecodedRecord): unknown {
  const place = places[field] ?? ownPlace(field);
  const { columns, elements, header, setId } = record;
  if (place === 'set') return setId;
  if (place.startsWith('header.')) return header[place.slice('header.'.length)];
  if (place.startsWith('=')) return firstOf(place.slice(1).split('|'), elements);
  const extra = (columns['extra'] ?? {}) as Readonly<Record<string, unknown>>;
  return columns[place] ?? extra[field] ?? elements[field] ?? firstOf(FEEDING.get(place) ?? [], elements);
}

function firstOf(names: readonly string[], elements: DecodedRecord['elements']): unknown {
  for (const name of names) if (elements[name] !== undefined) return elements[name];
  return undefined;
}

/** The column of an IANA element, or the name itself. */
function ownPlace(field: string): string {
  if (COLUMN_NAMES.has(field)) return field;
  const element = registry.byName(field);
  if (element === undefined) return field;
  const { enterprise, id } = element;
  return COLUMN_OF.get(enterprise === 0 ? String(id) : `${enterprise}/${id}`) ?? `=${field}`;
}

/** Time of a message, ISO 8601 with microseconds: seconds and nanoseconds of the header. */
export function headerTime(header: MessageHeader): string {
  const seconds = Number(header['unixSecs'] ?? header['exportTime']);
  const micros = Math.floor(Number(header['unixNsecs'] ?? 0) / 1000);
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(micros).padStart(6, '0')}Z`;
}

/** A value as text, nothing as ''. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : '';
}
