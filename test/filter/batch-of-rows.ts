import { FlowBatch } from '#weir/flow/batch.js';

import { addRows, type Row as BatchRow, layoutOf } from '../store/batches.ts';
import type { Row } from './oracle.ts';

/** Columns that every layout must have: what the store leaves out of a file where it is 0, it reads as 0. */
const NEVER_MISSING = ['record_kind', 'sampling_rate', 'sampling_source', 'time_source'];

/** Writes rows to a batch, each with a layout of the columns it has, and its number in `flow_id`. */
export function fillBatch(batch: FlowBatch, rows: readonly Row[]): FlowBatch {
  const layouts = new Map<string, ReturnType<typeof layoutOf>>();
  rows.forEach((row, index) => {
    const values: Record<string, BatchRow[string]> = { flow_id: BigInt(index) };
    for (const name of NEVER_MISSING) values[name] = 0;
    for (const [name, value] of Object.entries(row)) {
      if (value === undefined || name === 'duration') continue;
      values[name] = typeof value === 'object' ? bits(value) : value;
    }
    const [start, duration] = [row['time_start'], row['duration']];
    if (typeof start === 'bigint' && typeof duration === 'bigint') values['time_end'] = start + duration;
    const names = Object.keys(values);
    const key = names.join(' ');
    let layout = layouts.get(key);
    if (layout === undefined) layouts.set(key, (layout = layoutOf(names)));
    addRows(batch, layout, [values]);
  });
  return batch;
}

export function batchOfRows(rows: readonly Row[]): FlowBatch {
  return fillBatch(new FlowBatch(Math.max(2048, rows.length)), rows);
}

function bits([w0, w1, w2, w3]: readonly number[]): bigint {
  return [w0, w1, w2, w3].reduce((all, word) => (all << 32n) | BigInt(word ?? 0), 0n);
}

/** A source of numbers in [0, 1) that gives the same ones each time. */
export function seeded(start: number): () => number {
  let seed = start;
  return () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return seed / 0x80000000;
  };
}

/** For `randomRows`: every value is there or missing in stretches of rows, as templates have it. */
export function inStretches(
  random: () => number,
  stretches: readonly number[],
): (name: string, row: number) => boolean {
  const seen = new Map<string, boolean>();
  return (name, row) => {
    const stretch = stretches.findIndex((end) => row < end);
    const key = `${name} ${stretch}`;
    let has = seen.get(key);
    if (has === undefined) seen.set(key, (has = random() < 0.8));
    return has;
  };
}
