import { type AbstractType, type InformationElement, SEMANTICS } from './element.ts';
import type { ElementRegistry } from './registry.ts';

/** Elements that exporters may teach in all, and each of them. */
const MAX_ELEMENTS = 8_192;
const MAX_PER_EXPORTER = 1_024;
/** What a name may be; it becomes a key of JSON. RFC 7012 section 2.3 has letters and digits, vendors write `_` and `-` too. */
const NAME = /^[A-Za-z][\w-]{0,127}$/;

/** Abstract data types by number (RFC 5610 section 3.1, IANA's registry "IPFIX Information Element Data Types"). */
// biome-ignore format: by number
const TYPES: readonly AbstractType[] = [
  'octetArray', 'unsigned8', 'unsigned16', 'unsigned32', 'unsigned64', 'signed8', 'signed16', 'signed32', 'signed64', 'float32', 'float64',
  'boolean', 'macAddress', 'string', 'dateTimeSeconds', 'dateTimeMilliseconds', 'dateTimeMicroseconds', 'dateTimeNanoseconds',
  'ipv4Address', 'ipv6Address', 'basicList', 'subTemplateList', 'subTemplateMultiList', 'unsigned256',
];

/** Units by number (RFC 5610 section 3.7, IANA's registry "IPFIX Information Element Units"); 0 is none. */
// biome-ignore format: by number
const UNITS: readonly (string | undefined)[] = [
  undefined, 'bits', 'octets', 'packets', 'flows', 'seconds', 'milliseconds', 'microseconds', 'nanoseconds', '4-octet words', 'messages', 'hops',
  'entries', 'frames', 'ports', 'inferred',
];

/** What a type information record of RFC 5610 says of one element, as numbers of the IANA registries. */
export interface TypeInformation {
  readonly enterprise: number;
  readonly id: number;
  readonly name: string;
  readonly type: number;
  readonly semantics: number;
  readonly units: number;
}

interface Lesson {
  readonly exporter: string;
  readonly information: TypeInformation;
  readonly element: InformationElement;
}

/**
 * A registry that exporters can teach elements of enterprises (RFC 5610). What is known beforehand always goes first, and of two exporters that say
 * different things of one element the first is believed; names are shown, never relied on. Bounded for each exporter and in all.
 */
export class TaughtRegistry implements ElementRegistry {
  readonly #known: ElementRegistry;
  readonly #taught = new Map<string, Lesson>();
  readonly #perExporter = new Map<string, number>();

  constructor(known: ElementRegistry) {
    this.#known = known;
  }

  /** Takes in what an exporter says of an element. Returns true when it was new and is known from now on. */
  teach(exporter: string, { enterprise, id, name, type, semantics, units }: TypeInformation): boolean {
    const abstractType = TYPES[type];
    if (enterprise === 0 || id < 1 || id > 32_767 || abstractType === undefined || !NAME.test(name)) return false;
    if (this.lookup(enterprise, id) !== undefined || this.#taught.size >= MAX_ELEMENTS) return false;
    const taught = this.#perExporter.get(exporter) ?? 0;
    if (taught >= MAX_PER_EXPORTER) return false;
    this.#perExporter.set(exporter, taught + 1);
    this.#taught.set(`${enterprise}/${id}`, {
      exporter,
      information: { enterprise, id, name, type, semantics, units },
      element: {
        enterprise,
        id,
        name,
        type: abstractType,
        semantics: SEMANTICS[semantics] ?? 'default',
        units: UNITS[units],
      },
    });
    return true;
  }

  lookup(enterprise: number, id: number, version?: 9 | 10): InformationElement | undefined {
    const known = this.#known.lookup(enterprise, id, version);
    return known ?? (this.#taught.size === 0 ? undefined : this.#taught.get(`${enterprise}/${id}`)?.element);
  }

  /** What exporters taught, as `teach` takes it. */
  *lessons(): IterableIterator<readonly [exporter: string, information: TypeInformation]> {
    for (const { exporter, information } of this.#taught.values()) yield [exporter, information];
  }

  byName(name: string): InformationElement | undefined {
    return this.#known.byName(name);
  }

  *list(): IterableIterator<InformationElement> {
    yield* this.#known.list();
    for (const { element } of this.#taught.values()) yield element;
  }
}
