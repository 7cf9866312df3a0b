import { addressTest, type FilterLeaf, type FilterNode, numberTest, or, textTest } from './tree.ts';

/**
 * The filter with alternatives about the same field put into one list: people chain thousands of addresses with `or`, and a list costs a row one look-up.
 * It selects the same rows; compilers begin with it.
 */
export function mergeAlternatives(node: FilterNode): FilterNode {
  if (node.kind === 'not') return Object.freeze({ kind: 'not', item: mergeAlternatives(node.item) });
  if (node.kind !== 'and' && node.kind !== 'or') return node;
  const items = node.items.map(mergeAlternatives);
  return node.kind === 'or' ? or(mergeLeaves(items)) : Object.freeze({ kind: 'and', items: Object.freeze(items) });
}

function mergeLeaves(items: readonly FilterNode[]): FilterNode[] {
  const groups = new Map<string, FilterNode[]>();
  for (const item of items) {
    const isList = item.kind === 'number' || item.kind === 'address' || (item.kind === 'text' && item.mode !== 'regex');
    const key = isList
      ? `${item.kind} ${item.subject} ${item.kind === 'text' ? item.mode : ''}`
      : `other ${groups.size}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()].map((group) =>
    group.length === 1 ? (group[0] as FilterNode) : oneOf(group as FilterLeaf[]),
  );
}

/** One test for several of the same kind and subject. */
function oneOf(leaves: readonly FilterLeaf[]): FilterNode {
  const [first] = leaves;
  if (first?.kind === 'number') {
    const ranges = leaves.flatMap((leaf) => (leaf.kind === 'number' ? leaf.ranges : []));
    return numberTest(first.subject, first.columns, ranges);
  }
  if (first?.kind === 'address') {
    const prefixes = leaves.flatMap((leaf) => (leaf.kind === 'address' ? leaf.prefixes : []));
    return addressTest(first.subject, first.columns, prefixes);
  }
  const { subject, columns, mode } = first as Extract<FilterLeaf, { kind: 'text' }>;
  const values = leaves.flatMap((leaf) => (leaf.kind === 'text' ? leaf.values : []));
  return textTest(subject, columns, values, mode);
}
