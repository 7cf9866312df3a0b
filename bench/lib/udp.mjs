// What the kernel knows of a UDP socket, and the sender of the benchmarks.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { weirCommand } from './peers.mjs';
import { runMeasured } from './process.mjs';

export async function freePort() {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

/** Datagrams lost for want of buffer, and bytes waiting, over all sockets on this port; undefined where there is no /proc. */
export function socketState(port) {
  const hex = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  let state;
  for (const file of ['/proc/net/udp', '/proc/net/udp6']) {
    for (const line of readOrEmpty(file).split('\n')) {
      const fields = line.trim().split(/\s+/);
      if (!`${fields[1]} `.endsWith(hex)) continue;
      state ??= { waiting: 0, drops: 0 };
      state.waiting += Number.parseInt(fields[4]?.split(':')[1] ?? '0', 16);
      state.drops += Number(fields[12] ?? 0);
    }
  }
  return state;
}

/** Waits until nothing waits in the socket any more, and a little longer for what is on its way behind it. Gives the final state. */
export async function drained(port, ms = 30_000) {
  const end = Date.now() + ms;
  while (Date.now() < end && (socketState(port)?.waiting ?? 0) > 0) await sleep(50);
  await sleep(500);
  return socketState(port);
}

/**
 * Sends flows with `weir generate`: `flows` of them, or for `seconds`; paced to `rate` datagrams a second. Gives the sender's own totals,
 * `{ datagrams, flows, seconds … }`, `seconds` being the time of sending alone.
 */
export async function send(port, { version, rate, seconds, flows, seed = 1, cpus }) {
  const args = ['generate', `udp://127.0.0.1:${port}`, '--version', String(version), '--seed', String(seed)];
  if (rate !== undefined) args.push('--rate-datagrams', String(rate));
  if (seconds !== undefined) args.push('--seconds', String(seconds));
  if (flows !== undefined) args.push('--flows', String(flows));
  const { text } = await runMeasured(...weirCommand([...args, '--format', 'json']), { cpus });
  const totals = text.split('\n').find((line) => line.startsWith('{') && line.includes('"datagrams"'));
  if (totals === undefined) throw new Error(`weir generate does not say what it sent:\n${text}`);
  return JSON.parse(totals);
}

function readOrEmpty(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
