import { spawnSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it, type TestContext } from 'vitest';
import { parseAllowList, RefusedSenders } from '#weir/collect/allow-list.js';
import { parseListenUrl } from '#weir/collect/listen-url.js';
import type { Sender } from '#weir/collect/sender-table.js';
import { UdpListener, type UdpListenerOptions } from '#weir/collect/udp-listener.js';

const linux = process.platform === 'linux';
const hasV6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));

/** A test that is skipped for `reason`, which its name then gives; it runs when `reason` is undefined. */
function itUnless(
  reason: string | undefined,
  name: string,
  body: (context: TestContext) => Promise<void> | void,
): void {
  if (reason === undefined) it(name, body);
  else it.skip(`${name} [skipped: ${reason}]`, body);
}

interface Got {
  readonly text: string;
  readonly sender: Sender;
}

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function listen(url: string, options: Partial<UdpListenerOptions> = {}): { listener: UdpListener; got: Got[] } {
  const got: Got[] = [];
  const listener = new UdpListener({
    url: parseListenUrl(url),
    receiveBufferBytes: 65_536,
    onDatagram: (bytes, sender) => got.push({ text: new TextDecoder().decode(bytes), sender }),
    ...options,
  });
  closers.push(() => listener.close());
  return { listener, got };
}

async function exporter(type: 'udp4' | 'udp6', host: string): Promise<{ port: number; send: typeof send }> {
  const socket: Socket = createSocket(type);
  socket.bind(0, host);
  await once(socket, 'listening');
  closers.push(() => socket.close());
  const send = (text: string, listener: UdpListener, to = host): Promise<void> =>
    new Promise((resolve, reject) => {
      socket.send(text, listener.bound?.port ?? 0, to, (error) => (error === null ? resolve() : reject(error)));
    });
  return { port: socket.address().port, send };
}

/** Loopback delivers at once: a few turns of the event loop and all that was sent is read. */
async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

describe('UdpListener', () => {
  it('receives over IPv4 and reports the port it was given', async () => {
    const { listener, got } = listen('udp://127.0.0.1:0');
    expect(listener.bound).toBeUndefined();
    await listener.start();
    expect(listener.bound).toEqual({ address: '127.0.0.1', family: 'IPv4', port: expect.any(Number) as unknown });
    const { port, send } = await exporter('udp4', '127.0.0.1');
    await send('one', listener);
    await send('', listener);
    await settle();
    expect(got.map(({ text }) => text)).toEqual(['one', '']);
    expect(got[0]?.sender).toMatchObject({ host: '127.0.0.1', port, text: `127.0.0.1:${port}`, allowed: true });
    expect(got[1]?.sender).toBe(got[0]?.sender);
    expect(listener.counters()).toEqual({
      datagrams: 2,
      bytes: 3,
      refusedDatagrams: 0,
      refusedBytes: 0,
      errors: 0,
    });
    expect(listener.senders).toBe(1);
  });

  itUnless(hasV6 ? undefined : 'no IPv6 on loopback', 'receives both families on [::], IPv4 as IPv4', async () => {
    const { listener, got } = listen('udp://[::]:0');
    await listener.start();
    const v4 = await exporter('udp4', '127.0.0.1');
    const v6 = await exporter('udp6', '::1');
    await v4.send('four', listener);
    await v6.send('six', listener);
    await settle();
    expect(got.map(({ text, sender }) => [text, sender.text])).toEqual([
      ['four', `127.0.0.1:${v4.port}`],
      ['six', `[::1]:${v6.port}`],
    ]);
    expect(got[0]?.sender.address).toEqual([0, 0, 0xffff, 0x7f000001]);
  });

  it('keeps bytes intact after more datagrams have come', async () => {
    const kept: Uint8Array[] = [];
    const { listener } = listen('udp://127.0.0.1:0', { onDatagram: (bytes) => kept.push(bytes) });
    await listener.start();
    const { send } = await exporter('udp4', '127.0.0.1');
    for (let i = 0; i < 50; i++) await send(String(i).repeat(i + 1), listener);
    await settle();
    expect(kept.map((bytes) => new TextDecoder().decode(bytes))).toEqual(
      Array.from({ length: 50 }, (_, i) => String(i).repeat(i + 1)),
    );
  });

  it('refuses who is not on the allow-list, counts by address, and follows a reload', async () => {
    const refused = new RefusedSenders();
    const { listener, got } = listen('udp://0.0.0.0:0', { refused, allowList: parseAllowList(['127.0.0.1'], 'test') });
    await listener.start();
    const one = await exporter('udp4', '127.0.0.1');
    const two = await exporter('udp4', '127.0.0.2');
    const round = async (text: string): Promise<void> => {
      await one.send(`${text}1`, listener, '127.0.0.1');
      await two.send(`${text}2`, listener, '127.0.0.1');
      await settle();
    };
    await round('a');
    listener.setAllowList(parseAllowList([`127.0.0.2/${two.port}`], 'test'));
    await round('b');
    listener.setAllowList(undefined);
    await round('c');
    expect(got.map(({ text }) => text)).toEqual(['a1', 'b2', 'c1', 'c2']);
    expect(listener.counters()).toMatchObject({ datagrams: 4, refusedDatagrams: 2, refusedBytes: 4 });
    expect(refused.list()).toEqual([
      { address: '127.0.0.2', datagrams: 1, bytes: 2, connections: 0 },
      { address: '127.0.0.1', datagrams: 1, bytes: 2, connections: 0 },
    ]);
  });

  it('starts and closes once, however often it is told to', async () => {
    const { listener } = listen('udp://127.0.0.1:0');
    expect(listener.start()).toBe(listener.start());
    const closed = listener.close(); // while it is still starting
    expect(listener.close()).toBe(closed);
    await closed;
    const idle = listen('udp://127.0.0.1:0').listener;
    await idle.close();
    await expect(idle.start()).rejects.toThrow('closed');
  });

  it('hands on what the kernel has queued before it closes, and frees the port', async () => {
    const { listener, got } = listen('udp://127.0.0.1:0', { receiveBufferBytes: 1024 * 1024 });
    await listener.start();
    const port = listener.bound?.port ?? 0;
    const { send } = await exporter('udp4', '127.0.0.1');
    // Written in one turn, so all of them wait in the kernel when close is called.
    const sent = Array.from({ length: 100 }, (_, i) => send(String(i), listener));
    const closed = listener.close();
    await Promise.all(sent);
    await closed;
    expect(got).toHaveLength(100);
    const again = listen(`udp://127.0.0.1:${port}`).listener;
    await again.start();
    expect(again.bound?.port).toBe(port);
  });

  it('reports kernel drops of its own socket', async () => {
    const { listener, got } = listen('udp://127.0.0.1:0', { receiveBufferBytes: 4096 });
    expect(listener.kernelCounters()).toBeUndefined();
    await listener.start();
    if (!linux) {
      expect(listener.kernelCounters()).toBeUndefined();
      return;
    }
    expect(listener.kernelCounters()).toEqual({ drops: 0, queuedBytes: 0 });
    const { send } = await exporter('udp4', '127.0.0.1');
    await Promise.all(Array.from({ length: 300 }, () => send('x'.repeat(500), listener)));
    await settle();
    await listener.close();
    const drops = listener.kernelCounters()?.drops ?? 0;
    expect(drops).toBeGreaterThan(0);
    expect(drops + got.length).toBe(300);
  });

  it('resolves a name when it starts, IPv4 before IPv6', async () => {
    const { listener } = listen('udp://collector.test:0', {
      deps: {
        lookup: () =>
          Promise.resolve([
            { address: '::1', family: 6 },
            { address: '127.0.0.1', family: 4 },
          ]),
      },
    });
    await listener.start();
    expect(listener.bound?.address).toBe('127.0.0.1');
  });

  it('listens on IPv4 alone where there is no IPv6', async () => {
    const noV6: typeof createSocket = (options) => {
      const socket = createSocket(options as 'udp4');
      if (typeof options === 'object' && options.type === 'udp6') failOnBind(socket, 'EAFNOSUPPORT');
      return socket;
    };
    const { listener } = listen('udp://[::]:0', { deps: { createSocket: noV6 } });
    await listener.start();
    expect(listener.bound).toMatchObject({ address: '0.0.0.0', family: 'IPv4' });
    const narrow = listen('udp://[::1]:0', { deps: { createSocket: noV6 } }).listener;
    await expect(narrow.start()).rejects.toMatchObject({ code: 'WEIR_LISTEN', hint: 'listen on udp://0.0.0.0:0' });
  });
});

describe('the receive buffer', () => {
  it('is what was asked for when the kernel grants it', async () => {
    const { listener } = listen('udp://127.0.0.1:0', { receiveBufferBytes: 65_536 });
    await listener.start();
    expect(listener.receiveBufferBytes).toBe(65_536);
    expect(listener.bufferWarning).toBeUndefined();
  });

  itUnless(linux ? undefined : 'not Linux', 'comes with the sysctl line when the kernel caps it', async () => {
    const cap = Number(readFileSync('/proc/sys/net/core/rmem_max', 'utf8'));
    const asked = cap * 2;
    const { listener } = listen('udp://127.0.0.1:0', { receiveBufferBytes: asked });
    await listener.start();
    expect(listener.receiveBufferBytes).toBe(cap);
    expect(listener.bufferWarning).toContain(`sysctl -w net.core.rmem_max=${asked}`);
    expect(listener.bufferWarning).toMatch(/receive buffer is [\d.]+ [KM]iB instead of [\d.]+ [KM]iB/);
  });

  it('is halved until a system that refuses rather than caps takes it', async () => {
    const asked: number[] = [];
    const strict: typeof createSocket = (options) => {
      const socket = createSocket(options as 'udp4');
      const set = socket.setRecvBufferSize.bind(socket);
      socket.setRecvBufferSize = (size) => {
        asked.push(size);
        if (size > 100_000) throw new Error('ENOBUFS');
        set(size);
      };
      return socket;
    };
    const { listener } = listen('udp://127.0.0.1:0', {
      receiveBufferBytes: 262_144,
      deps: { createSocket: strict, platform: 'darwin' },
    });
    await listener.start();
    expect(asked).toEqual([262_144, 131_072, 65_536]);
    expect(listener.bufferWarning).toContain('sysctl -w kern.ipc.maxsockbuf=262144');
  });
});

describe('a listener that cannot be bound', () => {
  it('says who may have the port', async () => {
    const first = listen('udp://127.0.0.1:0').listener;
    await first.start();
    const port = first.bound?.port ?? 0;
    const second = listen(`udp://[::]:${port}`, { deps: { platform: 'linux' } }).listener;
    const sameHost = listen(`udp://127.0.0.1:${port}`, { deps: { platform: 'linux' } }).listener;
    await expect(sameHost.start()).rejects.toMatchObject({
      code: 'WEIR_LISTEN',
      message: `cannot listen on udp://127.0.0.1:${port}: port ${port} is in use by another program`,
      hint: expect.stringContaining(`ss -lunp 'sport = :${port}'`) as unknown,
      details: { port, systemCode: 'EADDRINUSE' },
    });
    if (hasV6) await expect(second.start()).rejects.toMatchObject({ details: { systemCode: 'EADDRINUSE' } });
    await sameHost.close(); // after a failed start: nothing to do, no rejection
  });

  it('says that the address is not of this machine', async () => {
    const { listener } = listen('udp://192.0.2.77:0');
    await expect(listener.start()).rejects.toMatchObject({
      code: 'WEIR_LISTEN',
      message: expect.stringContaining('192.0.2.77 is not an address of this machine') as unknown,
      hint: expect.stringContaining('udp://[::]:0') as unknown,
    });
  });

  it('says that a name does not resolve', async () => {
    const lookup = () => Promise.reject(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }));
    const { listener } = listen('udp://nowhere.test:2055', { deps: { lookup } });
    await expect(listener.start()).rejects.toMatchObject({
      code: 'WEIR_LISTEN',
      message: expect.stringContaining('the name nowhere.test could not be resolved') as unknown,
    });
  });

  it('explains any other error by its own message', async () => {
    const broken: typeof createSocket = (options) => {
      const socket = createSocket(options as 'udp4');
      failOnBind(socket, 'EMFILE');
      return socket;
    };
    const { listener } = listen('udp://127.0.0.1:0', { deps: { createSocket: broken } });
    await expect(listener.start()).rejects.toMatchObject({
      code: 'WEIR_LISTEN',
      message: 'cannot listen on udp://127.0.0.1:0: bind EMFILE',
    });
  });

  const floor = linux ? Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8')) : 0;
  const anyone = floor <= 1000 ? 'this system lets anyone have low ports' : undefined;
  itUnless(anyone, 'says that low ports need privileges', ({ skip }) => {
    const script = `
      import { parseListenUrl } from '#weir/collect/listen-url.js';
      import { UdpListener } from '#weir/collect/udp-listener.js';
      const listener = new UdpListener({ url: parseListenUrl('udp://127.0.0.1:999'), onDatagram: () => {} });
      listener.start().then(() => console.log('bound'), ({ code, message, hint }) => console.log(JSON.stringify({ code, message, hint })));
    `;
    // As root the port would simply be bound, so the child gives up its privileges.
    const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { ...nobody, encoding: 'utf8' });
    if (child.error !== undefined || /EACCES|ENOENT|ERR_MODULE_NOT_FOUND/.test(child.stderr)) {
      skip('the user nobody cannot read node or this checkout');
    }
    expect(child.stderr).toBe('');
    expect(JSON.parse(child.stdout)).toEqual({
      code: 'WEIR_LISTEN',
      message: 'cannot listen on udp://127.0.0.1:999: ports below 1024 are kept for privileged programs',
      hint: expect.stringMatching(/from 1024 on.*CAP_NET_BIND_SERVICE/) as unknown,
    });
  });
});

/** Makes `bind` fail as the system would. */
function failOnBind(socket: Socket, code: string): void {
  socket.bind = () => {
    setImmediate(() => socket.emit('error', Object.assign(new Error(`bind ${code}`), { code })));
    return socket;
  };
}
