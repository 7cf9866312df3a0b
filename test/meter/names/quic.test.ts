import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CryptoStream } from '#weir/meter/names/crypto-stream.js';
import { QuicClient } from '#weir/meter/names/quic-client.js';
import { clientInitialKeys, QUIC_VERSIONS } from '#weir/meter/names/quic-keys.js';
import { handshakeMessage } from './messages.ts';
import { cryptoFrame, initialPacket } from './quic-packets.ts';

const CLIENT_PORT = 50_000;
const SERVER_PORT = 443;
const ID = Buffer.from('8394c8f03e515708', 'hex');
const MESSAGE = handshakeMessage('quic.example', ['h3'], 1500);
const FOUND = { serverName: 'quic.example', alpn: 'h3' };

function read(client: QuicClient, datagram: Buffer, port = CLIENT_PORT) {
  const out = { serverName: '', alpn: '' };
  return { progress: client.read(datagram, 0, datagram.length, port, out), ...out };
}

/** Pieces of the message of `size` octets each, in the order of `order`. */
function pieces(size: number, order: (a: number, b: number) => number): Buffer[] {
  const starts = Array.from({ length: Math.ceil(MESSAGE.length / size) }, (_, i) => i * size).sort(order);
  return starts.map((start) => cryptoFrame(MESSAGE, start, Math.min(start + size, MESSAGE.length)));
}

describe('keys of Initial packets', () => {
  it.each([
    [1, '1f369613dd76d5467730efcbe3b1a22d', 'fa044b2f42a3fd3b46fb255c', '9f50449e04a0e810283a1e9933adedd2'],
    [0x6b3343cf, '8b1a0bc121284290a29e0971b5cd045d', '91f73e2351d8fa91660e909f', '45b95e15235d6f45a6b19cbcb0294ba9'],
  ])('of version %i are those of the appendix of its RFC (9001 A.1, 9369 A.1)', (number, key, iv, hp) => {
    const version = QUIC_VERSIONS.find((one) => one.version === number);
    if (version === undefined) throw new Error('no such version');
    const keys = clientInitialKeys(version, ID);
    expect([keys.key.toString('hex'), keys.iv.toString('hex'), keys.hp.toString('hex')]).toEqual([key, iv, hp]);
  });
});

describe.each([1, 2] as const)('a client of QUIC version %i', (version) => {
  it('tells its names in one datagram, whose octets stay as they are', () => {
    const small = handshakeMessage('quic.example', ['h3']);
    const datagram = initialPacket(cryptoFrame(small, 0, small.length), { version, id: ID });
    const before = Buffer.from(datagram);
    expect(read(new QuicClient(), datagram)).toEqual({ progress: 'done', ...FOUND });
    expect(datagram).toEqual(before);
  });

  it('tells them in two datagrams with pieces in the wrong order, with answers of the server between', () => {
    const all = pieces(100, (a, b) => ((a * 7) % 1300) - ((b * 7) % 1300));
    const half = Math.ceil(all.length / 2);
    const client = new QuicClient();
    const first = initialPacket(Buffer.concat(all.slice(0, half)), { version, id: ID });
    const answer = initialPacket(Buffer.alloc(10), {
      version,
      id: Buffer.from('09090909', 'hex'),
      firstId: ID,
      side: 'server',
    });
    const second = initialPacket(Buffer.concat([Buffer.from([1, 2, 0, 0, 0, 0]), ...all.slice(half)]), {
      version,
      id: Buffer.from('aabbccdd', 'hex'),
      firstId: ID,
      packetNumber: 1,
    });
    expect(read(client, first).progress).toBe('more');
    expect(read(client, answer, SERVER_PORT).progress).toBe('more');
    expect(read(client, second)).toEqual({ progress: 'done', ...FOUND });
  });

  it('tells them in two packets of one datagram', () => {
    const [a, b] = [pieces(1000, (x, y) => x - y), { version, id: ID }] as const;
    const datagram = Buffer.concat(a.map((frame, i) => initialPacket(frame, { ...b, packetNumber: i, size: 0 })));
    expect(datagram.length).toBeGreaterThan(1200);
    expect(read(new QuicClient(), datagram)).toEqual({ progress: 'done', ...FOUND });
  });

  it('tells them after the server has asked it to begin again (Retry)', () => {
    const client = new QuicClient();
    const [first = Buffer.alloc(0)] = pieces(900, (a, b) => a - b);
    expect(read(client, initialPacket(first, { version, id: ID })).progress).toBe('more');
    const small = handshakeMessage('quic.example', ['h3'], 200);
    const again = initialPacket(cryptoFrame(small, 0, small.length), {
      version,
      id: Buffer.from('0102030405', 'hex'),
      packetNumber: 1,
      token: Buffer.alloc(80, 1),
    });
    // The new ClientHello takes the place of the first one.
    expect(read(client, again)).toEqual({ progress: 'done', ...FOUND });
  });
});

describe('what is no client of QUIC', () => {
  const datagram = initialPacket(cryptoFrame(handshakeMessage('a', []), 0, 60), { id: ID });
  it.each([
    ['changed in one bit', Buffer.from(datagram.map((octet, i) => (i === 600 ? octet ^ 1 : octet)))],
    ['of a server', initialPacket(Buffer.alloc(20), { id: ID, side: 'server' })],
    ['cut', datagram.subarray(0, 1199)],
    ['not padded', initialPacket(cryptoFrame(handshakeMessage('a', []), 0, 60), { id: ID, size: 600 })],
    ['of another version', Buffer.from(datagram.map((octet, i) => (i === 4 ? 9 : octet)))],
    ['noise', Buffer.alloc(1300, 0xc3)],
  ])('is none: %s', (_, bytes) => {
    expect(read(new QuicClient(), bytes)).toEqual({ progress: 'none', serverName: '', alpn: '' });
  });
});

describe('CRYPTO frames', () => {
  it('are put together in any order, with overlaps', () => {
    const message = Buffer.from(Array.from({ length: 500 }, (_, i) => (i * 31) & 255));
    const piece = fc.tuple(fc.nat(499), fc.integer({ min: 1, max: 80 }));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (list) => {
        const stream = new CryptoStream();
        const has = new Array<boolean>(500).fill(false);
        for (const [start, length] of list) {
          const end = Math.min(start + length, 500);
          stream.addFrames(cryptoFrame(message, start, end));
          has.fill(true, start, end);
        }
        const hole = has.indexOf(false);
        expect(stream.contiguous).toBe(hole < 0 ? 500 : hole);
        expect(Buffer.from(stream.bytes.subarray(0, stream.contiguous))).toEqual(
          message.subarray(0, stream.contiguous),
        );
      }),
    );
  });

  it('take at most 16,384 octets in 64 pieces', () => {
    const stream = new CryptoStream();
    const far = Buffer.from('068000ffff4001ff', 'hex');
    stream.addFrames(far);
    for (let i = 0; i < 200; i++) stream.addFrames(cryptoFrame(Buffer.alloc(16_000), i * 4 + 1, i * 4 + 2));
    expect(stream.bytes.length).toBe(2048);
    // Piece 64 would begin at 257.
    stream.addFrames(cryptoFrame(Buffer.alloc(300), 0, 257));
    expect(stream.contiguous).toBe(257);
  });
});
