// Runs a program and measures what it cost: processor time of all its threads, largest resident memory, wall time.
//
// With GNU time at hand the figures are the kernel's own at the program's end (wait4). Without it they are the last ones read from /proc
// while it ran, at most SAMPLE_MS before the end. A measured program is stopped by SIGTERM, so that what it does to finish (writing out
// what it still holds) is in its bill.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SAMPLE_MS = 50;
const GNU_TIME = ['/usr/bin/time', '/usr/local/bin/gtime', '/opt/homebrew/bin/gtime'].find(
  (path) => spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout?.includes('GNU') ?? false,
);
const TICKS_PER_SECOND = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout ?? 100) || 100;

const alive = new Set();
process.on('exit', () => {
  for (const group of alive) kill(-group, 'SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));

/**
 * Starts a program to be measured. Returns `{ pid, waitFor(pattern, ms), stop(ms), finished, text() }`; `stop` and `finished` give
 * `{ code, text, wall, user, system, cpu, rssMax, rssOwn, rss }`: seconds, bytes (`rssMax` of
 * the program or the largest of its children, `rssOwn` of itself), and `rss` the samples `[second, bytes]` taken on the way.
 */
export function startMeasured(command, args, { cpus, cwd } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-time-'));
  const record = join(folder, 'time');
  let line = [command, ...args];
  if (cpus !== undefined) line = ['taskset', '-c', cpus, ...line];
  if (GNU_TIME !== undefined) line = [GNU_TIME, '-f', '%e %U %S %M', '-o', record, ...line];
  const started = performance.now();
  const child = spawn(line[0], line.slice(1), { cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let text = '';
  let ended = false;
  const watchers = new Set();
  const changed = () => watchers.forEach((look) => look());
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      changed();
    });
  }
  if (child.pid !== undefined) alive.add(child.pid);

  // GNU time waits for the program as its only child; taskset becomes the program.
  const programPid = () => (GNU_TIME === undefined ? child.pid : childOf(child.pid));
  const samples = [];
  let last;
  const sampler = setInterval(() => {
    const now = readProcess(programPid());
    if (now === undefined) return;
    last = now;
    const second = (performance.now() - started) / 1000;
    if (samples.length === 0 || second - samples.at(-1)[0] >= 0.5) samples.push([second, now.rss]);
  }, SAMPLE_MS);

  const finished = new Promise((resolve, reject) => {
    child.on('error', (error) => {
      clearInterval(sampler);
      rmSync(folder, { recursive: true, force: true });
      reject(error);
    });
    child.on('close', (code, signal) => {
      ended = true;
      clearInterval(sampler);
      changed();
      const wall = (performance.now() - started) / 1000;
      const cost = readTime(record) ?? {
        user: last?.user ?? NaN,
        system: last?.system ?? NaN,
        rssMax: last?.rssMax ?? NaN,
      };
      rmSync(folder, { recursive: true, force: true });
      kill(-Number(child.pid), 'SIGKILL');
      alive.delete(child.pid);
      // The kernel's figure is also that of the largest child; this is the program's own, at most SAMPLE_MS before the end.
      const rssOwn = last?.rssMax ?? cost.rssMax;
      resolve({ code: code ?? signal, text, wall, ...cost, rssOwn, cpu: cost.user + cost.system, rss: samples });
    });
  });
  // Who waits for `finished` later hears of a failure to start then; until then it is not "unhandled".
  finished.catch(() => {});

  return {
    pid: programPid,
    text: () => text,
    finished,
    waitFor: (pattern, ms = 30_000) =>
      new Promise((resolve, reject) => {
        const settle = (act) => {
          clearTimeout(timer);
          watchers.delete(look);
          act();
        };
        const look = () => {
          if (pattern.test(text)) settle(resolve);
          else if (ended) settle(() => reject(new Error(`${command} ended before it was ready:\n${text}`)));
        };
        const timer = setTimeout(
          () => settle(() => reject(new Error(`${command} was not ready in time:\n${text}`))),
          ms,
        );
        watchers.add(look);
        finished.catch((error) => settle(() => reject(error)));
        look();
      }),
    stop: async (ms = 120_000) => {
      if (!ended) kill(programPid() ?? child.pid, 'SIGTERM');
      const timer = setTimeout(() => kill(-Number(child.pid), 'SIGKILL'), ms);
      const result = await finished;
      clearTimeout(timer);
      return result;
    },
    kill: () => kill(-Number(child.pid), 'SIGKILL'),
  };
}

/** Runs a program to its end; rejects when it fails. The result of `startMeasured().finished`. */
export async function runMeasured(command, args, options) {
  const result = await startMeasured(command, args, options).finished;
  if (result.code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${result.code}:\n${result.text}`);
  return result;
}

/** Wall time in seconds of one cold run with its output read to the end; throws when it fails. */
export function timeOnce(command, args) {
  const started = performance.now();
  const result = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'pipe'] });
  const seconds = (performance.now() - started) / 1000;
  if (result.status !== 0) {
    const how = result.error?.message ?? result.status ?? result.signal;
    throw new Error(`${command} ${args.join(' ')}: ${how}\n${result.stderr}`);
  }
  return { seconds, stdout: result.stdout };
}

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function kill(pid, signal) {
  if (pid === undefined || Number.isNaN(pid)) return;
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended already.
  }
}

function childOf(pid) {
  const path = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(path)) return undefined;
  const first = readOrEmpty(path).trim().split(' ')[0];
  return first === '' ? undefined : Number(first);
}

/** Processor time and memory of a process with all its threads, living and ended, from /proc; undefined where there is none. */
function readProcess(pid) {
  if (pid === undefined) return undefined;
  const stat = readOrEmpty(`/proc/${pid}/stat`);
  const status = readOrEmpty(`/proc/${pid}/status`);
  if (stat === '' || !status.includes('VmHWM')) return undefined;
  // The name in brackets may hold spaces; the fields after it are counted from 3 (proc(5)), so utime, 14, is number 11 here.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const kilobytes = (key) => Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? NaN) * 1024;
  return {
    user: Number(fields[11]) / TICKS_PER_SECOND,
    system: Number(fields[12]) / TICKS_PER_SECOND,
    rss: kilobytes('VmRSS'),
    rssMax: kilobytes('VmHWM'),
  };
}

function readTime(path) {
  // A program that ended badly has a sentence about that before the figures.
  const figures = readOrEmpty(path).trim().split('\n').at(-1)?.split(' ').map(Number);
  if (figures?.length !== 4 || figures.some(Number.isNaN)) return undefined;
  return { user: figures[1], system: figures[2], rssMax: figures[3] * 1024 };
}

function readOrEmpty(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
