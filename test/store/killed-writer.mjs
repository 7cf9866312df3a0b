// A writer to be killed by kill.test.ts. Arguments: data folder, first flow_id, the time it begins at (ms). Its clock runs 200 times as fast (or as the
// fourth argument says), so that slots end and segments are merged while it runs. Every line it prints is a fact that must hold after its death.
import { FlowBatch } from '#weir/flow/batch.js';
import { createLayout } from '#weir/flow/layout.js';
import { columnIndex } from '#weir/flow/schema.js';
import { slotOf } from '#weir/flow/slots.js';
import { FlowStore } from '#weir/store/flow-store.js';

const [dir, firstText, beginText, speed = 200] = process.argv.slice(2);
const first = Number(firstText);
const begin = Number(beginText);
const started = performance.now();
const now = () => begin + Math.floor((performance.now() - started) * speed);
const fail = (fields, text) => console.log(`error ${text} ${JSON.stringify(fields)}`);
// At this speed roll-ups are soon a quarter of an hour behind, as the clock has it.
const warn = (fields, text) => text.startsWith('roll-ups are behind') || fail(fields, text);
const log = { info: () => {}, warn, error: fail };
const store = new FlowStore({
  dir,
  maxQueueBytes: 64 << 20,
  now,
  log,
  rotateSeconds: 20,
  graceSeconds: 20,
  tickMillis: 20,
});
const report = await store.start();
console.log(`report ${JSON.stringify(report)}`);
const layout = createLayout(['time_received', 'flow_id', 'src_addr'].map(columnIndex));
const [received, id, high] = ['time_received', 'flow_id', 'src_addr'].map(slotOf);
let next = first;
let told = 0;
for (;;) {
  const batch = store.take();
  if (batch instanceof FlowBatch) {
    batch.beginRun(layout);
    const count = 1 + Math.floor(Math.random() * 3000);
    const micros = now() * 1000;
    for (let row = 0; row < count; row++) {
      batch.arrays[received][2 * row] = micros % 2 ** 32;
      batch.arrays[received][2 * row + 1] = micros / 2 ** 32;
      batch.arrays[id][2 * row] = next;
      batch.arrays[id][2 * row + 1] = 0;
      batch.arrays[high].fill(0, 2 * row, 2 * row + 2);
      batch.arrays[high + 1].fill(next % 1000, 2 * row, 2 * row + 2);
      next++;
    }
    batch.rows = count;
    store.append(batch);
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
  const { rowsStored, merges } = store.stats();
  if (rowsStored !== told) console.log(`stored ${first + rowsStored} ${now()} ${merges}`);
  told = rowsStored;
}
