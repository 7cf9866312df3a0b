import { once } from 'node:events';
import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createCaptureCounters } from '#weir/meter/capture/source.js';
import { type ControlTarget, MOST_FLOWS } from '#weir/meter/control/answer.js';
import { CONTROL_COMMANDS } from '#weir/meter/control/commands.js';
import { askProbe } from '#weir/meter/control/control-client.js';
import { ControlServer } from '#weir/meter/control/control-server.js';
import { defaultSocket, findSocket } from '#weir/meter/control/socket-path.js';
import { DEFAULT_TIMEOUTS } from '#weir/meter/timeouts.js';
import { runProcess, spawnProcess } from '../../helpers/processes.ts';
import { tempFolder } from '../../helpers/temp.ts';
import { describeAsRoot } from '../../helpers/tools.ts';

const FLOW = {
  src_addr: '192.0.2.1',
  src_port: 1000,
  dst_addr: '2001:db8::1',
  dst_port: 53,
  proto: 17,
  bytes: 100,
  packets: 2,
  reverse_bytes: 300,
  reverse_packets: 1,
  tcp_flags: 0,
  reverse_tcp_flags: 0x1b,
  time_start: '2026-11-21T12:00:00.123456Z',
  time_end: '2026-11-21T12:00:01.000000Z',
  timeout: 'udp',
  time_timeout: '',
};

/** A probe that keeps what it is told, with so many flows. */
async function startServer({ flows = 1, path = tempFolder('ctl').join('probe.ctl') } = {}) {
  const told: string[] = [];
  const target: ControlTarget = {
    timeouts: { ...DEFAULT_TIMEOUTS, udp: 90 },
    status: () => ({
      capture: { ...createCaptureCounters(), packets: 7, dropped: 2, interruptions: 1, blindMillis: 1500 },
      flows: undefined,
      exported: undefined,
    }),
    *dumpFlows() {
      for (let n = 0; n < flows; n++) yield { ...FLOW, src_port: n };
    },
    expireAll: () => told.push('expire-all') + 40,
    deleteAll: () => told.push('delete-all') + 20,
    renewTemplates: () => void told.push('templates'),
    setGathering: (isGathering) => void told.push(`gathering ${isGathering}`),
    debug: (change) => {
      told.push(`debug ${change}`);
      return 3;
    },
    end: (isDiscarding) => void told.push(`end ${isDiscarding}`),
  };
  const server = new ControlServer(path, target, { pid: 4711, since: Date.parse('2026-11-21T12:00:00.5Z') });
  await server.start();
  onTestFinished(() => server.close());
  return { server, path, told };
}

async function ask(path: string, command: (typeof CONTROL_COMMANDS)[number]['name']) {
  const lines = [];
  for await (const line of askProbe(path, command)) lines.push(line);
  return lines;
}

/** What is answered to octets as they are sent. */
async function raw(path: string, request: string): Promise<string> {
  const socket = connect(path);
  let text = '';
  socket.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  socket.write(request);
  await once(socket, 'close');
  return text;
}

describe('the control socket', () => {
  it('does each command, once', async () => {
    const { path, told } = await startServer();
    for (const { name } of CONTROL_COMMANDS) {
      const [first] = await ask(path, name);
      expect(first).toMatchObject({ type: 'answer', command: name, pid: 4711, message: expect.any(String) as string });
    }
    expect(told).toEqual([
      'expire-all',
      'delete-all',
      'templates',
      'gathering true',
      'gathering false',
      'end false',
      'end true',
      'debug 1',
      'debug -1',
      'debug 0',
    ]);
  });

  it('tells programs what people see', async () => {
    const { path } = await startServer({ flows: 2 });
    expect(await ask(path, 'expire-all')).toMatchObject([{ flows: 41, message: 'Expired 41 flows.' }]);
    expect(await ask(path, 'timeouts')).toMatchObject([{ timeouts: { udp: 90, tcp: 3600 } }]);
    expect(await ask(path, 'statistics')).toMatchObject([
      { since: '2026-11-21T12:00:00Z', status: { capture: { packets: 7 } } },
    ]);
    expect((await ask(path, 'dump-flows')).slice(1)).toEqual([
      { type: 'flow', ...FLOW, src_port: 0 },
      { type: 'flow', ...FLOW, src_port: 1 },
    ]);
  });

  it('answers a plain line with text, as softflowd does', async () => {
    const { path } = await startServer();
    expect(await raw(path, 'stop-gather\n')).toBe('weir probe[4711]: Data collection stopped.\n');
    expect(await raw(path, 'nonsense\n')).toBe('Unknown control command "nonsense"\n');
    expect(await raw(path, '\r\n')).toBe('Unknown control command ""\n');
    expect(await raw(path, 'timeouts\n')).toContain('\n           UDP timeout: 90s\n');
    const statistics = await raw(path, 'statistics\n');
    expect(statistics).toContain('Accumulated statistics since 2026-11-21T12:00:00 UTC:\n');
    expect(statistics).toContain('Packets received by libpcap: 9\nPackets dropped by libpcap: 2\n');
    expect(statistics).toContain('Interruptions of the capture: 1 (nothing was seen for 1.5 s)\n');
    expect(await raw(path, 'dump-flows\n')).toContain(
      'ACTIVE [192.0.2.1]:0 <> [2001:db8::1]:53 proto:17 octets>:100 packets>:2 octets<:300 packets<:1 ' +
        'start:2026-11-21T12:00:00.123 finish:2026-11-21T12:00:01.000 tcp>:00 tcp<:1b timeout:udp\n',
    );
  });

  it('bounds what it reads, and what it tells', async () => {
    const { path } = await startServer({ flows: MOST_FLOWS + 5 });
    expect(await raw(path, 'x'.repeat(100_000))).toMatch(/^Unknown control command "x{256}"\n$/);
    expect(await ask(path, 'dump-flows')).toHaveLength(MOST_FLOWS + 1);
  });

  it('outlives those who go away in the middle', async () => {
    const { path } = await startServer({ flows: 50_000 });
    for (const request of ['stat', 'dump-flows\n', 'dump-flows json\n']) {
      const socket = connect(path);
      socket.on('error', () => {});
      socket.write(request, () => socket.destroy());
      await once(socket, 'close');
    }
    expect(await ask(path, 'debug')).toHaveLength(1);
  });

  it('is for its user only, and goes with the probe', async () => {
    const mask = process.umask();
    const { path, server } = await startServer();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(process.umask()).toBe(mask);
    await server.close();
    await server.close();
    expect(existsSync(path)).toBe(false);
  });

  it('is one probe’s; a dead one’s is taken over, and nobody else’s file', async () => {
    const { path } = await startServer();
    await expect(startServer({ path })).rejects.toMatchObject({
      code: 'WEIR_CONTROL',
      message: expect.stringContaining('already') as string,
    });
    expect(await ask(path, 'debug')).toHaveLength(1);

    const left = tempFolder('left').join('probe.ctl');
    const dead = spawnProcess(process.execPath, [
      '-e',
      `require('net').createServer().listen(${JSON.stringify(left)}, () => console.log('ready'))`,
    ]);
    await dead.waitFor('ready');
    dead.kill();
    await dead.finished;
    expect(existsSync(left)).toBe(true);
    await startServer({ path: left });
    expect(await ask(left, 'debug')).toHaveLength(1);

    const file = tempFolder('file').join('precious');
    writeFileSync(file, 'data');
    await expect(startServer({ path: file })).rejects.toMatchObject({ code: 'WEIR_CONTROL' });
    expect(statSync(file).size).toBe(4);
  });
});

describe('who asks a probe', () => {
  it('is told why there is no answer', async () => {
    const folder = tempFolder('none');
    await expect(ask(folder.join('none'), 'debug')).rejects.toMatchObject({
      code: 'WEIR_CONTROL',
      message: expect.stringContaining('there is no such socket') as string,
      hint: expect.stringContaining('weir probe') as string,
    });
    const serve = async (name: string, answer: string) => {
      const server = createServer((socket) => socket.end(answer));
      server.listen(folder.join(name));
      await once(server, 'listening');
      onTestFinished(() => void server.close());
      return folder.join(name);
    };
    await expect(ask(await serve('silent', ''), 'debug')).rejects.toThrow('went away');
    await expect(ask(await serve('other', 'softflowd[1]: hello\n'), 'debug')).rejects.toThrow('is no weir probe');
    const error = { type: 'error', code: 'WEIR_CONTROL', message: 'no', hint: 'ask later' };
    await expect(ask(await serve('newer', `${JSON.stringify(error)}\n`), 'debug')).rejects.toMatchObject({
      message: 'no',
      hint: 'ask later',
    });
  });

  it('looks in the folder of the user, and in that of the service', () => {
    const root = { env: {}, isRoot: true };
    expect(defaultSocket(root)).toBe('/run/weir-probe.ctl');
    expect(defaultSocket({ env: { RUNTIME_DIRECTORY: '/run/weir-probe:/run/b' }, isRoot: false })).toBe(
      '/run/weir-probe/weir-probe.ctl',
    );
    expect(defaultSocket({ env: { XDG_RUNTIME_DIR: '/run/user/7' }, isRoot: false })).toBe(
      '/run/user/7/weir-probe.ctl',
    );
    expect(defaultSocket({ env: {}, isRoot: false })).toBeUndefined();
    const service = '/run/weir-probe/weir-probe.ctl';
    expect(findSocket(root, () => false)).toBe('/run/weir-probe.ctl');
    expect(findSocket(root, (path) => path === service)).toBe(service);
    expect(findSocket(root, () => true)).toBe('/run/weir-probe.ctl');
  });
});

describeAsRoot('another user', () => {
  it('cannot open the socket', async () => {
    const folder = tempFolder('ctl');
    chmodSync(folder.path, 0o755);
    const { path } = await startServer({ path: folder.join('probe.ctl') });
    const script = `require('net').connect(process.argv[1]).on('error', (e) => console.log(e.code)).unref()`;
    const asNobody = ['--reuid', '65534', '--clear-groups', process.execPath, '-e', script];
    expect((await runProcess('setpriv', [...asNobody, path])).stdout).toBe('EACCES\n');
    chmodSync(path, 0o666);
    expect((await runProcess('setpriv', [...asNobody, path])).stdout).toBe('');
  });
});
