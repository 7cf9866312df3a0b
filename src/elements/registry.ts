/**
 * The registry of information elements: IANA's, those of enterprises, NetFlow v9 field types of vendors, reverse elements
 * (RFC 5103), and a user's own, which go before all others. It is read-only once made; its maps are filled on first use.
 */
import { type ElementRow, elementOf, type InformationElement } from './element.ts';
import { ENTERPRISE_ROWS } from './enterprise.generated.ts';
import { enterpriseNumber } from './enterprises.ts';
import { IANA_ROWS } from './iana.generated.ts';
import { NETFLOW9_ROWS } from './netflow9.generated.ts';
import { REVERSE_ENTERPRISE, reverseOf } from './reverse.ts';

const NTOP = 35_632;
/** nProbe sends its own element n of IPFIX as field type 57472 + n of NetFlow v9. */
const NTOP_NETFLOW9_BASE = 57_472;

type ById = ReadonlyMap<number, InformationElement>;
type ByName = ReadonlyMap<string, InformationElement | undefined>;

export interface ElementRegistry {
  /**
   * The element `id` of `enterprise` (0 is IANA), the same object each time. For a message of NetFlow version 9 the vendors' field
   * types are asked before IANA's, with which they share the number space (RFC 3954 section 8).
   */
  lookup(enterprise: number, id: number, version?: 9 | 10): InformationElement | undefined;
  /**
   * The element of a name, spelled exactly: `octetDeltaCount`, `reverseOctetDeltaCount`, `6871/silkAppLabel`, `cert/silkAppLabel`,
   * `6871/33`, `netflow9/fw_event`. A plain name is sought in IANA's elements, then the reverse ones, the field types of NetFlow v9,
   * and then in those of the enterprises, where it counts only if no two have it.
   */
  byName(name: string): InformationElement | undefined;
  /** Every element once, a user's in place of the built-in ones of the same number; reverse elements too. */
  list(): IterableIterator<InformationElement>;
}

/** A registry of the built-in elements and `extra` ones, such as `parseUserElements` gives: the later of two with one number wins. */
export function createElementRegistry(extra: Iterable<InformationElement> = []): ElementRegistry {
  const own = new Map<number, Map<number, InformationElement>>();
  for (const element of extra) {
    const elements = own.get(element.enterprise) ?? new Map<number, InformationElement>();
    own.set(element.enterprise, elements.set(element.id, element));
  }

  const enterprises = new Map<number, ById>();
  const enterprise = (pen: number): ById | undefined => {
    const known = enterprises.get(pen);
    if (known !== undefined) return known;
    // An unknown enterprise leaves nothing behind: its number comes from the network and would fill the map.
    const built = pen === REVERSE_ENTERPRISE ? reverseElements(enterprise(0)) : elementsOf(pen, rowsOf(pen));
    const mine = own.get(pen);
    if (built.size === 0 && mine === undefined) return undefined;
    for (const [id, element] of mine ?? []) built.set(id, element);
    enterprises.set(pen, built);
    return built;
  };

  const netflow9 = once((): ById => {
    const fields = new Map<number, InformationElement>();
    for (const [id, ...rest] of rowsOf(NTOP)) {
      fields.set(id + NTOP_NETFLOW9_BASE, elementOf(0, [id + NTOP_NETFLOW9_BASE, ...rest]));
    }
    for (const row of NETFLOW9_ROWS) fields.set(row[0], elementOf(0, row));
    for (const [id, element] of own.get(0) ?? []) if (fields.has(id)) fields.set(id, element);
    return fields;
  });

  const names = new Map<number | 'netflow9', ByName>();
  const namesOf = (key: number | 'netflow9'): ByName | undefined => {
    const known = names.get(key);
    if (known !== undefined) return known;
    const elements = key === 'netflow9' ? netflow9() : enterprise(key);
    if (elements === undefined) return undefined;
    const built = new Map<string, InformationElement>();
    for (const element of elements.values()) built.set(element.name, element);
    // A user's element goes before a built-in one of the same name and another number.
    if (typeof key === 'number') for (const element of own.get(key)?.values() ?? []) built.set(element.name, element);
    names.set(key, built);
    return built;
  };

  const enterpriseNumbers = (): number[] => [
    ...new Set([...BUILT_IN_ENTERPRISES, ...own.keys()].filter((pen) => pen !== 0 && pen !== REVERSE_ENTERPRISE)),
  ];

  const plainEnterpriseNames = once((): ByName => {
    const plain = new Map<string, InformationElement | undefined>();
    for (const pen of enterpriseNumbers()) {
      for (const [name, element] of namesOf(pen) ?? []) plain.set(name, plain.has(name) ? undefined : element);
    }
    return plain;
  });

  const lookup = (pen: number, id: number, version: 9 | 10 = 10): InformationElement | undefined => {
    const field = version === 9 && pen === 0 ? netflow9().get(id) : undefined;
    return field ?? enterprise(pen)?.get(id);
  };

  return {
    lookup,

    byName(name) {
      const slash = name.indexOf('/');
      if (slash < 0) {
        return (
          namesOf(0)?.get(name) ??
          namesOf(REVERSE_ENTERPRISE)?.get(name) ??
          namesOf('netflow9')?.get(name) ??
          plainEnterpriseNames().get(name)
        );
      }
      const [prefix, rest] = [name.slice(0, slash), name.slice(slash + 1)];
      const id = /^\d{1,5}$/.test(rest) ? Number(rest) : undefined;
      if (prefix.toLowerCase() === 'netflow9') {
        return id === undefined ? (namesOf('netflow9')?.get(rest) ?? namesOf(0)?.get(rest)) : lookup(0, id, 9);
      }
      const pen = enterpriseNumber(prefix);
      if (pen === undefined) return undefined;
      return id === undefined ? namesOf(pen)?.get(rest) : lookup(pen, id);
    },

    *list() {
      yield* enterprise(0)?.values() ?? [];
      for (const element of netflow9().values()) if (enterprise(0)?.get(element.id) !== element) yield element;
      for (const pen of enterpriseNumbers()) yield* enterprise(pen)?.values() ?? [];
      yield* enterprise(REVERSE_ENTERPRISE)?.values() ?? [];
    },
  };
}

const BUILT_IN_ENTERPRISES: readonly number[] = ENTERPRISE_ROWS.map(([pen]) => pen);

function rowsOf(pen: number): readonly ElementRow[] {
  if (pen === 0) return IANA_ROWS;
  return ENTERPRISE_ROWS.find(([number]) => number === pen)?.[1] ?? [];
}

function elementsOf(pen: number, rows: readonly ElementRow[]): Map<number, InformationElement> {
  return new Map(rows.map((row) => [row[0], elementOf(pen, row)]));
}

function reverseElements(iana: ById | undefined): Map<number, InformationElement> {
  const reversed = new Map<number, InformationElement>();
  for (const element of iana?.values() ?? []) {
    const reverse = reverseOf(element);
    if (reverse !== undefined) reversed.set(element.id, reverse);
  }
  return reversed;
}

/** `make()` on the first call, and the same result on the later ones. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
