import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LINK_TYPE } from '#weir/wire/packet/link-types.js';
import { createDatagramExtractor } from '#weir/wire/pcap/export-datagrams.js';
import { type Packet } from '#weir/wire/pcap/packet.js';
import { readPackets } from '#weir/wire/pcap/read-packets.js';
import { type OutgoingDatagram } from '#weir/wire/pcap/writer.js';
import { encodePcap } from '../../helpers/pcap.ts';

async function packetsOf(bytes: Uint8Array): Promise<Packet[]> {
  const packets: Packet[] = [];
  async function* source() {
    yield await Promise.resolve(bytes);
  }
  for await (const batch of readPackets(source())) packets.push(...batch);
  return packets;
}

const V4 = {
  time: 1_700_000_000_123_456,
  source: [0, 0, 0xffff, 0xc0000201],
  sourcePort: 50_000,
  destination: [0, 0, 0xffff, 0xc0000202],
  destinationPort: 2055,
  payload: Uint8Array.from({ length: 61 }, (_, i) => i),
} as const satisfies OutgoingDatagram;
const V6 = {
  ...V4,
  source: [0x20010db8, 0, 0, 1],
  destination: [0x20010db8, 0, 0, 2],
} as const satisfies OutgoingDatagram;

const plain = ({ payload, ...rest }: OutgoingDatagram) => ({ ...rest, payload: [...payload], truncated: false });

async function ipPacket(datagram: OutgoingDatagram): Promise<Uint8Array> {
  return (await packetsOf(encodePcap([datagram], LINK_TYPE.raw)))[0]!.data;
}

const packet = (linkType: number, data: Uint8Array, time: number = V4.time): Packet => ({
  time,
  linkType,
  data,
  originalLength: data.length,
});
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('what the writer writes, the reader reads', () => {
  const word = fc.integer({ min: 0, max: 0xffffffff });
  const port = fc.integer({ min: 0, max: 65_535 });
  const v4 = word.map((value) => [0, 0, 0xffff, value] as const);
  const address = fc.oneof(v4, fc.tuple(word, word, word, word));
  const datagram = fc.record({
    time: fc.integer({ min: 0, max: 4_000_000_000_000_000 }),
    source: address,
    sourcePort: port,
    destination: address,
    destinationPort: port,
    payload: fc.uint8Array({ maxLength: 300 }),
  });
  it.each([LINK_TYPE.ethernet, LINK_TYPE.raw])('link type %i', async (linkType) => {
    await fc.assert(
      fc.asyncProperty(fc.array(datagram, { minLength: 1, maxLength: 5 }), async (datagrams) => {
        const extractor = createDatagramExtractor();
        const found = (await packetsOf(encodePcap(datagrams, linkType))).map((item) => extractor.take(item));
        expect(found.map((item) => item && { ...item, payload: [...item.payload] })).toEqual(datagrams.map(plain));
      }),
      { numRuns: 200 },
    );
  });
});

describe('link layers (https://www.tcpdump.org/linktypes.html)', () => {
  const mac = '020000000002 020000000001';
  it.each([
    ['Ethernet', LINK_TYPE.ethernet, `${mac} 0800`],
    ['802.1Q', LINK_TYPE.ethernet, `${mac} 8100 0064 0800`],
    ['802.1ad with 802.1Q inside', LINK_TYPE.ethernet, `${mac} 88a8 0001 8100 0064 0800`],
    ['802.3 with LLC/SNAP', LINK_TYPE.ethernet, `${mac} 0060 aaaa03 000000 0800`],
    ['raw 12', LINK_TYPE.rawBsd, ''],
    ['raw 14', LINK_TYPE.rawOpenBsd, ''],
    ['raw 101', LINK_TYPE.raw, ''],
    ['IPv4', LINK_TYPE.ipv4, ''],
    ['Linux cooked', LINK_TYPE.linuxCooked, '0000 0001 0006 020000000001 0000 0800'],
    ['Linux cooked, tagged', LINK_TYPE.linuxCooked, '0000 0001 0006 020000000001 0000 8100 0005 0800'],
    ['Linux cooked 2', LINK_TYPE.linuxCooked2, '0800 0000 00000001 0001 00 06 0200000000010000'],
    ['null, little-endian', LINK_TYPE.null, '02000000'],
    ['null, big-endian', LINK_TYPE.null, '00000002'],
    ['loop', LINK_TYPE.loop, '00000002'],
  ])('%s', async (_, linkType, header) => {
    const data = Buffer.concat([hex(header), await ipPacket(V4), Buffer.alloc(9)]);
    const found = createDatagramExtractor().take(packet(linkType, data));
    expect(found && { ...found, payload: [...found.payload] }).toEqual(plain(V4));
  });

  it('counts what is no UDP by cause', async () => {
    const { take, stats } = createDatagramExtractor();
    take(packet(147, await ipPacket(V4)));
    take(packet(LINK_TYPE.ethernet, hex(`${mac} 0806 0001`)));
    const tcp = Buffer.from(await ipPacket(V4));
    tcp[9] = 6;
    take(packet(LINK_TYPE.raw, tcp));
    take(packet(LINK_TYPE.raw, tcp.subarray(0, 12)));
    const cut = take(packet(LINK_TYPE.raw, (await ipPacket(V4)).subarray(0, 40)));
    expect(cut).toMatchObject({ truncated: true, payload: { length: 12 } });
    expect(stats).toMatchObject({ unknownLinkType: 1, otherProtocol: 2, malformed: 1, datagrams: 1, truncated: 1 });
  });
});

describe('fragments', () => {
  /** Cuts an IPv4 packet into fragments of `size` payload bytes (RFC 791 section 3.2). */
  function fragment(ip: Uint8Array, size: number, id: number): Uint8Array[] {
    const payload = ip.subarray(20);
    return Array.from({ length: Math.ceil(payload.length / size) }, (_, i) => {
      const part = payload.subarray(i * size, (i + 1) * size);
      const bytes = Buffer.concat([ip.subarray(0, 20), part]);
      bytes.writeUInt16BE(20 + part.length, 2);
      bytes.writeUInt16BE(id, 4);
      bytes.writeUInt16BE(((i * size) / 8) | ((i + 1) * size < payload.length ? 0x2000 : 0), 6);
      return bytes;
    });
  }

  it.each([[[0, 1, 2, 3]], [[3, 1, 0, 2]], [[2, 2, 3, 0, 1]]])('come together in the order %j', async (order) => {
    const pieces = fragment(await ipPacket({ ...V4, payload: new Uint8Array(90).fill(7) }), 32, 1);
    expect(pieces).toHaveLength(4);
    const { take, stats } = createDatagramExtractor();
    const found = order.map((i) => take(packet(LINK_TYPE.raw, pieces[i]!)));
    expect(found.slice(0, -1).every((item) => item === undefined)).toBe(true);
    expect(found.at(-1)).toMatchObject({ sourcePort: 50_000, truncated: false, payload: new Uint8Array(90).fill(7) });
    expect(stats).toMatchObject({ datagrams: 1, fragments: order.length, fragmentsLost: 0 });
  });

  it('of at most 64 datagrams are waited for, and none longer than a minute', async () => {
    const { take, stats } = createDatagramExtractor();
    const ip = await ipPacket(V4);
    for (let id = 0; id < 200; id++) take(packet(LINK_TYPE.raw, fragment(ip, 32, id)[0]!));
    expect(stats.fragmentsLost).toBe(200);
    const [first, ...rest] = fragment(ip, 32, 7000);
    take(packet(LINK_TYPE.raw, first!));
    const late = rest.map((piece) => take(packet(LINK_TYPE.raw, piece, V4.time + 61_000_000)));
    expect(late.every((item) => item === undefined)).toBe(true);
  });

  it('of IPv6 come together behind other extension headers (RFC 8200 section 4.5)', async () => {
    const whole = await ipPacket(V6);
    const udp = whole.subarray(40);
    const part = (from: number, to: number) => {
      const more = to < udp.length ? 1 : 0;
      const header = Buffer.concat([
        whole.subarray(0, 40),
        hex('2c00 010400000000'),
        hex('1100 0000 00000009'),
        udp.subarray(from, to),
      ]);
      header.writeUInt16BE(16 + to - from, 4);
      header[6] = 0; // hop-by-hop options, then the fragment header
      header.writeUInt16BE(from | more, 50);
      return header;
    };
    const { take } = createDatagramExtractor();
    expect(take(packet(LINK_TYPE.raw, part(0, 32)))).toBeUndefined();
    const found = take(packet(LINK_TYPE.raw, part(32, udp.length)));
    expect(found && { ...found, payload: [...found.payload] }).toEqual(plain(V6));
  });
});
