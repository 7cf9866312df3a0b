import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** One datagram that went through the tee. */
export interface Passed {
  /** µs since the epoch. */
  readonly time: number;
  readonly sourcePort: number;
  readonly payload: Buffer;
}

/** Stands between an exporter and two collectors, so that both get the very same datagrams. */
export interface Tee {
  /** Where the exporter is to send: this port of 127.0.0.1. */
  readonly port: number;
  /** The address that the collectors see as the exporter's. */
  readonly exporter: string;
  readonly passed: readonly Passed[];
  close(): Promise<void>;
}

/** Records what comes on a port of 127.0.0.1 and forwards it, in order, from `exporter` (127.x.y.z) to every port of `to`. */
export async function startTee(exporter: string, to: readonly number[]): Promise<Tee> {
  const passed: Passed[] = [];
  const receiving = createSocket({ type: 'udp4', recvBufferSize: 8_000_000 });
  // A socket per sender's port, as the ports of an exporter may tell its sessions apart.
  const senders = new Map<number, Socket>();
  const senderFor = async (port: number): Promise<Socket> => {
    const known = senders.get(port);
    if (known !== undefined) return known;
    const socket = createSocket('udp4');
    senders.set(port, socket);
    socket.bind(0, exporter);
    await once(socket, 'listening');
    return socket;
  };
  let work = Promise.resolve();
  const forward = async (payload: Buffer, sourcePort: number): Promise<void> => {
    const socket = await senderFor(sourcePort);
    for (const port of to) {
      await new Promise<void>((resolve, reject) => {
        socket.send(payload, port, '127.0.0.1', (error) => (error ? reject(error) : resolve()));
      });
    }
  };
  receiving.on('message', (payload, { port: sourcePort }) => {
    passed.push({ time: Date.now() * 1000, sourcePort, payload });
    work = work.then(() => forward(payload, sourcePort));
  });
  receiving.bind(0, '127.0.0.1');
  await once(receiving, 'listening');
  return {
    port: receiving.address().port,
    exporter,
    passed,
    async close() {
      // Whatever the kernel has for us is read within a few turns of the event loop.
      for (let seen = -1; seen !== passed.length; ) {
        seen = passed.length;
        for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      }
      await work;
      receiving.close();
      for (const socket of senders.values()) socket.close();
    },
  };
}

/** Octets that wait in the receive buffers of IPv4 sockets bound to a port, as Linux tells; 0 elsewhere. */
export function queuedOctets(port: number): number {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  let text = '';
  try {
    text = readFileSync('/proc/net/udp', 'latin1');
  } catch {
    return 0;
  }
  let sum = 0;
  for (const line of text.split('\n').slice(1)) {
    const [, local, , , queues] = line.trim().split(/\s+/);
    if (local?.endsWith(wanted) === true) sum += Number.parseInt(queues?.split(':')[1] ?? '0', 16);
  }
  return sum;
}
