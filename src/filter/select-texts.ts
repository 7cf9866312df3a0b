import { extraJson } from '../flow/extra.ts';
import type { SlotArray } from '../flow/slots.ts';
import { type BatchView, RunCursor } from './batch-view.ts';
import { compileRegex } from './regex-match.ts';
import { parseRegex } from './regex-parse.ts';
import { type Step, whereValues } from './select.ts';
import type { TextTest } from './tree.ts';

const EMPTY = new Uint32Array(0);
const [UNKNOWN, PASSES, FAILS] = [0, 1, 2];

/** Whether the text of a column fits one of the values. Each text of the batch is looked at once, however many rows have it. */
export function textsStep(view: BatchView, column: string, leaf: TextTest): Step {
  const test = textTest(leaf);
  if (column === 'extra') return extraStep(view, test);
  let codes: SlotArray = EMPTY;
  return whereValues(view, [column], {
    bind: () => {
      codes = view.array(column);
    },
    select(input, count, output, wanted) {
      const { texts } = view.batch;
      const known = view.scratchTable(texts.length);
      // Code 0 is no value.
      known[0] = FAILS;
      let n = 0;
      for (let i = 0; i < count; i++) {
        const row = input[i] as number;
        const code = codes[row] as number;
        if (known[code] === UNKNOWN) known[code] = test(texts[code] as string) ? PASSES : FAILS;
        output[n] = row;
        if ((known[code] === PASSES) === wanted) n++;
      }
      return n;
    },
  });
}

/** What no column takes, as the JSON text that is stored. It is made for each row: no two are alike. */
function extraStep(view: BatchView, test: (text: string) => boolean): Step {
  const cursor = new RunCursor();
  let offsets: SlotArray = EMPTY;
  return whereValues(view, ['extra'], {
    bind: () => {
      offsets = view.array('extra');
    },
    select(input, count, output, wanted) {
      const { layouts, heap } = view.batch;
      cursor.rewind(view.batch);
      let n = 0;
      for (let i = 0; i < count; i++) {
        const row = input[i] as number;
        const layout = layouts[cursor.layoutAt(row)];
        const offset = offsets[row] as number;
        const isThere = offset > 0 && heap !== undefined && layout !== undefined && layout.extra.length > 0;
        output[n] = row;
        if ((isThere && test(extraJson(layout, heap, offset - 1))) === wanted) n++;
      }
      return n;
    },
  });
}

function textTest({ mode, values }: TextTest): (text: string) => boolean {
  switch (mode) {
    case 'is': {
      const all = new Set(values);
      return (text) => all.has(text);
    }
    case 'contains':
      return (text) => values.some((value) => text.includes(value));
    case 'prefix':
      return (text) => values.some((value) => text.startsWith(value));
    default: {
      const tests = values.map((value) => compileRegex(parseRegex(value, (message) => new RangeError(message))));
      return (text) => tests.some((test) => test(text));
    }
  }
}
