import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readClientHello } from '#weir/meter/names/client-hello.js';
import { readDnsMessage } from '#weir/meter/names/dns-message.js';
import { readDnsStream } from '#weir/meter/names/dns-stream.js';
import { readHttpRequest } from '#weir/meter/names/http-request.js';
import { QuicClient } from '#weir/meter/names/quic-client.js';
import { readTlsStream } from '#weir/meter/names/tls-records.js';
import { dnsMessage, handshakeMessage, RESPONSE, TO_QUESTION, TYPE, tlsRecords, wireName } from './messages.ts';
import { cryptoFrame, initialPacket } from './quic-packets.ts';

const AROUND = 64;
type Parser = (bytes: Uint8Array, start: number, end: number) => unknown;

const answers = [1, 2].map((i) => ({ owner: TO_QUESTION, type: TYPE.a, data: Buffer.from([192, 0, 2, i]) }));
const alias = { owner: TO_QUESTION, type: TYPE.cname, data: wireName('alias.example') };
const DNS = dnsMessage(RESPONSE, [wireName('www.example')], [alias, ...answers], [], answers);
const HELLO = handshakeMessage('www.example', ['h2', 'h3'], 20);
const INITIAL = initialPacket(cryptoFrame(HELLO, 0, HELLO.length), { id: Buffer.from('8394c8f03e515708', 'hex') });

const PARSERS: Readonly<Record<string, { parse: Parser; seed: Buffer; mutations: number }>> = {
  'DNS messages': { parse: (b, s, e) => readDnsMessage(b, s, e, true), seed: DNS, mutations: 3000 },
  'DNS over TCP': {
    parse(bytes, start, end) {
      const messages: unknown[] = [];
      const rest = readDnsStream(bytes, start, end, (message) => messages.push(message));
      return { messages, rest: rest < 0 ? rest : rest - start };
    },
    seed: Buffer.concat([Buffer.from([0, DNS.length]), DNS, Buffer.from([0, DNS.length]), DNS]),
    mutations: 2000,
  },
  ClientHello: {
    parse(bytes, start, end) {
      const out = { serverName: '', alpn: '' };
      return { progress: readClientHello(bytes, start, end, out), ...out };
    },
    seed: HELLO,
    mutations: 3000,
  },
  'TLS records': {
    parse(bytes, start, end) {
      const out = { serverName: '', alpn: '' };
      return { progress: readTlsStream(bytes, start, end, out), ...out };
    },
    seed: tlsRecords(HELLO, 40),
    mutations: 3000,
  },
  'HTTP requests': {
    parse(bytes, start, end) {
      const out = { method: '', target: '', host: '' };
      return { progress: readHttpRequest(bytes, start, end, out), ...out };
    },
    seed: Buffer.from('POST /a/b?c HTTP/1.1\r\nAccept: */*\r\nHost: www.example\r\n\r\nbody'),
    mutations: 3000,
  },
  'QUIC datagrams': {
    parse(bytes, start, end) {
      const out = { serverName: '', alpn: '' };
      return { progress: new QuicClient().read(bytes, start, end, 1, out), ...out };
    },
    seed: INITIAL,
    mutations: 300,
  },
};

/** The claim: no exception, and the same told whatever lies around the octets, which it would not be if something there had been read. */
function check(parse: Parser, octets: Uint8Array): void {
  const alone = parse(octets, 0, octets.length);
  for (const filler of [0x00, 0x01, 0xc0, 0xff]) {
    const bytes = new Uint8Array(octets.length + 2 * AROUND).fill(filler);
    bytes.set(octets, AROUND);
    expect(parse(bytes, AROUND, AROUND + octets.length)).toEqual(alone);
  }
}

describe.each(Object.entries(PARSERS))('reading %s', (_, { parse, seed, mutations }) => {
  it('finds the names in the seed', () => {
    expect(JSON.stringify(parse(seed, 0, seed.length))).toContain('www.example');
  });

  it('ends in order when cut at every octet', () => {
    for (let end = 0; end <= seed.length; end++) check(parse, seed.subarray(0, end));
  });

  it('ends in order with octets changed', () => {
    const change = fc.tuple(fc.nat(seed.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), fc.nat(seed.length), (changes, end) => {
        const octets = Buffer.from(seed);
        for (const [at, octet] of changes) octets[at] = octet;
        check(parse, octets.subarray(0, Math.max(end, 12)));
      }),
      { numRuns: mutations },
    );
  });

  it('ends in order with any octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(20), (octets, kept) => {
        check(parse, Buffer.concat([seed.subarray(0, kept), octets]));
      }),
      { numRuns: mutations },
    );
  });
});

describe('work', () => {
  /** Reading that is not linear in the message would take minutes here. */
  it('is bounded for messages made to be slow', () => {
    const deep = Buffer.alloc(65_535);
    // 64 records, each of whose names is a chain of pointers from the end of the message to its beginning.
    deep.writeUInt16BE(RESPONSE, 2);
    deep.writeUInt16BE(64, 6);
    for (let at = 12; at + 2 < deep.length; at += 2)
      deep.writeUInt16BE(0xc000 | Math.max(0, Math.min(at, 0x3fff) - 2), at);
    expect(readDnsMessage(deep, 0, deep.length, true)?.addresses).toEqual([]);
    const out = { method: '', target: '', host: '' };
    expect(readHttpRequest(Buffer.from(`GET / HTTP/1.1\r\n${'a:\n'.repeat(5000)}`), 0, 15_000, out)).toBe('more');
  });
});
