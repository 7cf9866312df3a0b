import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readHttpRequest } from '#weir/meter/names/http-request.js';
import { StreamPrefix } from '#weir/meter/names/stream-prefix.js';
import { readTlsStream } from '#weir/meter/names/tls-records.js';
import { clientHelloRecord, handshakeMessage, httpRequestOctets, tlsRecords } from './messages.ts';

function tls(stream: Uint8Array, end = stream.length) {
  const out = { serverName: '', alpn: '' };
  return { progress: readTlsStream(stream, 0, end, out), ...out };
}

function http(stream: Uint8Array | string, end = stream.length) {
  const out = { method: '', target: '', host: '' };
  const bytes = typeof stream === 'string' ? Buffer.from(stream, 'latin1') : stream;
  return { progress: readHttpRequest(bytes, 0, end, out), ...out };
}

describe('a TLS ClientHello', () => {
  it('of a real client tells where it wants to, and needs more while it is cut', async () => {
    const stream = await clientHelloRecord('Shop.Example.org', ['h2', 'http/1.1']);
    const done = { progress: 'done', serverName: 'shop.example.org', alpn: 'h2,http/1.1' };
    expect(tls(stream)).toEqual(done);
    for (let end = 0; end < stream.length; end++) {
      const cut = tls(stream, end);
      if (cut.progress === 'done') expect(cut).toEqual(done);
      else if (end > 0) expect(cut.progress).toBe('more');
      expect(['', 'shop.example.org']).toContain(cut.serverName);
    }
  });

  it('is read from records of any size', () => {
    const message = handshakeMessage('many.records.example', ['h3'], 300);
    for (const size of [7, 50, 100, 399]) {
      const stream = tlsRecords(message, size);
      expect(tls(stream)).toEqual({ progress: 'done', serverName: 'many.records.example', alpn: 'h3' });
    }
  });

  it('leaves protocols of GREASE out, and shows names that are none as what they are', () => {
    const odd = handshakeMessage('a\u001b[31m', ['\u001a\u001a', 'h2', '\u00ff']);
    expect(tls(tlsRecords(odd, 16_384))).toEqual({ progress: 'done', serverName: 'a\\027[31m', alpn: 'h2,\\255' });
  });

  it.each([
    ['application data', '1703030010'],
    ['a ServerHello', '16030300400200003c'],
    ['an older protocol', '16020000ff01'],
    ['an empty record', '1603010000'],
    ['a message longer than is kept', '160301100001010000'],
    ['two kinds of records', '1603010004010000f015030100020101'],
  ])('is not taken from %s', (_, hex) => {
    expect(['none', 'done']).toContain(tls(Buffer.from(hex, 'hex')).progress);
  });
});

describe('an HTTP request', () => {
  it('of a real client is read to its host', async () => {
    const stream = await httpRequestOctets('GET', '/a%20b?c=d', { Host: 'WWW.Example.org:8080', Accept: '*/*' });
    expect(http(stream)).toEqual({
      progress: 'done',
      method: 'GET',
      target: '/a%20b?c=d',
      host: 'www.example.org:8080',
    });
    for (let end = 1; end < stream.length; end++) {
      const cut = http(stream, end);
      expect(cut.progress).toBe(cut.host === '' ? 'more' : 'done');
    }
  });

  it.each([
    ['M-SEARCH * HTTP/1.1\r\nHOST:239.255.255.250:1900\r\n\r\n', 'done', 'M-SEARCH', '*', '239.255.255.250:1900'],
    ['GET / HTTP/1.0\n\n', 'done', 'GET', '/', ''],
    ['GET / HTTP/1.1\r\nX-Host: no\r\nhost : no\r\nHost:\t a \r\n\r\n', 'done', 'GET', '/', 'a'],
    ['GET / HTTP/1.1\r\nHost: \u001b]0;x\u0007\r\n', 'done', 'GET', '/', '\\027]0;x\\007'],
    [`POST /${'x'.repeat(300)} HTTP/1.1\r\n`, 'more', 'POST', `/${'x'.repeat(255)}`, ''],
    [`GET /${'x'.repeat(300)}`, 'more', 'GET', `/${'x'.repeat(255)}`, ''],
    ['GE', 'more', '', '', ''],
    ['INVITE sip:a@example.org SIP/2.0\r\n', 'none', '', '', ''],
    ['OPTIONS rtsp://a RTSP/1.0\r\n', 'none', '', '', ''],
    ['HELO example.org\r\n', 'none', '', '', ''],
    ['XYZZY /long', 'none', '', '', ''],
    ['get / HTTP/1.1\r\n', 'none', '', '', ''],
    [' GET / HTTP/1.1\r\n', 'none', '', '', ''],
    ['GET HTTP/1.1\r\n', 'none', '', '', ''],
  ])('%j is %s', (text, progress, method, target, host) => {
    expect(http(text)).toEqual({ progress, method, target, host });
  });
});

describe('the beginning of a TCP stream', () => {
  it('is put together from segments that repeat and overlap, whatever its sequence numbers', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.nat(0xffff_ffff),
        fc.array(fc.tuple(fc.nat(200), fc.integer({ min: 1, max: 60 })), { maxLength: 30 }),
        (stream, sequence, segments) => {
          const first = stream.subarray(0, 1);
          const prefix = new StreamPrefix(first, 0, 1, sequence);
          let known = 1;
          for (const [from, length] of segments) {
            const to = Math.min(from + length, stream.length);
            const hasNew = from <= known && to > known;
            expect(prefix.append(stream, from, to, (sequence + from) >>> 0)).toBe(hasNew);
            if (hasNew) known = to;
            expect(prefix.bytes.subarray(0, prefix.length)).toEqual(stream.subarray(0, known));
          }
        },
      ),
    );
  });

  it('is kept up to 16,384 octets', () => {
    const prefix = new StreamPrefix(new Uint8Array(1400), 0, 1400, 0);
    for (let i = 1; i < 20; i++) prefix.append(new Uint8Array(1400), 0, 1400, i * 1400);
    expect([prefix.length, prefix.octets, prefix.isFull]).toEqual([16_384, 16_384, true]);
  });
});
