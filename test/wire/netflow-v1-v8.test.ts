import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fixedFields, recordLength } from '#weir/wire/fixed-fields.js';
import { V1_FIELDS, V1_RECORD, V1_SHORT_FIELDS, V1_SHORT_RECORD } from '#weir/wire/netflow-v1.js';
import { V5_FIELDS, V5_RECORD } from '#weir/wire/netflow-v5.js';
import { V6_FIELDS, V6_RECORD } from '#weir/wire/netflow-v6.js';
import { V7_FIELDS, V7_RECORD } from '#weir/wire/netflow-v7.js';
import { readV8Header, V8_SCHEMES } from '#weir/wire/netflow-v8.js';
import { decodeDatagrams, testDecoder } from '../session/decoder.ts';
import { fromHex, message5, record5, u16, u32 } from './build.ts';
import { AGGREGATES, FLOWS, SHARED } from './fixed-datagrams.ts';

const ALL = [...FLOWS, ...AGGREGATES];
const octetsOf = (hex: string): Uint8Array => Uint8Array.from(fromHex(hex));
/** Columns that are of the message or of the decoder, not of the record's octets. */
const MESSAGE = ['time_received', 'exporter', 'sampling_rate', 'sampling_source'];

describe('a record octet by octet', () => {
  it.each(ALL)('$name', ({ hex, columns }) => {
    const { records, faults } = decodeDatagrams([octetsOf(hex)]);
    expect(faults).toEqual({});
    expect(records).toHaveLength(1);
    const found = Object.entries(records[0] ?? {}).filter(([name]) => !MESSAGE.includes(name));
    // `extra: undefined` says that nothing is left over.
    expect(Object.fromEntries(found)).toEqual(JSON.parse(JSON.stringify({ ...SHARED, ...columns })));
  });

  it.each([
    ['v1', V1_FIELDS, V1_RECORD],
    ['v1, short', V1_SHORT_FIELDS, V1_SHORT_RECORD],
    ['v5', V5_FIELDS, V5_RECORD],
    ['v6', V6_FIELDS, V6_RECORD],
    ['v7', V7_FIELDS, V7_RECORD],
    ...[...V8_SCHEMES.values()].map(({ name, fields, length }) => [`v8 ${name}`, fields, length] as const),
  ] as const)('the fields of %s make up the record', (_, fields, length) => {
    expect(recordLength(fields)).toBe(length);
  });

  it('the fourteen schemes have the lengths of flow-tools', () => {
    expect([...V8_SCHEMES.values()].map(({ length }) => length)).toEqual([
      28, 28, 32, 32, 40, 32, 40, 44, 32, 32, 32, 32, 40, 40,
    ]);
    expect([...V8_SCHEMES.keys()]).toEqual(Array.from({ length: 14 }, (_, i) => i + 1));
  });

  it('a field that v9 has no number for is found by its name only', () => {
    expect(fixedFields([['marked_tos', 1]])[0]?.enterprise).toBeLessThan(0);
  });
});

/** The datagram of a format with its record repeated, and a count that may lie. */
function repeated(hex: string, times: number, count = times): Uint8Array {
  const whole = fromHex(hex);
  const start = { 1: 16, 6: 24, 7: 24, 8: 28 }[whole[1] as number] as number;
  const record = whole.slice(start);
  const head = [...whole.slice(0, 2), ...u16(count), ...whole.slice(4, start)];
  return Uint8Array.from([...head, ...Array.from({ length: times }, () => record).flat()]);
}

describe('the count', () => {
  it.each(ALL)('$name: every record of many', ({ hex }) => {
    expect(decodeDatagrams([repeated(hex, 25)])).toMatchObject({ records: { length: 25 }, faults: {} });
  });

  it.each(ALL)('$name: larger than the datagram uses what is there and is counted', ({ name, hex }) => {
    // Three short records of v1 in a datagram that says four are taken for two long ones and a rest.
    const records = name.includes('48') ? 2 : 3;
    for (const count of [4, 100, 65_535])
      expect(decodeDatagrams([repeated(hex, 3, count)])).toMatchObject({
        records: { length: records },
        faults: { record_count: 1 },
      });
  });

  it.each(ALL)('$name: smaller than the datagram, what follows is not read', ({ hex }) => {
    expect(decodeDatagrams([repeated(hex, 3, 1)]).records).toHaveLength(1);
    expect(decodeDatagrams([repeated(hex, 3, 0)]).records).toHaveLength(0);
  });

  it.each(ALL.filter(({ name }) => !name.startsWith('v1')))('$name cut off at any octet', ({ hex }) => {
    const whole = repeated(hex, 2);
    const header = whole[1] === 8 ? 28 : 24;
    const one = (whole.length - header) / 2;
    for (let length = 0; length < whole.length; length++) {
      const { records, faults } = decodeDatagrams([whole.slice(0, length)]);
      expect(records).toHaveLength(length < header + one ? 0 : 1);
      expect(faults).toEqual(length < header ? { short_message: 1 } : { record_count: 1 });
    }
  });

  it('v1 has short records only where the datagram is exactly as long as these', () => {
    const whole = repeated((FLOWS[0] as (typeof FLOWS)[0]).hex, 2);
    for (let length = 0; length < whole.length; length++) {
      const { records } = decodeDatagrams([whole.slice(0, length)]);
      expect(records).toHaveLength(length === 16 + 96 ? 2 : length < 16 + 52 ? 0 : 1);
    }
  });
});

describe('sequence numbers', () => {
  const message = (version: number, sequence: number, scheme = 1): Uint8Array => {
    const bytes = repeated((ALL.find(({ hex }) => Number(hex.slice(0, 4)) === version) as (typeof ALL)[0]).hex, 5);
    if (version !== 1) bytes.set(u32(sequence), 16);
    if (version === 8) bytes[22] = scheme;
    return bytes;
  };

  it.each([6, 7, 8])('of v%i count records: a gap is loss', (version) => {
    const decoder = testDecoder();
    for (const sequence of [0xffff_fff9, 0xffff_fffe, 10]) decoder.feed(message(version, sequence));
    expect(decoder.counters()).toMatchObject({ expected: 22, received: 15, resets: 0, outOfOrder: 0 });
  });

  it('v1 has none', () => {
    const decoder = testDecoder();
    for (let i = 0; i < 3; i++) decoder.feed(message(1, 0));
    expect(decoder.counters()).toMatchObject({ expected: 0, received: 0, records: 15 });
  });

  it('every aggregation scheme of v8 is a stream with numbers of its own', () => {
    const decoder = testDecoder();
    for (const [scheme, sequence] of [
      [1, 100],
      [2, 7000],
      [1, 105],
      [2, 7005],
    ] as const)
      decoder.feed(message(8, sequence, scheme));
    expect(decoder.counters()).toMatchObject({ expected: 20, received: 20, resets: 0, outOfOrder: 0 });
  });
});

describe('sampling', () => {
  it('only the headers of v5 and v8 tell it', () => {
    const rateOf = (datagram: Uint8Array): unknown => decodeDatagrams([datagram]).records[0]?.['sampling_rate'];
    expect(rateOf(message5([record5()], { sampling: 0x4064 }))).toBe(100);
    for (const { hex } of ALL) {
      const datagram = octetsOf(hex);
      datagram.set([0x40, 0x64], datagram[1] === 8 ? 24 : 22);
      expect(rateOf(datagram)).toBe(datagram[1] === 8 ? 100 : 0);
    }
  });

  it('of one datagram does not go into the next', () => {
    const decoder = testDecoder();
    expect(decoder.feed(message5([record5()], { sampling: 0x4064 }))[0]).toMatchObject({ sampling_rate: 100 });
    for (const { hex } of ALL) expect(decoder.feed(octetsOf(hex))[0]).toMatchObject({ sampling_rate: 0 });
  });
});

describe('v8', () => {
  const [prefix] = AGGREGATES.filter(({ name }) => name === '5, prefix') as [(typeof AGGREGATES)[0]];
  /** A record of scheme 5 with these prefixes and mask octets. */
  const record = (source: string, destination: string, masks: string): Uint8Array =>
    octetsOf(prefix.hex.replace('c0000200 c6330000 10 18', `${source} ${destination} ${masks}`));

  it('has a header of 28 octets', () => {
    const header = {
      count: 0,
      uptime: 0,
      exportMillis: 0,
      sequence: 0,
      engine: 0,
      scheme: 0,
      schemeVersion: 0,
      samplingInterval: 0,
    };
    readV8Header(octetsOf('0008 0007 0a0b0c0d 6abe2040 0bebc200 11121314 2122 0e02 c3e8 ffff'), header);
    expect(header).toEqual({
      count: 7,
      uptime: 0x0a0b0c0d,
      exportMillis: 0x6abe2040 * 1000 + 200,
      sequence: 0x11121314,
      engine: 0x2122,
      scheme: 14,
      schemeVersion: 2,
      samplingInterval: 1000,
    });
  });

  it('with a scheme or a version of it that is not known is counted, not guessed', () => {
    for (const [scheme, version] of [
      [0, 2],
      [15, 2],
      [255, 2],
      [1, 1],
      [1, 3],
    ] as const) {
      const datagram = octetsOf(prefix.hex);
      datagram.set([scheme, version], 22);
      expect(decodeDatagrams([datagram])).toEqual({ records: [], faults: { unknown_aggregation: 1 } });
    }
  });

  it('of Juniper, whose version of the scheme is 0', () => {
    const datagram = octetsOf(prefix.hex);
    datagram[23] = 0;
    expect(decodeDatagrams([datagram]).records).toHaveLength(1);
  });

  it('masks in the other order are seen by the prefixes they would cut', () => {
    const masks = { src_mask: 24, dst_mask: 16 };
    expect(decodeDatagrams([record('c0000200', 'c6330000', '1018')]).records[0]).toMatchObject(masks);
    expect(decodeDatagrams([record('c0000200', 'c6330000', '1810')]).records[0]).toMatchObject(masks);
  });

  it('masks that both prefixes could have keep the order that the exporter has shown', () => {
    const decoder = testDecoder();
    const undecided = record('0a000000', 'ac100000', '1018');
    expect(decoder.feed(undecided)[0]).toMatchObject({ dst_mask: 16, src_mask: 24 });
    decoder.feed(record('c0000200', 'c6330000', '1810'));
    expect(decoder.feed(undecided)[0]).toMatchObject({ dst_mask: 24, src_mask: 16 });
    expect(decoder.feed(undecided, '192.0.2.99')[0]).toMatchObject({ dst_mask: 16, src_mask: 24 });
    decoder.feed(record('c0000200', 'c6330000', '1018'));
    expect(decoder.feed(undecided)[0]).toMatchObject({ dst_mask: 16, src_mask: 24 });
  });

  it('masks of any value are read as they are', () => {
    for (const masks of ['0000', '2020', '2121', 'ffff', '00ff'])
      expect(decodeDatagrams([record('c0000201', '00000000', masks)]).records[0]).toMatchObject({
        dst_mask: Number.parseInt(masks.slice(0, 2), 16),
        src_mask: Number.parseInt(masks.slice(2), 16),
      });
  });
});

describe('damaged datagrams', () => {
  it('are never thrown at anyone, and give no more records than they have room for', () => {
    const seeds = ALL.map(({ hex }) => repeated(hex, 6));
    const damaged = fc
      .tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 12 }), fc.nat(400))
      .map(([seed, changes, length]) => {
        const bytes = seed.slice(0, length);
        // The version stays: other versions have tests of their own.
        if (bytes.length > 2) for (const [at, value] of changes) bytes[2 + (at % (bytes.length - 2))] = value;
        return bytes;
      });
    const decoder = testDecoder();
    fc.assert(
      fc.property(damaged, (bytes) => {
        expect(decoder.feed(bytes).length).toBeLessThanOrEqual(bytes.length / 28);
      }),
      { numRuns: 3000 },
    );
    const random = fc
      .tuple(fc.constantFrom(1, 6, 7, 8), fc.uint8Array({ maxLength: 300 }))
      .map(([version, rest]) => Uint8Array.from([0, version, ...rest]));
    fc.assert(
      fc.property(random, (bytes) => {
        expect(decoder.feed(bytes).length).toBeLessThanOrEqual(bytes.length / 28);
      }),
      { numRuns: 3000 },
    );
  });
});
