import type { LiveCounters, TopOrder } from './protocol.ts';

/** Words of the table that finds groups; at most half of them are in use. */
const PLACES = 65_536;
/** Groups it holds. */
export const MAX_GROUPS = PLACES / 2;

/** Counters of selected rows, one number for each. */
export interface RowCounters {
  readonly bytes: Float64Array;
  readonly packets: Float64Array;
}

/**
 * Sums by group in bounded memory. When all places are taken, the smaller half of the groups, by what they are ranked by, is given up; a group that comes
 * again begins anew. So a group in the table may lack at most the sum of what the largest of those given up had (`pruned`; J. Misra and D. Gries,
 * "Finding repeated elements", 1982, do the same one by one), and a large group is never missed.
 */
export class GroupTable {
  /** Most that any group may lack of what groups are ranked by. */
  pruned = 0;
  readonly total = { bytes: 0, packets: 0, flows: 0 };
  readonly #width: number;
  readonly #order: TopOrder;
  readonly #seed: number;
  readonly #places = new Int32Array(PLACES).fill(-1);
  #count = 0;
  #givenUp = 0;
  #words: Uint32Array;
  readonly #sums: Readonly<Record<TopOrder, Float64Array>> = {
    bytes: new Float64Array(MAX_GROUPS),
    packets: new Float64Array(MAX_GROUPS),
    flows: new Float64Array(MAX_GROUPS),
  };

  /** `seed` is any number that who sends flows does not know. */
  constructor(options: { readonly width: number; readonly order: TopOrder; readonly seed: number }) {
    this.#width = options.width;
    this.#order = options.order;
    this.#seed = options.seed;
    this.#words = new Uint32Array(this.#width * 1024);
  }

  /** Groups there are, those given up included (which may have come twice). */
  get groups(): number {
    return this.#count + this.#givenUp;
  }

  /** Adds the first `count` rows, whose groups are told by `columns`. */
  add(columns: readonly Uint32Array[], count: number, { bytes, packets }: RowCounters): void {
    const { total } = this;
    const sums = this.#sums;
    for (let n = 0; n < count; n++) {
      const group = this.#find(columns, n);
      const [rowBytes, rowPackets] = [bytes[n] as number, packets[n] as number];
      sums.bytes[group] = (sums.bytes[group] as number) + rowBytes;
      sums.packets[group] = (sums.packets[group] as number) + rowPackets;
      sums.flows[group] = (sums.flows[group] as number) + 1;
      total.bytes += rowBytes;
      total.packets += rowPackets;
    }
    total.flows += count;
  }

  /** The `most` largest groups, the largest first. `words` and `at` say which one it is; they hold until the next call of `add` or `clear`. */
  largest<T>(most: number, visit: (words: Uint32Array, at: number, sums: LiveCounters) => T): T[] {
    const { bytes, packets, flows } = this.#sums;
    const ranks = this.#sums[this.#order];
    const least = most >= this.#count ? Number.NEGATIVE_INFINITY : this.#rankedAt(most - 1);
    const groups: number[] = [];
    for (let group = 0; group < this.#count; group++) if ((ranks[group] as number) >= least) groups.push(group);
    groups.sort((a, b) => (ranks[b] as number) - (ranks[a] as number) || a - b);
    return groups.slice(0, most).map((group) =>
      visit(this.#words, group * this.#width, {
        bytes: bytes[group] as number,
        packets: packets[group] as number,
        flows: flows[group] as number,
      }),
    );
  }

  clear(): void {
    this.#places.fill(-1);
    this.#count = 0;
    this.#givenUp = 0;
    this.pruned = 0;
    Object.assign(this.total, { bytes: 0, packets: 0, flows: 0 });
  }

  /** The group of the n-th row; a new one begins with zeros. */
  #find(columns: readonly Uint32Array[], n: number): number {
    const width = this.#width;
    let hash = this.#seed;
    for (let word = 0; word < width; word++) {
      hash = Math.imul(hash ^ ((columns[word] as Uint32Array)[n] as number), 0x9e37_79b1);
      hash ^= hash >>> 15;
    }
    let place = hash & (PLACES - 1);
    for (;;) {
      const group = this.#places[place] as number;
      if (group < 0) break;
      const at = group * width;
      let word = 0;
      while (word < width && this.#words[at + word] === (columns[word] as Uint32Array)[n]) word++;
      if (word === width) return group;
      place = (place + 1) & (PLACES - 1);
    }
    if (this.#count === MAX_GROUPS) {
      this.#prune();
      return this.#find(columns, n);
    }
    const group = this.#count++;
    this.#places[place] = group;
    this.#reserve();
    for (let word = 0; word < width; word++) {
      this.#words[group * width + word] = (columns[word] as Uint32Array)[n] as number;
    }
    for (const sums of Object.values(this.#sums)) sums[group] = 0;
    return group;
  }

  /** Few groups are usual. */
  #reserve(): void {
    if (this.#count * this.#width <= this.#words.length) return;
    const larger = new Uint32Array(Math.min(this.#words.length * 2, MAX_GROUPS * this.#width));
    larger.set(this.#words);
    this.#words = larger;
  }

  /** Gives the smaller half up. */
  #prune(): void {
    const keep = MAX_GROUPS / 2;
    const ranks = this.#sums[this.#order];
    const least = this.#rankedAt(keep - 1);
    // Of those that are exactly as large as the last one that stays, only so many have room.
    let equals = keep;
    for (let group = 0; group < this.#count; group++) if ((ranks[group] as number) > least) equals--;
    let kept = 0;
    for (let group = 0; group < this.#count; group++) {
      const rank = ranks[group] as number;
      if (rank < least || (rank === least && equals-- <= 0)) continue;
      this.#words.copyWithin(kept * this.#width, group * this.#width, (group + 1) * this.#width);
      for (const sums of Object.values(this.#sums)) sums[kept] = sums[group] as number;
      kept++;
    }
    this.pruned += least;
    this.#givenUp += this.#count - kept;
    this.#count = kept;
    this.#index();
  }

  #index(): void {
    this.#places.fill(-1);
    const width = this.#width;
    for (let group = 0; group < this.#count; group++) {
      let hash = this.#seed;
      for (let word = 0; word < width; word++) {
        hash = Math.imul(hash ^ (this.#words[group * width + word] as number), 0x9e37_79b1);
        hash ^= hash >>> 15;
      }
      let place = hash & (PLACES - 1);
      while ((this.#places[place] as number) >= 0) place = (place + 1) & (PLACES - 1);
      this.#places[place] = group;
    }
  }

  /** What the group at this rank, 0 the largest, has. */
  #rankedAt(rank: number): number {
    const sorted = this.#sums[this.#order].slice(0, this.#count).sort();
    return sorted[this.#count - 1 - rank] as number;
  }
}
