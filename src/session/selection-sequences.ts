/** Selectors and sequences remembered per domain, and selectors in one sequence; more is no router. */
const MAX_ENTRIES = 4_096;
const MAX_SELECTORS = 16;

/**
 * The selection sequences of one observation domain (PSAMP, RFC 5476 section 6.5): a packet goes through the selectors of a sequence one after the other, so
 * that the rate of the sequence is the product of theirs. It is known when all of them are.
 */
export class SelectionSequences {
  /** One packet in so many, not rounded, by selectorId. A filter has 1: all packets that it is for are taken. */
  readonly selectors = new Map<number, number>();
  /** By selectionSequenceId, its selectors, or the rate that was told of the sequence itself. */
  readonly sequences = new Map<number, readonly number[] | number>();
  /** Products that were asked for. */
  readonly #rates = new Map<number, number>();

  /** Returns true when it was new. */
  learnSelector(selector: number, rate: number): boolean {
    if (!(rate >= 1) || this.selectors.get(selector) === rate) return false;
    if (this.selectors.size >= MAX_ENTRIES && !this.selectors.has(selector)) return false;
    this.selectors.set(selector, rate);
    this.#rates.clear();
    return true;
  }

  /** A sequence has these selectors. Returns true when it was new. */
  learnSequence(sequence: number, selectors: readonly number[]): boolean {
    const known = this.sequences.get(sequence);
    if (selectors.length === 0 || selectors.length > MAX_SELECTORS) return false;
    return typeof known === 'object' && known.join() === selectors.join() ? false : this.#put(sequence, selectors);
  }

  /** A sequence has this rate, whatever its selectors. Returns true when it was new. */
  learnRate(sequence: number, rate: number): boolean {
    return rate >= 1 && this.sequences.get(sequence) !== rate && this.#put(sequence, rate);
  }

  #put(sequence: number, value: readonly number[] | number): boolean {
    if (this.sequences.size >= MAX_ENTRIES && !this.sequences.has(sequence)) return false;
    this.sequences.set(sequence, value);
    this.#rates.clear();
    return true;
  }

  /** One packet in so many, rounded; 0 while it is not known. */
  rate(sequence: number): number {
    const known = this.#rates.get(sequence);
    if (known !== undefined) return known;
    const found = this.sequences.get(sequence);
    if (found === undefined) return 0;
    const exact =
      typeof found === 'number'
        ? found
        : found.reduce((product, selector) => product * (this.selectors.get(selector) ?? 0), 1);
    const rate = Math.min(Math.round(exact), 4_294_967_295);
    this.#rates.set(sequence, rate);
    return rate;
  }

  /** Whether this is the rate of some sequence. */
  hasRate(rate: number): boolean {
    for (const sequence of this.sequences.keys()) if (this.rate(sequence) === rate) return true;
    return false;
  }

  /** The rate that all sequences have, for records that name none; 0 when it is not known or not the same. */
  common(): number {
    let common = 0;
    for (const sequence of this.sequences.keys()) {
      const rate = this.rate(sequence);
      if (rate === 0 || (common !== 0 && rate !== common)) return 0;
      common = rate;
    }
    return common;
  }
}
