import { type Address, compareAddress } from './address.ts';
import { type Prefix, prefixRange } from './prefix.ts';

const NONE = -1;
const MAPPED = 0xffff;

/**
 * Longest-prefix match over a list that does not change: the networks are cut into ranges that do not overlap, each with the value of
 * the longest network over it, and a look-up is a binary search for the last range that starts at or before the address. It allocates
 * nothing and takes log2(ranges) steps; n networks make at most 2n + 1 ranges of 20 bytes.
 */
export class PrefixTable<T> {
  /** How many networks the table was built from, equal ones counted once. */
  readonly size: number;
  readonly #values: readonly T[];
  readonly #start0: Uint32Array;
  readonly #start1: Uint32Array;
  readonly #start2: Uint32Array;
  readonly #start3: Uint32Array;
  readonly #valueAt: Int32Array;
  /** The range that holds ::ffff:0.0.0.0 and the last that starts in IPv4 space: between them only the last word differs. */
  readonly #v4Low: number;
  readonly #v4High: number;

  /** Builds the table. Of two entries for the same network the later one holds. */
  constructor(entries: Iterable<readonly [prefix: Prefix, value: T]>) {
    const { values, starts, valueAt } = cut(entries);
    this.size = values.length;
    this.#values = values;
    this.#start0 = Uint32Array.from(starts, (start) => start[0]);
    this.#start1 = Uint32Array.from(starts, (start) => start[1]);
    this.#start2 = Uint32Array.from(starts, (start) => start[2]);
    this.#start3 = Uint32Array.from(starts, (start) => start[3]);
    this.#valueAt = Int32Array.from(valueAt);
    this.#v4Low = this.#search(0, 0, MAPPED, 0);
    this.#v4High = this.#search(0, 0, MAPPED, 0xffffffff);
  }

  /** The value of the longest network that holds the address (unsigned words), or undefined when none does. */
  lookup(w0: number, w1: number, w2: number, w3: number): T | undefined {
    const range = w2 === MAPPED && w1 === 0 && w0 === 0 ? this.#searchV4(w3) : this.#search(w0, w1, w2, w3);
    const index = this.#valueAt[range] as number;
    return index === NONE ? undefined : this.#values[index];
  }

  #searchV4(w3: number): number {
    const start3 = this.#start3;
    let low = this.#v4Low;
    let high = this.#v4High;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((start3[middle] as number) <= w3) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #search(w0: number, w1: number, w2: number, w3: number): number {
    let low = 0;
    let high = this.#valueAt.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const order =
        (this.#start0[middle] as number) - w0 ||
        (this.#start1[middle] as number) - w1 ||
        (this.#start2[middle] as number) - w2 ||
        (this.#start3[middle] as number) - w3;
      if (order <= 0) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Cuts networks into ranges: range i goes from `starts[i]` to the address before `starts[i + 1]`; the first starts at `::`. */
function cut<T>(entries: Iterable<readonly [prefix: Prefix, value: T]>): {
  values: T[];
  starts: Address[];
  valueAt: number[];
} {
  const sorted = [...entries].sort(
    ([a], [b]) => compareAddress(a.address, b.address) || a.length - b.length, // stable: equal networks stay in order
  );
  const values: T[] = [];
  const starts: Address[] = [[0, 0, 0, 0]];
  const valueAt: number[] = [NONE];
  const begin = (start: Address, index: number): void => {
    const top = starts.length - 1;
    if (compareAddress(starts[top] as Address, start) === 0) valueAt[top] = index;
    else if (valueAt[top] !== index) {
      starts.push(start);
      valueAt.push(index);
    }
  };
  // The networks that hold the current address, the longest last. Two networks either nest or are disjoint.
  const open: { index: number; last: Address }[] = [];
  const closeBefore = (address: Address | undefined): void => {
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      if (address !== undefined && compareAddress(top.last, address) >= 0) return;
      open.pop();
      const next = following(top.last);
      if (next !== undefined) begin(next, open.at(-1)?.index ?? NONE);
    }
  };
  let previous: Prefix | undefined;
  for (const [prefix, value] of sorted) {
    if (previous?.length === prefix.length && compareAddress(previous.address, prefix.address) === 0) {
      values[values.length - 1] = value;
      continue;
    }
    previous = prefix;
    const { first, last } = prefixRange(prefix);
    closeBefore(first);
    values.push(value);
    open.push({ index: values.length - 1, last });
    begin(first, values.length - 1);
  }
  closeBefore(undefined);
  return { values, starts, valueAt };
}

/** The next address, or undefined after the last. */
function following([w0, w1, w2, w3]: Address): Address | undefined {
  if (w3 !== 0xffffffff) return [w0, w1, w2, w3 + 1];
  if (w2 !== 0xffffffff) return [w0, w1, w2 + 1, 0];
  if (w1 !== 0xffffffff) return [w0, w1 + 1, 0, 0];
  return w0 === 0xffffffff ? undefined : [w0 + 1, 0, 0, 0];
}
