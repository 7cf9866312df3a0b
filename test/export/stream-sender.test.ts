import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { createEncoder } from '#weir/export/encoder.js';
import { StreamSender } from '#weir/export/stream-sender.js';
import { createDecoder } from '#weir/session/library-decoder.js';
import { StreamFramer } from '#weir/wire/ipfix-stream.js';

const FLOW = { time_start: '2026-11-21T11:59:00Z', src_addr: '10.0.0.1', dst_addr: '10.0.0.2', bytes: 1 };

it('after a lost connection there is a new session, with templates and numbers of its own', async () => {
  const sessions: { socket: Socket; flows: number; sequences: number[] }[] = [];
  const server = createServer((socket) => {
    const session = { socket, flows: 0, sequences: [] as number[] };
    const decoder = createDecoder();
    const framer = new StreamFramer();
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      framer.push(chunk, (message) => {
        session.sequences.push(Buffer.from(message).readUInt32BE(8));
        session.flows += decoder.decode(message).length;
      });
    });
    sessions.push(session);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };

  const encoder = createEncoder({ protocol: 'ipfix', refreshMillis: Infinity, refreshMessages: Infinity });
  const sender = new StreamSender({ host: '127.0.0.1', port, onSession: () => encoder.reset(), retryMillis: 10 });
  await sender.start();
  const send = async (count: number) => {
    for (let i = 0; i < count; i++) {
      await sender.ready();
      for (const message of encoder.encode([FLOW, FLOW])) sender.send(message);
    }
    await sleep(50);
  };
  await send(3);
  expect(sessions[0]?.flows).toBe(6);
  sessions[0]?.socket.destroy();
  await sleep(50);
  await send(4);
  await sender.close();
  expect(sessions.map(({ flows }) => flows)).toEqual([6, 8]);
  expect(sessions.map(({ sequences }) => sequences)).toEqual([
    [0, 2, 4],
    [0, 2, 4, 6],
  ]);
  expect(sender.counters).toMatchObject({ sent: 7, failed: 0, sessions: 2 });
});

it('what is sent without a connection is counted, and closing ends the tries for a new one', async () => {
  const server = createServer((socket) => void socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const sender = new StreamSender({ host: '127.0.0.1', port, onSession: () => {}, retryMillis: 5 });
  await sender.start();
  server.close();
  await sleep(100);
  sender.send(Uint8Array.of(1));
  expect(sender.counters).toMatchObject({ sent: 0, failed: 1 });
  await sender.close();
  await sender.ready();
});
