import type { Sampling } from './options.ts';

/**
 * 1-in-N packet sampling: by count each N-th packet (RFC 5475 section 5.1, systematic count-based), or one chosen at random of each N packets
 * (section 5.2.1, random n-out-of-N with n = 1).
 */
export class Sampler {
  readonly rate: number;
  readonly #isRandom: boolean;
  readonly #random: () => number;
  /** Place of the next packet, and of the one that is chosen, among N. */
  #at = 0;
  #chosen: number;

  constructor({ rate, method }: Sampling, random: () => number) {
    this.rate = rate;
    this.#isRandom = method === 'random';
    this.#random = random;
    this.#chosen = this.#choose();
  }

  /** Whether the next packet is taken. */
  take(): boolean {
    const isTaken = this.#at === this.#chosen;
    if (++this.#at === this.rate) {
      this.#at = 0;
      this.#chosen = this.#choose();
    }
    return isTaken;
  }

  #choose(): number {
    return this.#isRandom ? Math.min(this.rate - 1, Math.floor(this.#random() * this.rate)) : this.rate - 1;
  }
}
