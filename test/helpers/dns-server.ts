import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface DnsServer {
  /** For `--nameserver`. */
  readonly address: string;
  /** Names that were asked for, as they came. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

/**
 * A name server on loopback that answers PTR questions: `answer` gives the name that an address's name in in-addr.arpa or ip6.arpa points to, undefined
 * for none (NXDOMAIN), or null for no answer at all. It may take its time.
 */
export async function startDnsServer(
  answer: (question: string) => string | undefined | null | Promise<string | undefined | null>,
): Promise<DnsServer> {
  const socket: Socket = createSocket('udp4');
  const asked: string[] = [];
  socket.on('message', (query, { address, port }) => {
    const { name, end } = readName(query);
    asked.push(name);
    void Promise.resolve(answer(name)).then((found) => {
      if (found === null) return;
      const head = Buffer.from(query.subarray(0, end + 4));
      // Response, recursion available; no error, or NXDOMAIN.
      head.writeUInt16BE(found === undefined ? 0x8183 : 0x8180, 2);
      head.writeUInt16BE(found === undefined ? 0 : 1, 6);
      head.writeUInt32BE(0, 8);
      const target = found === undefined ? Buffer.alloc(0) : writeName(found);
      // The name of the question, type PTR, class IN, an hour.
      const record = Buffer.from([0xc0, 12, 0, 12, 0, 1, 0, 0, 14, 16, target.length >> 8, target.length & 255]);
      socket.send(found === undefined ? head : Buffer.concat([head, record, target]), port, address);
    });
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    close: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
}

function readName(message: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}

function writeName(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}
