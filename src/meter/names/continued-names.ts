import type { PacketHeaders } from '../../wire/packet/packet-fields.ts';
import type { FoundNames } from './found-names.ts';
import { finish, mix } from './mix.ts';

/**
 * Names of conversations whose record had to be written before they were over (active timeout, full cache, on demand): the record of what follows has them
 * too, although a handshake comes but once. Bounded: the ones kept longest are forgotten first.
 */
export class ContinuedNames {
  readonly #names = new Map<number, FoundNames>();
  readonly #most: number;
  readonly #seed: number;

  /** `seed`: 32 bits at random, so that who sends packets cannot know which conversations fall together. */
  constructor(most: number, seed: number) {
    this.#most = most;
    this.#seed = seed;
  }

  get size(): number {
    return this.#names.size;
  }

  keep(names: FoundNames): void {
    this.#names.delete(names.conversation);
    this.#names.set(names.conversation, names);
    if (this.#names.size <= this.#most) return;
    for (const oldest of this.#names.keys()) {
      this.#names.delete(oldest);
      return;
    }
  }

  /** The names of the conversation that this is a packet of, once. */
  take(fields: PacketHeaders): FoundNames | undefined {
    if (this.#names.size === 0) return undefined;
    const conversation = conversationOf(fields, this.#seed);
    const names = this.#names.get(conversation);
    if (names !== undefined) this.#names.delete(conversation);
    return names;
  }
}

/** A number for each conversation, the same for both directions, made of a hash of each end: 53 bits of their 64. */
export function conversationOf(fields: PacketHeaders, seed: number): number {
  const { src0, src1, src2, src3, srcPort, dst0, dst1, dst2, dst3, dstPort, proto } = fields;
  const start = mix(seed, proto);
  const source = finish(mix(mix(mix(mix(mix(start, src0), src1), src2), src3), srcPort));
  const destination = finish(mix(mix(mix(mix(mix(start, dst0), dst1), dst2), dst3), dstPort));
  return Math.max(source, destination) * 0x20_0000 + (Math.min(source, destination) >>> 11);
}
