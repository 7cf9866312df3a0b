import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { type Collector, parseNdjson, weir } from '../helpers/weir.ts';

/** The status as `weir collect` logs it; what tests look at. */
export interface Status {
  readonly datagrams: number;
  readonly records: number;
  readonly exporters: number;
  readonly templates: number;
  readonly awaited: readonly { exporter: string; observationDomain: number; templateId: number; sets: number }[];
  readonly setsHeld: number;
  readonly loss: { sequence: number; kernel: number; store: number; setsDropped: number };
  readonly faults: Readonly<Record<string, number>>;
  readonly refused: {
    datagrams: number;
    connections: number;
    senders: { address: string; datagrams: number; connections: number }[];
  };
  readonly store: { rowsStored: number; rowsWaiting: number; failing?: string };
}

export interface LogLine extends Partial<Status> {
  readonly level: string;
  readonly msg: string;
  readonly stored?: number;
  readonly listen?: string[];
}

/** So that tests need not wait long for a status. */
export const OFTEN = ['--status-interval', '500ms'];

/** What a collector has logged, whole lines only. */
export function logOf(collector: { stdout(): string }): LogLine[] {
  const text = collector.stdout();
  return parseNdjson<LogLine>(text.slice(0, text.lastIndexOf('\n') + 1));
}

/** The newest status that was logged, once one meets `wanted`. */
export async function statusWhen(
  collector: Collector,
  wanted: (status: Status) => boolean,
  ms = 30_000,
): Promise<Status> {
  const deadline = Date.now() + ms;
  for (;;) {
    const last = logOf(collector).findLast(({ msg }) => msg === 'status') as Status | undefined;
    if (last !== undefined && wanted(last)) return last;
    if (Date.now() > deadline) throw new Error(`no such status: ${JSON.stringify(last)}\n${collector.stderr()}`);
    await sleep(50);
  }
}

/** Ends a collector by SIGTERM; gives the line it ends with. */
export async function stopped(collector: Collector, signal: NodeJS.Signals = 'SIGTERM'): Promise<LogLine> {
  const { code, stdout, stderr } = await collector.stop(signal);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  const line = parseNdjson<LogLine>(stdout).find(({ msg }) => msg.startsWith('stopped'));
  if (line === undefined) throw new Error(`did not say that it stopped: ${stdout}`);
  return line;
}

export interface StoredTotals {
  readonly flows: number;
  readonly packets: number;
  readonly bytes: number;
}

/** What is stored, by exporter, as `weir query` tells. */
export async function stored(data: string): Promise<Record<string, StoredTotals>> {
  const { code, stdout, stderr } = await weir([
    'query',
    '--data',
    data,
    '--by',
    'exporter',
    '--raw',
    '--format',
    'ndjson',
  ]);
  expect(code, stderr).toBe(0);
  const rows = parseNdjson<StoredTotals & { exporter: string }>(stdout);
  return Object.fromEntries(rows.map(({ exporter, flows, packets, bytes }) => [exporter, { flows, packets, bytes }]));
}

/** Flows stored of all exporters. */
export async function storedFlows(data: string): Promise<number> {
  return Object.values(await stored(data)).reduce((sum, { flows }) => sum + flows, 0);
}

/** Rows of `weir sql`. */
export async function sql<T>(data: string, statement: string): Promise<T[]> {
  const { code, stdout, stderr } = await weir(['sql', '--data', data, '--format', 'ndjson', statement]);
  expect(code, stderr).toBe(0);
  return parseNdjson<T>(stdout);
}

/** An exporter of the running test at a loopback address of its own. */
export async function exporterAt(
  address = '127.0.0.1',
): Promise<{ send(to: Collector, ...datagrams: Buffer[]): Promise<void> }> {
  const socket: Socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  onTestFinished(() => {
    socket.close();
  });
  return {
    async send({ host, port }, ...datagrams) {
      for (const datagram of datagrams) {
        await new Promise<void>((resolve, reject) => {
          socket.send(datagram, port, host, (error) => (error ? reject(error) : resolve()));
        });
      }
    },
  };
}

/** A v5 message of `count` flows, each of 10 packets and 1000 bytes; `sequence` is the number of flows sent before. */
export function v5(sequence: number, count = 30): Buffer {
  const bytes = Buffer.alloc(24 + 48 * count);
  const now = Date.now();
  bytes.writeUInt16BE(5, 0);
  bytes.writeUInt16BE(count, 2);
  bytes.writeUInt32BE(3_600_000, 4);
  bytes.writeUInt32BE(Math.floor(now / 1000), 8);
  bytes.writeUInt32BE((now % 1000) * 1e6, 12);
  bytes.writeUInt32BE(sequence, 16);
  for (let i = 0; i < count; i++) {
    const at = 24 + 48 * i;
    bytes.writeUInt32BE(0xc6336400 + i, at); // 198.51.100.i
    bytes.writeUInt32BE(0xcb007101, at + 4); // 203.0.113.1
    bytes.writeUInt32BE(10, at + 16);
    bytes.writeUInt32BE(1000, at + 20);
    bytes.writeUInt32BE(3_599_000, at + 24);
    bytes.writeUInt32BE(3_599_900, at + 28);
    bytes.writeUInt16BE(40_000, at + 32);
    bytes.writeUInt16BE(443, at + 34);
    bytes[at + 38] = 6;
  }
  return bytes;
}

/** A v9 message of one set: the template 256 (addresses, packets, bytes), or `count` flows of it. */
export function v9(sequence: number, content: 'template' | number): Buffer {
  const body =
    content === 'template'
      ? Buffer.from([0, 0, 0, 24, 1, 0, 0, 4, 0, 8, 0, 4, 0, 12, 0, 4, 0, 2, 0, 4, 0, 1, 0, 4])
      : Buffer.concat([
          Buffer.from([1, 0, ...word16(4 + 16 * content)]),
          ...Array.from({ length: content }, (_, i) =>
            Buffer.from([198, 51, 100, i, 203, 0, 113, 1, 0, 0, 0, 10, 0, 0, 3, 232]),
          ),
        ]);
  const header = Buffer.alloc(20);
  header.writeUInt16BE(9, 0);
  header.writeUInt16BE(content === 'template' ? 1 : content, 2);
  header.writeUInt32BE(3_600_000, 4);
  header.writeUInt32BE(Math.floor(Date.now() / 1000), 8);
  header.writeUInt32BE(sequence, 12);
  header.writeUInt32BE(7, 16);
  return Buffer.concat([header, body]);
}

function word16(value: number): [number, number] {
  return [value >> 8, value & 255];
}
