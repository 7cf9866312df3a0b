// Asking while collecting: ten heavy questions about a day, one after the other, while a collector of the same folder takes v5 datagrams at a steady pace and
// merges the slots that end. Nothing may be lost; the same run without questions is beside it.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lines } from './lib/answers.mjs';
import { prepareDay } from './lib/day.mjs';
import { weirCommand } from './lib/peers.mjs';
import { median, runMeasured, startMeasured } from './lib/process.mjs';
import { compare, count, show, table } from './lib/table.mjs';
import { drained, freePort, send } from './lib/udp.mjs';

const MOST_RATE = 40_000;
const FIVE = 'src_addr,dst_addr,proto,src_port,dst_port';
const HEAVY = [
  ['--by', FIVE, '--top', '10'],
  ['--by', 'src_addr,dst_addr', '--top', '10'],
  ['--by', 'src_addr', '--distinct', 'dst_addr', '--top', '10'],
  ['--by', 'src_addr/24,dst_port', '--top', '10'],
  ['--stat', 'src_addr,dst_addr,dst_port', '--top', '10'],
];
const QUESTIONS = 10;

export async function bench(options, peers) {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'weir-bench-day-'));
  try {
    const day = await prepareDay(folder, options.dayFlows, peers);
    const rate = Math.min(options.rate, MOST_RATE);
    const results = [];
    for (const asks of [false, true]) results.push(await run(day, { rate, seconds: options.seconds, asks }));
    print(results);
    return { results, comparisons: comparisonsOf(results) };
  } finally {
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function run(day, { rate, seconds, asks }) {
  const data = mkdtempSync(join(tmpdir(), 'weir-bench-load-'));
  try {
    cpSync(day.weir.folder, data, { recursive: true });
    const port = await freePort();
    const listen = ['--listen', `udp://127.0.0.1:${port}`];
    // Slots that end within the run.
    const rotate = ['--rotate', '10s'];
    const collector = startMeasured(...weirCommand(['collect', ...listen, '--data', data, ...rotate]));
    try {
      await collector.waitFor(/"msg":"collecting"/);
      const asking = asks ? askAll(data) : Promise.resolve([]);
      const sent = await send(port, { version: 5, rate, seconds });
      const socket = await drained(port);
      const questions = await asking;
      const cost = await collector.stop();
      const stopped = lines(cost.text)
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line))
        .find(({ msg }) => msg.startsWith('stopped'));
      return {
        asks,
        sent: sent.flows,
        stored: stopped?.stored,
        lost: sent.flows - (stopped?.stored ?? 0),
        droppedByKernel: socket?.drops,
        datagramsPerSecond: sent.datagrams / sent.seconds,
        collectorCpu: cost.cpu,
        collectorRss: cost.rssOwn,
        mergerRss: cost.rssMax,
        questions,
      };
    } finally {
      collector.kill();
    }
  } finally {
    rmSync(data, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function askAll(data) {
  const seconds = [];
  for (let i = 0; i < QUESTIONS; i++) {
    const { wall } = await runMeasured(...weirCommand(['query', '--data', data, ...HEAVY[i % HEAVY.length]]));
    seconds.push(wall);
  }
  return seconds;
}

function print(results) {
  console.log(
    table([
      [
        'questions',
        'datagrams/s',
        'flows sent',
        'stored',
        'lost',
        'dropped',
        'CPU-s',
        'RSS MB',
        'with merger',
        'a question s',
        'all s',
      ],
      ...results.map((r) => [
        r.asks ? String(QUESTIONS) : 'none',
        show(r.datagramsPerSecond),
        count(r.sent),
        count(r.stored),
        count(r.lost),
        count(r.droppedByKernel),
        show(r.collectorCpu),
        show(r.collectorRss / 1e6),
        show(r.mergerRss / 1e6),
        r.asks ? show(median(r.questions)) : '',
        r.asks ? show(r.questions.reduce((sum, x) => sum + x, 0)) : '',
      ]),
    ]),
  );
}

function comparisonsOf(results) {
  const asked = results.find(({ asks }) => asks);
  const memory = Math.max(...results.map(({ collectorRss }) => collectorRss)) / 1e6;
  return [
    compare('load: flows lost while asked', 'flows', asked.lost, undefined, undefined, 'none', (x) => x === 0),
    compare('load: memory of the collector', 'MB', memory, undefined, undefined, '< 400', (x) => x < 400),
  ];
}
