import type { SlotArray } from '../flow/slots.ts';
import { type Address, compareAddress } from '../util/address.ts';
import { maskWord, type Prefix, prefixRange } from '../util/prefix.ts';
import type { BatchView } from './batch-view.ts';
import { type Step, whereValues } from './select.ts';

const EMPTY = new Uint32Array(0);
const MAPPED = 0xffff;

/** Tests the four words of an address, the most significant first. */
type WordTest = (w0: number, w1: number, w2: number, w3: number) => boolean;

/** Whether the address of a column is in one of the networks. */
export function addressesStep(view: BatchView, column: string, prefixes: readonly Prefix[]): Step {
  const [only] = prefixes;
  return wordsStep(view, column, prefixes.length === 1 && only !== undefined ? inPrefix(only) : inTable(prefixes));
}

/** Whether the address of a column is IPv4, or is IPv6. */
export function familyStep(view: BatchView, column: string, version: 4 | 6): Step {
  return wordsStep(view, column, (w0, w1, w2) => (w2 === MAPPED && w1 === 0 && w0 === 0) === (version === 4));
}

function wordsStep(view: BatchView, column: string, test: WordTest): Step {
  let upper: SlotArray = EMPTY;
  let lower: SlotArray = EMPTY;
  return whereValues(view, [column], {
    bind: () => {
      upper = view.array(column);
      lower = view.lowerArray(column);
    },
    select(input, count, output, wanted) {
      const [hi, lo] = [upper, lower];
      let n = 0;
      for (let i = 0; i < count; i++) {
        const row = input[i] as number;
        const at = 2 * row;
        output[n] = row;
        const passes = test(hi[at + 1] as number, hi[at] as number, lo[at + 1] as number, lo[at] as number);
        if (passes === wanted) n++;
      }
      return n;
    },
  });
}

function inPrefix({ address: [a0, a1, a2, a3], length }: Prefix): WordTest {
  const [m0, m1, m2, m3] = [0, 1, 2, 3].map((index) => maskWord(length, index)) as [number, number, number, number];
  return (w0, w1, w2, w3) =>
    ((w3 ^ a3) & m3) === 0 && ((w2 ^ a2) & m2) === 0 && ((w1 ^ a1) & m1) === 0 && ((w0 ^ a0) & m0) === 0;
}

/** Many networks as sorted ranges, those of IPv4 on their own: a search takes as many steps as their number has bits. */
function inTable(prefixes: readonly Prefix[]): WordTest {
  const ranges = mergeRanges(prefixes.map(prefixRange));
  const firsts = Uint32Array.from(ranges.flatMap(({ first }) => first));
  const lasts = Uint32Array.from(ranges.flatMap(({ last }) => last));
  const v4 = ranges.flatMap(({ first, last }): [number, number][] => {
    if (compareAddress(last, [0, 0, MAPPED, 0]) < 0) return [];
    if (compareAddress(first, [0, 0, MAPPED, 0xffff_ffff]) > 0) return [];
    const isFrom = isMapped(first) ? first[3] : 0;
    return [[isFrom, isMapped(last) ? last[3] : 0xffff_ffff]];
  });
  const v4Firsts = Uint32Array.from(v4, ([first]) => first);
  const v4Lasts = Uint32Array.from(v4, ([, last]) => last);
  return (w0, w1, w2, w3) =>
    w2 === MAPPED && w1 === 0 && w0 === 0
      ? inWordRanges(v4Firsts, v4Lasts, w3)
      : inAddressRanges(firsts, lasts, w0, w1, w2, w3);
}

function isMapped([w0, w1, w2]: Address): boolean {
  return w2 === MAPPED && w1 === 0 && w0 === 0;
}

interface Range {
  readonly first: Address;
  readonly last: Address;
}

/** Sorted; of networks that overlap one holds the other, which is left out. */
function mergeRanges(ranges: readonly Range[]): Range[] {
  const sorted = [...ranges].sort((a, b) => compareAddress(a.first, b.first) || compareAddress(b.last, a.last));
  const kept: Range[] = [];
  for (const range of sorted) {
    const last = kept[kept.length - 1];
    if (last === undefined || compareAddress(range.first, last.last) > 0) kept.push(range);
  }
  return kept;
}

function inWordRanges(firsts: Uint32Array, lasts: Uint32Array, word: number): boolean {
  let low = 0;
  let high = lasts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (word > (lasts[middle] as number)) low = middle + 1;
    else high = middle;
  }
  return low < firsts.length && word >= (firsts[low] as number);
}

function inAddressRanges(
  firsts: Uint32Array,
  lasts: Uint32Array,
  w0: number,
  w1: number,
  w2: number,
  w3: number,
): boolean {
  let low = 0;
  let high = lasts.length / 4;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareAt(lasts, middle, w0, w1, w2, w3) < 0) low = middle + 1;
    else high = middle;
  }
  return 4 * low < firsts.length && compareAt(firsts, low, w0, w1, w2, w3) <= 0;
}

/** Order of the address at `index` of a list and the one of these words. */
function compareAt(list: Uint32Array, index: number, w0: number, w1: number, w2: number, w3: number): number {
  const at = 4 * index;
  return (
    (list[at] as number) - w0 ||
    (list[at + 1] as number) - w1 ||
    (list[at + 2] as number) - w2 ||
    (list[at + 3] as number) - w3
  );
}
