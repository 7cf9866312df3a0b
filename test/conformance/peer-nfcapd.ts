import { spawn, spawnSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freeUdpPort } from '../helpers/free-port.ts';
import type { CaseDatagram } from './datagrams.ts';

/** One of nfdump's records as JSON. */
type NfdumpRecord = Readonly<Record<string, string | number | undefined>>;

/** How long the last datagrams may take to be read; ms. */
const DRAIN = 3000;

/**
 * What nfcapd stores of the datagrams, as nfdump tells it. Each exporter has an address of 127.0.0.0/8 and a socket per port, so that nfcapd keeps them
 * apart as it does in the field.
 */
export async function nfcapdDecodes(
  nfcapd: string,
  nfdump: string,
  datagrams: readonly CaseDatagram[],
): Promise<Record<string, unknown>[]> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-conformance-'));
  const port = await freeUdpPort();
  const args = ['-4', '-b', '127.0.0.1', '-p', `${port}`, '-w', folder, '-t', '3600', '-B', '8000000'];
  const child = spawn(nfcapd, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const output of [child.stdout, child.stderr]) output.on('data', (text: Buffer) => (said += text.toString()));
  try {
    // Before it says so it does not heed SIGTERM.
    await waitUntil(() => said.includes('Startup'));
    await sendAll(datagrams, port);
    await waitUntil(() => queueOf(port) === 0);
    // What it has taken from the socket it has not decoded yet, and SIGTERM makes it forget.
    await sleep(200);
    child.kill('SIGTERM');
    await waitUntil(() => child.exitCode !== null);
    return readdirSync(folder)
      .filter((name) => /^nfcapd\.\d+$/.test(name))
      .flatMap((name) => stored(nfdump, join(folder, name)));
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

function stored(nfdump: string, file: string): Record<string, unknown>[] {
  const { stdout } = spawnSync(nfdump, ['-r', file, '-o', 'json'], { encoding: 'utf8', maxBuffer: 1 << 30 });
  // A file without flows is `[`, and words.
  if (stdout.includes('No matching flows')) return [];
  return (JSON.parse(stdout) as NfdumpRecord[]).map(columns);
}

function columns(record: NfdumpRecord): Record<string, unknown> {
  return {
    src_addr: record['src4_addr'] ?? record['src6_addr'],
    dst_addr: record['dst4_addr'] ?? record['dst6_addr'],
    src_port: record['src_port'],
    dst_port: record['dst_port'],
    proto: record['proto'],
    bytes: record['in_bytes'],
    packets: record['in_packets'],
  };
}

async function sendAll(datagrams: readonly CaseDatagram[], port: number): Promise<void> {
  const hosts = new Map<string, string>();
  const sockets = new Map<string, Socket>();
  for (const { host, port: from, payload } of datagrams) {
    if (!hosts.has(host)) hosts.set(host, `127.0.1.${hosts.size + 1}`);
    const key = `${host}/${from}`;
    let socket = sockets.get(key);
    if (socket === undefined) {
      socket = createSocket('udp4');
      socket.bind(0, hosts.get(host));
      await once(socket, 'listening');
      sockets.set(key, socket);
    }
    const sender = socket;
    await new Promise<void>((resolve, reject) => {
      sender.send(payload, port, '127.0.0.1', (error) => (error === null ? resolve() : reject(error)));
    });
    await waitUntil(() => (queueOf(port) ?? 0) < 100_000);
  }
  for (const socket of sockets.values()) socket.close();
}

/** Octets that wait in the receive queue of the UDP socket on `port`; undefined when there is none. */
function queueOf(port: number): number | undefined {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const line of readFileSync('/proc/net/udp', 'utf8').split('\n')) {
    const fields = line.trim().split(/\s+/);
    if (fields[1]?.endsWith(end) === true) return Number.parseInt(fields[4]?.split(':')[1] ?? '0', 16);
  }
  return undefined;
}

async function waitUntil(isDone: () => boolean): Promise<void> {
  const until = performance.now() + DRAIN;
  while (!isDone()) {
    if (performance.now() > until) throw new Error('nfcapd does not read what it is sent');
    await sleep(2);
  }
}
