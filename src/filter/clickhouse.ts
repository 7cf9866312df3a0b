import { type Address, formatAddress, isV4 } from '../util/address.ts';
import { prefixRange } from '../util/prefix.ts';
import { labelIndex } from './derived.ts';
import { SUBJECTS } from './fields.ts';
import { mergeAlternatives } from './merge.ts';
import { re2 } from './sql.ts';
import { anyOf, type ColumnLeaf, compileSql, inRanges, oneOf, sqlColumn } from './sql-walk.ts';
import type { AddressTest, CompareTest, FilterNode, NumberTest, TextTest } from './tree.ts';

/**
 * A filter as a ClickHouse expression for WHERE, over a table with the columns of the schema: addresses are IPv6 (IPv4 as ::ffff:a.b.c.d), times
 * DateTime64(6), MAC addresses and numbers unsigned integers, texts String. Missing values are NULL, of texts also ''. It holds only numbers and
 * quoted texts from the tree, never text of the filter. ICMP type and code are those columns', also of flows that tell them in a port: whoever fills the
 * table puts them there. Long lists need a `max_query_size` above the usual 256 KiB.
 */
export function compileFilterClickHouse(node: FilterNode): string {
  return compileSql(mergeAlternatives(node), { leaf: compileLeaf, opposite: (sql) => `NOT ifNull(${sql}, 0)` });
}

function compileLeaf(leaf: ColumnLeaf): string {
  return leaf.kind === 'compare'
    ? compileCompare(leaf)
    : anyOf(leaf.columns.map((column) => compileColumn(leaf, column)));
}

function compileColumn(leaf: Exclude<ColumnLeaf, CompareTest>, column: string): string {
  const name = sqlColumn(column);
  switch (leaf.kind) {
    case 'number':
      return compileNumbers(leaf, column);
    case 'address':
      return compileAddresses(leaf, name);
    case 'family': {
      const v4 = between(name, [0, 0, 0xffff, 0], [0, 0, 0xffff, 0xffff_ffff]);
      return leaf.version === 4 ? v4 : `(NOT ${v4})`;
    }
    case 'flags':
      return leaf.mode === 'all'
        ? `bitAnd(${name}, ${leaf.mask}) = ${leaf.mask}`
        : `bitAnd(${name}, ${leaf.mask}) != 0`;
    default:
      return compileTexts(leaf, name);
  }
}

function compileAddresses({ prefixes }: AddressTest, name: string): string {
  const hosts = prefixes.filter(({ length }) => length === 128).map(({ address }) => ipv6(address));
  const networks = prefixes.filter(({ length }) => length < 128).map(prefixRange);
  const parts = networks.map(({ first, last }) => between(name, first, last));
  if (hosts.length > 0) parts.unshift(oneOf(name, hosts));
  return anyOf(parts);
}

function between(name: string, first: Address, last: Address): string {
  return `(${name} BETWEEN ${ipv6(first)} AND ${ipv6(last)})`;
}

function ipv6(address: Address): string {
  const [w0, w1, w2] = address;
  return `toIPv6('${isV4(w0, w1, w2) ? '::ffff:' : ''}${formatAddress(...address)}')`;
}

function compileTexts({ mode, values }: TextTest, name: string): string {
  if (mode === 'is') {
    const present = values.filter((value) => value !== '');
    return present.length === 0 ? 'FALSE' : oneOf(name, present.map(literal));
  }
  const tests = values.map((value) => {
    if (mode === 'contains') return `position(${name}, ${literal(value)}) > 0`;
    return mode === 'prefix' ? `startsWith(${name}, ${literal(value)})` : `match(${name}, ${literal(re2(value))})`;
  });
  return `(${name} != '' AND ${anyOf(tests)})`;
}

function literal(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
}

function compileNumbers({ subject, ranges }: NumberTest, column: string): string {
  const isTime = SUBJECTS.get(subject)?.value === 'time';
  return inRanges(numberExpression(column), ranges, (value) =>
    isTime ? `fromUnixTimestamp64Micro(toInt64(${value}))` : `${value}`,
  );
}

function compileCompare({ columns: [left, right], comparison, values }: CompareTest): string {
  const test = `${numberExpression(left)} ${comparison} ${numberExpression(right)}`;
  return values === 'text' ? `(${sqlColumn(left)} != '' AND ${test})` : test;
}

const DURATION = '(toUnixTimestamp64Micro("time_end") - toUnixTimestamp64Micro("time_start"))';

/** A column, or the computation of a derived one; whole numbers rounded down. */
function numberExpression(column: string): string {
  const label = labelIndex(column);
  if (label !== undefined) return `toUInt32OrNull(splitByChar(',', ifNull("mpls_labels", ''))[${label}])`;
  switch (column) {
    case 'duration':
      return DURATION;
    case 'pps':
      return rate('"packets"', 1_000_000);
    case 'bps':
      return rate('"bytes"', 8_000_000);
    case 'bpp':
      // The divisor is never 0: both branches may be computed for every row. A condition that is NULL would take the last one.
      return 'multiIf(isNull("packets"), NULL, "packets" > 0, intDiv("bytes", greatest("packets", 1)), 0 * "bytes")';
    case 'flows':
      return 'ifNull("flow_count", 1)';
    case 'dscp':
      return 'bitShiftRight("tos", 2)';
    case 'ecn':
      return 'bitAnd("tos", 3)';
    default:
      return sqlColumn(column);
  }
}

function rate(counter: string, factor: number): string {
  const value = `toInt128(${counter})`;
  return `multiIf(isNull(${DURATION}), NULL, ${DURATION} > 0, intDiv(${value} * ${factor}, greatest(${DURATION}, 1)), 0 * ${value})`;
}
