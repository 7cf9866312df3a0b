import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { connect } from 'node:tls';

/** A domain name as in messages (RFC 1035 section 3.1). */
export function wireName(name: string): Buffer {
  const labels = name === '.' ? [] : name.split('.');
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([Buffer.byteLength(label)]), Buffer.from(label)])),
    Buffer.alloc(1),
  ]);
}

export interface TestRecord {
  readonly owner: Buffer;
  readonly type: number;
  readonly ttl?: number;
  readonly data: Buffer;
}

/** A DNS message; sections `[answers, authority, additional]`. */
export function dnsMessage(
  flags: number,
  questions: readonly Buffer[],
  ...sections: readonly (readonly TestRecord[])[]
): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(0x1234, 0);
  header.writeUInt16BE(flags, 2);
  header.writeUInt16BE(questions.length, 4);
  for (const [i, section] of sections.entries()) header.writeUInt16BE(section.length, 6 + i * 2);
  const record = ({ owner, type, ttl = 60, data }: TestRecord): Buffer => {
    const fixed = Buffer.alloc(10);
    fixed.writeUInt16BE(type, 0);
    fixed.writeUInt16BE(1, 2);
    fixed.writeUInt32BE(ttl, 4);
    fixed.writeUInt16BE(data.length, 8);
    return Buffer.concat([owner, fixed, data]);
  };
  return Buffer.concat([
    header,
    ...questions.map((name) => Buffer.concat([name, Buffer.from('00010001', 'hex')])),
    ...sections.flat().map(record),
  ]);
}

/** Type codes of records. */
export const TYPE = { a: 1, cname: 5, aaaa: 28, txt: 16 } as const;
export const RESPONSE = 0x8180;
export const QUERY = 0x0100;
/** A pointer to the name of the first question. */
export const TO_QUESTION = Buffer.from('c00c', 'hex');

/** What a real client sends first to a server on this machine, in one piece. */
async function firstOctets(open: (port: number) => { destroy(): void }): Promise<Buffer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = open((server.address() as AddressInfo).port);
  const [socket] = await once(server, 'connection');
  const [data] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  client.destroy();
  server.close();
  return data;
}

/** The TLS record with the ClientHello that Node's OpenSSL sends. */
export function clientHelloRecord(serverName: string, alpn: string[]): Promise<Buffer> {
  return firstOctets((port) =>
    connect({ port, host: '127.0.0.1', servername: serverName, ALPNProtocols: alpn }).on('error', () => {}),
  );
}

/** The request that Node's HTTP client sends. */
export function httpRequestOctets(method: string, path: string, headers: Record<string, string>): Promise<Buffer> {
  return firstOctets((port) => {
    const sent = request({ port, host: '127.0.0.1', method, path, headers, agent: false }).on('error', () => {});
    sent.end();
    return sent;
  });
}

/** A whole ClientHello message, made by hand, of as many octets as `padding` asks for besides. */
export function handshakeMessage(serverName: string, alpn: readonly string[], padding = 0): Buffer {
  const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
  const extension = (type: number, data: Buffer): Buffer => Buffer.concat([u16(type), u16(data.length), data]);
  const name = Buffer.from(serverName);
  const protocols = Buffer.concat(
    alpn.map((one) => Buffer.concat([Buffer.from([one.length]), Buffer.from(one, 'latin1')])),
  );
  const extensions = Buffer.concat([
    extension(21, Buffer.alloc(padding)),
    extension(0, Buffer.concat([u16(name.length + 3), Buffer.from([0]), u16(name.length), name])),
    extension(16, Buffer.concat([u16(protocols.length), protocols])),
  ]);
  const body = Buffer.concat([
    u16(0x0303),
    Buffer.alloc(32, 7),
    Buffer.from([0]),
    u16(2),
    u16(0x1301),
    Buffer.from([1, 0]),
    u16(extensions.length),
    extensions,
  ]);
  return Buffer.concat([Buffer.from([1, 0]), u16(body.length), body]);
}

/** A handshake message in TLS records of at most `size` octets. */
export function tlsRecords(message: Buffer, size: number): Buffer {
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const fragment = message.subarray(at, at + size);
    records.push(Buffer.from([22, 3, 1, fragment.length >> 8, fragment.length & 255]), fragment);
  }
  return Buffer.concat(records);
}
