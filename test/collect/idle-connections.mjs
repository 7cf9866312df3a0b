/** Opens connections that stay silent, or begin a TLS handshake and stop: `node idle-connections.mjs PORT COUNT ADDRESSES [hello]`. Says `open` when all are there. */
import { connect } from 'node:net';

const [port, count, addresses, hello] = process.argv.slice(2);
const sockets = [];
let open = 0;
for (let i = 0; i < Number(count); i++) {
  const socket = connect({
    port: Number(port),
    host: '127.0.0.1',
    localAddress: `127.0.1.${1 + (i % Number(addresses))}`,
  });
  sockets.push(socket);
  socket.on('error', (error) => console.error(error.message)).resume();
  await new Promise((resolve) => {
    socket.once('connect', resolve).once('close', resolve);
  });
  if (hello === 'hello') socket.write(Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3));
  open++;
}
console.log(`open ${open}`);
