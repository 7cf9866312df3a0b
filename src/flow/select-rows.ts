import { FlowBatch, forEachRun } from './batch.ts';
import { SLOT_WIDTH, SLOTS } from './slots.ts';

/** A batch of its own with some rows of another, in ascending order. Texts and the octets of `extra` are shared with the other batch. */
export function selectRows(batch: FlowBatch, rows: readonly number[]): FlowBatch {
  const selected = new FlowBatch(Math.max(1, rows.length));
  selected.texts = batch.texts;
  selected.heap = batch.heap;
  selected.heapUsed = batch.heapUsed;
  let next = 0;
  forEachRun(batch, (layout, _first, end) => {
    const from = next;
    while (next < rows.length && (rows[next] as number) < end) next++;
    if (next === from) return;
    selected.beginRun(layout);
    for (const slot of layout.slots) copySlot(batch, selected, slot, rows, from, next);
    selected.rows = next;
  });
  return selected;
}

function copySlot(
  batch: FlowBatch,
  selected: FlowBatch,
  slot: number,
  rows: readonly number[],
  from: number,
  to: number,
): void {
  const source = batch.arrays[slot];
  const target = selected.arrays[slot];
  if (source === undefined || target === undefined) return;
  const isWide = SLOT_WIDTH[SLOTS[slot]?.kind ?? 'u8'] === 8;
  for (let i = from; i < to; i++) {
    const row = rows[i] as number;
    if (isWide) {
      target[i * 2] = source[row * 2] as number;
      target[i * 2 + 1] = source[row * 2 + 1] as number;
    } else target[i] = source[row] as number;
  }
}
