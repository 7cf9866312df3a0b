import { type BatchView, RunCursor } from './batch-view.ts';

/**
 * A test of rows. Of the first `count` rows in `input` (ascending) those whose result is `wanted` are written to `output`, which may be the same array.
 * Returns how many they are.
 */
export type Select = (input: Uint32Array, count: number, output: Uint32Array, wanted: boolean) => number;

/** A part of a compiled filter. `bind` prepares it for the batch that the view shows. */
export interface Step {
  readonly bind: () => void;
  readonly select: Select;
}

/** Writes to `output` the rows of `input` that are not in `others`, which are some of them. */
export function difference(
  input: Uint32Array,
  count: number,
  others: Uint32Array,
  otherCount: number,
  output: Uint32Array,
): number {
  let n = 0;
  let other = 0;
  for (let i = 0; i < count; i++) {
    const row = input[i] as number;
    if (other < otherCount && others[other] === row) other++;
    else output[n++] = row;
  }
  return n;
}

/** Selects all or nothing. */
export function selectAll(input: Uint32Array, count: number, output: Uint32Array): number {
  if (input !== output) output.set(input.subarray(0, count));
  return count;
}

/** A step over the rows that have a value in all of `columns`; the others do not pass it. */
export function whereValues(view: BatchView, columns: readonly string[], step: Step): Step {
  const cursor = new RunCursor();
  let rows: 'all' | 'none' | 'some' = 'none';
  let byLayout: readonly Uint8Array[] = [];
  return {
    bind() {
      const found = columns.map((column) => view.presence(column));
      byLayout = found.map((presence) => presence.byLayout);
      if (found.some((presence) => presence.rows === 'none')) rows = 'none';
      else rows = found.every((presence) => presence.rows === 'all') ? 'all' : 'some';
      step.bind();
    },
    select(input, count, output, wanted) {
      if (rows === 'all') return step.select(input, count, output, wanted);
      if (rows === 'none') return wanted ? 0 : selectAll(input, count, output);
      const present = view.scratchRows(count);
      cursor.rewind(view.batch);
      let found = 0;
      for (let i = 0; i < count; i++) {
        const row = input[i] as number;
        const layout = cursor.layoutAt(row);
        present[found] = row;
        let has = 1;
        for (const one of byLayout) has &= one[layout] as number;
        found += has;
      }
      if (wanted) return step.select(present, found, output, true);
      const passing = step.select(present, found, present, true);
      return difference(input, count, present, passing, output);
    },
  };
}
