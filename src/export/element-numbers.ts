import type { InformationElement } from '../elements/element.ts';
import type { ElementRegistry } from '../elements/registry.ts';

/** What a field specifier and a value need to know of an element. */
export type NumberedElement = Pick<InformationElement, 'enterprise' | 'id' | 'type'>;

/** Elements of IPFIX have 15 bits. */
const LAST_IPFIX = 0x7fff;

/** Finds elements by the names that `extra` has, among those that a version of templates can name. */
export class ElementNumbers {
  readonly version: 9 | 10;
  readonly #registry: ElementRegistry;
  /** By name; undefined where two have it. Filled on first use. */
  #byName: Map<string, InformationElement | undefined> | undefined;

  constructor(registry: ElementRegistry, version: 9 | 10) {
    this.#registry = registry;
    this.version = version;
  }

  /**
   * The element with this name, or with this number when the name is `enterprise/number`, which unknown ones have. Undefined when the version cannot
   * name it (NetFlow v9 has no enterprise numbers), and when several have the name.
   */
  find(name: string): NumberedElement | undefined {
    const number = /^(\d{1,10})\/(\d{1,5})$/.exec(name);
    if (number === null) return this.#names().get(name);
    const [enterprise, id] = [Number(number[1]), Number(number[2])];
    return this.#canName(enterprise, id) ? { enterprise, id, type: 'octetArray' } : undefined;
  }

  #canName(enterprise: number, id: number): boolean {
    if (this.version === 9) return enterprise === 0 && id <= 0xffff;
    return enterprise <= 0xffff_ffff && id <= LAST_IPFIX;
  }

  #names(): Map<string, InformationElement | undefined> {
    if (this.#byName !== undefined) return this.#byName;
    const byName = new Map<string, InformationElement | undefined>();
    for (const element of this.#registry.list()) {
      const { enterprise, id, name } = element;
      if (!this.#canName(enterprise, id)) continue;
      // Field types of NetFlow v9 share their numbers with elements.
      if (this.#registry.lookup(enterprise, id, this.version)?.name !== name) continue;
      const known = byName.get(name);
      const isSame = known === undefined || (known.enterprise === enterprise && known.id === id);
      byName.set(name, byName.has(name) && !isSame ? undefined : element);
    }
    this.#byName = byName;
    return byName;
  }
}
