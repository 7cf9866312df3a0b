import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished } from 'vitest';
import { parseListenUrl } from '#weir/collect/listen-url.js';
import type { StreamPeer } from '#weir/collect/stream-connection.js';
import { StreamListener, type StreamListenerOptions } from '#weir/collect/stream-listener.js';
import { message, set, templateSet, u32 } from '../wire/build.ts';

/** What a listener handed on of one session. */
export interface Session {
  readonly peer: StreamPeer;
  readonly messages: string[];
  ended: boolean;
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Three messages of a well-behaved exporter. */
export const MESSAGES = [
  message(10, [templateSet(10, 256, [[8, 4]])]),
  message(10, [set(256, u32(1))]),
  message(10, [set(256, u32(2), u32(3))], { sequence: 1 }),
];

/** A listener on a free port of the loopback, closed when the test ends. */
export async function listen(url: string, options: Partial<StreamListenerOptions> = {}) {
  const sessions: Session[] = [];
  const listener = new StreamListener({
    url: parseListenUrl(url),
    onSession: (peer) => {
      const session: Session = { peer, messages: [], ended: false };
      sessions.push(session);
      return {
        message: (bytes) => {
          expect(session.ended).toBe(false);
          session.messages.push(hex(bytes));
        },
        end: () => {
          expect(session.ended).toBe(false);
          session.ended = true;
        },
      };
    },
    ...options,
    deps: { sweepMilliseconds: 20, ...options.deps },
  });
  onTestFinished(() => listener.close());
  await listener.start();
  return { listener, sessions };
}

/** A client of a listener; its errors are expected. */
export async function connectTo(listener: StreamListener, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: listener.bound?.port ?? 0, localAddress });
  // Without reading, it would not notice that it was closed.
  socket.on('error', () => {}).resume();
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, 'connect');
  return socket;
}

/** Waits for a state; nothing in a test depends on how long that takes. */
export function eventually<T>(get: () => T) {
  return expect.poll(get, { timeout: 20_000, interval: 5 });
}

/** Causes that were counted at all. */
export function counted(causes: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(causes).filter(([, count]) => count > 0));
}
