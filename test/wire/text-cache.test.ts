import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { FlowBatch } from '#weir/flow/batch.js';
import { hex, text } from '#weir/util/octets.js';
import { TextCache } from '#weir/wire/text-cache.js';

/* Whatever came before, a remembered code is the one that the batch would give. */

const value = fc.oneof(
  fc.constantFrom('', 'ann', 'ann\0\0', 'bob', 'a'.repeat(64), 'a'.repeat(65)),
  fc.string({ maxLength: 3 }),
);

it('gives the codes of the batch, for any order of values, kinds and batches', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(value, fc.boolean(), fc.nat(9)), { maxLength: 60 }), (steps) => {
      const cache = new TextCache();
      const batches = [new FlowBatch(64), new FlowBatch(64)];
      for (const [word, isHex, step] of steps) {
        const batch = batches[step === 0 ? 1 : 0] as FlowBatch;
        if (step === 9) batch.clear();
        const bytes = Uint8Array.from([7, ...new TextEncoder().encode(word), 7]);
        const make = isHex ? hex : text;
        const code = cache.code(batch, bytes, 1, bytes.length - 2, isHex ? 1 : 0, make);
        expect(batch.texts[code]).toBe(make(bytes, 1, bytes.length - 2));
      }
    }),
    { numRuns: 500 },
  );
});
