import { MAX_MPLS_LABELS } from '../wire/packet/packet-fields.ts';

/** Number of labels, then the labels. */
const STACK_WORDS = 1 + MAX_MPLS_LABELS;

/** Label stacks of the flows that have one, two for each entry of the cache. Memory is reserved when the first of them comes. */
export class MplsStacks {
  readonly #sides: number;
  #words: Uint32Array | undefined;

  constructor(capacity: number) {
    this.#sides = capacity * 2;
  }

  /** Keeps the stack of one side of an entry. */
  set(slot: number, direction: number, labels: Uint32Array, count: number): void {
    this.#words ??= new Uint32Array(this.#sides * STACK_WORDS);
    const at = (slot * 2 + direction) * STACK_WORDS;
    this.#words[at] = count;
    for (let i = 0; i < count; i++) this.#words[at + 1 + i] = labels[i] as number;
  }

  /** The labels of one side, top first, with commas between; the side must have a stack. */
  text(slot: number, direction: number): string {
    const at = (slot * 2 + direction) * STACK_WORDS;
    const words = this.#words;
    return words === undefined ? '' : words.subarray(at + 1, at + 1 + (words[at] as number)).join(',');
  }
}
