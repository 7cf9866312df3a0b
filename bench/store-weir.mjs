// What the store costs: node bench/store-weir.mjs [FLOWS] [FLOWS PER SECOND, simulated]. Fills batches from the generator's v5 traffic (all of v5's fields), stores them
// as fast as it can, then merges. Prints one JSON object: CPU of all threads per flow without the filling, largest memory, octets per flow.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FlowBatch } from '../dist/flow/batch.js';
import { createLayout } from '../dist/flow/layout.js';
import { COMMON_COLUMNS, columnIndex } from '../dist/flow/schema.js';
import { slotOf } from '../dist/flow/slots.js';
import { createTraffic } from '../dist/generate/traffic.js';
import { readCatalogue } from '../dist/store/catalogue.js';
import { FlowStore } from '../dist/store/flow-store.js';

const NAMES = [
  ...COMMON_COLUMNS,
  'src_addr',
  'dst_addr',
  'src_port',
  'dst_port',
  'proto',
  'tcp_flags',
  'tos',
  'bytes',
  'packets',
  'in_if',
  'out_if',
  'src_as',
  'dst_as',
  'src_mask',
  'dst_mask',
  'next_hop',
];
const LAYOUT = createLayout(NAMES.map(columnIndex));
const SLOT = Object.fromEntries(NAMES.map((name) => [name, slotOf(name)]));
const BEGIN = 1_772_366_400_000;
const flows = Number(process.argv[2] ?? 3_000_000);
const rate = Number(process.argv[3] ?? 50_000);

let now = BEGIN;

// The filling alone, to be taken off.
const alone = await run(async (batch) => {
  batch.clear();
  return batch;
});

const dir = mkdtempSync(join(tmpdir(), 'weir-bench-store-'));
const log = { info: () => {}, warn: console.error, error: console.error };
const store = new FlowStore({ dir, maxQueueBytes: 256 << 20, now: () => now, log, graceSeconds: 0, tickMillis: 200 });
await store.start();
const stored = await run(
  async (batch) => {
    store.append(batch);
    for (;;) {
      // Lets the messages of the writing thread in.
      await new Promise((resolve) => setImmediate(resolve));
      const next = store.take();
      if (next !== undefined) return next;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  },
  () => store.flush(),
);
const fresh = await bytesPerFlow();
const started = performance.now();
now += 400_000;
while (store.stats().merges === 0 || store.stats().merging || store.stats().backlog.files > 0)
  await new Promise((resolve) => setTimeout(resolve, 50));
const merging = performance.now() - started;
const compact = await bytesPerFlow();
await store.close();
rmSync(dir, { recursive: true });
console.log(
  JSON.stringify({
    flows,
    flowsPerSecondSimulated: rate,
    cpuMicrosPerFlow: round((stored.cpu - alone.cpu) / flows, 3),
    millionFlowsPerSecond: round(flows / stored.wall / 1e6, 2),
    freshBytesPerFlow: round(fresh, 2),
    compactBytesPerFlow: round(compact, 2),
    mergeMicrosPerFlow: round((merging * 1000) / flows, 2),
    maxResidentMegabytes: Math.round(process.resourceUsage().maxRSS / 1024),
  }),
);

/** Fills batches with all flows; `handOver` takes a full one and gives the next. CPU in µs, wall time in s. */
async function run(handOver, finish = async () => {}) {
  const traffic = createTraffic({ version: 5, exporters: 4, flows });
  let batch = new FlowBatch();
  const cpu = process.cpuUsage();
  const wall = performance.now();
  for (;;) {
    const time = Math.floor(BEGIN + (traffic.totals.flows / rate) * 1000);
    now = time;
    const datagram = traffic.next(time);
    if (datagram === undefined) break;
    fill(batch, datagram, traffic.exporter, time);
    if (!batch.hasRoom(30)) batch = await handOver(batch);
  }
  await handOver(batch);
  await finish();
  const { user, system } = process.cpuUsage(cpu);
  return { cpu: user + system, wall: (performance.now() - wall) / 1000 };
}

async function bytesPerFlow() {
  const { segments } = await readCatalogue(dir);
  return segments.reduce((sum, { bytes }) => sum + bytes, 0) / flows;
}

function fill(batch, datagram, exporter, time) {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const boot = view.getUint32(8) * 1000 + view.getUint32(12) / 1e6 - view.getUint32(4);
  const domain = view.getUint16(20);
  const { arrays } = batch;
  batch.beginRun(LAYOUT);
  let row = batch.rows;
  const set = (name, value) => (arrays[SLOT[name]][row] = value);
  const set64 = (name, value) => {
    arrays[SLOT[name]][2 * row] = value % 2 ** 32;
    arrays[SLOT[name]][2 * row + 1] = value / 2 ** 32;
  };
  const setAddress = (name, value) => {
    arrays[SLOT[name]].fill(0, 2 * row, 2 * row + 2);
    arrays[SLOT[name] + 1][2 * row] = value;
    arrays[SLOT[name] + 1][2 * row + 1] = 0xffff;
  };
  for (let at = 24; at < datagram.length; at += 48, row++) {
    set64('time_received', time * 1000);
    setAddress('exporter', 0x0a000001 + exporter);
    set('observation_domain', domain);
    set('flow_type', 2);
    for (const name of ['record_kind', 'sampling_rate', 'sampling_source', 'time_source']) set(name, 0);
    set64('time_start', (boot + view.getUint32(at + 24)) * 1000);
    set64('time_end', (boot + view.getUint32(at + 28)) * 1000);
    setAddress('src_addr', view.getUint32(at));
    setAddress('dst_addr', view.getUint32(at + 4));
    setAddress('next_hop', view.getUint32(at + 8));
    set('in_if', view.getUint16(at + 12));
    set('out_if', view.getUint16(at + 14));
    set64('packets', view.getUint32(at + 16));
    set64('bytes', view.getUint32(at + 20));
    set('src_port', view.getUint16(at + 32));
    set('dst_port', view.getUint16(at + 34));
    set('tcp_flags', view.getUint8(at + 37));
    set('proto', view.getUint8(at + 38));
    set('tos', view.getUint8(at + 39));
    set('src_as', view.getUint16(at + 40));
    set('dst_as', view.getUint16(at + 42));
    set('src_mask', view.getUint8(at + 44));
    set('dst_mask', view.getUint8(at + 45));
  }
  batch.rows = row;
}

function round(value, digits) {
  return Number(value.toFixed(digits));
}
