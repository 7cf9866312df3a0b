import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { freeUdpPort } from '../helpers/free-port.ts';
import { spawnProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { weir } from '../helpers/weir.ts';

const WEIR = repositoryPath('bin/weir.js');

interface Received {
  readonly port: number;
  readonly socket: Socket;
  /** Payloads as hexadecimal digits, by source port. */
  readonly bySource: Map<number, string[]>;
}

async function receiver(): Promise<Received> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 8_000_000 });
  const bySource = new Map<number, string[]>();
  socket.on('message', (payload, { port }) => {
    const list = bySource.get(port) ?? [];
    list.push(payload.toString('hex'));
    bySource.set(port, list);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  return { port: socket.address().port, socket, bySource };
}

it('weir forward passes the same datagrams on, by exporter, and counts what it does not', async () => {
  const [all, some, direct] = [await receiver(), await receiver(), await receiver()];
  const gone = await freeUdpPort();
  const port = await freeUdpPort();
  const to = [
    `udp://127.0.0.1:${all.port}`,
    `udp://127.0.0.1:${some.port}?from=127.0.0.2`,
    `udp://127.0.0.1:${gone}?from=127.0.0.3/32`,
  ];
  const args = [
    'forward',
    '--listen',
    `udp://127.0.0.1:${port}`,
    ...to.flatMap((target) => ['--to', target]),
    '--format',
    'json',
  ];
  const forward = spawnProcess(process.execPath, [WEIR, ...args]);
  await forward.waitFor('forwarding from');
  const generate = (target: number) =>
    weir([
      'generate',
      `udp://127.0.0.1:${target}`,
      '--flows',
      '900',
      '--rate',
      '20k',
      '--exporters',
      '3',
      '--version',
      '5',
      '--seed',
      '4',
    ]);
  expect((await generate(port)).code).toBe(0);
  await sleep(500);
  const { stdout, stderr, code } = await forward.stop('SIGTERM');
  expect(code, stderr).toBe(0);
  const totals = JSON.parse(stdout) as { received: number; targets: Record<string, number | string>[] };
  expect(totals).toMatchObject({ received: 30, refused: 0 });
  expect(totals.targets[0]).toMatchObject({ forwarded: 30, filtered: 0, dropped: 0, failed: 0, refused: 0 });
  expect(totals.targets[1]).toMatchObject({ forwarded: 10, filtered: 20 });
  expect(totals.targets[2]).toMatchObject({ forwarded: 10, filtered: 20 });
  expect(totals.targets[2]?.['refused']).toBeGreaterThan(0);

  // Three exporters are three source ports there, and their datagrams are those that the exporters send.
  expect([...all.bySource.values()].map((list) => list.length)).toEqual([10, 10, 10]);
  expect(some.bySource.size).toBe(1);
  const [filtered] = some.bySource.values();
  expect([...all.bySource.values()]).toContainEqual(filtered);
  await generate(direct.port);
  await sleep(200);
  // Times differ between the two runs, addresses do not.
  const sources = (list: Iterable<string[]>) =>
    [...list]
      .flat()
      .map((hex) => hex.slice(48, 64))
      .sort();
  expect(sources(all.bySource.values())).toEqual(sources(direct.bySource.values()));
});

it.each([
  [['forward'], "required option '--to <target>' not specified"],
  [['forward', '--to', 'udp://127.0.0.1:1?to=1'], 'after the question mark comes from='],
  [['forward', '--to', 'udp://127.0.0.1:1', '--listen', 'tcp://127.0.0.1:1'], 'only UDP is forwarded'],
])('weir %j is refused with exit code 2', async (args, message) => {
  const { code, stderr } = await weir(args);
  expect(stderr).toContain(message);
  expect(code).toBe(2);
});

it('a target that does not exist is said, and the command ends', async () => {
  const port = await freeUdpPort();
  const to = ['--to', 'udp://127.0.0.1:9', '--to', 'udp://no.such.host.invalid:9'];
  const { code, stderr } = await weir(['forward', '--listen', `udp://127.0.0.1:${port}`, ...to]);
  expect(stderr).toMatch(/no\.such\.host\.invalid/);
  expect(code).toBe(1);
});
