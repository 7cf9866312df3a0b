// Both ends of the traffic that record-traffic.sh records: `traffic.mjs serve` in one network namespace, `traffic.mjs send` in the other.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpServer, get } from 'node:http';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const HOSTS = ['192.0.2.2', '2001:db8::2'];
const [HTTP, BULK, ECHO, SILENT, CLOSED] = [80, 5001, 7, 9, 4];

function serve() {
  createHttpServer((request, response) => response.end('x'.repeat(Number(request.url.slice(1)) || 1))).listen(
    HTTP,
    '::',
  );
  createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(BULK, '::');
  const echo = createSocket({ type: 'udp6' });
  echo.on('message', (bytes, { address, port }) => echo.send(bytes, port, address));
  echo.bind(ECHO, '::');
  createSocket({ type: 'udp6' }).bind(SILENT, '::');
}

async function fetch(host, size) {
  const [response] = await once(get({ host, port: HTTP, path: `/${size}`, agent: false }), 'response');
  for await (const _chunk of response);
}

/** Sends `size` octets, and waits until they have come back. */
async function transfer(host, size) {
  const socket = connect(BULK, host);
  await once(socket, 'connect');
  socket.end(Buffer.alloc(size, 'transfer '));
  for await (const _chunk of socket);
}

async function refused(host) {
  await once(connect(CLOSED, host), 'error').catch(() => {});
}

async function datagrams(host, port, sizes) {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.on('error', () => {}); // the other side's "port unreachable"
  for (const size of sizes) {
    socket.send(Buffer.alloc(size, 'datagram '), port, host);
    await sleep(2);
  }
  await sleep(30);
  socket.close();
}

async function send() {
  for (const host of HOSTS) {
    for (const size of [1, 500, 5000]) await fetch(host, size);
    await transfer(host, 12_000);
    await refused(host);
    for (let i = 0; i < 6; i++) await datagrams(host, ECHO, [30 + i, 200]);
    await datagrams(host, SILENT, [60, 61, 62]);
    await datagrams(host, CLOSED, [40, 41]);
    // Larger than the link's MTU: sent, and answered, in fragments.
    await datagrams(host, ECHO, [3500]);
  }
}

await (process.argv[2] === 'serve' ? serve() : send());
