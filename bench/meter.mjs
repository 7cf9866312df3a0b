// A capture file to flows: weir, softflowd and nfpcapd on the same file, once with packets of a mid-size network, once with a flood of SYNs. Everything
// from the start of the program to its end counts.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFloodCapture, writeUsualCapture } from './lib/capture.mjs';
import { weirCommand } from './lib/peers.mjs';
import { median, runMeasured } from './lib/process.mjs';
import { compare, count, show, table } from './lib/table.mjs';

const GOAL = 5;
const GOAL_SOFTFLOWD = 3;
const GOAL_RSS = 500;
const GOAL_FLOOD = 3;

/** How each meter is started on a capture; `folder` is empty. */
function meters(peers) {
  const all = [
    {
      name: 'weir',
      command: (file) => weirCommand(['probe', '-r', file]),
      flows: (text) => /Flows expired: (\d+)/.exec(text)?.[1],
    },
    {
      name: 'weir, as IPFIX to a file',
      command: (file, folder) => weirCommand(['probe', '-r', file, '-n', `file:${join(folder, 'flows.ipfix')}`]),
      flows: (text) => /Flows expired: (\d+)/.exec(text)?.[1],
    },
  ];
  if (peers.softflowd !== undefined)
    all.push({
      name: 'softflowd',
      command: (file) => [peers.softflowd.path, ['-r', file]],
      flows: (text) => /Flows expired: (\d+)/.exec(text)?.[1],
    });
  if (peers.nfpcapd !== undefined)
    all.push({
      name: 'nfpcapd',
      command: (file, folder) => [peers.nfpcapd.path, ['-r', file, '-w', folder]],
      flows: () => undefined,
    });
  return all;
}

/** The middle of some runs by processor time. */
async function measure(meter, file, runs) {
  const results = [];
  for (let run = 0; run < runs; run++) {
    const folder = mkdtempSync(join(tmpdir(), 'weir-bench-meter-'));
    try {
      results.push(await runMeasured(...meter.command(file, folder)));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const cpu = median(results.map((result) => result.cpu));
  const nearest = results.toSorted((a, b) => Math.abs(a.cpu - cpu) - Math.abs(b.cpu - cpu))[0];
  const flows = meter.flows(nearest.text);
  return {
    cpu,
    wall: median(results.map((result) => result.wall)),
    rssMax: Math.max(...results.map((result) => result.rssMax)),
    flows: flows === undefined ? undefined : Number(flows),
  };
}

export async function bench(options, peers) {
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-captures-'));
  const runs = Math.min(options.runs, 3);
  const results = [];
  try {
    for (const [capture, packets, write] of [
      ['usual', options.packets, writeUsualCapture],
      ['SYN flood', options.packets * 2, writeFloodCapture],
    ]) {
      const file = join(folder, 'capture.pcap');
      write(file, packets);
      for (const meter of meters(peers)) {
        const result = await measure(meter, file, runs);
        results.push({ capture, meter: meter.name, packets, rate: packets / result.cpu / 1e6, ...result });
      }
      rmSync(file);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(
    table([
      ['capture', 'meter', 'packets', 'flows', 'CPU-s', 'wall s', 'M packets/CPU-s', 'RSS MB'],
      ...results.map((r) => [
        r.capture,
        r.meter,
        count(r.packets),
        count(r.flows),
        show(r.cpu),
        show(r.wall),
        show(r.rate),
        show(r.rssMax / 1e6),
      ]),
    ]),
  );
  const of = (capture, meter) => results.find((r) => r.capture === capture && r.meter === meter);
  const weir = of('usual', 'weir');
  const flood = of('SYN flood', 'weir');
  const beside = (name, goal) =>
    compare(
      'capture to flows',
      'M packets/CPU-s',
      weir.rate,
      name,
      of('usual', name)?.rate,
      `≥ ${goal}×`,
      (_, ratio) => ratio >= goal,
    );
  return {
    results,
    comparisons: [
      compare('capture to flows', 'M packets/CPU-s', weir.rate, undefined, undefined, `≥ ${GOAL}`, (x) => x >= GOAL),
      beside('softflowd', GOAL_SOFTFLOWD),
      beside('nfpcapd', 1),
      compare(
        'SYN flood, memory',
        'MB',
        flood.rssMax / 1e6,
        undefined,
        undefined,
        `< ${GOAL_RSS}`,
        (x) => x < GOAL_RSS,
      ),
      compare(
        'usual capture beside a flood',
        'times as fast',
        weir.rate / flood.rate,
        undefined,
        undefined,
        `≤ ${GOAL_FLOOD}`,
        (x) => x <= GOAL_FLOOD,
      ),
    ],
  };
}
