// Collecting end to end: datagrams arrive on a UDP socket at a steady pace, flows lie in files at the end. Per collector and version:
// loss, processor time per million flows stored (start and end of the program included), memory, bytes per flow.
import { closeSync, mkdtempSync, openSync, readdirSync, readSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { weirCommand } from './lib/peers.mjs';
import { startMeasured, timeOnce } from './lib/process.mjs';
import { compare, count, show, table } from './lib/table.mjs';
import { drained, freePort, send } from './lib/udp.mjs';

/** goflow2 loses datagrams above some 15,000 a second on two cores; at this rate it is compared by its cost per flow. */
const GOFLOW2_RATE = 10_000;
const GOFLOW2_SECONDS = 10;

/** How each collector is started, when it is ready, and how its flows are counted. */
export function collectors(peers) {
  const all = [
    {
      name: 'weir',
      ready: /"msg":"collecting"/,
      command: (port, folder) =>
        // Merging, once a slot has ended, is measured by the store part; here no slot ends.
        weirCommand(['collect', '--listen', `udp://127.0.0.1:${port}`, '--data', folder, '--rotate', '1h']),
      flows: weirFlows,
    },
  ];
  if (peers.nfcapd !== undefined && peers.nfdump !== undefined) {
    all.push({
      name: 'nfcapd',
      ready: /Startup/,
      // -y: LZ4. The buffer is the one that weir asks for; one file, as long as the run does not cross the full hour.
      command: (port, folder) => [
        peers.nfcapd.path,
        ['-y', '-p', String(port), '-b', '127.0.0.1', '-w', folder, '-B', '60000000', '-t', '3600'],
      ],
      flows: (folder) =>
        Number(/^Flows: (\d+)/m.exec(timeOnce(peers.nfdump.path, ['-R', folder, '-I']).stdout)?.[1] ?? 0),
    });
  }
  if (peers.goflow2 !== undefined) {
    all.push({
      name: 'goflow2',
      ready: /starting collection/,
      rate: GOFLOW2_RATE,
      seconds: GOFLOW2_SECONDS,
      command: (port, folder) => [
        peers.goflow2.path,
        ['-listen', `netflow://127.0.0.1:${port}`, '-format', 'bin', '-transport', 'file']
          // Each message has its length before it, so it needs no separator; no HTTP server.
          .concat(['-transport.file', join(folder, 'flows.bin'), '-transport.file.sep', '', '-addr', '']),
      ],
      flows: (folder) => countDelimited(join(folder, 'flows.bin')),
    });
  }
  return all;
}

/** Starts a collector on a new folder, has `sending` sent to it, stops it, and gives what came of it. `keep` leaves the folder there. */
export async function collect(collector, sending, { pin = false, keep = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), `weir-bench-${collector.name}-`));
  const port = await freePort();
  const running = startMeasured(...collector.command(port, folder), { cpus: pin ? '0' : undefined });
  try {
    await running.waitFor(collector.ready);
    const sent = await send(port, { ...sending, cpus: pin ? '1' : undefined });
    const socket = await drained(port);
    const cost = await running.stop();
    if (cost.code !== 0) throw new Error(`${collector.name} ended with ${cost.code}:\n${cost.text.slice(-2000)}`);
    const flows = collector.flows(folder);
    const bytes = sizeOf(folder);
    return {
      collector: collector.name,
      version: sending.version,
      rate: sending.rate,
      datagramsSent: sent.datagrams,
      flowsSent: sent.flows,
      datagramsPerSecond: sent.datagrams / sent.seconds,
      datagramsDroppedByKernel: socket?.drops,
      flowsStored: flows,
      loss: 1 - flows / sent.flows,
      user: cost.user,
      system: cost.system,
      cpuPerMillion: cost.cpu / (flows / 1e6),
      rssMax: cost.rssOwn,
      // Flat memory: the mean of the last quarter of the run beside that of the second quarter.
      rssGrowth: growth(cost.rss.map(([, rss]) => rss)),
      bytes,
      bytesPerFlow: bytes / flows,
      folder: keep ? folder : undefined,
    };
  } finally {
    running.kill();
    if (!keep) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

export async function bench(options, peers) {
  const results = [];
  for (const version of options.versions) {
    for (const collector of collectors(peers)) {
      const rate = Math.min(options.rate, collector.rate ?? Infinity);
      const seconds = Math.min(options.seconds, collector.seconds ?? Infinity);
      try {
        results.push(await collect(collector, { version, rate, seconds }, options));
      } catch (error) {
        // A peer that fails leaves the others to compare with; without weir there is nothing to compare.
        if (collector.name === 'weir') throw error;
        console.error(`${collector.name}, v${version}: ${error.message}`);
      }
    }
  }
  console.log(
    table([
      [
        'collector',
        'version',
        'datagrams/s',
        'flows sent',
        'flows stored',
        'loss %',
        'dropped',
        'CPU-s/M',
        'RSS MB',
        'grown',
        'B/flow',
      ],
      ...results.map((r) => [
        r.collector,
        `v${r.version}`,
        show(r.datagramsPerSecond),
        count(r.flowsSent),
        count(r.flowsStored),
        show(r.loss === undefined ? undefined : r.loss * 100),
        count(r.datagramsDroppedByKernel),
        show(r.cpuPerMillion),
        show(r.rssMax / 1e6),
        show(r.rssGrowth, '×'),
        show(r.bytesPerFlow),
      ]),
    ]),
  );
  return { results, comparisons: options.versions.flatMap((version) => comparisonsOf(version, results)) };
}

function comparisonsOf(version, results) {
  const of = (name) => results.find((result) => result.version === version && result.collector === name);
  const [weir, nfcapd, goflow2] = [of('weir'), of('nfcapd'), of('goflow2')];
  const what = (text) => `v${version} collect: ${text}`;
  return [
    compare(
      what('flows lost'),
      '%',
      weir.loss === undefined ? undefined : weir.loss * 100,
      undefined,
      undefined,
      'none',
      (x) => x === 0,
    ),
    compare(
      what('processor'),
      'CPU-s/M flows',
      weir.cpuPerMillion,
      'nfcapd',
      nfcapd?.cpuPerMillion,
      '≤ 2.5× (aim 1.5×)',
      (_, r) => r <= 2.5,
    ),
    compare(
      what('processor'),
      'CPU-s/M flows',
      weir.cpuPerMillion,
      'goflow2',
      goflow2?.cpuPerMillion,
      '≤ 0.25×',
      (_, r) => r <= 0.25,
    ),
    compare(what('memory'), 'MB', weir.rssMax / 1e6, undefined, undefined, '< 400, flat', (x) => x < 400),
    compare(what('stored'), 'B/flow', weir.bytesPerFlow, undefined, undefined, '≤ 25 fresh', (x) => x <= 25),
    compare(what('stored'), 'B/flow', weir.bytesPerFlow, 'nfcapd', nfcapd?.bytesPerFlow),
  ];
}

export function weirFlows(folder) {
  const { stdout } = timeOnce(
    ...weirCommand(['query', '--data', folder, '--by', 'exporter', '--top', '1000000', '--format', 'ndjson']),
  );
  const rows = stdout.split('\n').filter((line) => line !== '');
  return rows.reduce((sum, row) => sum + Number(JSON.parse(row).flows), 0);
}

/** Messages in a file of protobuf messages, each with its length (varint) before it. Read in pieces: the file may be large. */
function countDelimited(path) {
  const file = openSync(path, 'r');
  const piece = Buffer.alloc(1 << 20);
  let messages = 0;
  let skip = 0;
  let length = 0;
  let shift = 0;
  for (let read = readSync(file, piece); read > 0; read = readSync(file, piece)) {
    for (let at = 0; at < read; ) {
      if (skip > 0) {
        const step = Math.min(skip, read - at);
        at += step;
        skip -= step;
        continue;
      }
      const byte = piece[at++];
      length += (byte & 0x7f) * 2 ** shift;
      shift += 7;
      if (byte >= 0x80) continue;
      messages++;
      skip = length;
      length = 0;
      shift = 0;
    }
  }
  closeSync(file);
  return messages;
}

function sizeOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

function growth(samples) {
  const quarter = Math.floor(samples.length / 4);
  if (quarter === 0) return undefined;
  const mean = (part) => part.reduce((sum, x) => sum + x, 0) / part.length;
  return mean(samples.slice(3 * quarter)) / mean(samples.slice(quarter, 2 * quarter));
}
