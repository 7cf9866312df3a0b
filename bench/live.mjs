// Looking on while 100,000 flows a second are collected: what it costs the collector, whether anything is lost, and how late answers are.
import { setTimeout as sleep } from 'node:timers/promises';
import { LiveClient, parseAnswer } from '../dist/live/client.js';
import { collect, collectors } from './collect.mjs';
import { compare, count, show, table } from './lib/table.mjs';

const VERSION = 9;
/** Of v9, as `weir generate` sends it. */
const FLOWS_PER_DATAGRAM = 15;
const FLOWS_PER_SECOND = 100_000;
const SECONDS = 20;

const FIVE_TUPLE = ['src_addr', 'src_port', 'dst_addr', 'dst_port', 'proto'];
const TOP = { op: 'top', by: ['src_addr'], interval: 500 };
/** Who looks on. */
const CASES = [
  { name: 'nobody', requests: [] },
  { name: 'tail', requests: [{ op: 'tail' }] },
  { name: 'top', requests: [TOP] },
  { name: 'top by 5-tuple', requests: [{ ...TOP, by: FIVE_TUPLE }] },
  {
    name: 'two tails, three tops, one asleep',
    requests: [
      { op: 'tail' },
      { op: 'tail', filter: 'proto udp and port 53' },
      TOP,
      { ...TOP, by: FIVE_TUPLE },
      { ...TOP, by: ['dst_addr/24', 'service_port'] },
      { op: 'tail', asleep: true },
    ],
  },
];

export async function bench(options) {
  const seconds = Math.min(options.seconds, SECONDS);
  const rate = Math.min(options.rate, Math.round(FLOWS_PER_SECOND / FLOWS_PER_DATAGRAM));
  const results = [];
  for (const { name, requests } of CASES) {
    let folder;
    const [weir] = collectors({});
    const collector = {
      ...weir,
      command: (port, data) => {
        folder = data;
        return weir.command(port, data);
      },
    };
    const running = collect(collector, { version: VERSION, rate, seconds }, options);
    const seen = await Promise.all(requests.map((request) => watch(() => folder, request)));
    results.push({ name, ...(await running), ...summed(seen) });
  }
  console.log(
    table([
      [
        'looking on',
        'flows/s',
        'flows sent',
        'lost',
        'CPU-s/M',
        'flows told',
        'left out',
        'not looked at',
        'latest answer ms',
      ],
      ...results.map((r) => [
        r.name,
        count(Math.round(r.flowsSent / (r.datagramsSent / r.datagramsPerSecond))),
        count(r.flowsSent),
        count(r.flowsSent - r.flowsStored),
        show(r.cpuPerMillion),
        count(r.told),
        count(r.leftOut),
        count(r.unseen),
        r.latest === undefined ? '–' : count(Math.round(r.latest)),
      ]),
    ]),
  );
  const [nobody, ...others] = results;
  return {
    results,
    comparisons: others.map((one) =>
      compare(
        `collect while others look on: ${one.name}`,
        'CPU-s/M flows',
        one.cpuPerMillion,
        'nobody',
        nobody.cpuPerMillion,
        'nothing lost',
        () => one.loss <= 0,
      ),
    ),
  };
}

/** Asks, and counts what comes until the collector ends. One that is asleep reads nothing until then. */
async function watch(folderOf, { asleep = false, ...request }) {
  const client = await opened(folderOf);
  client.ask(request);
  const seen = { told: 0, leftOut: 0, unseen: 0, latest: undefined };
  if (asleep) await sleep(5000);
  for await (const lines of client.lines()) {
    for (const line of lines) {
      const answer = parseAnswer(line);
      if (answer.type === 'flow') seen.told++;
      if (answer.type === 'sampled') seen.leftOut += answer.matched - answer.sent;
      if (answer.type === 'dropped') seen.leftOut += answer.dropped;
      seen.unseen += answer.unseen ?? 0;
      if (answer.type === 'top') seen.latest = Math.max(seen.latest ?? 0, Date.now() - answer.at);
    }
  }
  return seen;
}

async function opened(folderOf) {
  for (let attempt = 0; attempt < 300; attempt++) {
    try {
      if (folderOf() !== undefined) return await LiveClient.open(folderOf());
    } catch {
      // Not yet.
    }
    await sleep(50);
  }
  throw new Error('the collector cannot be looked at');
}

function summed(seen) {
  const sum = (name) => seen.reduce((total, one) => total + one[name], 0);
  const latest = seen.map((one) => one.latest).filter((one) => one !== undefined);
  return {
    told: sum('told'),
    leftOut: sum('leftOut'),
    unseen: sum('unseen'),
    latest: latest.length === 0 ? undefined : Math.max(...latest),
  };
}
