import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type Namespace, namespace, plugCable, whyNoNetwork } from '../helpers/namespace.ts';
import { runProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { sendPackets } from '../helpers/send-packets.ts';
import { describeUnless } from '../helpers/skip.ts';
import { tempFolder } from '../helpers/temp.ts';
import { requireTool } from '../helpers/tools.ts';
import { parseNdjson, weir } from '../helpers/weir.ts';

interface Wire {
  readonly near: Namespace;
  readonly far: Namespace;
  readonly send: (count: number, flows: number) => Promise<void>;
}

async function wire(): Promise<Wire> {
  const [near, far] = [await namespace('near'), await namespace('far')];
  for (const at of [near, far]) await at.sysctl('ipv6/conf/default/disable_ipv6', 1);
  await plugCable({ namespace: near, name: 'wire' }, { namespace: far, name: 'wire' });
  return { near, far, send: (count, flows) => sendPackets(near, 'wire', count, { flows }) };
}

/** `weir probe` on the far end of a cable, once it captures. */
async function startProbe({ far }: Wire, ...args: readonly string[]) {
  const socket = tempFolder('probe').join('ctl');
  const command = [repositoryPath('bin/weir.js'), 'probe', '-i', 'wire', '-c', socket, ...args];
  const probe = far.start(process.execPath, command);
  await probe.waitFor('is captured by');
  const ctl = async (...words: string[]) => (await weir(['ctl', '-c', socket, ...words])).stdout;
  const statistics = async () => JSON.parse(await ctl('statistics', '--format', 'json')) as Statistics;
  return { probe, socket, ctl, statistics };
}

interface Statistics {
  readonly status: {
    readonly capture: { readonly packets: number };
    readonly flows: { readonly activeFlows: number; readonly meteredPackets: number; readonly notGathered: number };
  };
}

/** Waits for something; the time limit of the test ends it otherwise. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(50);
}

async function captures({ far }: Wire): Promise<boolean> {
  const { stdout } = await far.run('ip', ['netns', 'pids', far.name]);
  const pids = stdout.split(/\s+/).filter(Boolean).join(',');
  return pids !== '' && (await runProcess('ps', ['-o', 'comm=', '-p', pids])).stdout.includes('tcpdump');
}

/** What a control socket answers to softflowctl, without the name of who answers. */
async function softflowctl(socket: string, command: string): Promise<string> {
  const { stdout } = await runProcess(requireTool('softflowctl'), ['-c', socket, command]);
  return stdout.replace(/^(?:softflowd|weir probe)\[\d+\]: /, '');
}

/** What both answer alike; `statistics` and `dump-flows` have more in ours. */
const COMMANDS = [
  'timeouts',
  'send-template',
  'stop-gather',
  'start-gather',
  'debug+',
  'debug-',
  'expire-all',
  'delete-all',
  'nonsense',
  'shutdown',
];

const TOOLS = ['tcpdump', 'dumpcap', 'tcpreplay', 'softflowd', 'softflowctl', 'ps'];

describeUnless(whyNoNetwork(TOOLS), 'weir probe with a control socket', () => {
  it('asks a probe, and tells it what to do', async () => {
    const on = await wire();
    const { probe, ctl, statistics } = await startProbe(on, '--ndjson');
    await on.send(500, 50);
    await until(async () => (await statistics()).status.flows.meteredPackets === 500);
    expect(await ctl('statistics')).toMatch(
      /^weir probe\[\d+\]: Accumulated statistics since .* UTC:\nNumber of active flows: 50\nPackets processed: 500\n/,
    );
    const flows = parseNdjson<{ type: string; src_port: number; packets: number }>(
      await ctl('dump-flows', '--format', 'json'),
    );
    expect(flows[0]).toMatchObject({ type: 'answer', flows: 50 });
    expect(
      flows
        .slice(1)
        .map(({ src_port, packets }) => `${src_port} ${packets}`)
        .sort(),
    ).toEqual(Array.from({ length: 50 }, (_, n) => `${1000 + n} 10`));
    expect(await ctl('dump-flows')).toContain(
      'ACTIVE [192.0.2.1]:1049 <> [192.0.2.2]:9 proto:17 octets>:860 packets>:10',
    );

    expect(await ctl('stop-gather')).toContain('Data collection stopped.');
    await on.send(100, 10);
    await until(async () => (await statistics()).status.flows.notGathered === 100);
    await ctl('start-gather');

    expect(await ctl('expire-all')).toContain('Expired 50 flows.');
    await probe.waitFor('"src_port":1049');
    await on.send(30, 3);
    await until(async () => (await statistics()).status.flows.meteredPackets === 530);
    expect(await ctl('delete-all')).toContain('Deleted 3 flows.');
    await on.send(40, 4);
    await until(async () => (await statistics()).status.flows.meteredPackets === 570);
    expect(await ctl('shutdown')).toContain('Shutting down');
    const { code, stdout } = await probe.finished;
    expect(code).toBe(0);
    // What had been expired, and what the shutdown exported; not what was deleted.
    expect(parseNdjson(stdout)).toHaveLength(54);
    expect(await captures(on)).toBe(false);
    expect(await weir(['ctl', '-c', tempFolder().join('none'), 'debug'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('weir probe -i IFACE -c SOCKET') as string,
    });
  });

  it('makes it say more, and end without exporting', async () => {
    const on = await wire();
    const { probe, ctl, statistics } = await startProbe(on, '--ndjson');
    await on.send(20, 20);
    await until(async () => (await statistics()).status.flows.activeFlows === 20);
    await ctl('debug+');
    await probe.waitFor(/20 packets, .* 20 flows active/);
    expect(await ctl('debug')).toContain('Debug level is 1.');
    expect(await ctl('debug-')).toContain('decreased');
    expect(await ctl('debug')).toContain('Debug level is 0.');
    await ctl('exit');
    const { code, stdout, stderr } = await probe.finished;
    expect(code).toBe(0);
    expect(stdout).toBe('');
    expect(stderr).toContain('Flows deleted: 20');
  });

  it('leaves no capturing program behind when it is killed, on a silent link too', async () => {
    const on = await wire();
    const { probe } = await startProbe(on, 'udp port 1');
    expect(await captures(on)).toBe(true);
    probe.kill();
    await probe.finished;
    await until(async () => !(await captures(on)));
  });

  it('exports everything at SIGTERM, without a word lost', async () => {
    const on = await wire();
    const { probe } = await startProbe(on, '--ndjson');
    await on.send(700, 70);
    const { code, stdout } = await probe.stop();
    expect(code).toBe(0);
    const flows = parseNdjson<{ packets: number; in_if: number }>(stdout);
    expect(flows).toHaveLength(70);
    expect(flows.reduce((sum, { packets }) => sum + packets, 0)).toBe(700);
  });

  it('refuses what it cannot capture', async () => {
    const refused = await weir(['probe', '-i', 'no-such-one', '-c', 'none']);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no interface no-such-one[^]*any\.\n/) as string,
    });
    const program = await weir(['probe', '-i', 'lo', '--capture-program', 'no-such-program', '-c', 'none']);
    expect(program).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no program') as string });
    const direction = await weir([
      'probe',
      '-i',
      'lo',
      '--capture-program',
      'dumpcap',
      '--direction',
      'in',
      '-c',
      'none',
    ]);
    expect(direction).toMatchObject({ code: 2, stderr: expect.stringContaining('one direction only') as string });
    const socket = await weir(['probe', '-i', 'lo', '-c', '/no/such/folder/ctl']);
    expect(socket).toMatchObject({ code: 1, stderr: expect.stringContaining('WEIR_CONTROL') as string });
  });

  it('answers softflowctl in the same words, about the same flows', async () => {
    const on = await wire();
    const { socket } = await startProbe(on);
    const folder = tempFolder('softflowd');
    const control = folder.join('ctl');
    on.far.start(requireTool('softflowd'), [
      '-d',
      '-i',
      'wire',
      '-m',
      '10000',
      '-c',
      control,
      '-p',
      folder.join('pid'),
    ]);
    await until(async () => (await softflowctl(control, 'debug+')) !== '');
    await on.send(3000, 300);
    // softflowd sees packets when the kernel has a block full of them.
    await until(async () => {
      await on.send(2000, 1);
      return (await softflowctl(control, 'statistics')).includes('Number of active flows: 300\n');
    });
    await until(async () => (await softflowctl(socket, 'statistics')).includes('Number of active flows: 300\n'));
    for (const command of COMMANDS)
      expect(await softflowctl(socket, command), command).toBe(await softflowctl(control, command));
  });
});
