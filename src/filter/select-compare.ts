import type { SlotArray } from '../flow/slots.ts';
import type { BatchView } from './batch-view.ts';
import { createNumberReader } from './number-reader.ts';
import { type Step, whereValues } from './select.ts';
import type { CompareTest, Comparison } from './tree.ts';

const INEXACT = 2 ** 53;

/** Compares two values of each row. */
export function compareStep(view: BatchView, { columns, comparison, values }: CompareTest): Step {
  if (values === 'address') return whereValues(view, columns, equalStep(view, columns, 2));
  if (values === 'text') return whereValues(view, columns, equalStep(view, columns, 1));
  const left = createNumberReader(view, columns[0]);
  const right = createNumberReader(view, columns[1]);
  return {
    bind() {
      left.bind();
      right.bind();
    },
    select(input, count, output, wanted) {
      left.rewind();
      right.rewind();
      let n = 0;
      for (let i = 0; i < count; i++) {
        const row = input[i] as number;
        const [a, b] = [left.read(row), right.read(row)];
        const passes =
          a >= INEXACT && b >= INEXACT ? holds(comparison, left.exact(row), right.exact(row)) : holds(comparison, a, b);
        output[n] = row;
        if (passes === wanted) n++;
      }
      return n;
    },
  };
}

/** NaN holds to nothing. */
function holds<T extends number | bigint>(comparison: Comparison, a: T, b: T): boolean {
  switch (comparison) {
    case '=':
      return a === b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    default:
      return a >= b;
  }
}

/** Equal addresses have equal halves; equal texts of a batch have equal codes, of which 0 is no value. */
function equalStep(view: BatchView, [left, right]: CompareTest['columns'], halves: 1 | 2): Step {
  let arrays: readonly SlotArray[] = [];
  return {
    bind: () => {
      arrays = [view.array(left), view.array(right), view.lowerArray(left), view.lowerArray(right)];
    },
    select(input, count, output, wanted) {
      const [a, b, c, d] = arrays as [SlotArray, SlotArray, SlotArray, SlotArray];
      let n = 0;
      for (let i = 0; i < count; i++) {
        const row = input[i] as number;
        const at = 2 * row;
        const passes =
          halves === 1
            ? a[row] === b[row] && a[row] !== 0
            : a[at] === b[at] && a[at + 1] === b[at + 1] && c[at] === d[at] && c[at + 1] === d[at + 1];
        output[n] = row;
        if (passes === wanted) n++;
      }
      return n;
    },
  };
}
