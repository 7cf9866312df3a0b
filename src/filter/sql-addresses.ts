import type { Address } from '../util/address.ts';
import { type Prefix, prefixRange } from '../util/prefix.ts';
import { anyOf, oneOf, sqlColumn } from './sql-walk.ts';
import type { AddressTest } from './tree.ts';

/** First and last IPv4 address, as lower halves. */
export const V4_FIRST = 0xffff_0000_0000n;
export const V4_LAST = 0xffff_ffff_ffffn;

/** So many networks are ranges one by one, which files are pruned by; more would cost every row a comparison each. */
const FEW = 32;

/**
 * Longer lists are one text that DuckDB takes apart when it runs, for a hash join: as expressions 100,000 of them take it 5 s to plan, and 14 s as pairs.
 */
const LONG = 200;

/** Halves of an address: upper and lower 64 bits. */
type Halves = readonly [hi: bigint, lo: bigint];

/** Whether the address in the two columns of a file is in one of the networks. */
export function compileAddresses({ prefixes }: AddressTest, column: string): string {
  const hosts = prefixes.filter(({ length }) => length === 128).map(({ address }) => halves(address));
  const networks = prefixes.filter(({ length }) => length < 128);
  const parts = hosts.length === 0 ? [] : compilePairs(hosts, sqlColumn(column, '_hi'), sqlColumn(column, '_lo'));
  if (networks.length <= FEW) return anyOf([...parts, ...networks.map((prefix) => compileNetwork(prefix, column))]);
  for (const [length, group] of byLength(networks)) parts.push(...compileNetworks(group, length, column));
  return anyOf(parts);
}

function compileNetwork(prefix: Prefix, column: string): string {
  const { first, last } = prefixRange(prefix);
  const [firstHi, firstLo] = halves(first);
  const [lastHi, lastLo] = halves(last);
  const hi = sqlColumn(column, '_hi');
  if (firstHi !== lastHi) return `${hi} BETWEEN ${firstHi}::UBIGINT AND ${lastHi}::UBIGINT`;
  const upper = `${hi} = ${firstHi}::UBIGINT`;
  // A /64 leaves the lower half open.
  if (prefix.length === 64) return upper;
  return `(${upper} AND ${sqlColumn(column, '_lo')} BETWEEN ${firstLo}::UBIGINT AND ${lastLo}::UBIGINT)`;
}

/** Networks of one length: those of a flow's address is one of a list, which is a hash table however long it is. */
function compileNetworks(networks: readonly Prefix[], length: number, column: string): string[] {
  const all = (1n << 64n) - 1n;
  const bits = BigInt(length);
  const hi = sqlColumn(column, '_hi');
  const values = networks.map(({ address }) => halves(address));
  if (length <= 64) {
    const mask = (all << (64n - bits)) & all;
    const list = [...new Set(values.map(([upper]) => upper))];
    return [oneOfNumbers(length === 64 ? hi : `(${hi} & ${mask}::UBIGINT)`, list, 'UBIGINT')];
  }
  const mask = (all << (128n - bits)) & all;
  return compilePairs(values, hi, `(${sqlColumn(column, '_lo')} & ${mask}::UBIGINT)`);
}

/** Whether the pair of `hi` and `lo` is one of the values. Those with one upper half become one list. */
function compilePairs(values: readonly Halves[], hi: string, lo: string): string[] {
  const groups = new Map<bigint, Set<bigint>>();
  for (const [upper, lower] of values) {
    const list = groups.get(upper);
    if (list === undefined) groups.set(upper, new Set([lower]));
    else list.add(lower);
  }
  const parts: string[] = [];
  const rest: Halves[] = [];
  // A list each for the largest, the rest in one list of pairs; of many, those of IPv4 are apart alone.
  const sorted = [...groups].sort(([, a], [, b]) => b.size - a.size);
  for (const [index, [upper, lowers]] of sorted.entries()) {
    const isApart = values.length > LONG ? upper === 0n : index < FEW;
    if (isApart) parts.push(`(${hi} = ${upper}::UBIGINT AND ${oneOfNumbers(lo, [...lowers], 'UBIGINT')})`);
    else for (const lower of lowers) rest.push([upper, lower]);
  }
  if (rest.length > LONG) {
    const whole = rest.map(([upper, lower]) => (upper << 64n) | lower);
    parts.push(oneOfNumbers(`(${hi}::UHUGEINT << 64 | ${lo}::UHUGEINT)`, whole, 'UHUGEINT'));
  } else if (rest.length > 0) {
    const pairs = rest.map(([upper, lower]) => `(${upper}::UBIGINT, ${lower}::UBIGINT)`);
    parts.push(`(${hi}, ${lo}) IN (${pairs.join(', ')})`);
  }
  return parts;
}

function oneOfNumbers(expression: string, values: readonly bigint[], type: 'UBIGINT' | 'UHUGEINT'): string {
  if (values.length > LONG)
    return `${expression} IN (SELECT unnest(string_split('${values.join(' ')}', ' '))::${type})`;
  return oneOf(
    expression,
    values.map((value) => `${value}::${type}`),
  );
}

function byLength(prefixes: readonly Prefix[]): Map<number, Prefix[]> {
  const groups = new Map<number, Prefix[]>();
  for (const prefix of prefixes) {
    const group = groups.get(prefix.length);
    if (group === undefined) groups.set(prefix.length, [prefix]);
    else group.push(prefix);
  }
  return groups;
}

function halves(address: Address): Halves {
  const [w0, w1, w2, w3] = address;
  return [(BigInt(w0) << 32n) | BigInt(w1), (BigInt(w2) << 32n) | BigInt(w3)];
}
