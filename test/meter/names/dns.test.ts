import { describe, expect, it } from 'vitest';
import { readDnsMessage } from '#weir/meter/names/dns-message.js';
import { dnsMessage, QUERY, RESPONSE, TO_QUESTION, TYPE, wireName } from './messages.ts';

const read = (message: Buffer, additional = false) => readDnsMessage(message, 0, message.length, additional);
const v4 = (last: number) => ({ type: TYPE.a, data: Buffer.from([192, 0, 2, last]) });
const address = (last: number) => [0, 0, 0xffff, 0xc0000200 + last];

describe('a DNS query', () => {
  it.each([
    ['www.Example.ORG', 'www.example.org'],
    ['.', '.'],
    ['Küche._ipp._tcp.local', 'küche._ipp._tcp.local'],
    ['a b\\c', 'a b\\\\c'],
    ['bell\u0007.\u202etxt', 'bell\\007.\\226\\128\\174txt'],
  ])('for %s asks for %s', (sent, name) => {
    expect(read(dnsMessage(QUERY, [wireName(sent)]))).toEqual({ isResponse: false, query: name, addresses: [] });
  });

  it('keeps dots within a label apart from those between labels, and octets that are no UTF-8 visible', () => {
    const name = Buffer.from([3, 0x61, 0x2e, 0x62, 2, 0xff, 0xc3, 0]);
    expect(read(dnsMessage(QUERY, [name]))?.query).toBe('a\\.b.\\255\\195');
  });

  it.each([
    ['a pointer to itself', Buffer.from('c00c', 'hex')],
    ['a pointer forward', Buffer.from('c01000000000', 'hex')],
    ['two pointers to each other', Buffer.from('0161c00c', 'hex')],
    ['a length of the kinds that are not in use', Buffer.from('416100', 'hex')],
    ['255 octets and more', wireName(Array.from({ length: 64 }, () => 'abc').join('.'))],
    ['an end within a label', Buffer.from('3f61', 'hex')],
  ])('that has %s for a name is none', (_, name) => {
    expect(read(dnsMessage(QUERY, [name]))).toBeUndefined();
  });

  it('is none of another operation, or with questions of no class', () => {
    expect(read(dnsMessage(0x2800, [wireName('a')]))).toBeUndefined();
    const other = dnsMessage(QUERY, [wireName('a')]);
    other.writeUInt16BE(0x1234, other.length - 2);
    expect(read(other)).toBeUndefined();
  });
});

describe('a DNS response', () => {
  it('tells addresses of the name that was asked for, through aliases in any order, for the shortest time', () => {
    const alias = (from: string, to: string, ttl: number) => ({
      owner: wireName(from),
      type: TYPE.cname,
      ttl,
      data: wireName(to),
    });
    const message = dnsMessage(
      RESPONSE,
      [wireName('www.example.org')],
      [
        { owner: wireName('edge.cdn.net'), ttl: 50, ...v4(1) },
        alias('mid.cdn.net', 'EDGE.cdn.net', 40),
        { owner: TO_QUESTION, type: TYPE.cname, ttl: 900, data: wireName('mid.cdn.net') },
        {
          owner: wireName('edge.cdn.net'),
          ttl: 30,
          type: TYPE.aaaa,
          data: Buffer.from('20010db8000000000000000000000001', 'hex'),
        },
        { owner: wireName('other.net'), ttl: 20, ...v4(2) },
        { owner: TO_QUESTION, type: TYPE.txt, data: Buffer.alloc(16) },
      ],
    );
    expect(read(message)).toEqual({
      isResponse: true,
      query: 'www.example.org',
      addresses: [
        { address: address(1), name: 'www.example.org', ttl: 40 },
        { address: [0x20010db8, 0, 0, 1], name: 'www.example.org', ttl: 30 },
        { address: address(2), name: 'other.net', ttl: 20 },
      ],
    });
  });

  it('ends with aliases that go around', () => {
    const alias = (from: string, to: string) => ({ owner: wireName(from), type: TYPE.cname, data: wireName(to) });
    const message = dnsMessage(
      RESPONSE,
      [wireName('a')],
      [alias('a', 'b'), alias('b', 'a'), { owner: wireName('a'), ...v4(1) }],
    );
    expect(['a', 'b']).toContain(read(message)?.addresses[0]?.name);
  });

  it('tells of additional records only where they are wanted, as for multicast DNS, which asks nothing', () => {
    const message = dnsMessage(RESPONSE, [], [], [], [{ owner: wireName('printer.local'), ...v4(9) }]);
    expect(read(message)?.addresses).toEqual([]);
    expect(read(message, true)).toEqual({
      isResponse: true,
      query: undefined,
      addresses: [{ address: address(9), name: 'printer.local', ttl: 60 }],
    });
  });

  it('goes through 64 records at most', () => {
    const records = Array.from({ length: 200 }, (_, i) => ({ owner: TO_QUESTION, ...v4(i) }));
    expect(read(dnsMessage(RESPONSE, [wireName('many')], records))?.addresses).toHaveLength(64);
  });

  it('tells what comes before the place where it is cut', () => {
    const whole = dnsMessage(
      RESPONSE,
      [wireName('cut.example')],
      [1, 2, 3].map((last) => ({ owner: TO_QUESTION, ...v4(last) })),
    );
    const seen = new Set<string>();
    for (let end = 0; end <= whole.length; end++) {
      const message = readDnsMessage(whole, 0, end);
      seen.add(message === undefined ? 'none' : `${message.query} ${message.addresses.length}`);
    }
    expect([...seen]).toEqual(['none', 'cut.example 0', 'cut.example 1', 'cut.example 2', 'cut.example 3']);
  });
});
