import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A UDP port of `host` that was free a moment ago. Another process may take it before the caller does; the kernel hands ephemeral
 * ports out at random, so this is rare enough. Where the program under test can report the port it got, bind port 0 instead.
 */
export async function freeUdpPort(host = '127.0.0.1'): Promise<number> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.bind(0, host);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

/** A TCP port of `host` that was free a moment ago. */
export async function freeTcpPort(host = '127.0.0.1'): Promise<number> {
  const server = createServer();
  server.listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error(`no port in ${String(address)}`);
  server.close();
  await once(server, 'close');
  return address.port;
}
