// The first of the two commands, as someone who has just cloned the repository types it: `npm start` collects, real flows are sent to it,
// `weir query` finds them, SIGTERM ends it with exit code 0. Part of `.ci/run`; `npm test` looks at everything else.
import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const weir = join(root, 'bin/weir.js');
const READY = '"msg":"collecting"';
const READY_MS = 120_000; // npm start builds first
const STORED_MS = 20_000;
const STOPPED_MS = 30_000;

const folder = mkdtempSync(join(tmpdir(), 'weir-smoke-'));
const data = join(folder, 'data');
let start;

const cleanUp = () => {
  killGroup(start);
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    cleanUp();
    process.exit(1);
  });
}

try {
  await smoke();
  console.log('smoke: ok');
} catch (error) {
  console.log(`smoke: failed: ${error.message}`);
  if (start !== undefined) console.log(`--- output of npm start\n${start.text}`);
  process.exitCode = 1;
} finally {
  cleanUp();
}

async function smoke() {
  const port = await freePort();
  const target = `127.0.0.1:${port}`;
  start = launch('npm', ['start', '--', '--data', data, '--listen', `udp://${target}`]);
  await until(READY_MS, 'npm start is not collecting', () => {
    if (start.code !== undefined) throw new Error(`npm start ended with ${start.code} before it was collecting`);
    return start.text.includes(READY);
  });

  let expected = 0;
  for (const version of [5, 9, 10]) {
    run(process.execPath, [weir, 'generate', `udp://${target}`, '--version', String(version), '--flows', '1000']);
    expected += 1000;
  }
  const generated = await stored(expected);
  console.log(`smoke: ${generated} generated flows stored`);

  const softflowd = ['/usr/sbin/softflowd', '/usr/local/sbin/softflowd', '/usr/bin/softflowd'].find(
    (path) => spawnSync(path, ['-h'], { stdio: 'ignore' }).error === undefined,
  );
  if (softflowd === undefined) {
    console.log('smoke: softflowd is not installed, so generated flows must do');
  } else {
    const capture = join(folder, 'traffic.pcap');
    writeFileSync(capture, conversationCapture());
    run(softflowd, ['-r', capture, '-n', target, '-v', '9']);
    // The conversation has two directions.
    const metered = (await stored(expected + 2)) - expected;
    expected += metered;
    console.log(`smoke: ${metered} flows metered by softflowd stored`);
  }

  const collector = descendants(start.child.pid).findLast((pid) => commandLine(pid).includes('bin/weir.js collect'));
  if (collector === undefined) throw new Error('cannot find the process that npm start has started');
  process.kill(collector, 'SIGTERM');
  await until(STOPPED_MS, 'the collector has not ended after SIGTERM', () => start.code !== undefined);
  if (start.code !== 0) throw new Error(`npm start ended with ${start.code} after SIGTERM`);
  const kept = await stored(expected);
  if (kept !== expected) throw new Error(`${expected} flows were sent, ${kept} are stored`);
  console.log(`smoke: stopped by SIGTERM with exit code 0; all ${kept} flows are kept`);
}

/** Waits until at least `count` flows that the filter lets through are stored, and returns how many there are. */
async function stored(count, ...filter) {
  let flows = 0;
  await until(
    STORED_MS,
    () => `${flows} of ${count} flows are stored`,
    () => {
      const text = run(process.execPath, [
        weir,
        'query',
        '--data',
        data,
        '--by',
        'exporter',
        '--format',
        'ndjson',
        ...filter,
      ]);
      const rows = text.split('\n').filter((line) => line !== '');
      flows = rows.reduce((sum, row) => sum + Number(JSON.parse(row).flows), 0);
      return flows >= count;
    },
  );
  return flows;
}

async function until(ms, what, check) {
  const end = Date.now() + ms;
  while (!check()) {
    if (Date.now() > end) throw new Error(`${typeof what === 'function' ? what() : what} after ${ms / 1000} s`);
    await sleep(200);
  }
}

/** Runs a program to its end and returns its output; it must end with 0. */
function run(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8', timeout: 60_000, stdio: ['ignore', 'pipe', 'pipe'] });
  if (result.status === 0) return result.stdout;
  const how = result.error?.message ?? `exit ${result.status ?? result.signal}`;
  throw new Error(`${[command, ...args].join(' ')}: ${how}\n${result.stdout}${result.stderr}`);
}

function launch(command, args) {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const launched = { child, text: '', code: undefined };
  const keep = (chunk) => {
    launched.text += chunk;
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  child.on('error', (error) => {
    launched.code = error.message;
  });
  child.on('close', (code, signal) => {
    launched.code = code ?? signal;
  });
  return launched;
}

function killGroup(launched) {
  if (launched?.child.pid === undefined) return;
  try {
    process.kill(-launched.child.pid, 'SIGKILL');
  } catch {
    // Nothing of it is left.
  }
}

/** Process ids below `pid`: npm starts a shell, the shell starts the collector, and only the collector is to be stopped. */
function descendants(pid) {
  const parents = new Map();
  for (const line of run('ps', ['-A', '-o', 'pid=,ppid=']).split('\n')) {
    const [child, parent] = line.trim().split(/\s+/).map(Number);
    parents.set(parent, [...(parents.get(parent) ?? []), child]);
  }
  const below = (id) => (parents.get(id) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(pid);
}

function commandLine(pid) {
  return run('ps', ['-o', 'args=', '-p', String(pid)]);
}

async function freePort() {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

/** A capture (pcap, Ethernet) of one UDP conversation, five packets each way between 203.0.113.1 and 203.0.113.2: two flows. */
function conversationCapture() {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(1, 20);
  const parts = [header];
  const seconds = Math.floor(Date.now() / 1000) - 10;
  for (let i = 0; i < 10; i++) {
    const frame = udpFrame(i % 2 === 0);
    const record = Buffer.alloc(16);
    record.writeUInt32LE(seconds, 0);
    record.writeUInt32LE(i * 1000, 4);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    parts.push(record, frame);
  }
  return Buffer.concat(parts);
}

function udpFrame(forth) {
  const frame = Buffer.alloc(14 + 20 + 8 + 100);
  frame.writeUInt16BE(0x0800, 12);
  frame[14] = 0x45;
  frame.writeUInt16BE(frame.length - 14, 16);
  frame[22] = 64;
  frame[23] = 17;
  frame.set([203, 0, 113, forth ? 1 : 2], 26);
  frame.set([203, 0, 113, forth ? 2 : 1], 30);
  let sum = 0;
  for (let at = 14; at < 34; at += 2) sum += frame.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  frame.writeUInt16BE(~sum & 0xffff, 24);
  frame.writeUInt16BE(forth ? 40_000 : 53, 34);
  frame.writeUInt16BE(forth ? 53 : 40_000, 36);
  frame.writeUInt16BE(108, 38);
  return frame;
}
