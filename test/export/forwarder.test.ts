import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { parseAllowList } from '#weir/collect/allow-list.js';
import type { Sender } from '#weir/collect/sender-table.js';
import { Forwarder, type ForwarderOptions } from '#weir/export/forwarder.js';

const NEVER = 86_400_000;

async function receiver(): Promise<{ readonly port: number; readonly heard: [octet: number, port: number][] }> {
  const socket: Socket = createSocket('udp4');
  const heard: [number, number][] = [];
  socket.on('message', (payload, { port }) => heard.push([payload[0] as number, port]));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  return { port: socket.address().port, heard };
}

function exporter(last: number): Sender {
  const host = `192.0.2.${last}`;
  return {
    address: [0, 0, 0xffff, 0xc000_0200 + last],
    port: 2055,
    host,
    text: `${host}:2055`,
    allowed: true,
    generation: 0,
  };
}

async function startForwarder(port: number, options: ForwarderOptions): Promise<Forwarder> {
  const target = { text: 'test', host: '127.0.0.1', port, exporters: parseAllowList(['192.0.2.0/25'], 'test') };
  const forwarder = new Forwarder([target], options);
  await forwarder.start();
  onTestFinished(() => forwarder.close());
  return forwarder;
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 400 && !holds(); tries++) await sleep(20);
  expect(holds()).toBe(true);
}

const portsOf = (heard: readonly [number, number][], octet: number) =>
  new Set(heard.filter(([first]) => first === octet).map(([, port]) => port));

it('exporters beyond the sockets share a port, and this is counted', async () => {
  const { port, heard } = await receiver();
  const forwarder = await startForwarder(port, { silentMillis: NEVER, mostSockets: 2 });
  const exporters = [1, 2, 3, 4, 200].map(exporter);
  for (const round of [1, 2]) {
    exporters.forEach((one, index) => forwarder.forward(Uint8Array.of(index, round), one));
    await until(() => heard.length === round * 4);
  }
  const ports = [0, 1, 2, 3].map((index) => portsOf(heard, index));
  expect(ports.map(({ size }) => size)).toEqual([1, 1, 1, 1]);
  expect(ports[2]).toEqual(ports[3]);
  expect(new Set(ports.flatMap((set) => [...set])).size).toBe(3);
  const counters = forwarder.counters()[0]?.counters;
  expect(counters).toMatchObject({ forwarded: 8, shared: 4, filtered: 2, dropped: 0, failed: 0, sockets: 3 });
});

it('a silent exporter gives its socket back, and another takes it', async () => {
  const { port, heard } = await receiver();
  const forwarder = await startForwarder(port, { silentMillis: 100, mostSockets: 1 });
  forwarder.forward(Uint8Array.of(1), exporter(1));
  await until(() => heard.length === 1);
  await until(() => forwarder.counters()[0]?.counters.sockets === 1);
  forwarder.forward(Uint8Array.of(2), exporter(2));
  await until(() => heard.length === 2);
  expect(forwarder.counters()[0]?.counters).toMatchObject({ forwarded: 2, shared: 0, dropped: 0, failed: 0 });
});

it('an exporter that keeps sending keeps its port', async () => {
  const { port, heard } = await receiver();
  const forwarder = await startForwarder(port, { silentMillis: 1000 });
  const one = exporter(1);
  for (let i = 0; i < 60; i++) {
    forwarder.forward(Uint8Array.of(1), one);
    await sleep(50);
  }
  await until(() => heard.length === 60);
  expect(portsOf(heard, 1).size).toBe(1);
});
