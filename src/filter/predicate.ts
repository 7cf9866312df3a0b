import type { FlowBatch } from '../flow/batch.ts';
import { findColumn } from '../flow/schema.ts';
import { WeirError } from '../util/errors.ts';
import { BatchView } from './batch-view.ts';
import { DERIVED } from './derived.ts';
import { mergeAlternatives } from './merge.ts';
import { difference, type Step, selectAll } from './select.ts';
import { addressesStep, familyStep } from './select-addresses.ts';
import { compareStep } from './select-compare.ts';
import { flagsStep, numbersStep } from './select-numbers.ts';
import { textsStep } from './select-texts.ts';
import type { FilterLeaf, FilterNode } from './tree.ts';

/** Rows of a batch: the first `count` numbers of `rows`, ascending. Belongs to the predicate, whose next call changes it. */
export interface Selection {
  readonly rows: Uint32Array;
  readonly count: number;
}

/** Selects rows of a batch, which must not change meanwhile. */
export type FilterPredicate = (batch: FlowBatch) => Selection;

/**
 * Compiles a filter to a predicate over columns: each condition runs over the rows that are still in question, and nothing is allocated for a row (but for
 * conditions on `extra`, whose text is made for each). What it selects is what `compileFilterSql` selects of the same flows once they are stored.
 * Throws WEIR_FILTER for columns that only queries know.
 */
export function compileFilterPredicate(node: FilterNode): FilterPredicate {
  const view = new BatchView();
  const steps: Step[] = [];
  const select = compile(mergeAlternatives(node), { view, steps, level: 0 }, true);
  let rows = new Uint32Array(0);
  let all = new Uint32Array(0);
  const selection = { rows, count: 0 };
  return (batch) => {
    if (rows.length < batch.rows) {
      rows = new Uint32Array(batch.capacity);
      all = Uint32Array.from({ length: batch.capacity }, (_, row) => row);
    }
    view.bind(batch);
    for (const step of steps) step.bind();
    selection.rows = rows;
    selection.count = select(all, batch.rows, rows);
    return selection;
  };
}

/** Writes to `output`, which may be `input`, those of its first `count` rows that are selected. Returns how many. */
type Select = (input: Uint32Array, count: number, output: Uint32Array) => number;

interface Compilation {
  readonly view: BatchView;
  /** Steps of all leaves, to be bound to each batch. */
  readonly steps: Step[];
  /** How many `rest` this one is inside of: each level has memory of its own. */
  readonly level: number;
}

/** Compiles a node to what selects the rows for which its value is `isWanted`; so `not` needs no code of its own. */
function compile(node: FilterNode, { view, steps, level }: Compilation, isWanted: boolean): Select {
  if (node.kind === 'not') return compile(node.item, { view, steps, level }, !isWanted);
  if (node.kind === 'any') return isWanted ? selectAll : () => 0;
  if (node.kind === 'and' || node.kind === 'or') {
    // Rows that pass all items of an `and`, or fail all of an `or`, are found one item after the other; what is wanted are these, or the others.
    const isAnd = node.kind === 'and';
    const inner = { view, steps, level: isAnd === isWanted ? level : level + 1 };
    const all = chain(node.items.map((item) => compile(item, inner, isAnd)));
    return isAnd === isWanted ? all : rest(all, view, level);
  }
  const columns = leafSteps(node, view);
  steps.push(...columns);
  const selects = (wanted: boolean) =>
    columns.map(
      ({ select }): Select =>
        (input, count, output) =>
          select(input, count, output, wanted),
    );
  // One of several columns may pass: that is an `or`.
  if (columns.length === 1 || !isWanted) return chain(selects(isWanted));
  return rest(chain(selects(false)), view, level);
}

/** One after the other, each on what the one before has left. */
function chain(selects: readonly Select[]): Select {
  const [first = selectAll] = selects;
  if (selects.length === 1) return first;
  return (input, count, output) => {
    let n = first(input, count, output);
    for (let i = 1; i < selects.length && n > 0; i++) n = (selects[i] as Select)(output, n, output);
    return n;
  };
}

/** The rows that `select` does not select. */
function rest(select: Select, view: BatchView, level: number): Select {
  return (input, count, output) => {
    const selected = view.levelRows(level, count);
    return difference(input, count, selected, select(input, count, selected), output);
  };
}

/** A step for each column that the leaf looks at; for a comparison of two columns, one. */
function leafSteps(leaf: Exclude<FilterLeaf, { kind: 'any' }>, view: BatchView): Step[] {
  for (const column of leaf.columns) {
    if (findColumn(column) >= 0 || Object.hasOwn(DERIVED, column)) continue;
    throw new WeirError(
      'WEIR_FILTER',
      `${column} is looked up when flows are queried; here only what they carry can be asked`,
      {
        hint: 'Ask for the number that it is the name of, such as in_if.',
        details: { column },
      },
    );
  }
  if (leaf.kind === 'compare') return [compareStep(view, leaf)];
  return leaf.columns.map((column) => {
    switch (leaf.kind) {
      case 'number':
        return numbersStep(view, column, leaf.ranges);
      case 'address':
        return addressesStep(view, column, leaf.prefixes);
      case 'family':
        return familyStep(view, column, leaf.version);
      case 'flags':
        return flagsStep(view, column, leaf.mask, leaf.mode);
      default:
        return textsStep(view, column, leaf);
    }
  });
}
