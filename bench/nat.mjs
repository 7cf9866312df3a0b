// The exporter of NAT: lines to connections on one core, events of a stand-in for conntrack(8) at steady rates and as fast as they are read, with 500,000 open connections
// beside; and the kernel's own events, as many as this machine makes between network namespaces (root).
import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Connection } from '../dist/nat/connection.js';
import { readConntrackLine } from '../dist/nat/conntrack-line.js';
import { compare, count, show, table } from './lib/table.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const GOAL_RATE = 30_000;
const GOAL_MEMORY = 150e6;
const OPEN = 500_000;
const CASES = [
  { name: 'steady', open: 0, rate: GOAL_RATE },
  { name: 'steady, twice the goal', open: 0, rate: 2 * GOAL_RATE },
  { name: 'steady, 500,000 open', open: OPEN, rate: GOAL_RATE },
  { name: 'as fast as read', open: 0, rate: 0 },
];

export async function bench(options) {
  const seconds = Math.min(options.seconds, 20);
  const parsed = parse();
  const results = [];
  for (const one of CASES) results.push({ ...one, ...(await standIn(one, seconds)) });
  const real = process.getuid() === 0 ? await kernel(seconds) : undefined;
  if (real !== undefined) results.push(real);
  else console.log('not run as root: no events of the kernel');
  console.log(`lines of conntrack to connections: ${show(parsed / 1e6)} M/s on one core`);
  console.log(
    table([
      ['events', 'events', 'per s', 'lost', 'records sent', 'not sent', 'CPU-s/M events', 'memory MB', 'at most MB'],
      ...results.map((r) => [
        r.name,
        count(r.events),
        count(Math.round(r.events / r.took)),
        count(r.lost),
        count(r.records),
        count(r.unsent),
        show((r.cpu / r.events) * 1e6),
        show(r.resident / 1e6),
        show(r.most / 1e6),
      ]),
    ]),
  );
  const large = results[2];
  const lossless = results.slice(0, 2).filter((one) => one.lost + one.unsent === 0);
  const fastest = Math.max(0, ...lossless.map((one) => one.events / one.took));
  return {
    parsed,
    results,
    comparisons: [
      compare(
        'NAT, connection events, none lost',
        'events/s',
        fastest,
        undefined,
        undefined,
        `≥ ${count(GOAL_RATE)}`,
        (x) => x >= GOAL_RATE,
      ),
      compare(
        'NAT, memory with 500,000 open connections',
        'MB',
        large.most / 1e6,
        undefined,
        undefined,
        '< 150',
        (x) => x < GOAL_MEMORY / 1e6,
      ),
    ],
  };
}

/** Lines a second, the best of three rounds. */
function parse() {
  const lines = Array.from({ length: 256 }, (_, i) =>
    Buffer.from(
      `[1795286504.062647]\t[DESTROY] tcp      6 src=10.1.0.${i} dst=203.0.113.2 sport=${20_000 + i} dport=443 packets=720 bytes=38052 src=203.0.113.2 dst=203.0.113.1 sport=443 dport=${20_000 + i} packets=1432 bytes=2027040 [ASSURED] delta-time=5 [start=Sat Nov 21 18:41:44 2026] [stop=Sat Nov 21 18:41:49 2026] id=${3_365_103_276 + i}`,
    ),
  );
  const connection = new Connection();
  const ROUND = 1_000_000;
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; round++) {
    const start = performance.now();
    for (let i = 0; i < ROUND; i++) {
      const line = lines[i & 255];
      if (!readConntrackLine(line, 0, line.length, connection)) throw new Error('a line is not understood');
    }
    best = Math.min(best, performance.now() - start);
  }
  return (ROUND / best) * 1000;
}

/** A socket that takes records and counts datagrams. */
async function sink() {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 8 << 20 });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { port: socket.address().port, close: () => socket.close() };
}

async function weir(options, env = {}) {
  const child = spawn(process.execPath, [here('nat-weir.mjs'), JSON.stringify(options)], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => JSON.parse((await said.next()).value ?? 'null');
  const running = await next();
  return {
    running,
    ask: () => {
      child.kill('SIGUSR1');
      return next();
    },
    stop: async () => {
      child.kill('SIGTERM');
      const told = await next();
      await once(child, 'exit').catch(() => {});
      return told;
    },
  };
}

function told({ counters, cpu, resident, most }) {
  const targets = counters.outputs.flatMap((one) => one.targets);
  const sum = (of) => targets.reduce((total, one) => total + of(one), 0);
  return {
    cpu,
    resident,
    most,
    records: sum((one) => one.records),
    unsent: sum((one) => one.dropped + one.lost + one.failed),
  };
}

async function standIn({ open, rate }, seconds) {
  const { port, close } = await sink();
  const exporter = await weir(
    { command: [process.execPath, here('nat-conntrack.mjs')], port },
    { WEIR_BENCH: JSON.stringify({ open, rate, seconds }) },
  );
  const started = performance.now();
  let begun = started;
  let last;
  let changed = started;
  // Until no line has come for a second.
  for (;;) {
    await sleep(250);
    const { conntrack } = await exporter.ask();
    if (conntrack.lines !== last) {
      if (last === undefined) begun = performance.now();
      last = conntrack.lines;
      changed = performance.now();
    } else if (performance.now() - changed > 1500 && performance.now() - started > 3000) break;
  }
  const end = await exporter.stop();
  close();
  const { connections } = end.counters;
  const events = connections.begun - open + connections.ended;
  // Everything that began has ended, and was seen to.
  const lost =
    connections.begun -
    open -
    connections.ended +
    connections.beginningsMissed +
    connections.endsMissed +
    (connections.open - open);
  return { events, took: (changed - begun) / 1000, lost, ...told(end) };
}

/** A router between two hosts, all of them namespaces: datagrams from and to ever other ports, whose connections end after a second. */
async function kernel(seconds) {
  const names = ['in', 'rt', 'out'].map((end) => `weir-bench-${process.pid}-${end}`);
  const [inside, router, outside] = names;
  const ip = (words) => execFileSync('ip', words.split(' '));
  const at = (name, words) => execFileSync('ip', ['netns', 'exec', name, ...words.split(' ')]);
  const { port, close } = await sink();
  try {
    for (const name of names) ip(`netns add ${name}`);
    ip(`-n ${router} link add ri type veth peer name i0 netns ${inside}`);
    ip(`-n ${router} link add ro type veth peer name o0 netns ${outside}`);
    for (const [name, link, address] of [
      [inside, 'i0', '10.1.0.2/24'],
      [router, 'ri', '10.1.0.1/24'],
      [router, 'ro', '203.0.113.1/24'],
      [outside, 'o0', '203.0.113.2/24'],
    ]) {
      ip(`-n ${name} addr add ${address} dev ${link}`);
      ip(`-n ${name} link set ${link} up`);
    }
    ip(`-n ${inside} route add default via 10.1.0.1`);
    at(
      router,
      'sysctl -qw net.ipv4.ip_forward=1 net.netfilter.nf_conntrack_acct=1 net.netfilter.nf_conntrack_timestamp=1 net.netfilter.nf_conntrack_udp_timeout=1',
    );
    at(router, 'iptables -t nat -A POSTROUTING -o ro -j MASQUERADE');
    // Nobody answers, and says so neither.
    at(outside, 'iptables -A INPUT -j DROP');
    const exporter = await weir({ command: ['ip', 'netns', 'exec', router, 'conntrack'], port });
    const sender = spawn('ip', ['netns', 'exec', inside, 'python3', '-c', SEND, String(seconds)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const begun = performance.now();
    await once(sender, 'exit');
    const took = (performance.now() - begun) / 1000;
    // The kernel clears away what has timed out when its table is read.
    let connections;
    for (let tries = 0; tries < 60; tries++) {
      await sleep(1000);
      at(router, 'conntrack -L -o id');
      ({ connections } = await exporter.ask());
      if (connections.open === 0) break;
    }
    const end = await exporter.stop();
    const { conntrack } = end.counters;
    const events = connections.begun + connections.ended;
    return { name: 'of the kernel', events, took, lost: conntrack.eventsLost, ...told(end) };
  } finally {
    close();
    for (const name of names)
      try {
        ip(`netns del ${name}`);
      } catch {
        // It was not made.
      }
  }
}

const SEND = `
import socket, sys, time
end = time.time() + float(sys.argv[1])
n = 0
start = time.time()
ones = []
for port in range(1024, 1424):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(('10.1.0.2', port))
    ones.append(one)
while time.time() < end:
    to = ('203.0.113.2', 1024 + (n // len(ones)) % 64000)
    for one in ones:
        one.sendto(b'x', to)
    n += len(ones)
    time.sleep(max(0, start + n / 15000 - time.time()))
print(n)
`;
