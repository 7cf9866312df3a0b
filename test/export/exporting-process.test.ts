import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { batchOfRecords } from '#weir/export/batch-of-records.js';
import { elementNumbers } from '#weir/export/encoder.js';
import { ExportingProcess, type ExportingProcessOptions } from '#weir/export/exporting-process.js';
import { parseExportTarget } from '#weir/export/target.js';
import type { FlowBatch } from '#weir/flow/batch.js';
import type { FlowRecord } from '#weir/flow/record.js';
import { createDecoder } from '#weir/session/library-decoder.js';
import { StreamFramer } from '#weir/wire/ipfix-stream.js';
import { freeTcpPort, freeUdpPort } from '../helpers/free-port.ts';

/** Polls for longer than a busy machine may take. */
const eventually = <Value>(value: () => Value) => expect.poll(value, { timeout: 20_000 });

const NOW = Date.parse('2026-11-21T12:00:00Z');

/** Flows numbered by their source port. */
function flows(count: number, more: FlowRecord = {}): FlowBatch {
  const records = Array.from({ length: count }, (_, index) => ({
    time_start: '2026-11-21T11:59:00Z',
    time_end: '2026-11-21T11:59:30Z',
    src_addr: '10.0.0.1',
    dst_addr: '10.0.0.2',
    src_port: index & 0xffff,
    dst_port: 443,
    proto: 6,
    bytes: 1000 + index,
    packets: 1,
    ...more,
  }));
  return batchOfRecords(records, elementNumbers('ipfix'), new Map());
}

function exporting(targets: readonly string[], more: Partial<ExportingProcessOptions> = {}) {
  const said: string[] = [];
  const process = new ExportingProcess({
    targets: targets.map((text) => ({ target: parseExportTarget(text), text, transport: { retryMillis: 20 } })),
    log: { info: (_, text) => said.push(text), warn: (_, text) => said.push(text) },
    now: () => NOW,
    ...more,
  });
  onTestFinished(() => process.close(0));
  return { process, said };
}

/** A collector over UDP. */
async function udpCollector(port?: number) {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  const decoder = createDecoder();
  const records: FlowRecord[] = [];
  const datagrams: Buffer[] = [];
  socket.on('message', (bytes) => {
    datagrams.push(bytes);
    records.push(...decoder.decode(bytes));
  });
  socket.bind(port ?? 0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => {
    try {
      socket.close();
    } catch {
      // The test has closed it.
    }
  });
  return { port: socket.address().port, records, datagrams, socket };
}

/** A collector over TCP. `sessions` holds what each connection brought. */
async function tcpCollector(port = 0) {
  const sessions: { socket: Socket; flows: number }[] = [];
  const server: Server = createServer((socket) => {
    const session = { socket, flows: 0 };
    const decoder = createDecoder();
    const framer = new StreamFramer();
    socket.on('error', () => {});
    socket.on('data', (chunk) => framer.push(chunk, (message) => (session.flows += decoder.decode(message).length)));
    sessions.push(session);
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const stop = () => {
    server.close();
    for (const { socket } of sessions) socket.destroy();
  };
  onTestFinished(stop);
  return { port: (server.address() as { port: number }).port, sessions, stop };
}

it('every target gets all records, in its own format', async () => {
  const [five, nine, tcp] = [await udpCollector(), await udpCollector(), await tcpCollector()];
  const { process } = exporting([
    `netflow5://127.0.0.1:${five.port}`,
    `netflow9://127.0.0.1:${nine.port}`,
    `ipfix+tcp://127.0.0.1:${tcp.port}`,
  ]);
  await process.start();
  process.write(flows(500));
  process.write(flows(500));
  await process.close();
  await expect
    .poll(() => [five.records.length, nine.records.length, tcp.sessions[0]?.flows])
    .toEqual([1000, 1000, 1000]);
  expect(five.datagrams[0]?.readUInt16BE(0)).toBe(5);
  for (const { records, waiting, dropped, lost, failed } of process.counters())
    expect({ records, waiting: waiting.records, dropped, lost, failed }).toEqual({
      records: 1000,
      waiting: 0,
      dropped: 0,
      lost: 0,
      failed: 0,
    });
});

it('targets that take turns get every record once, and about as many each', async () => {
  const collectors = [await udpCollector(), await udpCollector(), await udpCollector()];
  const { process } = exporting(
    collectors.map(({ port }) => `netflow5://127.0.0.1:${port}`),
    { sharing: 'turns' },
  );
  await process.start();
  for (let i = 0; i < 5; i++) process.write(flows(301));
  await process.close();
  const shares = () => collectors.map(({ records }) => records.length);
  await eventually(() => shares().reduce((sum, share) => sum + share)).toBe(5 * 301);
  for (const share of shares()) expect(Math.abs(share - 501)).toBeLessThan(100);
  const sums = new Map<unknown, number>();
  for (const { records } of collectors) for (const { bytes } of records) sums.set(bytes, (sums.get(bytes) ?? 0) + 1);
  expect([...sums.values()].every((times) => times === 5)).toBe(true);
  expect(sums.size).toBe(301);
});

it('a target gets the kinds of record that it accepts', async () => {
  const [all, events] = [await udpCollector(), await udpCollector()];
  const target = (port: number) => `ipfix://127.0.0.1:${port}`;
  const { process } = exporting([], {
    targets: [
      { target: parseExportTarget(target(all.port)), text: 'all' },
      { target: parseExportTarget(target(events.port)), text: 'events', accepts: (kind) => kind === 2 },
    ],
  });
  await process.start();
  const event = { record_kind: 'nat_event', nat_event: 4, src_addr: '10.0.0.9', time_start: '2026-11-21T11:59:00Z' };
  const mixed = [...Array(6).keys()].map((i) => (i % 3 === 1 ? event : { ...event, record_kind: 'flow', bytes: i }));
  process.write(batchOfRecords(mixed, elementNumbers('ipfix'), new Map()));
  await process.close();
  await eventually(() => [all.records.length, events.records.length]).toEqual([6, 2]);
  expect(events.records.map(({ nat_event: kind, src_addr: source }) => [kind, source])).toEqual([
    [4, '10.0.0.9'],
    [4, '10.0.0.9'],
  ]);
});

it('what is made while a TCP collector is away is kept within bounds and delivered when it comes back; the rest is counted', async () => {
  const port = await freeTcpPort();
  const { process, said } = exporting([`ipfix+tcp://127.0.0.1:${port}`], { mostWaiting: 100_000 });
  await process.start();
  for (let i = 0; i < 50; i++) process.write(flows(200));
  const away = process.counters()[0];
  expect(away?.isOpen).toBe(false);
  expect(away?.waiting.octets).toBeLessThan(120_000);
  expect((away?.dropped ?? 0) + (away?.waiting.records ?? 0)).toBe(10_000);
  const collector = await tcpCollector(port);
  await eventually(() => collector.sessions[0]?.flows).toBe(away?.waiting.records);
  process.write(flows(7));
  await process.close();
  await eventually(() => collector.sessions[0]?.flows).toBe((away?.waiting.records ?? 0) + 7);
  expect(said).toEqual(['cannot be reached yet', 'is there again']);
});

it('a TCP collector that ends and starts again gets a session of its own, and every record is in one of the counts', async () => {
  const first = await tcpCollector();
  const { process } = exporting([`ipfix+tcp://127.0.0.1:${first.port}`]);
  await process.start();
  for (let i = 0; i < 5; i++) process.write(flows(100));
  await eventually(() => first.sessions[0]?.flows).toBe(500);
  first.stop();
  await eventually(() => process.counters()[0]?.isOpen).toBe(false);
  for (let i = 0; i < 5; i++) process.write(flows(100));
  const second = await tcpCollector(first.port);
  await eventually(() => second.sessions[0]?.flows).toBe(500);
  await process.close();
  expect(process.counters()[0]).toMatchObject({ sessions: 2, records: 1000, lost: 0, dropped: 0, failed: 0 });
});

it('a TCP collector that reads nothing costs no more memory than may wait, and holds nobody else up', async () => {
  const port = await freeTcpPort();
  const sockets: Socket[] = [];
  const slow = createServer({ pauseOnConnect: true }, (socket) => void sockets.push(socket)).listen(port, '127.0.0.1');
  await once(slow, 'listening');
  onTestFinished(() => {
    slow.close();
    for (const socket of sockets) socket.destroy();
  });
  let octets = 0;
  const other = createServer((socket) => void socket.on('data', (chunk) => (octets += chunk.length))).listen(
    0,
    '127.0.0.1',
  );
  await once(other, 'listening');
  onTestFinished(() => void other.close());
  const { port: otherPort } = other.address() as { port: number };
  const { process } = exporting([`ipfix+tcp://127.0.0.1:${port}`, `ipfix+tcp://127.0.0.1:${otherPort}`], {
    mostWaiting: 1 << 20,
  });
  await process.start();
  const batch = flows(10_000);
  for (let i = 0; i < 60; i++) {
    process.write(batch);
    await expect.poll(() => process.counters()[1]?.waiting.records, { interval: 1, timeout: 20_000 }).toBe(0);
  }
  const [stuck, free] = process.counters();
  expect(stuck?.waiting.octets).toBeLessThan((1 << 20) + 1_000_000);
  expect((stuck?.records ?? 0) + (stuck?.waiting.records ?? 0) + (stuck?.dropped ?? 0)).toBe(600_000);
  expect(stuck?.dropped).toBeGreaterThan(0);
  expect(free).toMatchObject({ records: 600_000, dropped: 0, lost: 0 });
  const closing = process.close(50);
  await eventually(() => octets).toBe(free?.octets);
  for (const socket of sockets) socket.destroy();
  await closing;
  const end = process.counters()[0];
  expect((end?.records ?? 0) + (end?.lost ?? 0) + (end?.dropped ?? 0)).toBe(600_000);
});

it('a UDP port at which nobody listens is told, sending goes on, and who listens later reads it from the first record', async () => {
  const port = await freeUdpPort();
  const { process, said } = exporting([`netflow9://127.0.0.1:${port}`]);
  await process.start();
  for (let i = 0; i < 5; i++) {
    process.write(flows(10));
    await sleep(20);
  }
  expect(process.counters()[0]?.refused).toBeGreaterThan(0);
  expect(said).toEqual(['nobody listens there; sending goes on']);
  const collector = await udpCollector(port);
  process.write(flows(10));
  await eventually(() => collector.records.length).toBe(10);
});

it('templates are sent again when it is told to', async () => {
  const first = await udpCollector();
  const { process } = exporting([`ipfix://127.0.0.1:${first.port}`]);
  await process.start();
  process.write(flows(1));
  await eventually(() => first.records.length).toBe(1);
  first.socket.close();
  const second = await udpCollector(first.port);
  process.write(flows(1));
  await eventually(() => second.datagrams.length).toBe(1);
  expect(second.records).toEqual([]);
  process.renewTemplates();
  process.write(flows(1));
  await eventually(() => second.records.length).toBe(2);
});

it('a host that does not exist is an error at the start, and a collector that is away one for those without patience', async () => {
  await expect(exporting(['ipfix://no-such-host.invalid']).process.start()).rejects.toThrow(/no-such-host/);
  const port = await freeTcpPort();
  await expect(exporting([`ipfix+tcp://127.0.0.1:${port}`], { isPatient: false }).process.start()).rejects.toThrow(
    /Cannot connect to tcp/,
  );
});
