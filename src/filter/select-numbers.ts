import { COLUMNS, findColumn } from '../flow/schema.ts';
import type { SlotArray } from '../flow/slots.ts';
import type { BatchView } from './batch-view.ts';
import { createNumberReader, isComputed } from './number-reader.ts';
import { doubleRanges, inDoubles, inRanges, inWords, wordRanges } from './ranges.ts';
import { type Step, whereValues } from './select.ts';
import type { NumberRange } from './tree.ts';

const EMPTY = new Uint32Array(0);
const INEXACT = 2 ** 53;

/** Whether a number of one column, or one that is computed, lies in one of the ranges. */
export function numbersStep(view: BatchView, column: string, ranges: readonly NumberRange[]): Step {
  if (isComputed(column)) return computedStep(view, column, ranges);
  const type = COLUMNS[findColumn(column)]?.type;
  if (type === 'u64' || type === 'mac') return whereValues(view, [column], wideStep(view, column, ranges));
  const max = type === 'u8' ? 0xff : type === 'u16' ? 0xffff : 0xffff_ffff;
  const only = ranges.length === 1 ? ranges[0] : undefined;
  if (only !== undefined) return whereValues(view, [column], narrowStep(view, column, only, max));
  return whereValues(
    view,
    [column],
    type === 'u32' ? manyStep(view, column, ranges) : bitsStep(view, column, ranges, max),
  );
}

function computedStep(view: BatchView, column: string, ranges: readonly NumberRange[]): Step {
  const reader = createNumberReader(view, column);
  const doubles = doubleRanges(ranges);
  return {
    bind: reader.bind,
    select(input, count, output, wanted) {
      reader.rewind();
      let n = 0;
      for (let i = 0; i < count; i++) {
        const row = input[i] as number;
        const value = reader.read(row);
        const passes = value >= INEXACT ? inRanges(ranges, reader.exact(row)) : inDoubles(doubles, value);
        output[n] = row;
        if (passes === wanted) n++;
      }
      return n;
    },
  };
}

/** One range: one subtraction and one comparison a row. */
function narrowStep(view: BatchView, column: string, { from, to }: NumberRange, max: number): Step {
  const low = Number(from ?? 0n);
  const high = Math.min(to === undefined ? max : Number(to), max);
  const span = (high - low) >>> 0;
  const isEmpty = high < low;
  let array: SlotArray = EMPTY;
  return {
    bind: () => {
      array = view.array(column);
    },
    select(input, count, output, wanted) {
      const values = array;
      const expected = isEmpty ? !wanted : wanted;
      let n = 0;
      for (let i = 0; i < count; i++) {
        const row = input[i] as number;
        output[n] = row;
        const passes = isEmpty || ((values[row] as number) - low) >>> 0 <= span;
        if (passes === expected) n++;
      }
      return n;
    },
  };
}

/** Several ranges of numbers up to 16 bits: a bit for each number. */
function bitsStep(view: BatchView, column: string, ranges: readonly NumberRange[], max: number): Step {
  const bits = new Uint32Array((max + 1) >>> 5);
  for (const { from = 0n, to = BigInt(max) } of ranges) {
    for (let value = Number(from); value <= Math.min(Number(to), max); value++) {
      bits[value >>> 5] = (bits[value >>> 5] as number) | (1 << (value & 31));
    }
  }
  let array: SlotArray = EMPTY;
  return {
    bind: () => {
      array = view.array(column);
    },
    select(input, count, output, wanted) {
      const values = array;
      const expected = wanted ? 1 : 0;
      let n = 0;
      for (let i = 0; i < count; i++) {
        const row = input[i] as number;
        const value = values[row] as number;
        output[n] = row;
        if ((((bits[value >>> 5] as number) >>> (value & 31)) & 1) === expected) n++;
      }
      return n;
    },
  };
}

function manyStep(view: BatchView, column: string, ranges: readonly NumberRange[]): Step {
  const doubles = doubleRanges(ranges);
  let array: SlotArray = EMPTY;
  return {
    bind: () => {
      array = view.array(column);
    },
    select(input, count, output, wanted) {
      const values = array;
      let n = 0;
      for (let i = 0; i < count; i++) {
        const row = input[i] as number;
        output[n] = row;
        if (inDoubles(doubles, values[row] as number) === wanted) n++;
      }
      return n;
    },
  };
}

/** Numbers of 64 bits, which are pairs of words, low first. */
function wideStep(view: BatchView, column: string, ranges: readonly NumberRange[]): Step {
  const words = wordRanges(ranges);
  let array: SlotArray = EMPTY;
  return {
    bind: () => {
      array = view.array(column);
    },
    select(input, count, output, wanted) {
      const values = array;
      let n = 0;
      for (let i = 0; i < count; i++) {
        const row = input[i] as number;
        output[n] = row;
        if (inWords(words, values[2 * row + 1] as number, values[2 * row] as number) === wanted) n++;
      }
      return n;
    },
  };
}

/** Control bits of TCP: all of the mask's, or any. */
export function flagsStep(view: BatchView, column: string, mask: number, mode: 'all' | 'any'): Step {
  let array: SlotArray = EMPTY;
  return whereValues(view, [column], {
    bind: () => {
      array = view.array(column);
    },
    select(input, count, output, wanted) {
      const values = array;
      const isAll = mode === 'all';
      let n = 0;
      for (let i = 0; i < count; i++) {
        const row = input[i] as number;
        const set = (values[row] as number) & mask;
        output[n] = row;
        if ((isAll ? set === mask : set !== 0) === wanted) n++;
      }
      return n;
    },
  });
}
