import { isCount, isRecord, listOf } from '../util/json-shape.ts';
import type { NameFact } from './name-facts.ts';
import { NAME_KINDS, type NameKind, type NameRow, RENEWAL_MICROS } from './name-row.ts';

/** A name that holds now. */
interface Name {
  readonly name: string;
  readonly description: string | undefined;
  /** µs since the epoch. */
  readonly from: number;
}

/** Whose domain a name is of: of `Domain`. */
export interface NameOwner {
  readonly sender: string;
  readonly exporter: string;
  readonly id: number;
}

/** Names of one sender's domain, by kind and key. */
interface Holder {
  readonly sender: string;
  exporter: string;
  readonly domain: number;
  readonly names: Map<string, Name>;
}

export interface NameLimits {
  /** Names of one domain, and of all. */
  readonly perDomain: number;
  readonly total: number;
  /** Rows that wait to be taken. */
  readonly rows: number;
}

/** NBAR knows some 1,500 applications, the largest routers some 10,000 interfaces. */
const LIMITS: NameLimits = { perDomain: 32_768, total: 65_536, rows: 100_000 };

/** What is kept over a restart. */
export interface SavedNames {
  readonly format: 1;
  readonly domains: readonly {
    readonly sender: string;
    readonly exporter: string;
    readonly domain: number;
    readonly names: readonly (readonly [
      kind: NameKind,
      key: string,
      name: string,
      description: string | null,
      from: number,
    ])[];
  }[];
}

/**
 * The names that options data gave to interfaces, applications, VRFs, users and samplers, and since when: of every exporter and observation
 * domain, bounded. First sightings and changes become rows of the table `names`.
 */
export class NameTable {
  readonly #limits: NameLimits;
  /** The domain that told names last is the last. */
  readonly #holders = new Map<string, Holder>();
  #rows: NameRow[] = [];
  #size = 0;
  #renewed = Number.NEGATIVE_INFINITY;
  /** Names that were not taken, and rows that were not kept, for want of room. */
  refused = 0;
  rowsDropped = 0;

  constructor(limits: Partial<NameLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  get size(): number {
    return this.#size;
  }

  /** Takes in what a record said that came at `micros` (µs since the epoch). Returns true when it was new. */
  learn(owner: NameOwner, fact: NameFact, micros: number): boolean {
    const holder = this.#open(owner);
    const key = `${fact.kind} ${fact.key}`;
    const before = holder.names.get(key);
    if (before !== undefined && before.name === fact.name && before.description === fact.description) return false;
    if (before === undefined) {
      if (holder.names.size >= this.#limits.perDomain) {
        this.refused++;
        return false;
      }
      this.#size++;
      this.#makeRoom(holder);
    } else if (micros < before.from) return false;
    // Two names in one microsecond are still one after the other.
    const from = before === undefined ? micros : Math.max(micros, before.from + 1);
    const name: Name = { name: fact.name, description: fact.description, from };
    if (before !== undefined) this.#push(holder, key, before, micros, from);
    holder.names.set(key, name);
    this.#push(holder, key, name, micros, null);
    return true;
  }

  /** The rows that came up since the last call; once a day also those of all names that hold, which a start must ask for first. */
  takeRows(nowMicros: number): NameRow[] {
    if (nowMicros - this.#renewed >= RENEWAL_MICROS) this.#renew(nowMicros);
    const rows = this.#rows;
    this.#rows = [];
    return rows;
  }

  /** The names that hold, as plain data. */
  save(): SavedNames {
    return {
      format: 1,
      domains: [...this.#holders.values()].map(({ sender, exporter, domain, names }) => ({
        sender,
        exporter,
        domain,
        names: [...names].map(([key, { name, description, from }]) => {
          const [kind, id] = splitKey(key);
          return [kind, id, name, description ?? null, from];
        }),
      })),
    };
  }

  /** Takes names that were saved; they go on where they were. What is not of the right shape is left out. Returns how many were taken. */
  load(saved: unknown): number {
    let count = 0;
    if (!isRecord(saved) || saved['format'] !== 1) return 0;
    for (const one of listOf(saved['domains'])) {
      if (!isRecord(one) || typeof one['exporter'] !== 'string' || !isCount(one['domain'])) continue;
      const { exporter, domain: id } = one as { exporter: string; domain: number };
      const holder = this.#open({ sender: typeof one['sender'] === 'string' ? one['sender'] : exporter, exporter, id });
      for (const item of listOf(one['names'])) {
        const [kind, key, name, description, from] = listOf(item);
        if (!isKind(kind) || typeof key !== 'string' || typeof name !== 'string' || !isCount(from)) continue;
        if (holder.names.size >= this.#limits.perDomain || this.#size >= this.#limits.total) return count;
        const id = `${kind} ${key}`;
        if (holder.names.has(id)) continue;
        holder.names.set(id, { name, description: typeof description === 'string' ? description : undefined, from });
        this.#size++;
        count++;
      }
    }
    return count;
  }

  #open({ sender, exporter, id: domain }: NameOwner): Holder {
    const id = `${domain} ${sender}`;
    const known = this.#holders.get(id);
    const holder = known ?? { sender, exporter, domain, names: new Map<string, Name>() };
    holder.exporter = exporter;
    if (known !== undefined) this.#holders.delete(id);
    this.#holders.set(id, holder);
    return holder;
  }

  /** Forgets the names of the domains that have been silent longest; what the table `names` has of them stays. */
  #makeRoom(current: Holder): void {
    for (const [id, holder] of this.#holders) {
      if (this.#size <= this.#limits.total || holder === current) return;
      this.#holders.delete(id);
      this.#size -= holder.names.size;
    }
  }

  /** Makes rows of all names that hold, so that they outlive retention. */
  #renew(nowMicros: number): void {
    this.#renewed = nowMicros;
    for (const holder of this.#holders.values())
      for (const [key, name] of holder.names) this.#push(holder, key, name, nowMicros, null);
  }

  #push({ sender, exporter, domain }: Holder, id: string, name: Name, micros: number, until: number | null): void {
    if (this.#rows.length >= this.#limits.rows) {
      this.rowsDropped++;
      return;
    }
    const [kind, key] = splitKey(id);
    this.#rows.push({
      time_received: micros,
      exporter,
      sender,
      observation_domain: domain,
      kind,
      key,
      name: name.name,
      description: name.description ?? null,
      valid_from: name.from,
      valid_until: until,
    });
  }
}

function splitKey(id: string): [kind: NameKind, key: string] {
  const at = id.indexOf(' ');
  return [id.slice(0, at) as NameKind, id.slice(at + 1)];
}

function isKind(value: unknown): value is NameKind {
  return (NAME_KINDS as readonly unknown[]).includes(value);
}
