// A collector to be killed by crash-rounds.mjs: the whole collecting process, on loopback, with a clock that runs fast, so that slots end, segments are merged,
// roll-ups made and old data given up while it lives. Arguments: data folder, the time it begins at (ms), how fast the clock runs, age of flows (ms of that clock).
// It prints `ready PORT`, then lines `ack MS CLOCK RECEIVED STORED MERGES ROLLUPS EXPIRED`: milliseconds of real time since the start, the fast clock, records decoded, records that the
// store has called durable, and how many merges, roll-ups and given-up segments there were.

import { readdirSync, readFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { Collector } from '../dist/app/collector.js';
import { parseListenUrl } from '../dist/collect/listen-url.js';
import { loadElements } from '../dist/config/elements.js';
import { configuredSampling } from '../dist/config/sampling.js';

const [data, begin, speed, maxAgeMs] = process.argv.slice(2);
const started = performance.now();
const now = () => Number(begin) + Math.floor((performance.now() - started) * Number(speed));
const say = (text) => process.stdout.write(`${text}\n`);
const tell = (fields, text) => {
  // With a clock that runs fast on a slow machine, that is no wonder.
  if (!text.startsWith('roll-ups are behind')) say(`problem ${text} ${JSON.stringify(fields)}`);
};
const collector = new Collector({
  listen: [parseListenUrl('udp://127.0.0.1:0')],
  data,
  receiveBufferBytes: 64 << 20,
  allowList: undefined,
  sampling: configuredSampling({ default: 0, exporters: [] }),
  registry: loadElements([]),
  persistState: true,
  maxQueueBytes: 128 << 20,
  rotateSeconds: 60,
  segmentMillis: 300,
  retention: { maxAgeMs: Number(maxAgeMs) },
  now,
  log: { info: () => {}, warn: tell, error: tell },
});
const report = await collector.start();
say(`report ${JSON.stringify(report)}`);
say(`ready ${collector.udp[0].bound.port}`);
let told = '';
setInterval(() => {
  const { records } = collector.status();
  const { rowsStored, merges, rollups, segmentsExpired } = collector.store.stats();
  const line = `${records} ${rowsStored} ${merges} ${rollups} ${segmentsExpired}`;
  if (line !== told) say(`ack ${Math.round(performance.now() - started)} ${now()} ${line}`);
  told = line;
  raiseMerger();
}, 20);
process.on('SIGTERM', () => void collector.close().then(() => process.exit(0)));

/**
 * The merging process has the lowest priority. On a machine under load it would not come to anything, and there would be nothing to kill. (It takes root to raise it;
 * otherwise it stays so.)
 */
function raiseMerger() {
  for (const thread of readdirSync('/proc/self/task')) {
    const children = readFileSync(`/proc/self/task/${thread}/children`, 'utf8').split(' ').filter(Boolean);
    for (const child of children) {
      try {
        // Each of its threads has a priority of its own.
        for (const id of readdirSync(`/proc/${child}/task`).map(Number)) if (getPriority(id) > 0) setPriority(id, 0);
      } catch {
        // It has ended, or may not be raised.
      }
    }
  }
}
