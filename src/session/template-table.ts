import type { TemplateLookup } from '../wire/structured-data.ts';
import type { FieldSpecifier, TemplateEvent } from '../wire/template.ts';
import type { Specification, SpecificationTable } from './specification.ts';

/** What is known of one template id of one exporter's domain. */
export interface TemplateEntry {
  specification: Specification;
  /** Port of the transport session that sent it last; 0 when it was loaded from disk. */
  port: number;
  /** ms since the epoch. */
  lastSeen: number;
  /** False for a template loaded at start and not seen since. */
  confirmed: boolean;
  /** When several ports of one address send this id with different layouts: what each says. */
  byPort: Map<number, Specification> | undefined;
}

/** What learning a template meant. */
export type Learned = 'new' | 'same' | 'changed' | 'conflict';

/** Transport sessions with differing layouts that are told apart for one template id. */
const MAX_PORTS = 64;

/**
 * Templates of one exporter address, version and observation domain. A data set is looked up by its full transport session first; then, when all
 * ports agree on the id, by the id alone, because exporters exist that send templates and data from different ports. When ports disagree, each has
 * its own and no other port's is used.
 */
export class TemplateTable implements TemplateLookup {
  readonly entries = new Map<number, TemplateEntry>();
  readonly #specifications: SpecificationTable;

  constructor(specifications: SpecificationTable) {
    this.#specifications = specifications;
  }

  /** The specification for data with template `id` that came from `port`; `undefined` when it is not known or ports disagree. */
  find(id: number, port: number): Specification | undefined {
    const entry = this.entries.get(id);
    if (entry === undefined) return undefined;
    return entry.byPort === undefined ? entry.specification : entry.byPort.get(port);
  }

  /** The fields of template `id`, for lists in records that name it (RFC 6313). */
  fieldsOf(id: number, port: number): readonly FieldSpecifier[] | undefined {
    return this.find(id, port)?.fields;
  }

  /** Takes in a template record. The specification must come from `SpecificationTable.acquire`, whose use this table now owns. */
  learn(id: number, specification: Specification, port: number, now: number, confirmed = true): Learned {
    const entry = this.entries.get(id);
    if (entry === undefined) {
      this.entries.set(id, { specification, port, lastSeen: now, confirmed, byPort: undefined });
      return 'new';
    }
    entry.lastSeen = now;
    entry.confirmed ||= confirmed;
    const mine = entry.byPort === undefined ? entry.specification : entry.byPort.get(port);
    if (mine === specification) {
      this.#specifications.release(specification);
      if (entry.byPort === undefined) entry.port = port;
      return 'same';
    }
    if (entry.byPort === undefined && (entry.port === port || entry.port === 0)) {
      this.#specifications.release(entry.specification);
      entry.specification = specification;
      entry.port = port;
      return 'changed';
    }
    entry.byPort ??= new Map([[entry.port, entry.specification]]);
    const old = entry.byPort.get(port);
    if (old !== undefined) this.#specifications.release(old);
    else if (entry.byPort.size >= MAX_PORTS) this.#dropOldestPort(entry.byPort);
    entry.byPort.delete(port);
    entry.byPort.set(port, specification);
    entry.specification = specification;
    entry.port = port;
    return old === undefined ? 'conflict' : 'changed';
  }

  /** Withdraws one template or all of a kind (RFC 7011 section 8.1), as far as `port` has sent them. Returns how many. */
  withdraw(event: Extract<TemplateEvent, { withdraw: number }>, port: number): number {
    if (event.withdraw !== 0) return this.#withdrawOne(event.withdraw, port) ? 1 : 0;
    let count = 0;
    for (const [id, entry] of this.entries) {
      if (entry.specification.kind === event.kind && this.#withdrawOne(id, port)) count++;
    }
    return count;
  }

  /** Forgets one template of all ports. */
  forget(id: number): void {
    const entry = this.entries.get(id);
    if (entry === undefined) return;
    this.#releaseAll(entry);
    this.entries.delete(id);
  }

  /** Forgets everything. */
  clear(): void {
    for (const entry of this.entries.values()) this.#releaseAll(entry);
    this.entries.clear();
  }

  #withdrawOne(id: number, port: number): boolean {
    const entry = this.entries.get(id);
    if (entry === undefined) return false;
    if (entry.byPort === undefined) {
      this.#releaseAll(entry);
      return this.entries.delete(id);
    }
    const mine = entry.byPort.get(port);
    if (mine === undefined) return false;
    this.#specifications.release(mine);
    entry.byPort.delete(port);
    const [rest] = entry.byPort;
    if (rest === undefined) return this.entries.delete(id);
    [entry.port, entry.specification] = rest;
    if (entry.byPort.size === 1) entry.byPort = undefined;
    return true;
  }

  #dropOldestPort(byPort: Map<number, Specification>): void {
    const [oldest] = byPort;
    if (oldest === undefined) return;
    this.#specifications.release(oldest[1]);
    byPort.delete(oldest[0]);
  }

  #releaseAll(entry: TemplateEntry): void {
    if (entry.byPort === undefined) this.#specifications.release(entry.specification);
    else for (const specification of entry.byPort.values()) this.#specifications.release(specification);
  }
}
