import { formatAddress } from '../util/address.ts';
import { formatPrefix, type Prefix } from '../util/prefix.ts';
import { SUBJECTS } from './fields.ts';
import { formatTimeLiteral } from './time-literal.ts';
import type { FilterLeaf, FilterNode, NumberRange, NumberTest } from './tree.ts';
import { formatFlags, formatMac } from './values.ts';

/**
 * The canonical text of a filter: equal trees give equal texts, and `parseFilter` reads it back to the same tree. Columns have their schema
 * names where one column is meant, numbers are plain decimals, times are UTC.
 */
export function printFilter(node: FilterNode): string {
  if (node.kind === 'or') return node.items.map((item) => printFilter(item)).join(' or ');
  if (node.kind === 'and') return node.items.map((item) => printInside(item, item.kind === 'or')).join(' and ');
  if (node.kind === 'not') return `not ${printInside(node.item, node.item.kind === 'or' || node.item.kind === 'and')}`;
  return printLeaf(node);
}

function printInside(node: FilterNode, brackets: boolean): string {
  const text = printFilter(node);
  return brackets ? `(${text})` : text;
}

function printLeaf(leaf: FilterLeaf): string {
  switch (leaf.kind) {
    case 'any':
      return 'any';
    case 'family':
      return leaf.version === 4 ? 'ipv4' : 'ipv6';
    case 'flags': {
      const letters = formatFlags(leaf.mask);
      return `${leaf.subject} ${letters.length === 1 ? '' : `${leaf.mode} `}${letters}`;
    }
    case 'text':
      return `${leaf.subject} ${printValues(leaf.values.map(quoteText))}`;
    case 'address':
      return `${leaf.subject} ${printValues(leaf.prefixes.map(printPrefix))}`;
    default:
      return printNumbers(leaf);
  }
}

function printValues(values: readonly string[]): string {
  return values.length === 1 ? `= ${values[0] as string}` : `in [${values.join(', ')}]`;
}

function quoteText(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

function printPrefix(prefix: Prefix): string {
  return prefix.length === 128 ? formatAddress(...prefix.address) : formatPrefix(prefix);
}

function printNumbers({ subject, ranges }: NumberTest): string {
  const { value: kind, words } = SUBJECTS.get(subject) ?? {};
  const print = (value: bigint) => {
    if (kind === 'time') return formatTimeLiteral(value);
    if (kind === 'mac') return formatMac(value);
    if (kind === 'duration') return value % 1000n === 0n ? String(value / 1000n) : `${value}us`;
    return String(value);
  };
  const [first] = ranges as readonly [NumberRange];
  if (first.from === undefined) return `${subject} <= ${print(first.to ?? 0n)}`;
  if (first.to === undefined) return `${subject} >= ${print(first.from)}`;
  // A hyphen is part of a time or a MAC address; ranges of these come only from values next to each other.
  const parts = ranges.flatMap(({ from = 0n, to = 0n }) => {
    if (from === to) return [wordFor(words, from) ?? print(from)];
    if (kind !== 'time' && kind !== 'mac') return [`${print(from)}-${print(to)}`];
    return Array.from({ length: Number(to - from) + 1 }, (_, index) => print(from + BigInt(index)));
  });
  if (parts.length === 1 && first.from === first.to) return `${subject} = ${parts[0] as string}`;
  return `${subject} in [${parts.join(', ')}]`;
}

function wordFor(words: ReadonlyMap<string, number> | undefined, value: bigint): string | undefined {
  for (const [word, number] of words ?? []) if (BigInt(number) === value) return word;
  return undefined;
}
