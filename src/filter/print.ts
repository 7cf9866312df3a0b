import { formatAddress } from '../util/address.ts';
import { formatPrefix, type Prefix } from '../util/prefix.ts';
import { SUBJECTS } from './fields.ts';
import { formatTimeLiteral } from './time-literal.ts';
import type { FilterLeaf, FilterNode, NumberRange, NumberTest, TextTest } from './tree.ts';
import { formatFlags, formatMac, quoteText } from './values.ts';

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
      return `${leaf.subject} ${printTexts(leaf)}`;
    case 'compare':
      return `${leaf.columns[0]} ${leaf.comparison} ${leaf.columns[1]}`;
    case 'address':
      return `${leaf.subject} ${printValues(leaf.prefixes.map(printPrefix))}`;
    default:
      return printNumbers(leaf);
  }
}

function printValues(values: readonly string[]): string {
  return values.length === 1 ? `= ${values[0] as string}` : `in [${values.join(', ')}]`;
}

const TEXT_OPERATORS = { contains: 'contains', prefix: 'starts with', regex: 'matches' } as const;

function printTexts({ mode, values }: TextTest): string {
  const texts = values.map(quoteText);
  if (mode === 'is') return printValues(texts);
  return `${TEXT_OPERATORS[mode]} ${texts.length === 1 ? (texts[0] as string) : `[${texts.join(', ')}]`}`;
}

function printPrefix(prefix: Prefix): string {
  return prefix.length === 128 ? formatAddress(...prefix.address) : formatPrefix(prefix);
}

function printNumbers({ subject, ranges }: NumberTest): string {
  const { value: kind, canonical } = SUBJECTS.get(subject) ?? {};
  const print = (value: bigint) => {
    if (kind === 'time') return formatTimeLiteral(value);
    if (kind === 'mac') return formatMac(value);
    if (kind === 'duration') return value % 1000n === 0n ? String(value / 1000n) : `${value}us`;
    return String(value);
  };
  const [first] = ranges as readonly [NumberRange];
  if (first.from === undefined) return `${subject} <= ${print(first.to ?? 0n)}`;
  if (first.to === undefined) return `${subject} >= ${print(first.from)}`;
  // A hyphen is part of a time or a MAC address.
  if (kind === 'time' && ranges.length === 1 && first.from !== first.to)
    return `${subject} between ${print(first.from)} and ${print(first.to)}`;
  // Several ranges of these come only from lists, where they are values next to each other.
  const parts = ranges.flatMap(({ from = 0n, to = 0n }) => {
    if (from === to) return [canonical?.get(Number(from)) ?? print(from)];
    if (kind !== 'time' && kind !== 'mac') return [`${print(from)}-${print(to)}`];
    return Array.from({ length: Number(to - from) + 1 }, (_, index) => print(from + BigInt(index)));
  });
  if (parts.length === 1 && first.from === first.to) return `${subject} = ${parts[0] as string}`;
  return `${subject} in [${parts.join(', ')}]`;
}
