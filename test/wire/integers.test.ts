import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { float, integer, type Specifier, u64, VARIABLE, variable } from './build.ts';
import { decodeOne } from './run-plan.ts';

/** A column of each width with the element that feeds it. */
const COLUMNS = [
  ['proto', 4, 8],
  ['src_port', 7, 16],
  ['in_if', 10, 32],
  ['bytes', 1, 64],
] as const;

describe('integers of 1 to 8 octets (RFC 7011 section 6.2)', () => {
  for (const [column, id, bits] of COLUMNS) {
    it.each([1, 2, 3, 4, 5, 6, 7, 8])(`%i octets into ${column}, ${bits} bits`, (length) => {
      fc.assert(
        fc.property(fc.bigInt({ min: 0n, max: 2n ** BigInt(8 * length) - 1n }), (value) => {
          const record = decodeOne(10, [[id, length]], integer(value, length));
          // What is too large for the column keeps its low bits.
          expect(BigInt(record[column] as number | bigint)).toBe(BigInt.asUintN(bits, value));
        }),
        { numRuns: 60 },
      );
    });
  }

  it('do not move the fields behind them', () => {
    for (const length of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const fields: Specifier[] = [
        [4, length],
        [7, length],
        [10, length],
        [1, length],
        [11, 2],
      ];
      const octets = [6, 7, 8, 9].flatMap((value) => integer(value, length));
      const expected = { proto: 6, src_port: 7, in_if: 8, bytes: 9, dst_port: 443 };
      expect(decodeOne(9, fields, [...octets, 1, 0xbb])).toMatchObject(expected);
      expect(decodeOne(10, fields, [...octets, 1, 0xbb])).toMatchObject(expected);
    }
  });

  it('counters of 64 bits are exact', () => {
    for (const value of [0n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n]) {
      const record = decodeOne(
        10,
        [
          [1, 8],
          [2, 8],
        ],
        [...u64(value), ...u64(value - 1n)],
      );
      expect(BigInt(record['bytes'] as number)).toBe(value);
      expect(BigInt(record['packets'] as number)).toBe(BigInt.asUintN(64, value - 1n));
    }
  });

  it('longer than eight octets are kept as they are', () => {
    const record = decodeOne(
      10,
      [
        [1, 9],
        [2, 4],
      ],
      [...integer(2n ** 70n + 5n, 9), 0, 0, 0, 3],
    );
    expect(record).toMatchObject({ packets: 3, extra: { octetDeltaCount: '400000000000000005' } });
  });

  it('of variable length are kept too, and the fields behind them are found', () => {
    const fields: Specifier[] = [
      [1, VARIABLE],
      [2, 4],
    ];
    const record = decodeOne(10, fields, [...variable([1, 2, 3]), 0, 0, 0, 3]);
    expect(record).toMatchObject({ packets: 3, extra: { octetDeltaCount: 0x010203 } });
  });
});

describe('fields that no column takes', () => {
  it('unsigned and signed integers, reduced and whole', () => {
    const name = (record: Record<string, unknown>): Record<string, unknown> =>
      record['extra'] as Record<string, unknown>;
    expect(name(decodeOne(10, [[434, 4]], integer(-2n, 4)))).toEqual({ mibObjectValueInteger: -2 });
    expect(name(decodeOne(10, [[434, 1]], [0xff]))).toEqual({ mibObjectValueInteger: -1 });
    expect(name(decodeOne(10, [[434, 3]], integer(-70_000n, 3)))).toEqual({ mibObjectValueInteger: -70_000 });
    expect(name(decodeOne(10, [[407, 8]], u64(2n ** 64n - 1n)))).toEqual({
      ignoredDataRecordTotalCount: 2n ** 64n - 1n,
    });
  });

  it.each([4, 8] as const)('floats of %i octets', (length) => {
    // 320 absoluteError is a float64.
    expect(decodeOne(10, [[320, length]], float(-1.5, length))['extra']).toEqual({ absoluteError: -1.5 });
    expect(decodeOne(10, [[320, length]], float(Number.POSITIVE_INFINITY, length))['extra']).toEqual({
      absoluteError: Number.POSITIVE_INFINITY,
    });
  });

  it('floats of other lengths stay octets', () => {
    expect(decodeOne(10, [[320, 2]], [1, 2])['extra']).toEqual({ absoluteError: '0102' });
  });

  it('unknown elements cost nothing', () => {
    const fields: Specifier[] = [
      [77, 3, 4_242_424],
      [4, 1],
      [32_000, 2],
    ];
    expect(decodeOne(10, fields, [1, 2, 3, 17, 4, 5])).toMatchObject({
      proto: 17,
      extra: { '4242424/77': '010203', '0/32000': '0405' },
    });
  });
});
