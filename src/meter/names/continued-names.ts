import { addressKey } from '../../util/address.ts';
import type { PacketHeaders } from '../../wire/packet/packet-fields.ts';
import type { FoundNames } from './found-names.ts';

/**
 * Names of conversations whose record had to be written before they were over (active timeout, full cache, on demand): the record of what follows has them
 * too, although a handshake comes but once. Bounded: the ones kept longest are forgotten first.
 */
export class ContinuedNames {
  readonly #names = new Map<string, FoundNames>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
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
    const conversation = conversationOf(fields);
    const names = this.#names.get(conversation);
    if (names !== undefined) this.#names.delete(conversation);
    return names;
  }
}

/** A key that is the same for both directions. */
export function conversationOf(fields: PacketHeaders): string {
  const { src0, src1, src2, src3, dst0, dst1, dst2, dst3, srcPort, dstPort, proto } = fields;
  const source = `${addressKey(src0, src1, src2, src3)} ${srcPort}`;
  const destination = `${addressKey(dst0, dst1, dst2, dst3)} ${dstPort}`;
  return source < destination ? `${proto} ${source} ${destination}` : `${proto} ${destination} ${source}`;
}
