import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { freeUdpPort } from '../helpers/free-port.ts';
import { type Running, spawnProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { tempFolder } from '../helpers/temp.ts';
import { parseNdjson, startCollector, weir } from '../helpers/weir.ts';
import { OFTEN, statusWhen, storedFlows } from './collect-tools.ts';

interface Totals {
  readonly received: number;
  readonly refused: number;
  readonly targets: readonly {
    readonly forwarded: number;
    readonly filtered: number;
    readonly dropped: number;
    readonly failed: number;
    readonly refused: number;
  }[];
}

/** `weir forward` on a free port, ready to receive. */
async function startForward(args: readonly string[]): Promise<Running & { readonly port: number }> {
  const port = await freeUdpPort();
  const listen = ['--listen', `udp://127.0.0.1:${port}`, '--format', 'json'];
  const child = spawnProcess(process.execPath, [repositoryPath('bin/weir.js'), 'forward', ...listen, ...args]);
  await child.waitFor('forwarding from');
  return { ...child, port };
}

/** Waits for a status line of which `wanted` holds. */
async function totalsWhen(forward: Running, wanted: (totals: Totals) => boolean): Promise<Totals> {
  for (let tries = 0; tries < 400; tries++) {
    const text = forward.stdout();
    const last = parseNdjson<Totals>(text.slice(0, text.lastIndexOf('\n') + 1)).at(-1);
    if (last !== undefined && wanted(last)) return last;
    await sleep(50);
  }
  throw new Error(`no such totals: ${forward.stdout()}${forward.stderr()}`);
}

/** A socket that keeps the datagrams that come, in their order. */
async function receiver(): Promise<{ readonly port: number; readonly datagrams: Buffer[] }> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4_000_000 });
  const datagrams: Buffer[] = [];
  socket.on('message', (bytes) => datagrams.push(bytes));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  return { port: socket.address().port, datagrams };
}

async function sendFrom(address: string, port: number, datagrams: readonly Buffer[]): Promise<void> {
  const socket = createSocket('udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  for (const bytes of datagrams) await new Promise((resolve) => socket.send(bytes, port, '127.0.0.1', resolve));
  socket.close();
}

it.each(['5', '9', 'ipfix'])(
  'two collectors behind weir forward store version %s without a gap, one of them one exporter',
  async (version) => {
    const all = await startCollector({ args: OFTEN });
    const some = await startCollector({ args: OFTEN });
    const gone = await freeUdpPort();
    const forward = await startForward([
      '--to',
      `udp://127.0.0.1:${gone}`,
      '--to',
      all.url,
      '--to',
      `${some.url}?from=127.0.0.2`,
      '--status-interval',
      '200ms',
    ]);
    const target = `udp://127.0.0.1:${forward.port}`;
    const flows = ['--flows', '3000', '--exporters', '3', '--rate', '30k', '--seed', '7', '--version', version];
    const generated = await weir(['generate', target, ...flows]);
    expect(generated.code, generated.stderr).toBe(0);

    const whole = await statusWhen(all, ({ records }) => records === 3000);
    expect(whole.loss).toMatchObject({ sequence: 0, setsDropped: 0 });
    expect(whole.faults).toEqual({});
    const { stdout, stderr, code } = await forward.stop();
    expect(code, stderr).toBe(0);
    const { received, targets } = parseNdjson<Totals>(stdout).at(-1) as Totals;
    expect(targets[0]?.refused).toBeGreaterThan(0);
    expect(targets[1]).toMatchObject({ forwarded: received, filtered: 0, dropped: 0, failed: 0, refused: 0 });
    const { forwarded = 0, filtered = 0 } = targets[2] ?? {};
    expect(forwarded + filtered).toBe(received);
    const part = await statusWhen(some, ({ datagrams }) => datagrams === forwarded);
    expect(part.loss).toMatchObject({ sequence: 0, setsDropped: 0 });
    // A third of the flows, about: the generator has no two exporters alike.
    expect(part.records).toBeGreaterThan(500);
    expect(part.records).toBeLessThan(2000);
    await Promise.all([all.stop(), some.stop()]);
    expect([await storedFlows(all.data), await storedFlows(some.data)]).toEqual([3000, part.records]);
  },
);

it('passes any octets on as they came, in their order, and empty datagrams too', async () => {
  const { port, datagrams } = await receiver();
  const forward = await startForward(['--to', `udp://127.0.0.1:${port}`, '--status-interval', '100ms']);
  const sent = Array.from({ length: 300 }, (_, i) => Buffer.alloc((i * 37) % 9000, i));
  await sendFrom('127.0.0.1', forward.port, sent);
  await totalsWhen(forward, ({ received }) => received === sent.length);
  expect((await forward.stop('SIGINT')).code).toBe(0);
  await sleep(100);
  expect(datagrams.map((bytes) => bytes.toString('hex'))).toEqual(sent.map((bytes) => bytes.toString('hex')));
});

it('refuses and counts senders off the allow-list, and reads its file again on SIGHUP', async () => {
  const { port, datagrams } = await receiver();
  const file = `${tempFolder('allow').path}/exporters`;
  writeFileSync(file, '127.0.0.2 # the core router\n');
  const forward = await startForward([
    '--to',
    `udp://127.0.0.1:${port}`,
    '--allow',
    '127.0.0.4/31',
    '--allow-file',
    file,
    '--status-interval',
    '100ms',
  ]);
  for (const last of [2, 3, 4, 5]) await sendFrom(`127.0.0.${last}`, forward.port, [Buffer.from([last])]);
  expect(await totalsWhen(forward, ({ received }) => received === 3)).toMatchObject({ refused: 1 });
  writeFileSync(file, '127.0.0.3\n');
  forward.signal('SIGHUP');
  await forward.waitFor('allow-list reloaded');
  for (const last of [2, 3]) await sendFrom(`127.0.0.${last}`, forward.port, [Buffer.from([last])]);
  expect(await totalsWhen(forward, ({ received }) => received === 4)).toMatchObject({ refused: 2 });
  // A list that cannot be read leaves the old one in place.
  writeFileSync(file, 'nonsense\n');
  forward.signal('SIGHUP');
  await forward.waitFor('was not reloaded');
  expect((await forward.stop()).code).toBe(0);
  await sleep(100);
  // Of .2 before the reload, of .3 after it; each exporter has its own way, so the order between them is open.
  expect(new Set(datagrams.map((bytes) => bytes[0]))).toEqual(new Set([2, 3, 4, 5]));
  expect(datagrams).toHaveLength(4);
});

it('names the target whose filter is wrong', async () => {
  const { code, stderr } = await weir(['forward', '--to', 'udp://127.0.0.1:9?from=10.0.0.1/8']);
  expect(stderr).toContain('did you mean 10.0.0.0/8');
  expect(code).toBe(2);
});

it.each([
  ['127.0.0.1', '127.0.0.1'],
  ['localhost', '0.0.0.0'],
])('a target %s that is its own listener on %s is refused, with exit code 2', async (host, listen) => {
  const port = await freeUdpPort();
  const { code, stderr } = await weir([
    'forward',
    '--listen',
    `udp://${listen}:${port}`,
    '--to',
    `udp://${host}:${port}`,
  ]);
  expect(stderr).toContain("is this forwarder's own listener");
  expect(stderr).toContain('Give the collector another port');
  expect(code).toBe(2);
});
