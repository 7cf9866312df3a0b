// `npm run bench`: measures Netweir and whichever peers are installed side by side, in one run, and prints the ratios.
//
//   npm run bench                              everything
//   npm run bench -- collect --versions 5      one part: decode, packet, meter, filter, sflow, collect, live, store, query
//   npm run bench -- query-day --folder DIR    a day of 30 M flows, kept in DIR; query-load: asking while collecting
//   npm run bench -- probe-live                the highest rate of packets that a live probe takes (root, some minutes)
//   npm run bench -- --quick                   small amounts: does it work, not how fast
//   npm run bench -- --install-peers           installs the peers first
//
// Options: --versions 5,9,10  --rate N (datagrams/s)  --seconds S  --flows N (for decode and query)  --runs N (query, median)
//          --drop-cache (query-day: the files are not in memory; needs root, and slows everybody down)
//          --pin (collector on processor 0, sender on 1)
// Every part writes its figures to bench/results/PART.json.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findPeers, installPeers, root } from './lib/peers.mjs';
import { comparisonTable } from './lib/table.mjs';

const PARTS = [
  'decode',
  'encode',
  'packet',
  'meter',
  'names',
  'filter',
  'sflow',
  'collect',
  'live',
  'store',
  'query',
  'nat',
];
/** These take long, or much of the disk: only when they are named. */
const NAMED_PARTS = ['query-day', 'query-load', 'probe-live'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    versions: { type: 'string', default: '5,9,10' },
    rate: { type: 'string' },
    seconds: { type: 'string' },
    flows: { type: 'string' },
    runs: { type: 'string' },
    pin: { type: 'boolean', default: false },
    folder: { type: 'string' },
    'drop-cache': { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    'install-peers': { type: 'boolean', default: false },
  },
});
const known = [...PARTS, ...NAMED_PARTS];
const wrong = positionals.find((name) => !known.includes(name));
if (wrong !== undefined) {
  console.error(`bench: there is no part ${wrong}; there are ${known.join(', ')}`);
  process.exit(2);
}
if (values['install-peers']) installPeers();

const number = (text, usual, quick) => (text === undefined ? (values.quick ? quick : usual) : Number(text));
const options = {
  versions: values.versions.split(',').map(Number),
  rate: number(values.rate, 60_000, 5000),
  seconds: number(values.seconds, 60, 3),
  flows: number(values.flows, 3_000_000, 100_000),
  packets: number(undefined, 5_000_000, 300_000),
  dayFlows: number(values.flows, 30_000_000, 3_000_000),
  folder: values.folder,
  dropCache: values['drop-cache'],
  runs: number(values.runs, 5, 2),
  pin: values.pin,
};

const peers = findPeers();
const machine = {
  processors: cpus().length,
  model: cpus()[0]?.model.trim(),
  memory: totalmem(),
  kernel: release(),
  node: process.version,
  rmemMax: Number(readOrEmpty('/proc/sys/net/core/rmem_max')) || undefined,
};
console.log(
  `${machine.processors} × ${machine.model}, Linux ${machine.kernel}, Node ${machine.node}, rmem_max ${machine.rmemMax ?? 'unknown'}`,
);
for (const [name, peer] of Object.entries(peers))
  console.log(`  ${name}: ${peer?.version ?? 'not installed (--install-peers)'}`);

const comparisons = [];
let failed = false;
for (const part of positionals.length > 0 ? positionals : PARTS) {
  console.log(`\n== ${part}`);
  try {
    const { bench } = await import(`./${part}.mjs`);
    const result = await bench(options, peers);
    comparisons.push(...result.comparisons);
    const versions = Object.fromEntries(Object.entries(peers).map(([name, peer]) => [name, peer?.version]));
    mkdirSync(join(root, 'bench/results'), { recursive: true });
    writeFileSync(
      join(root, `bench/results/${part}.json`),
      `${JSON.stringify({ part, date: new Date().toISOString(), machine, peers: versions, options, ...result }, null, 2)}\n`,
    );
  } catch (error) {
    failed = true;
    console.error(`${part} failed: ${error.message}`);
  }
}

if (comparisons.length > 0) console.log(`\n${comparisonTable(comparisons)}`);
if (failed) process.exitCode = 1;

function readOrEmpty(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
