import { ICMP_IN_PORT, ICMP_PROTOCOLS } from '../flow/icmp.ts';
import { COLUMNS, findColumn } from '../flow/schema.ts';
import type { SlotArray } from '../flow/slots.ts';
import { type BatchView, RunCursor } from './batch-view.ts';
import { labelIndex } from './derived.ts';

/** Reads one number of each row, which a column has or which is computed from several. */
export interface NumberReader {
  /** Prepares it for the view's batch. */
  readonly bind: () => void;
  /** Rows are read in ascending order from now on. */
  readonly rewind: () => void;
  /** NaN for a missing value. Exact below 2⁵³; greater numbers may be rounded, but not to less than 2⁵³. */
  readonly read: (row: number) => number;
  /** The same number, exactly; only for rows that have one. */
  readonly exact: (row: number) => bigint;
}

/** Arrays of the columns that a number is made of, and for which of them (bit 0 is the first) the row has a value. */
type Inputs = (arrays: readonly SlotArray[], has: number, row: number) => number;
type ExactInputs = (arrays: readonly SlotArray[], has: number, row: number) => bigint;

const MISSING = Number.NaN;
const WORD = 4_294_967_296;
const INEXACT = 2 ** 53;
/** Times beyond are stored as this; see store/prepared-batch.ts. */
const LAST_TIME = INEXACT - 1;

/** Whether the schema has such a column of numbers, or a computation here makes one. */
export function createNumberReader(view: BatchView, name: string): NumberReader {
  const label = labelIndex(name);
  if (label !== undefined) {
    const labelOf: Inputs = ([codes], has, row) =>
      has === 0 ? MISSING : labelIn(view.batch.texts[(codes as SlotArray)[row] as number] ?? '', label);
    return computed(view, ['mpls_labels'], labelOf);
  }
  switch (name) {
    case 'time_start':
      return computed(view, TIMES, (arrays, has, row) => startOf(arrays, has, row));
    case 'duration':
      return computed(view, TIMES, durationOf);
    case 'pps':
      return rate(view, 'packets', 100);
    case 'bps':
      return rate(view, 'bytes', 200);
    case 'bpp':
      return quotient(view, ['bytes', 'packets']);
    case 'flows':
      return computed(
        view,
        ['flow_count'],
        ([count], has, row) => (has === 0 ? 1 : wide(count, row)),
        ([count], has, row) => (has === 0 ? 1n : wideExact(count, row)),
      );
    case 'dscp':
      return computed(view, ['tos'], ([tos], has, row) =>
        has === 0 ? MISSING : ((tos as SlotArray)[row] as number) >> 2,
      );
    case 'ecn':
      return computed(view, ['tos'], ([tos], has, row) =>
        has === 0 ? MISSING : ((tos as SlotArray)[row] as number) & 3,
      );
    case 'icmp_type':
    case 'icmp_code':
      return icmp(view, name);
    default:
      return plain(view, name);
  }
}

/** Whether a number is computed, or is the value of its column as it lies in the batch. */
export function isComputed(name: string): boolean {
  const isColumn = findColumn(name) >= 0;
  return !isColumn || name.startsWith('icmp_') || COLUMNS[findColumn(name)]?.type === 'time';
}

function computed(
  view: BatchView,
  columns: readonly string[],
  read: Inputs,
  exact: ExactInputs = (arrays, has, row) => BigInt(read(arrays, has, row)),
): NumberReader {
  const cursor = new RunCursor();
  let arrays: readonly SlotArray[] = [];
  let has = new Uint8Array(0);
  return {
    bind() {
      arrays = columns.map((column) => view.array(column));
      has = new Uint8Array(view.batch.layouts.length);
      columns.forEach((column, bit) => {
        const { byLayout } = view.presence(column);
        for (let i = 0; i < has.length; i++) has[i] = (has[i] as number) | ((byLayout[i] as number) << bit);
      });
    },
    rewind: () => cursor.rewind(view.batch),
    read: (row) => read(arrays, has[cursor.layoutAt(row)] as number, row),
    exact: (row) => exact(arrays, has[cursor.layoutAt(row)] as number, row),
  };
}

function plain(view: BatchView, name: string): NumberReader {
  const type = COLUMNS[findColumn(name)]?.type;
  if (type === 'time') return computed(view, [name], ([words], has, row) => (has === 0 ? MISSING : time(words, row)));
  if (type === 'u64' || type === 'mac') {
    return computed(
      view,
      [name],
      ([words], has, row) => (has === 0 ? MISSING : wide(words, row)),
      ([words], _, row) => wideExact(words, row),
    );
  }
  return computed(view, [name], ([values], has, row) => (has === 0 ? MISSING : ((values as SlotArray)[row] as number)));
}

function wide(words: SlotArray | undefined, row: number): number {
  const array = words as SlotArray;
  return (array[2 * row + 1] as number) * WORD + (array[2 * row] as number);
}

function wideExact(words: SlotArray | undefined, row: number): bigint {
  const array = words as SlotArray;
  return (BigInt(array[2 * row + 1] as number) << 32n) | BigInt(array[2 * row] as number);
}

function time(words: SlotArray | undefined, row: number): number {
  return Math.min(wide(words, row), LAST_TIME);
}

/** Bits 0 and 1 of computations with times. */
const TIMES = ['time_start', 'time_end'];

/** A record with an end alone is stored as starting there. */
function startOf([start, end]: readonly SlotArray[], has: number, row: number): number {
  return has & 1 ? time(start, row) : has & 2 ? time(end, row) : MISSING;
}

function durationOf(arrays: readonly SlotArray[], has: number, row: number): number {
  return has & 2 ? time(arrays[1], row) - startOf(arrays, has, row) : MISSING;
}

/**
 * What a counter comes to in a second, times `factor`³/10⁶, rounded down. The division goes in three steps so that nothing in between is rounded; where
 * numbers are too large for that, with integers of any size.
 */
function rate(view: BatchView, counter: string, factor: number): NumberReader {
  const exact: ExactInputs = (arrays, has, row) => {
    const micros = BigInt(durationOf(arrays, has, row));
    return micros > 0n ? (wideExact(arrays[2], row) * BigInt(factor) ** 3n) / micros : 0n;
  };
  const read: Inputs = (arrays, has, row) => {
    if ((has & 6) !== 6) return MISSING;
    const micros = durationOf(arrays, has, row);
    if (micros <= 0) return 0;
    const count = wide(arrays[2], row);
    if (count >= INEXACT || micros * factor >= INEXACT) return Number(exact(arrays, has, row));
    let result = Math.floor(count / micros);
    let rest = count % micros;
    for (let step = 0; step < 3; step++) {
      rest *= factor;
      result = result * factor + Math.floor(rest / micros);
      rest %= micros;
    }
    return result;
  };
  return computed(view, [...TIMES, counter], read, exact);
}

function quotient(view: BatchView, columns: readonly [string, string]): NumberReader {
  const exact: ExactInputs = ([dividend, divisor], _, row) => {
    const by = wideExact(divisor, row);
    return by === 0n ? 0n : wideExact(dividend, row) / by;
  };
  const read: Inputs = (arrays, has, row) => {
    if (has !== 3) return MISSING;
    const [dividend, divisor] = [wide(arrays[0], row), wide(arrays[1], row)];
    if (dividend >= INEXACT || divisor >= INEXACT) return Number(exact(arrays, has, row));
    return divisor === 0 ? 0 : Math.floor(dividend / divisor);
  };
  return computed(view, columns, read, exact);
}

function icmp(view: BatchView, name: 'icmp_type' | 'icmp_code'): NumberReader {
  const shift = name === 'icmp_type' ? 8 : 0;
  return computed(view, [name, 'flow_type', 'proto', 'dst_port'], ([own, type, proto, port], has, row) => {
    if (has & 1) return (own as SlotArray)[row] as number;
    const isThere = has === 14 && ICMP_IN_PORT.has((type as SlotArray)[row] as number);
    if (!isThere || !ICMP_PROTOCOLS.has((proto as SlotArray)[row] as number)) return MISSING;
    return (((port as SlotArray)[row] as number) >> shift) & 0xff;
  });
}

/** A label of a stack such as `16,300,3`: the `index`th, from 1, or with -1 the last. */
function labelIn(labels: string, index: number): number {
  let from = index < 0 ? labels.lastIndexOf(',') + 1 : 0;
  for (let i = 1; i < index; i++) {
    const comma = labels.indexOf(',', from);
    if (comma < 0) return MISSING;
    from = comma + 1;
  }
  let value = 0;
  let at = from;
  for (; at < labels.length; at++) {
    const digit = labels.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  const isNumber = at > from && (at === labels.length || labels[at] === ',');
  return isNumber ? value : MISSING;
}
