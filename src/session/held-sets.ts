/** A data set that waits for its template, with what its message said. */
export interface HeldSet {
  readonly owner: object;
  readonly templateId: number;
  readonly port: number;
  /** A copy of the set's content. */
  readonly bytes: Uint8Array;
  readonly uptime: number;
  readonly exportMillis: number;
  readonly receivedMicros: number;
}

/** A template that is awaited: since when, and how many sets wait for it. */
export interface AwaitedTemplate {
  readonly templateId: number;
  /** µs since the epoch, arrival of the first set that waits. */
  readonly since: number;
  readonly sets: number;
}

export interface HeldLimits {
  /** Octets held for one exporter's domain, and in all. */
  readonly bytesPerDomain: number;
  readonly bytes: number;
  /** µs after which a set is given up. */
  readonly age: number;
}

/** Octets that keeping a set costs beside its content. */
const OVERHEAD = 200;

interface Queue {
  readonly sets: HeldSet[];
  bytes: number;
}

/**
 * Data sets that came before their template (RFC 3954 section 9 asks to keep them), oldest first, bounded per domain and in all. When a bound is
 * reached the oldest of that domain (or of all) are dropped, and `onDrop` counts them.
 */
export class HeldSets {
  readonly #limits: HeldLimits;
  readonly #onDrop: (set: HeldSet, why: 'held_overflow' | 'held_expired') => void;
  readonly #queues = new Map<object, Queue>();
  #bytes = 0;

  constructor(limits: HeldLimits, onDrop: (set: HeldSet, why: 'held_overflow' | 'held_expired') => void) {
    this.#limits = limits;
    this.#onDrop = onDrop;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps a set; older ones may be given up for it. */
  hold(set: HeldSet): void {
    const cost = set.bytes.length + OVERHEAD;
    const queue = this.#queues.get(set.owner) ?? { sets: [], bytes: 0 };
    this.#queues.set(set.owner, queue);
    queue.sets.push(set);
    queue.bytes += cost;
    this.#bytes += cost;
    while (queue.bytes > this.#limits.bytesPerDomain && queue.sets.length > 0)
      this.#dropFirst(set.owner, queue, 'held_overflow');
    while (this.#bytes > this.#limits.bytes) {
      // Domains are in the order in which they began to wait.
      const [first] = this.#queues;
      if (first === undefined) break;
      this.#dropFirst(first[0], first[1], 'held_overflow');
    }
  }

  /** The template ids that sets of `owner` wait for. */
  waitingFor(owner: object): Set<number> {
    return new Set(this.#queues.get(owner)?.sets.map((set) => set.templateId));
  }

  /** Takes out, in order of arrival, the sets of `owner` that wait for `templateId` and that `wanted` (by port) accepts. */
  release(owner: object, templateId: number, wanted: (port: number) => boolean): HeldSet[] {
    const queue = this.#queues.get(owner);
    if (queue === undefined) return [];
    const released: HeldSet[] = [];
    const kept: HeldSet[] = [];
    for (const set of queue.sets) (set.templateId === templateId && wanted(set.port) ? released : kept).push(set);
    if (released.length === 0) return released;
    queue.sets.splice(0, queue.sets.length, ...kept);
    const freed = released.reduce((sum, set) => sum + set.bytes.length + OVERHEAD, 0);
    queue.bytes -= freed;
    this.#bytes -= freed;
    if (kept.length === 0) this.#queues.delete(owner);
    return released;
  }

  /** Gives up sets that have waited longer than the limit. */
  expire(nowMicros: number): void {
    for (const [owner, queue] of this.#queues) {
      while (queue.sets[0] !== undefined && nowMicros - queue.sets[0].receivedMicros > this.#limits.age) {
        this.#dropFirst(owner, queue, 'held_expired');
      }
    }
  }

  /** Forgets all sets of a domain without counting them as dropped for want of room. Returns how many there were. */
  forget(owner: object): number {
    const queue = this.#queues.get(owner);
    if (queue === undefined) return 0;
    this.#bytes -= queue.bytes;
    this.#queues.delete(owner);
    return queue.sets.length;
  }

  /** What each domain waits for. */
  *awaited(): IterableIterator<[owner: object, template: AwaitedTemplate]> {
    for (const [owner, queue] of this.#queues) {
      const byId = new Map<number, { since: number; sets: number }>();
      for (const set of queue.sets) {
        const entry = byId.get(set.templateId);
        if (entry === undefined) byId.set(set.templateId, { since: set.receivedMicros, sets: 1 });
        else entry.sets++;
      }
      for (const [templateId, { since, sets }] of byId) yield [owner, { templateId, since, sets }];
    }
  }

  #dropFirst(owner: object, queue: Queue, why: 'held_overflow' | 'held_expired'): void {
    const set = queue.sets.shift();
    if (set === undefined) return;
    const cost = set.bytes.length + OVERHEAD;
    queue.bytes -= cost;
    this.#bytes -= cost;
    if (queue.sets.length === 0) this.#queues.delete(owner);
    this.#onDrop(set, why);
  }
}
