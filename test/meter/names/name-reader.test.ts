import { describe, expect, it } from 'vitest';
import { slotOf } from '#weir/flow/slots.js';
import { type NameKind, parseNameKinds } from '#weir/meter/names/name-kinds.js';
import { NameReader } from '#weir/meter/names/name-reader.js';
import { createPacketFields, HAS, type PacketFields } from '#weir/wire/packet/packet-fields.js';
import { dnsMessage, handshakeMessage, RESPONSE, TO_QUESTION, TYPE, tlsRecords, wireName } from './messages.ts';
import { cryptoFrame, initialPacket } from './quic-packets.ts';
import { ALL_KINDS, writeNames } from './read-names.ts';

const TCP = 6;
const UDP = 17;
const CLIENT = 0x0a000001;
const SERVER = 0xc0000201;
const SECOND = 1e6;
const NOTHING = Buffer.alloc(0);

function headers(proto: number, from: [number, number], to: [number, number], tcpSequence = 0): PacketFields {
  const v4 = { src2: 0xffff, dst2: 0xffff, src3: from[0], srcPort: from[1], dst3: to[0], dstPort: to[1] };
  const has = HAS.ip | HAS.addresses | HAS.ports | HAS.tcpSequence;
  return { ...createPacketFields(), ...v4, has, proto, tcpSequence };
}

function createReader(kinds: Iterable<NameKind> = ALL_KINDS, limits = {}) {
  const reader = new NameReader({ kinds: new Set(kinds), maxFlows: 64, seed: 1, ...limits });
  const look = (flow: number, fields: PacketFields, payload: Uint8Array, time = 100 * SECOND): void =>
    reader.look(payload, 0, payload.length, flow, fields, time);
  return { reader, look };
}

const toServer = (sequence: number) => headers(TCP, [CLIENT, 50_000], [SERVER, 443], sequence);
const toClient = (sequence: number) => headers(TCP, [SERVER, 443], [CLIENT, 50_000], sequence);
const RECORD = tlsRecords(handshakeMessage('tls.example', ['h2'], 3000), 16_384);

describe('names of a flow', () => {
  it('are read until they are there, and the flow is never looked at again', () => {
    const { reader, look } = createReader();
    reader.begin(5);
    look(5, toServer(1), NOTHING);
    expect(reader.wants(5)).toBe(true);
    look(5, toServer(2), tlsRecords(handshakeMessage('one.example', ['h2']), 16_384));
    expect(reader.wants(5)).toBe(false);
    expect(writeNames(reader, 5)).toEqual({ tls_server_name: 'one.example', tls_alpn: 'h2' });
    expect(writeNames(reader, 6)).toEqual({});
  });

  it('are looked for in eight packets with payload', () => {
    const { reader, look } = createReader();
    reader.begin(0);
    let looks = 0;
    for (; reader.wants(0) && looks < 1000; looks++)
      look(0, looks % 2 === 0 ? toServer(looks) : toClient(looks), Buffer.from('SSH-2.0'));
    expect(looks).toBe(8);
  });

  it('are not looked for in flows that cannot have any, unless the flow key leaves it open what comes next', () => {
    const wantsMore = (kinds: NameKind[], fields: PacketFields, hasPorts?: boolean) => {
      const { reader, look } = createReader(kinds, { hasPorts });
      reader.begin(0);
      look(0, fields, NOTHING);
      return reader.wants(0);
    };
    const [overTcp, overUdp, icmp] = [
      toServer(0),
      headers(UDP, [CLIENT, 1], [SERVER, 443]),
      headers(1, [CLIENT, 0], [SERVER, 0]),
    ];
    expect(wantsMore(['tls'], overTcp)).toBe(true);
    expect(wantsMore(['tls', 'http', 'dns'], overUdp)).toBe(false);
    expect(wantsMore(['quic', 'dns'], overTcp)).toBe(false);
    expect(wantsMore(['tls', 'http', 'quic', 'dns'], icmp)).toBe(false);
    expect(wantsMore(['dns'], headers(TCP, [CLIENT, 1], [SERVER, 53]))).toBe(true);
    for (const fields of [overTcp, overUdp, icmp]) expect(wantsMore(['dns'], fields, false)).toBe(true);
  });

  it('that begin in small pieces are looked for in a bounded number of packets', () => {
    const { reader, look } = createReader();
    reader.begin(0);
    let looks = 0;
    for (; reader.wants(0) && looks < 1000; looks++) look(0, toServer(looks), RECORD.subarray(looks, looks + 1));
    expect(looks).toBe(33);
    expect(reader.statistics()).toMatchObject({ waiting: 0, waitingOctets: 0 });
  });

  it('are put together from segments that come with others between, twice and overlapping', () => {
    const { reader, look } = createReader();
    reader.begin(0);
    const start = 0xffff_fc00;
    const segment = (from: number, to: number) => look(0, toServer((start + from) >>> 0), RECORD.subarray(from, to));
    segment(0, 1400);
    look(0, toClient(77), NOTHING);
    segment(0, 1400);
    look(0, toClient(77), Buffer.from('not yet'));
    segment(2800, RECORD.length);
    segment(1000, 2400);
    segment(2400, RECORD.length);
    expect(writeNames(reader, 0)).toEqual({ tls_server_name: 'tls.example', tls_alpn: 'h2' });
    expect(reader.statistics()).toMatchObject({ waiting: 0, waitingOctets: 0, found: { tls: 1 } });
  });

  it('behind a tunnel of a proxy are read too', () => {
    const { reader, look } = createReader();
    reader.begin(0);
    look(0, toServer(0), Buffer.from('CONNECT tls.example:443 HTTP/1.1\r\nHost: tls.example:443\r\n\r\n'));
    look(0, toClient(0), Buffer.from('HTTP/1.1 200 OK\r\n\r\n'));
    look(0, toServer(60), tlsRecords(handshakeMessage('tls.example', []), 16_384));
    expect(writeNames(reader, 0)).toEqual({
      http_method: 'CONNECT',
      http_target: 'tls.example:443',
      http_host: 'tls.example:443',
      tls_server_name: 'tls.example',
    });
  });

  it('are forgotten when another flow takes the slot', () => {
    const { reader, look } = createReader();
    reader.begin(0);
    look(0, toServer(0), RECORD.subarray(0, 1400));
    reader.begin(0);
    look(0, toServer(1400), RECORD.subarray(1400));
    expect(writeNames(reader, 0)).toEqual({});
  });

  it('are of the kinds that were asked for', () => {
    const hello = handshakeMessage('quic.example', []);
    const initial = initialPacket(cryptoFrame(hello, 0, hello.length), { id: Buffer.alloc(8, 3) });
    const found = (kind: NameKind) => {
      const { reader, look } = createReader([kind]);
      for (const flow of [0, 1, 2, 3]) reader.begin(flow);
      look(0, toServer(0), tlsRecords(handshakeMessage('tls.example', []), 16_384));
      look(1, toServer(0), Buffer.from('GET / HTTP/1.1\r\nHost: http.example\r\n\r\n'));
      look(2, headers(UDP, [CLIENT, 1], [SERVER, 443]), initial);
      look(3, headers(UDP, [CLIENT, 1], [SERVER, 53]), dnsMessage(0, [wireName('dns.example')]));
      return [0, 1, 2, 3].map((flow) => Object.values(writeNames(reader, flow)).at(-1));
    };
    expect(found('tls')).toEqual(['tls.example', undefined, undefined, undefined]);
    expect(found('http')).toEqual([undefined, '/', undefined, undefined]);
    expect(found('quic')).toEqual([undefined, undefined, 'quic.example', undefined]);
    expect(found('dns')).toEqual([undefined, undefined, undefined, 'dns.example']);
  });
});

describe('flows that wait', () => {
  it('take bounded memory: the one that came longest ago is given up, and counted', () => {
    const { reader, look } = createReader(ALL_KINDS, { maxWaitingOctets: 10_000 });
    for (let flow = 0; flow < 10; flow++) {
      reader.begin(flow);
      look(flow, toServer(0), RECORD.subarray(0, 1400));
    }
    const { waiting, waitingOctets, givenUp } = reader.statistics();
    expect([waiting, waitingOctets, givenUp]).toEqual([4, 8192, 6]);
    look(9, toServer(1400), RECORD.subarray(1400));
    look(0, toServer(1400), RECORD.subarray(1400));
    expect(writeNames(reader, 9)).toHaveProperty('tls_server_name', 'tls.example');
    expect(writeNames(reader, 0)).toEqual({});
  });
});

describe('names that DNS answers told addresses by', () => {
  const RESOLVER = 0x0a000035;
  const answer = (name: string, ttl = 1) =>
    dnsMessage(
      RESPONSE,
      [wireName(name)],
      [{ owner: TO_QUESTION, type: TYPE.a, ttl, data: Buffer.from([192, 0, 2, 1]) }],
    );
  const tell = (
    { reader, look }: ReturnType<typeof createReader>,
    client: number,
    payload: Buffer,
    proto = UDP,
    flow = 60,
    sequence = 0,
  ) => {
    if (!reader.wants(flow)) reader.begin(flow);
    look(flow, headers(proto, [RESOLVER, 53], [client, 40_000], sequence), payload);
  };
  const nameOf = ({ reader, look }: ReturnType<typeof createReader>, client: number, seconds = 100) => {
    reader.begin(1);
    look(1, headers(TCP, [client, 50_000], [SERVER, 443]), NOTHING, seconds * SECOND);
    return writeNames(reader, 1)['dst_dns_name'];
  };

  it('are those that the client asked for, five minutes at least', () => {
    const both = createReader();
    tell(both, CLIENT, answer('asked.example'));
    tell(both, CLIENT + 1, answer('other.example'));
    expect(nameOf(both, CLIENT)).toBe('asked.example');
    expect(nameOf(both, CLIENT + 2)).toBe('other.example');
    expect(nameOf(both, CLIENT, 400)).toBe('asked.example');
    expect(nameOf(both, CLIENT, 401)).toBeUndefined();
  });

  it('change places in records of the other direction', () => {
    const both = createReader();
    tell(both, CLIENT, answer('asked.example'));
    nameOf(both, CLIENT);
    const { reader } = both;
    const record = (source: number, destination: number) =>
      writeNames(reader, 1, ['src_addr', 'dst_addr', ...reader.columns], ({ arrays }) => {
        arrays[slotOf('src_addr') + 1]?.set([source, 0xffff]);
        arrays[slotOf('dst_addr') + 1]?.set([destination, 0xffff]);
      });
    expect(record(CLIENT, SERVER)).toEqual({ dst_dns_name: 'asked.example' });
    expect(record(SERVER, CLIENT)).toEqual({ src_dns_name: 'asked.example' });
    expect(writeNames(reader, 1, reader.columns)).toEqual({ dst_dns_name: 'asked.example' });
  });

  it('are learnt from a flow of DNS as long as it lasts', () => {
    const both = createReader();
    for (let i = 0; i < 100; i++) tell(both, CLIENT, answer(`name${i}.example`));
    expect(nameOf(both, CLIENT)).toBe('name99.example');
    expect(writeNames(both.reader, 60)).toEqual({ dns_query: 'name0.example' });
  });

  it('are learnt over TCP, from messages in any segments', () => {
    const framed = Buffer.concat(
      ['a.example', 'b.example', 'c.example'].map((name) =>
        Buffer.concat([Buffer.from([0, answer(name).length]), answer(name)]),
      ),
    );
    for (const size of [1, 2, 3, 40, 100, 1000]) {
      const both = createReader();
      for (let at = 0; at < framed.length; at += size) tell(both, CLIENT, framed.subarray(at, at + size), TCP, 60, at);
      expect([size, nameOf(both, CLIENT), both.reader.statistics()]).toEqual([
        size,
        'c.example',
        expect.objectContaining({ waiting: 0, addresses: 3 }),
      ]);
    }
  });

  it('of multicast DNS are for everybody', () => {
    const both = createReader();
    const told = { owner: wireName('printer.local'), type: TYPE.a, data: Buffer.from([192, 0, 2, 1]) };
    both.reader.begin(60);
    both.look(60, headers(UDP, [SERVER, 5353], [0xe00000fb, 5353]), dnsMessage(RESPONSE, [], [], [], [told]));
    expect(nameOf(both, CLIENT)).toBe('printer.local');
  });
});

describe('--names', () => {
  it('takes kinds with commas between, or all', () => {
    expect([...parseNameKinds('dns, tls')]).toEqual(['dns', 'tls']);
    expect(parseNameKinds('all')).toEqual(ALL_KINDS);
    expect(parseNameKinds('').size).toBe(0);
    expect(() => parseNameKinds('dns,smtp')).toThrow("names are not read from 'smtp'");
    expect(() => parseNameKinds('toString')).toThrow("'toString'");
  });
});
