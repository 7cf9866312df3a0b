// Packets over a virtual cable into a probe: the highest rate at which it loses none, for softflowd and weir, and what they cost at the same rate.
//
// Loss is what the kernel dropped for want of a reader, as each program tells it. Of weir it is also checked that each packet that was sent is in its sums;
// softflowd leaves a last part of a block unread, which is not counted against it. Sender and probe share the machine, so the figures are those of both.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from './lib/peers.mjs';
import { startMeasured } from './lib/process.mjs';
import { compare, count, show, table } from './lib/table.mjs';

const [PACKETS, FLOWS] = [200_000, 10_000];
const [LOWEST, HIGHEST] = [12_500, 1_600_000];
/** The rate is known to this part of it. */
const PRECISION = 0.1;
/** A sender that does not reach this part of the rate is the limit itself. */
const REACHED = 0.93;
const TRIES = 3;
const BUFFER = 32 << 20;

const PROBES = [
  {
    name: 'softflowd',
    command: (control) => ['softflowd', '-d', '-i', 'wire', '-m', '100000', '-c', control, '-p', `${control}.pid`],
  },
  {
    name: 'softflowd, buffer of 32 MiB',
    command: (control) => [...PROBES[0].command(control), '-B', `${BUFFER}`],
  },
  {
    name: 'weir',
    isWeir: true,
    command: (control) => [process.execPath, join(root, 'bin/weir.js'), 'probe', '-q', '-i', 'wire', '-c', control],
  },
];

export async function bench(options) {
  if (process.getuid?.() !== 0) throw new Error('it makes network namespaces: only root may');
  const seconds = Math.min(options.seconds, 5);
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-live-'));
  const net = `weir-bench-${process.pid}`;
  try {
    const capture = join(folder, 'packets.pcap');
    writeFileSync(capture, packets());
    plug(net);
    const on = { net, folder, capture, seconds };
    const results = [];
    for (const probe of PROBES) results.push({ name: probe.name, ...(await highest(probe, on)) });
    const rate = Math.max(LOWEST, ...results.filter((_, n) => PROBES[n].isWeir !== true).map((one) => one.rate));
    for (const [n, probe] of PROBES.entries()) results[n].same = await reached(probe, rate, on);
    console.log(
      table([
        [
          'probe',
          'packets/s without loss',
          'limit',
          'at the same rate',
          'lost',
          'CPU-s per M packets',
          'largest RSS MB',
        ],
        ...results.map(({ name, rate: found, limit, same }) => [
          name,
          count(Math.round(found)),
          limit,
          count(Math.round(same.sentRate)),
          count(same.lost),
          show(same.cpuPerMillion),
          show(same.rss / 1e6),
        ]),
      ]),
    );
    const [, softflowd, weir] = results;
    // Where the sender was too slow, nothing is known.
    const isReached = weir.same.sentRate >= rate * REACHED;
    return {
      results,
      comparisons: [
        compare(
          'live probe, lost at the highest rate at which softflowd loses none',
          'packets',
          isReached ? weir.same.lost : undefined,
          undefined,
          undefined,
          'none',
          (lost) => lost === 0,
        ),
        compare('live probe', 'CPU-s/M packets', weir.same.cpuPerMillion, 'softflowd', softflowd.same.cpuPerMillion),
      ],
    };
  } finally {
    for (const end of ['near', 'far']) spawnSync('ip', ['netns', 'del', `${net}-${end}`]);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The highest rate without loss, between halves and doubles; `limit` says whether more is too much for the probe, or for the sender. */
async function highest(probe, on) {
  let [good, bad] = [0, undefined];
  for (let rate = LOWEST * 4; bad === undefined || (bad - good) / bad > PRECISION; ) {
    const { lost, sentRate } = await reached(probe, rate, on);
    console.log(`  ${probe.name}: ${count(Math.round(sentRate))} packets/s, ${count(lost)} lost`);
    if (lost === 0) good = Math.max(good, sentRate);
    else bad = Math.min(bad ?? Infinity, rate);
    if (lost === 0 && (sentRate < rate * REACHED || rate >= HIGHEST)) return { rate: good, limit: 'sender' };
    if (rate <= LOWEST && lost > 0) break;
    rate = bad === undefined ? rate * 2 : Math.max(LOWEST, good === 0 ? rate / 2 : (good + bad) / 2);
  }
  return { rate: good, limit: 'probe' };
}

/** A run at this rate; again when the sender did not reach it, which others on the machine may have kept it from. */
async function reached(probe, rate, on) {
  let best;
  for (let tries = 0; tries < TRIES; tries++) {
    const result = await run(probe, rate, on);
    if (best === undefined || result.sentRate > best.sentRate) best = result;
    if (best.sentRate >= rate * REACHED) break;
  }
  return best;
}

/** Sends packets for some seconds. What the probe lost of them, and what it cost. */
async function run(probe, rate, { net, folder, capture, seconds }) {
  const control = join(folder, 'ctl');
  const loops = Math.max(1, Math.round((rate * seconds) / PACKETS));
  const running = startMeasured('ip', ['netns', 'exec', `${net}-far`, ...probe.command(control)]);
  try {
    await until(() => ask(probe, control) !== undefined && captures(net));
    const before = cpuOf(`${net}-far`);
    const speed = ['--pps', `${Math.round(rate)}`, '--loop', `${loops}`];
    const inside = ['netns', 'exec', `${net}-near`];
    const sending = startMeasured('ip', [...inside, 'tcpreplay', '-q', '-K', ...speed, '-i', 'wire', capture]);
    const { code, text } = await sending.finished;
    if (code !== 0) throw new Error(`tcpreplay ended with ${code}: ${text}`);
    const sentRate = Number(/, (\d+\.\d+) pps/.exec(text)?.[1]);
    const sent = loops * PACKETS;
    // What waits in the kernel comes within a second, and what was lost is asked for every five.
    let now = ask(probe, control);
    for (let tries = 0; tries < 14 && !(now.seen + now.lost >= sent && tries > 11); tries++) {
      await sleep(500);
      now = ask(probe, control);
    }
    const cost = cpuOf(`${net}-far`);
    const lost = probe.isWeir === true ? Math.max(now.lost, sent - now.seen) : now.lost;
    return { sent, sentRate, lost, cpuPerMillion: ((cost.cpu - before.cpu) * 1e6) / sent, rss: cost.rss };
  } finally {
    await running.stop(10_000);
  }
}

/** Packets that a probe has metered, and those that it lost; undefined when it does not answer yet. */
function ask(probe, control) {
  const { status, stdout } = spawnSync('softflowctl', ['-c', control, 'statistics'], { encoding: 'utf8' });
  if (status !== 0 || !stdout.includes('Packets processed')) return undefined;
  const figure = (label) => Number(new RegExp(`${label}: (\\d+)`).exec(stdout)?.[1] ?? 0);
  return { seen: figure('Packets processed'), lost: figure('Packets dropped by libpcap') };
}

/** Whether somebody has opened a packet socket (proc_net_packet: a heading, then a line for each). */
function captures(net) {
  const { stdout } = spawnSync('ip', ['netns', 'exec', `${net}-far`, 'cat', '/proc/net/packet'], { encoding: 'utf8' });
  return stdout.trim().split('\n').length > 1;
}

/** Processor seconds, and memory, of all that runs in a namespace: a probe with its capturing program. */
function cpuOf(name) {
  const { stdout } = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8' });
  let [ticks, rss] = [0, 0];
  for (const pid of stdout.split('\n').filter(Boolean)) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      ticks += Number(fields[11]) + Number(fields[12]);
      rss += Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
    } catch {
      // It has ended.
    }
  }
  return { cpu: ticks / 100, rss };
}

async function until(isSo) {
  for (let tries = 0; tries < 200; tries++) {
    if (isSo()) return;
    await sleep(50);
  }
  throw new Error('the probe does not capture');
}

function plug(net) {
  const ip = (...args) => {
    const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
  };
  const [near, far] = [`${net}-near`, `${net}-far`];
  for (const name of [near, far]) {
    ip('netns', 'add', name);
    // Only what the benchmark sends.
    ip('netns', 'exec', name, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6');
  }
  ip('-n', near, 'link', 'add', 'name', 'wire', 'type', 'veth', 'peer', 'name', 'wire', 'netns', far);
  for (const name of [near, far]) ip('-n', name, 'link', 'set', 'wire', 'up');
}

/** A capture: TCP and UDP over IPv4, a third of the packets large. */
function packets() {
  const view = new DataView(new ArrayBuffer(24 + PACKETS * (16 + 1514)));
  view.setUint32(0, 0xa1b2c3d4);
  view.setUint16(4, 2);
  view.setUint16(6, 4);
  view.setUint32(16, 65_535);
  view.setUint32(20, 1);
  let at = 24;
  for (let n = 0; n < PACKETS; n++) {
    // A flow's packets lie apart, and its number tells the rest.
    const flow = (n * 7919) % FLOWS;
    const isTcp = flow % 3 !== 0;
    const length = isTcp ? [60, 60, 590, 1514][n % 4] : 60 + ((flow * 31) % 200);
    view.setUint32(at + 8, length);
    view.setUint32(at + 12, length);
    const frame = at + 16;
    view.setUint32(frame, 0x02000000);
    view.setUint32(frame + 6, 0x02000000);
    view.setUint16(frame + 12, 0x0800);
    view.setUint16(frame + 14, 0x4500);
    view.setUint16(frame + 16, length - 14);
    view.setUint8(frame + 22, 64);
    view.setUint8(frame + 23, isTcp ? 6 : 17);
    view.setUint32(frame + 26, 0x0a000000 + flow);
    view.setUint32(frame + 30, 0x0a010000 + ((flow * 13) % 3000));
    view.setUint16(frame + 34, 1024 + flow);
    view.setUint16(frame + 36, isTcp ? 443 : 53);
    if (isTcp) view.setUint16(frame + 46, 0x5010);
    else view.setUint16(frame + 38, length - 34);
    at = frame + length;
  }
  return new Uint8Array(view.buffer, 0, at);
}
