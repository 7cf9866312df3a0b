import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createServiceNotifier } from '#weir/app/service-notify.js';
import { type Running, spawnProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { describeUnless } from '../helpers/skip.ts';
import { tempFolder } from '../helpers/temp.ts';
import { toolPath } from '../helpers/tools.ts';

/** What systemd listens with: a unix datagram socket, which Node does not have. Prints each state on a line. */
const LISTENER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('ready', flush=True)
while True:
  for line in s.recv(65536).decode().splitlines(): print(line, flush=True)
`;
const missing = ['python3', 'systemd-notify'].find((tool) => toolPath(tool) === undefined);
const why = missing === undefined ? undefined : `${missing} not installed`;

async function startListener(): Promise<{ path: string; listener: Running }> {
  const path = tempFolder().join('notify');
  const listener = spawnProcess(toolPath('python3') as string, ['-c', LISTENER, path]);
  await listener.waitFor('ready');
  return { path, listener };
}

/** States in the order in which they came, without those of systemd-notify itself. */
const statesOf = (listener: Running) =>
  listener
    .stdout()
    .split('\n')
    .slice(1)
    .filter((line) => line !== '' && !/^(?:BARRIER|MAINPID)=/.test(line));

describeUnless(why, 'systemd', () => {
  it('is told when it is ready, how it goes, that it lives, and that it stops', async () => {
    const { path, listener } = await startListener();
    const env = { NOTIFY_SOCKET: path, WATCHDOG_USEC: '400000', WATCHDOG_PID: String(process.pid) };
    process.env['NOTIFY_SOCKET'] = path;
    try {
      const notifier = createServiceNotifier({ env });
      notifier.ready('all is\nwell');
      await listener.waitFor('READY=1');
      await listener.waitFor('WATCHDOG=1');
      notifier.status('3 flows');
      await listener.waitFor('STATUS=3 flows');
      await sleep(500);
      const fed = statesOf(listener).filter((line) => line === 'WATCHDOG=1').length;
      expect(fed).toBeGreaterThanOrEqual(2);
      await notifier.stopping();
      await listener.waitFor('STOPPING=1');
    } finally {
      delete process.env['NOTIFY_SOCKET'];
    }
    const states = statesOf(listener);
    expect(states.slice(0, 2).sort()).toEqual(['READY=1', 'STATUS=all is well']);
    const end = states.indexOf('STOPPING=1');
    await sleep(500);
    expect(statesOf(listener).slice(end)).not.toContain('WATCHDOG=1');
  });

  it.each([
    ['collect', ['--listen', 'udp://127.0.0.1:0', '--data']],
    ['probe', ['-i', 'lo', '-q', '--data']],
    ['nat', ['--quiet', '--data']],
  ] as const)('hears of weir %s: ready, watched, stopping', async (command, args) => {
    const { path, listener } = await startListener();
    const env = { NOTIFY_SOCKET: path, WATCHDOG_USEC: '1000000' };
    const flags = [...args, tempFolder('data').path];
    const fake = command === 'nat' ? ['--conntrack', `${process.execPath} ${FAKE_CONNTRACK}`] : [];
    const child = spawnProcess(process.execPath, [COMMAND, command, ...flags, ...fake], { env });
    await Promise.race([listener.waitFor('READY=1'), child.finished.then(({ stderr }) => expect(stderr).toBe(''))]);
    await listener.waitFor('WATCHDOG=1');
    await child.stop();
    await listener.waitFor('STOPPING=1');
  });
});

const COMMAND = repositoryPath('bin/weir.js');
const FAKE_CONNTRACK = repositoryPath('test/nat/fake-conntrack.mjs');

describe('without systemd', () => {
  it('nothing is told, and nothing run', async () => {
    const notifier = createServiceNotifier({ env: {}, command: '/no/such/program' });
    notifier.ready('x');
    notifier.status('y');
    await expect(notifier.stopping()).resolves.toBeUndefined();
  });

  it('a program that is missing is no fault', async () => {
    const notifier = createServiceNotifier({ env: { NOTIFY_SOCKET: '/no/socket' }, command: '/no/such/program' });
    await expect(notifier.stopping()).resolves.toBeUndefined();
  });
});
