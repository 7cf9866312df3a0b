import { type Address, addressKey } from '../util/address.ts';
import { Domain } from './domain.ts';
import type { ConfiguredSampling } from './sampling.ts';
import type { SpecificationTable } from './specification.ts';

export interface DomainLimits {
  /** Domains of all exporters. */
  readonly domains: number;
  /** Templates of one domain, and of all. */
  readonly templatesPerDomain: number;
  readonly templates: number;
  /** Field specifiers in memory over all templates; equal templates share theirs. */
  readonly fields: number;
}

/** Every domain there is, bounded: when a bound is reached, the domain that has been silent longest is forgotten. */
export class DomainTable {
  readonly #limits: DomainLimits;
  readonly #specifications: SpecificationTable;
  readonly #configured: (address: Address) => ConfiguredSampling;
  readonly #onForget: (domain: Domain) => void;
  /** Least recently touched first. */
  readonly #domains = new Map<string, Domain>();
  #templates = 0;
  forgotten = 0;

  constructor(
    limits: DomainLimits,
    specifications: SpecificationTable,
    configured: (address: Address) => ConfiguredSampling,
    onForget: (domain: Domain) => void,
  ) {
    this.#limits = limits;
    this.#specifications = specifications;
    this.#configured = configured;
    this.#onForget = onForget;
  }

  get size(): number {
    return this.#domains.size;
  }

  get templates(): number {
    return this.#templates;
  }

  [Symbol.iterator](): IterableIterator<Domain> {
    return this.#domains.values();
  }

  find(address: Address, version: number, id: number): Domain | undefined {
    return this.#domains.get(keyOf(address, version, id));
  }

  /** The domain, made when it is new. */
  open(address: Address, version: number, id: number): Domain {
    const key = keyOf(address, version, id);
    const known = this.#domains.get(key);
    if (known !== undefined) return known;
    if (this.#domains.size >= this.#limits.domains) this.#forgetOldest();
    const domain = new Domain(address, version, id, this.#configured(address), this.#specifications);
    if (id !== 0) domain.refreshRate(this.find(address, version, 0));
    this.#domains.set(key, domain);
    return domain;
  }

  /** The domain has sent templates: it is the last to be forgotten. */
  touch(domain: Domain): void {
    const key = keyOf(domain.address, domain.version, domain.id);
    if (!this.#domains.delete(key)) return;
    this.#domains.set(key, domain);
  }

  /** Call when a domain's number of templates has changed by `change`; keeps the bounds. */
  templatesChanged(domain: Domain, change: number): void {
    this.#templates += change;
    const { entries } = domain.templates;
    while (entries.size > this.#limits.templatesPerDomain) this.#dropOldestTemplate(domain);
    while (
      (this.#templates > this.#limits.templates || this.#specifications.fields > this.#limits.fields) &&
      this.#domains.size > 1
    ) {
      this.#forgetOldest();
    }
    // One exporter alone may send more than there is room for.
    while (entries.size > 1 && this.#specifications.fields > this.#limits.fields) this.#dropOldestTemplate(domain);
  }

  /** Domains of the same exporter and version take their rate from domain 0 when they have none of their own. */
  refreshRates(changed: Domain): void {
    changed.refreshRate(this.find(changed.address, changed.version, 0));
    if (changed.id !== 0) return;
    for (const domain of this.#domains.values()) {
      if (domain.version === changed.version && domain.exporter === changed.exporter) domain.refreshRate(changed);
    }
  }

  #dropOldestTemplate(domain: Domain): void {
    const [oldest] = domain.templates.entries;
    if (oldest === undefined) return;
    domain.templates.forget(oldest[0]);
    this.#templates--;
  }

  #forgetOldest(): void {
    const [oldest] = this.#domains;
    if (oldest === undefined) return;
    const [key, domain] = oldest;
    this.#domains.delete(key);
    this.#templates -= domain.templates.entries.size;
    domain.templates.clear();
    domain.forgotten = true;
    this.forgotten++;
    this.#onForget(domain);
  }
}

function keyOf(address: Address, version: number, id: number): string {
  return `${version}|${id}|${addressKey(...address)}`;
}
