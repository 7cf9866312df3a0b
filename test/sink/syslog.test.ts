import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, renameSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, Server as TlsServer } from 'node:tls';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { FileLines } from '#weir/sink/file-lines.js';
import { LineSink, type LineTransport } from '#weir/sink/line-sink.js';
import { LoggerLines } from '#weir/sink/logger-lines.js';
import { createSyslog } from '#weir/sink/syslog.js';
import { parseSyslogTarget } from '#weir/sink/syslog-target.js';
import { certificateMaker } from '../helpers/certificates.ts';
import { spawnProcess } from '../helpers/processes.ts';
import { describeUnless } from '../helpers/skip.ts';
import { tempFolder } from '../helpers/temp.ts';
import { toolPath } from '../helpers/tools.ts';

const USUAL = { facility: 'local6', severity: 'info', ident: 'nfflowd' };
const AT = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
const message = (line: string) => `<182>1 2026-01-02T03:04:05.006Z fw nfflowd ${process.pid} - - ${line}`;

async function sinkTo(transport: LineTransport, mostWaiting?: number): Promise<LineSink> {
  const sink = new LineSink({ name: 'test', transport, mostWaiting });
  onTestFinished(() => sink.close(0));
  await sink.start();
  return sink;
}

const syslogTo = (text: string, more = {}) =>
  createSyslog(parseSyslogTarget(text, USUAL), { host: 'fw', now: () => AT, retryMillis: 20, ...more });

/** A server of TCP or TLS that keeps what comes. */
async function listen(server: Server, port = 0) {
  const kept = { text: '' };
  const sockets = new Set<Socket>();
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.add(socket);
    socket.setEncoding('utf8').on('data', (chunk: string) => (kept.text += chunk));
    socket.on('error', () => {});
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(async () => void (await close()));
  return { kept, close, port: (server.address() as AddressInfo).port };
}

describe('syslog', () => {
  it('over UDP: a message a datagram', async () => {
    const socket = createSocket('udp4');
    onTestFinished(() => void socket.close());
    const got: string[] = [];
    socket.on('message', (datagram) => got.push(datagram.toString()));
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const sink = await sinkTo(syslogTo(`udp://127.0.0.1:${socket.address().port}`));
    for (const line of ['one', 'two', 'three']) sink.write(line);
    await vi.waitFor(() => expect(got).toEqual(['one', 'two', 'three'].map(message)));
  });

  it('over TCP: octets are counted, or lines end', async () => {
    const { kept, port } = await listen(createServer());
    const counting = await sinkTo(syslogTo(`tcp://127.0.0.1:${port}`));
    counting.write('é');
    await vi.waitFor(() => expect(kept.text).toBe(`${Buffer.byteLength(message('é'))} ${message('é')}`));
    kept.text = '';
    const ending = await sinkTo(syslogTo(`tcp://127.0.0.1:${port}?framing=lf`));
    ending.write('one');
    ending.write('two');
    await vi.waitFor(() => expect(kept.text).toBe(`${message('one')}\n${message('two')}\n`));
  });

  it('what is written while the server is away comes when it is there, within bounds', async () => {
    const first = await listen(createServer());
    await first.close();
    const line = 'x'.repeat(100);
    const sink = await sinkTo(syslogTo(`tcp://127.0.0.1:${first.port}?framing=lf`), 1000);
    for (let i = 0; i < 15; i++) sink.write(line);
    expect(sink.counters()).toMatchObject({ isOpen: false, lines: 0, waiting: 10, dropped: 5, failed: 0 });
    const second = await listen(createServer(), first.port);
    await vi.waitFor(() => expect(second.kept.text).toBe(`${message(line)}\n`.repeat(10)), { timeout: 10_000 });
    expect(sink.counters()).toMatchObject({ isOpen: true, lines: 10, waiting: 0, dropped: 5 });
  });

  it('what still waits at the end is lost, and counted', async () => {
    const { port, close } = await listen(createServer());
    await close();
    const sink = await sinkTo(syslogTo(`tcp://127.0.0.1:${port}`));
    for (let i = 0; i < 7; i++) sink.write('x');
    await sink.close(0);
    expect(sink.counters()).toMatchObject({ lines: 0, waiting: 0, lost: 7 });
  });
});

describeUnless(toolPath('openssl') === undefined ? 'openssl not installed' : undefined, 'syslog over TLS', () => {
  it('goes to a server whose certificate is signed by a known authority, and to no other', async () => {
    const make = certificateMaker(tempFolder().path);
    const authority = make.authority('authority');
    const { cert, key } = make.signed('localhost', authority);
    const server = createTlsServer({ cert, key });
    server.on('tlsClientError', () => {});
    const { kept, port } = await listen(server);
    const tls = { ca: authority.cert, servername: 'localhost' };
    const sink = await sinkTo(syslogTo(`tls://127.0.0.1:${port}`, { tls }));
    sink.write('one');
    await vi.waitFor(() => expect(kept.text).toBe(`${message('one').length} ${message('one')}`));
    const stranger = await sinkTo(syslogTo(`tls://127.0.0.1:${port}`));
    stranger.write('two');
    expect(stranger.counters()).toMatchObject({ isOpen: false, waiting: 1 });
    expect(stranger.counters().lastError).toMatch(/certificate/);
  });
});

/** A syslog on a unix datagram socket, which Node does not have: prints what comes, after `wait` s. */
const SYSLOG = `
import os, socket, sys, time
path, wait = sys.argv[1], float(sys.argv[2])
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(path)
print('ready', flush=True)
time.sleep(wait)
while True: print(s.recv(65536).decode().rstrip(chr(0)), flush=True)
`;
const why = ['logger', 'python3'].find((tool) => toolPath(tool) === undefined);

describeUnless(why === undefined ? undefined : `${why} not installed`, 'the local syslog', () => {
  it('gets lines by logger, with facility, severity and name', async () => {
    const path = tempFolder().join('log');
    const python = toolPath('python3') as string;
    const syslog = spawnProcess(python, ['-c', SYSLOG, path, '0']);
    await syslog.waitFor('ready');
    const sink = await sinkTo(syslogTo(`local:${path}`));
    for (let i = 0; i < 100; i++) sink.write(`line ${i}`);
    await syslog.waitFor('line 99');
    const got = syslog.stdout().split('\n').slice(1, 101);
    expect(got.every((line) => /^<182>\w{3} [ \d]\d \d\d:\d\d:\d\d nfflowd(\[\d+\])?: line \d+$/.test(line))).toBe(
      true,
    );
    expect(got.map((line) => Number(/\d+$/.exec(line)?.[0]))).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it('that is not there, or dead, holds nothing up, and gets what waited when it is back', async () => {
    const path = tempFolder().join('log');
    const sink = await sinkTo(syslogTo(`local:${path}`), 200);
    await vi.waitFor(() => expect(sink.counters().lastError).toMatch(/No such file/));
    await vi.waitFor(() => expect(sink.counters().isOpen).toBe(false));
    for (let i = 0; i < 100; i++) sink.write('0123456789');
    const { lines, waiting, dropped, failed } = sink.counters();
    expect([lines + waiting + dropped, waiting]).toEqual([100, 20]);
    expect(failed).toBe(0);
    const syslog = spawnProcess(toolPath('python3') as string, ['-c', SYSLOG, path, '0']);
    await syslog.waitFor('0123456789');
    await vi.waitFor(() => expect(syslog.stdout().match(/0123456789/g)).toHaveLength(20), { timeout: 10_000 });
  });

  it('whose queue is full is not waited for', async () => {
    const path = tempFolder().join('log');
    const syslog = spawnProcess(toolPath('python3') as string, ['-c', SYSLOG, path, '100']);
    await syslog.waitFor('ready');
    const sink = await sinkTo(syslogTo(`local:${path}`), 100_000);
    const line = 'x'.repeat(100);
    for (let i = 0; i < 30_000; i++) sink.write(line);
    await vi.waitFor(() => expect(sink.counters().dropped).toBeGreaterThan(5000));
    const { lines, waiting, dropped } = sink.counters();
    expect(lines + waiting + dropped).toBe(30_000);
  });

  it('without logger cannot be started', async () => {
    const lines = new LoggerLines({ priority: 'local6.info', ident: 'x', command: 'no-such-logger' });
    await expect(lines.start()).rejects.toThrow(/no-such-logger is not installed/);
  });
});

describe('a file', () => {
  it('is appended to, and begun anew when it has been moved away', async () => {
    const path = tempFolder().join('nat.csv');
    const sink = await sinkTo(new FileLines(path));
    sink.write('one');
    await vi.waitFor(() => expect(readFileSync(path, 'utf8')).toBe('one\n'));
    renameSync(path, `${path}.1`);
    sink.reopen();
    sink.write('two');
    await sink.close();
    expect([readFileSync(`${path}.1`, 'utf8'), readFileSync(path, 'utf8')]).toEqual(['one\n', 'two\n']);
    const again = await sinkTo(new FileLines(path));
    again.write('three');
    await again.close();
    expect(readFileSync(path, 'utf8')).toBe('two\nthree\n');
  });

  it('takes many lines at once, and has all of them in their order', async () => {
    const path = tempFolder().join('nat.csv');
    const sink = await sinkTo(new FileLines(path));
    const lines = Array.from({ length: 50_000 }, (_, i) => `${i},${'x'.repeat(i % 200)}`);
    for (const line of lines) sink.write(line);
    await sink.close();
    expect(readFileSync(path, 'utf8') === `${lines.join('\n')}\n`).toBe(true);
    expect(sink.counters()).toMatchObject({ lines: 50_000, dropped: 0, lost: 0, failed: 0 });
  });

  it('that cannot be opened is refused at the start', async () => {
    await expect(new FileLines('/no/such/folder/x.csv').start()).rejects.toThrow(
      expect.objectContaining({ code: 'WEIR_SEND' }),
    );
  });

  it('on a full disk costs lines, which are counted, and nothing else', async () => {
    const sink = await sinkTo(new FileLines('/dev/full'));
    sink.write('one');
    await vi.waitFor(() => expect(sink.counters()).toMatchObject({ failed: 1, isOpen: false }));
    sink.write('two');
    expect(sink.counters().waiting).toBe(1);
    expect(sink.counters().lastError).toMatch(/ENOSPC/);
  });
});
