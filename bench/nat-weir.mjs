// The exporter of NAT as a process of its own, for the benchmark: argv has { command, port, data }. Says when it runs; at SIGTERM what it counted, and what it took.
import { readFileSync } from 'node:fs';
import { NatExporter } from '../dist/app/nat-exporter.js';
import { keepHeapSmall } from '../dist/app/small-heap.js';
import { parseExportTarget } from '../dist/export/target.js';

keepHeapSmall();
const { command, port, data } = JSON.parse(process.argv[2]);
const target = (text) => ({ target: { target: parseExportTarget(text), text } });
const quiet = {
  info() {},
  warn: (fields, text) => console.error(text, JSON.stringify(fields)),
  error: (fields, text) => console.error(text),
};
const exporter = new NatExporter({
  command,
  targets: [target(`ipfix://127.0.0.1:${port}`), target(`netflow5://127.0.0.1:${port}`)],
  data: data === undefined ? undefined : { dir: data },
  tellsOpen: false,
  now: Date.now,
  log: quiet,
});
await exporter.start();
console.log(JSON.stringify({ running: exporter.conntrackPid, memory: memory() }));
process.on('SIGTERM', () => void end());
process.on('SIGUSR1', () =>
  console.log(
    JSON.stringify({ connections: exporter.counters().connections, conntrack: exporter.counters().conntrack }),
  ),
);

/** Resident memory now and at most, octets. */
function memory() {
  const status = readFileSync('/proc/self/status', 'utf8');
  const kb = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) * 1024;
  return { resident: kb('VmRSS'), most: kb('VmHWM') };
}

async function end() {
  const { user, system } = process.cpuUsage();
  const most = memory();
  await exporter.close();
  console.log(JSON.stringify({ counters: exporter.counters(), cpu: (user + system) / 1e6, ...most }));
  process.exit(0);
}
