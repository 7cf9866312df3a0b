import { type Anonymity, treatmentOf } from '../flow/anonymity.ts';
import type { FlowBatch } from '../flow/batch.ts';
import { COLUMNS } from '../flow/schema.ts';
import { FIRST_SLOT } from '../flow/slots.ts';

/** Replaces the addresses of a batch where they lie. Columns that are to be dropped must not be in it. */
export function replaceAddresses(batch: FlowBatch, anonymity: Anonymity): void {
  const words = new Uint32Array(4);
  const { pan } = anonymity;
  COLUMNS.forEach(({ name, type }, column) => {
    if (treatmentOf(name, type, anonymity) !== 'replaced') return;
    const slot = FIRST_SLOT[column] as number;
    const [upper, lower] = [batch.arrays[slot], batch.arrays[slot + 1]];
    if (upper === undefined || lower === undefined) return;
    for (let low = 0; low < batch.rows * 2; low += 2) {
      words[0] = upper[low + 1] as number;
      words[1] = upper[low] as number;
      words[2] = lower[low + 1] as number;
      words[3] = lower[low] as number;
      pan.replace(words);
      upper[low + 1] = words[0];
      upper[low] = words[1];
      lower[low + 1] = words[2];
      lower[low] = words[3];
    }
  });
}
