// Fills a data folder with a day of v5 flows and merges it: node bench/query-day-weir.mjs FOLDER FLOWS. The collector's decoder and store, with a
// clock that runs as fast as they can: slots end, are merged and counted as they would be over a day. Prints one JSON object.
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { BatchFeed } from '../dist/app/batch-feed.js';
import { createElementRegistry } from '../dist/elements/registry.js';
import { createTraffic } from '../dist/generate/traffic.js';
import { MessageDecoder } from '../dist/session/message-decoder.js';
import { FlowStore } from '../dist/store/flow-store.js';
import { DAY_BEGIN, DAY_MILLIS, dayTraffic } from './lib/day.mjs';

/** Nothing is due any more when nothing has happened for so long. */
const QUIET_MS = 4000;

const [dir, flows] = [process.argv[2], Number(process.argv[3])];
let now = DAY_BEGIN;
const log = { info: () => {}, warn: console.error, error: console.error };
const store = new FlowStore({ dir, maxQueueBytes: 256 << 20, now: () => now, log, graceSeconds: 0, tickMillis: 200 });
await store.start();
const feed = new BatchFeed(store);
const decoder = new MessageDecoder({ registry: createElementRegistry(), sink: feed });
const traffic = createTraffic(dayTraffic(flows));
let minute = 0;
for (let datagrams = 0; ; datagrams++) {
  now = Math.floor(DAY_BEGIN + (traffic.totals.flows / flows) * DAY_MILLIS);
  const datagram = traffic.next(now);
  if (datagram === undefined) break;
  decoder.decode(datagram, { address: [0, 0, 0xffff, 0x7f000001 + traffic.exporter], port: 2055 }, now * 1000);
  if (Math.floor(now / 60_000) !== minute) {
    // A collector hands over what it has twice a second, and no batch reaches over the end of a slot.
    minute = Math.floor(now / 60_000);
    feed.flush();
    await turn();
    while (store.stats().rowsWaiting > 2_000_000 || store.stats().queueBytes > 128 << 20) await sleep(5);
  }
}
feed.flush();
await store.flush();
now += 2 * DAY_MILLIS;
for (let seen = '', since = Date.now(); Date.now() - since < QUIET_MS; await sleep(100)) {
  const { merges, rollups, merging, backlog, mergeErrors } = store.stats();
  const state = JSON.stringify({ merges, rollups, mergeErrors });
  if (state !== seen || merging || backlog.files > 0) since = Date.now();
  seen = state;
}
const { rowsStored, merges, rollups, mergeErrors } = store.stats();
await store.close();
console.log(JSON.stringify({ flows: rowsStored, dropped: feed.recordsDropped, merges, rollups, mergeErrors }));
