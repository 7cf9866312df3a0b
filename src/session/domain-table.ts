import { type Address, addressKey } from '../util/address.ts';
import { Domain, type DomainKey } from './domain.ts';
import type { IdentityRules } from './exporter-identity.ts';
import type { SenderTotals } from './exporter-statistics.ts';
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
  readonly #configured: (exporter: Address) => ConfiguredSampling;
  readonly #identity: IdentityRules;
  readonly #onForget: (domain: Domain) => void;
  /** Least recently touched first. */
  readonly #domains = new Map<string, Domain>();
  /** Those of streams, by session. */
  readonly #bySession = new Map<number, Set<Domain>>();
  readonly #senders = new Map<string, SenderTotals>();
  #templates = 0;
  forgotten = 0;

  constructor(
    limits: DomainLimits,
    specifications: SpecificationTable,
    configured: (exporter: Address) => ConfiguredSampling,
    identity: IdentityRules,
    onForget: (domain: Domain) => void,
  ) {
    this.#limits = limits;
    this.#specifications = specifications;
    this.#configured = configured;
    this.#identity = identity;
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

  find(address: Address, version: number, id: number, session = 0): Domain | undefined {
    return this.#domains.get(keyOf({ address, version, id, session }));
  }

  /** The domain, made when it is new; of the stream `session`, or of datagrams; with sFlow, of the agent. */
  open(address: Address, version: number, id: number, session = 0, agent?: Address): Domain {
    const parts = { address, version, id, session, agent };
    const key = keyOf(parts);
    const known = this.#domains.get(key);
    if (known !== undefined) return known;
    if (this.#domains.size >= this.#limits.domains) this.#forgetOldest();
    const domain = new Domain(parts, this.#identity, this.#specifications, this.#openSender(parts));
    this.#domains.set(key, domain);
    this.#identify(domain, id === 0 ? undefined : this.find(address, version, 0, session));
    if (session !== 0) {
      const others = this.#bySession.get(session);
      if (others === undefined) this.#bySession.set(session, new Set([domain]));
      else others.add(domain);
    }
    return domain;
  }

  #openSender(parts: DomainKey): SenderTotals {
    const key = senderKey(parts);
    let totals = this.#senders.get(key);
    if (totals === undefined) {
      totals = { messages: 0, records: 0, reporter: '', domains: 0 };
      this.#senders.set(key, totals);
    }
    totals.domains++;
    return totals;
  }

  /** The stream has ended: its domains are forgotten, with their templates and options (RFC 7011 section 8). */
  endSession(session: number): void {
    for (const domain of this.#bySession.get(session) ?? []) this.#forget(domain);
  }

  /** The domain has sent templates: it is the last to be forgotten. */
  touch(domain: Domain): void {
    const key = keyOf(domain);
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

  /** Options data have told a rate: domains of the same sender and version take theirs from domain 0 when they have none of their own. */
  refreshRates(changed: Domain): void {
    for (const domain of this.#concerned(changed)) domain.refreshRate(this.#rootOf(domain));
  }

  /** Options data have told the exporter, which domains of the same sender and version take from domain 0, too. */
  refreshExporters(changed: Domain): void {
    for (const domain of this.#concerned(changed)) this.#identify(domain, this.#rootOf(domain));
  }

  /** The domains that what one domain was told concerns: itself, of domain 0 all of the sender. */
  *#concerned(changed: Domain): Iterable<Domain> {
    if (changed.id !== 0) {
      yield changed;
      return;
    }
    const { sender, version, session } = changed;
    const candidates = session === 0 ? this.#domains.values() : (this.#bySession.get(session) ?? []);
    for (const domain of candidates)
      if (domain.version === version && domain.sender === sender && domain.session === session) yield domain;
  }

  #rootOf({ address, version, session }: Domain): Domain | undefined {
    return this.find(address, version, 0, session);
  }

  #identify(domain: Domain, root: Domain | undefined): void {
    domain.identify(root);
    domain.configured = this.#configured(domain.exporterAddress);
    domain.refreshRate(root);
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
    this.forgotten++;
    this.#forget(oldest[1]);
  }

  #forget(domain: Domain): void {
    this.#domains.delete(keyOf(domain));
    const others = this.#bySession.get(domain.session);
    if (others?.delete(domain) === true && others.size === 0) this.#bySession.delete(domain.session);
    if (--domain.ofSender.domains === 0) this.#senders.delete(senderKey(domain));
    this.#templates -= domain.templates.entries.size;
    domain.templates.clear();
    domain.forgotten = true;
    this.#onForget(domain);
  }
}

function senderKey({ address, version, session }: DomainKey): string {
  return `${version}|${session}|${addressKey(...address)}`;
}

function keyOf({ address, version, id, session, agent }: DomainKey): string {
  const key = `${version}|${id}|${session}|${addressKey(...address)}`;
  return agent === undefined ? key : `${key}|${addressKey(...agent)}`;
}
