import type { Step } from './plan-step.ts';
import { VARIABLE } from './template.ts';

/*
 * Source text of reading fields, for plan-code.ts: `b` is the message, `D` a DataView of it, `qN` where segment N starts, `vN` and `LN` where its
 * variable-length value lies and how long it is.
 */

/** Expression of where a field's octets start. */
export function at(step: Step, plus = 0): string {
  if (step.length === VARIABLE) return `v${step.segment}`;
  const offset = step.offset + plus;
  return offset === 0 ? `q${step.segment}` : `q${step.segment}+${offset}`;
}

/** Expression of a field's length in octets. */
export function lengthOf(step: Step): string {
  return step.length === VARIABLE ? `L${step.segment}` : String(step.length);
}

/** Expression of the low `octets` (1–4) of an integer field. */
export function low(step: Step, octets: number, skip = step.length - octets): string {
  const o = (i: number): string => at(step, skip + i);
  if (octets === 1) return `b[${o(0)}]`;
  if (octets === 2) return `D.getUint16(${o(0)})`;
  if (octets === 3) return `(b[${o(0)}]<<16|D.getUint16(${o(1)}))`;
  return `D.getUint32(${o(0)})`;
}

/** Expression of an integer of 1–8 octets as a double. */
export function wide(step: Step): string {
  const { length } = step;
  if (length <= 4) return low(step, length, 0);
  return `(${low(step, length - 4, 0)}*4294967296+${low(step, 4)})`;
}
