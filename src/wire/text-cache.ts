import type { FlowBatch } from '../flow/batch.ts';

/** Texts remembered; where two fall on one place, the later one stays. */
const PLACES = 2048;
/** Longer values are read anew each time: addresses of web pages do not come again and again as names do. */
const MAX_OCTETS = 64;

/**
 * Codes of texts in a batch's dictionary by the octets that they were made of, so that the names that come with every record (user, access list,
 * application) are made into text once: NSEL decodes five times as fast. A code holds for one batch; another batch, or the same one emptied, starts anew.
 */
export class TextCache {
  #texts: readonly string[] | undefined = undefined;
  /** Code + 1; 0 is an empty place. */
  readonly #codes = new Uint32Array(PLACES);
  /** Length and kind of what is remembered, and its octets. */
  readonly #sizes = new Uint16Array(PLACES);
  readonly #octets = new Uint8Array(PLACES * MAX_OCTETS);

  /**
   * The code of the value at `offset`; `make` gives its text when it is not remembered. Values of another `kind` (0–255) are made into text in another way.
   */
  code(
    batch: FlowBatch,
    bytes: Uint8Array,
    offset: number,
    length: number,
    kind: number,
    make: (bytes: Uint8Array, offset: number, length: number) => string,
  ): number {
    if (length > MAX_OCTETS) return batch.textCode(make(bytes, offset, length));
    if (batch.texts !== this.#texts) {
      this.#texts = batch.texts;
      this.#codes.fill(0);
    }
    const size = (kind << 8) | length;
    // FNV-1a, folded.
    let hash = 0x811c9dc5 ^ size;
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ (bytes[offset + i] as number), 0x01000193);
    const place = (hash ^ (hash >>> 15)) & (PLACES - 1);
    const octets = this.#octets;
    const start = place * MAX_OCTETS;
    const known = this.#codes[place] as number;
    if (known !== 0 && this.#sizes[place] === size) {
      let i = 0;
      while (i < length && octets[start + i] === bytes[offset + i]) i++;
      if (i === length) return known - 1;
    }
    const code = batch.textCode(make(bytes, offset, length));
    this.#codes[place] = code + 1;
    this.#sizes[place] = size;
    for (let i = 0; i < length; i++) octets[start + i] = bytes[offset + i] as number;
    return code;
  }
}
