import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WeirError } from '#weir/util/errors.js';
import { LINK_TYPE } from '#weir/wire/packet/link-types.js';
import { createDatagramExtractor } from '#weir/wire/pcap/export-datagrams.js';
import { createCaptureStats, type Packet } from '#weir/wire/pcap/packet.js';
import { readPackets } from '#weir/wire/pcap/read-packets.js';
import { encodePcap } from '../../helpers/pcap.ts';

/** The bytes in chunks of `size`, as a slow source would give them. */
async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

async function read(bytes: Uint8Array, size = 65_536) {
  const stats = createCaptureStats();
  const packets: Packet[] = [];
  for await (const batch of readPackets(chunks(bytes, size), stats)) packets.push(...batch);
  return { packets, stats };
}

/** Numbers as bytes: each entry is a value and its width. */
function bytesOf(
  littleEndian: boolean,
  ...fields: readonly (readonly [value: number, width: 1 | 2 | 4 | 8] | string)[]
): Uint8Array {
  const out: number[] = [];
  for (const field of fields) {
    if (typeof field === 'string') {
      out.push(...Buffer.from(field, 'hex'));
      continue;
    }
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt.asUintN(64, BigInt(field[0])));
    const kept = [...bytes.subarray(8 - field[1])];
    out.push(...(littleEndian ? kept.reverse() : kept));
  }
  return Uint8Array.from(out);
}

const concat = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));

/** A block of draft-ietf-opsawg-pcapng section 3.1. */
function block(littleEndian: boolean, type: number, body: Uint8Array): Uint8Array {
  const padding = (4 - (body.length % 4)) % 4;
  const length = 12 + body.length + padding;
  return concat(
    bytesOf(littleEndian, [type, 4], [length, 4]),
    body,
    new Uint8Array(padding),
    bytesOf(littleEndian, [length, 4]),
  );
}

const section = (le: boolean) => block(le, 0x0a0d0d0a, bytesOf(le, [0x1a2b3c4d, 4], [1, 2], [0, 2], [-1, 8]));
const SECONDS = 1_700_000_000;

describe('pcap (draft-ietf-opsawg-pcap sections 4 and 5)', () => {
  const variants = [
    { name: 'µs, big-endian', magic: 0xa1b2c3d4, le: false, fraction: 123_456, extra: '' },
    { name: 'µs, little-endian', magic: 0xa1b2c3d4, le: true, fraction: 123_456, extra: '' },
    { name: 'ns, big-endian', magic: 0xa1b23c4d, le: false, fraction: 123_456_789, extra: '' },
    { name: 'ns, little-endian', magic: 0xa1b23c4d, le: true, fraction: 123_456_789, extra: '' },
    { name: 'modified (Kuznetzov)', magic: 0xa1b2cd34, le: true, fraction: 123_456, extra: '0000000008000000' },
  ] as const;
  for (const { name, magic, le, fraction, extra } of variants) {
    const file = concat(
      bytesOf(le, [magic, 4], [2, 2], [4, 2], [0, 4], [0, 4], [65_535, 4], [101, 4]),
      bytesOf(le, [SECONDS, 4], [fraction, 4], [3, 4], [1500, 4], extra, '450000'),
      bytesOf(le, [SECONDS + 1, 4], [0, 4], [0, 4], [0, 4], extra),
    );
    it.each([1, 7, 65_536])(`${name}, in chunks of %i`, async (size) => {
      const { packets, stats } = await read(file, size);
      expect(packets.map(({ time, linkType, originalLength }) => [time, linkType, originalLength])).toEqual([
        [SECONDS * 1e6 + 123_456, LINK_TYPE.raw, 1500],
        [(SECONDS + 1) * 1e6, LINK_TYPE.raw, 0],
      ]);
      expect([...packets[0]!.data]).toEqual([0x45, 0, 0]);
      expect(stats).toEqual({ packets: 2, bytes: file.length, truncatedTail: 0, unusable: 0, damage: undefined });
    });
  }

  it('counts a cut tail and tells of a damaged record', async () => {
    const file = encodePcap([{ ...DATAGRAM, payload: new Uint8Array(100) }, DATAGRAM]);
    const cut = await read(file.slice(0, -5));
    expect(cut.packets).toHaveLength(1);
    expect(cut.stats.truncatedTail).toBeGreaterThan(0);
    const damaged = file.slice();
    new DataView(damaged.buffer).setUint32(24 + 8, 0xffffffff);
    const { packets, stats } = await read(damaged);
    expect(packets).toEqual([]);
    expect(stats.damage).toBe('a packet of 4294967295 bytes at byte 24');
  });

  it.each([
    ['nothing', ''],
    ['three bytes', 'a1b2c3'],
    ['half a header', 'a1b2c3d400020004'],
    ['text', Buffer.from('hello, world').toString('hex')],
    ['a pcapng section without byte order', '0a0d0d0a0000001c00000000000000000000000000000000000000000000001c'],
  ])('refuses %s', async (_, hex) => {
    await expect(read(Buffer.from(hex, 'hex'))).rejects.toMatchObject({ name: 'WeirError', code: 'WEIR_INPUT' });
  });
});

describe('pcapng (draft-ietf-opsawg-pcapng section 4)', () => {
  for (const le of [true, false]) {
    it(`reads every packet block of several sections, ${le ? 'little' : 'big'}-endian`, async () => {
      const data = 'aabbccddee';
      const micros = BigInt(SECONDS) * 1_000_000n + 5n;
      const nanos = BigInt(SECONDS) * 1_000_000_000n + 7999n;
      const halves = (time: bigint) =>
        [[Number(time >> 32n), 4] as const, [Number(time & 0xffffffffn), 4] as const] as const;
      const file = concat(
        section(le),
        // Interface 0: Ethernet, snap length 4, µs by default. Interface 1: raw, ns (if_tsresol 9), one hour later (if_tsoffset).
        block(le, 1, bytesOf(le, [1, 2], [0, 2], [4, 4])),
        block(
          le,
          1,
          bytesOf(le, [101, 2], [0, 2], [0, 4], [9, 2], [1, 2], '09000000', [14, 2], [8, 2], [3600, 8], [0, 2], [0, 2]),
        ),
        // Interface 2: times in 2^-20 s.
        block(le, 1, bytesOf(le, [276, 2], [0, 2], [0, 4], [9, 2], [1, 2], '94000000', [0, 4])),
        block(le, 6, bytesOf(le, [0, 4], ...halves(micros), [5, 4], [60, 4], data)),
        block(le, 6, bytesOf(le, [1, 4], ...halves(nanos), [5, 4], [5, 4], data)),
        block(le, 6, bytesOf(le, [2, 4], ...halves((BigInt(SECONDS) << 20n) + (1n << 19n)), [5, 4], [5, 4], data)),
        block(le, 3, bytesOf(le, [5, 4], 'aabbccdd')),
        block(le, 2, bytesOf(le, [1, 2], [0, 2], ...halves(nanos), [5, 4], [5, 4], data)),
        block(le, 6, bytesOf(le, [9, 4], ...halves(micros), [5, 4], [5, 4], data)), // no such interface
        block(le, 4, bytesOf(le, '0000')), // name resolution
        section(!le),
        block(!le, 1, bytesOf(!le, [228, 2], [0, 2], [0, 4])),
        block(!le, 6, bytesOf(!le, [0, 4], ...halves(micros), [5, 4], [5, 4], data)),
      );
      for (const size of [3, 65_536]) {
        const { packets, stats } = await read(file, size);
        expect(packets.map((p) => [p.linkType, p.time, p.data.length, p.originalLength])).toEqual([
          [1, SECONDS * 1e6 + 5, 5, 60],
          [101, (SECONDS + 3600) * 1e6 + 7, 5, 5],
          [276, SECONDS * 1e6 + 500_000, 5, 5],
          [1, 0, 4, 5],
          [101, (SECONDS + 3600) * 1e6 + 7, 5, 5],
          [228, SECONDS * 1e6 + 5, 5, 5],
        ]);
        expect(stats).toMatchObject({ packets: 6, unusable: 1, truncatedTail: 0, damage: undefined });
      }
    });
  }

  it('tells of a block whose two lengths differ', async () => {
    const file = concat(section(true), block(true, 1, bytesOf(true, [1, 2], [0, 2], [0, 4])));
    file[file.length - 4] = 24;
    expect((await read(file)).stats.damage).toMatch(/^a block whose two lengths differ at byte 28$/);
  });
});

const DATAGRAM = {
  time: 0,
  source: [0, 0, 0xffff, 0xc0000201],
  sourcePort: 1,
  destination: [0, 0, 0xffff, 0xc0000202],
  destinationPort: 2055,
  payload: Uint8Array.of(1, 2, 3),
} as const;

describe('any bytes', () => {
  const seeds = [
    encodePcap([DATAGRAM, { ...DATAGRAM, source: [0x20010db8, 0, 0, 1], payload: new Uint8Array(40) }]),
    concat(
      section(true),
      block(true, 1, bytesOf(true, [1, 2], [0, 2], [0, 4])),
      block(true, 3, bytesOf(true, [5, 4], 'aabbccddee')),
    ),
    concat(section(false), block(false, 1, bytesOf(false, [101, 2], [0, 2], [0, 4], [9, 2], [1, 2], 'ff000000'))),
  ];
  it('end, and throw nothing but WEIR_INPUT', async () => {
    const change = fc.record({
      seed: fc.constantFrom(...seeds),
      edits: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }),
      length: fc.nat(400),
      tail: fc.uint8Array({ maxLength: 200 }),
      size: fc.integer({ min: 1, max: 400 }),
    });
    await fc.assert(
      fc.asyncProperty(change, async ({ seed, edits, length, tail, size }) => {
        const bytes = concat(seed.slice(0, length), tail);
        for (const [at, value] of edits) if (bytes.length > 0) bytes[at % bytes.length] = value;
        try {
          const { packets, stats } = await read(bytes, size);
          expect(stats.packets).toBe(packets.length);
          const extractor = createDatagramExtractor();
          for (const packet of packets) {
            extractor.take(packet);
            for (const linkType of Object.values(LINK_TYPE)) extractor.take({ ...packet, linkType });
          }
        } catch (error) {
          expect(error).toBeInstanceOf(WeirError);
          expect(error).toMatchObject({ code: 'WEIR_INPUT' });
        }
      }),
      { numRuns: 3000, seed: 1 },
    );
  });
});
