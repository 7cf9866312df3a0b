import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { endianness } from 'node:os';
import { expect, it } from 'vitest';
import { type BoundAddress, socketCounterReader } from '#weir/collect/kernel-drops.js';
import { describeUnless } from '../helpers/skip.ts';

const HEADER =
  '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n';
const row = (local: string, rx: string, inode: number, drops: number, remote = '00000000:0000'): string =>
  ` 5148: ${local} ${remote} 07 00000000:${rx} 00:00000000 00000000     0        0 ${inode} 2 00000000ea169581 ${drops}\n`;

function files(text: () => string, inodes: number[]) {
  return { read: text, links: () => ['/dev/null', 'pipe:[5]', ...inodes.map((inode) => `socket:[${inode}]`)] };
}

const bound = (address: string, port = 2055): BoundAddress => ({
  address,
  port,
  family: address.includes(':') ? 'IPv6' : 'IPv4',
});

const bigEndian = endianness() === 'LE' ? undefined : 'the tables are those of a little-endian machine';
describeUnless(bigEndian, 'socketCounterReader on made-up tables', () => {
  it('picks the socket of this process by address, port and inode', () => {
    const text =
      HEADER +
      row('0100007F:0807', '00000100', 11, 1) + // the port, another address
      row('00000000:0807', '00000200', 12, 2) + // another process
      row('00000000:0807', '00000300', 13, 4) + // ours
      row('00000000:0808', '00000400', 14, 8) + // another port
      row('0100007F:1000', '00000500', 15, 16, '00000000:0807'); // connected to the port
    expect(
      socketCounterReader(
        bound('0.0.0.0'),
        files(() => text, [11, 13, 14, 15]),
      )(),
    ).toEqual({
      drops: 4,
      queuedBytes: 0x300,
    });
  });

  it('reads IPv6 addresses', () => {
    const text =
      HEADER +
      row('00000000000000000000000000000000:0807', '00000000', 1, 1) +
      row('B80D0120000000000000000001000000:0807', '00000010', 2, 2);
    const read = files(() => text, [1, 2]);
    expect(socketCounterReader(bound('::'), read)()).toEqual({ drops: 1, queuedBytes: 0 });
    expect(socketCounterReader(bound('2001:db8::1'), read)()).toEqual({ drops: 2, queuedBytes: 16 });
  });

  it('falls back to address and port when it cannot see its own descriptors', () => {
    const text = HEADER + row('00000000:0807', '00000200', 12, 2);
    expect(
      socketCounterReader(
        bound('0.0.0.0'),
        files(() => text, []),
      )(),
    ).toEqual({ drops: 2, queuedBytes: 0x200 });
  });

  it('goes on counting when the 32 bits of the kernel wrap, printed with a sign or without', () => {
    let drops = 4_294_967_290;
    const read = socketCounterReader(
      bound('0.0.0.0'),
      files(() => HEADER + row('00000000:0807', '00000000', 13, drops), [13]),
    );
    expect(read()?.drops).toBe(4_294_967_290);
    drops = -1;
    expect(read()?.drops).toBe(4_294_967_295);
    drops = 4;
    expect(read()?.drops).toBe(4_294_967_300);
  });

  it('is undefined when the socket or the table is not there', () => {
    expect(
      socketCounterReader(
        bound('0.0.0.0'),
        files(() => HEADER, [13]),
      )(),
    ).toBeUndefined();
    const missing = {
      read: () => {
        throw new Error('ENOENT');
      },
      links: () => [],
    };
    expect(socketCounterReader(bound('0.0.0.0'), missing)()).toBeUndefined();
    expect(socketCounterReader({ address: 'pipe', family: 'IPv4', port: 1 }, missing)()).toBeUndefined();
  });
});

describeUnless(process.platform === 'linux' ? undefined : 'not Linux', 'socketCounterReader on this kernel', () => {
  it.each([
    ['udp4', '127.0.0.1'],
    ['udp6', '::1'],
    ['udp6', '::'],
  ] as const)('counts exactly the datagrams that a full %s buffer on %s lost', async (type, host) => {
    const receiver = createSocket({ type, ipv6Only: false, recvBufferSize: 4096 });
    let received = 0;
    receiver.on('message', () => {
      received++;
    });
    await bind(receiver, host);
    const { port } = receiver.address();
    const read = socketCounterReader({ address: host, family: type === 'udp4' ? 'IPv4' : 'IPv6', port });
    expect(read()).toEqual({ drops: 0, queuedBytes: 0 });

    const sender = createSocket(type);
    await bind(sender, host === '::' ? '::1' : host);
    // All are written within one turn of the event loop, so the receiver reads none of them meanwhile.
    const total = 200;
    const target = host === '::' ? '::1' : host;
    await connect(sender, port, target);
    let sent = 0;
    await new Promise<void>((resolve, reject) => {
      for (let i = 0; i < total; i++) {
        sender.send(new Uint8Array(1000), (error) => {
          if (error !== null) reject(error);
          else if (++sent === total) resolve();
        });
      }
    });
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    const counters = read();
    expect(counters?.queuedBytes).toBe(0);
    expect(counters?.drops).toBeGreaterThan(0);
    expect(received).toBeGreaterThan(0);
    expect((counters?.drops ?? 0) + received).toBe(total);
    sender.close();
    receiver.close();
  });

  it('tells two sockets of this process on one port apart by their addresses', async () => {
    const one = createSocket('udp4');
    await bind(one, '127.0.0.1');
    const { port } = one.address();
    const other = createSocket('udp4');
    await bind(other, '127.0.0.2', port);
    const sender = createSocket('udp4');
    const first = socketCounterReader({ address: '127.0.0.1', family: 'IPv4', port });
    const second = socketCounterReader({ address: '127.0.0.2', family: 'IPv4', port });
    await connect(sender, port, '127.0.0.2');
    // Connected, it is sent at once; nothing reads it before the event loop turns.
    sender.send(new Uint8Array(100));
    expect(first()).toEqual({ drops: 0, queuedBytes: 0 });
    expect(second()?.queuedBytes).toBeGreaterThan(100);
    for (const socket of [one, other, sender]) socket.close();
  });
});

async function bind(socket: Socket, host: string, port = 0): Promise<void> {
  socket.bind(port, host);
  await once(socket, 'listening');
}

async function connect(socket: Socket, port: number, host: string): Promise<void> {
  socket.connect(port, host);
  await once(socket, 'connect');
}
