import { describe, expect, it } from 'vitest';
import { integer, NOON, ntp, type Specifier, UPTIME, u32, u64 } from './build.ts';
import { decodeOne } from './run-plan.ts';

/** Export time of the context, and its arrival 5 ms later, µs. */
const EXPORT = NOON * 1e6;
const RECEIVED = EXPORT + 5000;

const iso = (micros: number): string =>
  `${new Date(Math.floor(micros / 1000)).toISOString().slice(0, -1)}${String(micros % 1000).padStart(3, '0')}Z`;

const times = (start: number, end: number, source = 'flow') => ({
  time_start: iso(start),
  time_end: iso(end),
  time_source: source,
});

/** Two fields, start and end. */
const pair = (start: number, end: number, length: number): Specifier[] => [
  [start, length],
  [end, length],
];

describe('absolute times', () => {
  it('seconds, 150 and 151, of 4 and 8 octets', () => {
    const octets = [...u32(NOON - 60), ...u32(NOON - 1)];
    expect(decodeOne(10, pair(150, 151, 4), octets)).toMatchObject(times(EXPORT - 60e6, EXPORT - 1e6));
    expect(decodeOne(10, pair(150, 151, 8), [...u64(NOON - 60), ...u64(NOON)])).toMatchObject(
      times(EXPORT - 60e6, EXPORT),
    );
  });

  it('milliseconds, 152 and 153, of 8 octets and fewer', () => {
    const [a, b] = [NOON * 1000 - 1234, NOON * 1000 - 1];
    for (const length of [6, 7, 8]) {
      const record = decodeOne(10, pair(152, 153, length), [...integer(a, length), ...integer(b, length)]);
      expect(record).toMatchObject(times(a * 1000, b * 1000));
    }
  });

  it.each([
    [154, 155],
    [156, 157],
  ])('NTP format, %i and %i (RFC 7011 sections 6.1.9 and 6.1.10)', (start, end) => {
    const record = decodeOne(10, pair(start, end, 8), [...ntp(EXPORT - 1_500_001), ...ntp(EXPORT - 7)]);
    expect(record).toMatchObject(times(EXPORT - 1_500_001, EXPORT - 7));
  });

  it('NTP era 1, after February 2036', () => {
    const when = Date.UTC(2040, 0, 1) * 1000;
    const seconds = when / 1e6 + 2_208_988_800 - 2 ** 32;
    const value = [...u32(seconds), 0x80, 0, 0, 0];
    expect(decodeOne(10, pair(154, 155, 8), [...value, ...value])).toMatchObject(times(when + 500_000, when + 500_000));
  });

  it('plain counts of µs and ns instead of NTP format, as some exporters send them', () => {
    const micros = [...u64(EXPORT - 1_500_001), ...u64(EXPORT - 7)];
    expect(decodeOne(10, pair(154, 155, 8), micros)).toMatchObject(times(EXPORT - 1_500_001, EXPORT - 7));
    const nanos = [...u64(BigInt(EXPORT - 1_500_001) * 1000n), ...u64(BigInt(EXPORT - 7) * 1000n)];
    expect(decodeOne(10, pair(156, 157, 8), nanos)).toMatchObject(times(EXPORT - 1_500_001, EXPORT - 7));
  });

  it('the finer of two wins, whatever their order', () => {
    const fields: Specifier[] = [...pair(150, 151, 4), ...pair(152, 153, 8)];
    const seconds = [...u32(NOON - 9), ...u32(NOON - 8)];
    const millis = [...u64(NOON * 1000 - 8123), ...u64(NOON * 1000 - 7001)];
    const expected = times(EXPORT - 8_123_000, EXPORT - 7_001_000);
    expect(decodeOne(10, fields, [...seconds, ...millis])).toMatchObject(expected);
    expect(decodeOne(10, [...fields].reverse(), [...millis.slice(8), ...millis.slice(0, 8), ...seconds])).toMatchObject(
      expected,
    );
  });

  it('a finer one that is zero does not hide the other', () => {
    const fields: Specifier[] = [...pair(152, 153, 8), ...pair(22, 21, 4)];
    const octets = [...u64(0), ...u64(0), ...u32(UPTIME - 3000), ...u32(UPTIME - 500)];
    expect(decodeOne(9, fields, octets)).toMatchObject(times(EXPORT - 3e6, EXPORT - 500_000));
  });
});

describe('sysUptime', () => {
  const stamps = (first: number, last: number, uptime: number, version: 9 | 10 = 9) =>
    decodeOne(version, pair(22, 21, 4), [...u32(first), ...u32(last)], { uptime });

  it('is relative to the header’s', () => {
    expect(stamps(UPTIME - 90_000, UPTIME, UPTIME)).toMatchObject(times(EXPORT - 90e6, EXPORT));
  });

  it('wraps after 49.7 days: flow before, header after', () => {
    expect(stamps(2 ** 32 - 1000, 500, 2500)).toMatchObject(times(EXPORT - 3.5e6, EXPORT - 2e6));
  });

  it('wraps after 49.7 days: header before, flow after', () => {
    expect(stamps(2 ** 32 - 5000, 1000, 2 ** 32 - 1000)).toMatchObject(times(EXPORT - 4e6, EXPORT + 2e6));
  });

  it('a flow of 40 days keeps its length', () => {
    const forty = 40 * 86_400_000;
    expect(stamps(1000, forty + 1000, forty + 2000)).toMatchObject(times(EXPORT - (forty + 1000) * 1000, EXPORT - 1e6));
  });

  it('with systemInitTime in the record (IPFIX 160)', () => {
    const boot = NOON * 1000 - 3_600_000;
    const fields: Specifier[] = [...pair(22, 21, 4), [160, 8]];
    const octets = [...u32(10_000), ...u32(20_000), ...u64(boot)];
    const expected = times((boot + 10_000) * 1000, (boot + 20_000) * 1000);
    expect(decodeOne(10, fields, octets, { uptime: -1 })).toMatchObject(expected);
    expect(decodeOne(10, [[160, 8], ...pair(22, 21, 4)], [...u64(boot), ...octets.slice(0, 8)])).toMatchObject(
      expected,
    );
  });

  it('of 0 is the boot when that is not long ago, and nothing when it is', () => {
    expect(stamps(0, 5, 33_990)).toMatchObject(times(EXPORT - 33_990_000, EXPORT - 33_985_000));
    expect(stamps(0, UPTIME - 5, UPTIME)).toMatchObject(times(EXPORT - 5000, EXPORT - 5000));
    expect(stamps(0, 0, UPTIME)).toMatchObject(times(EXPORT, EXPORT, 'export'));
    expect(stamps(0, 0, 0)).toMatchObject(times(EXPORT, EXPORT, 'export'));
  });

  it('whose header counts from another boot tells how long the flow was', () => {
    // FortiOS 5.2: the stamps are a week ahead of the header, or 42 days behind it.
    expect(stamps(UPTIME + 600_000_000, UPTIME + 600_009_000, UPTIME)).toMatchObject(
      times(EXPORT - 9e6, EXPORT, 'export'),
    );
    expect(stamps(UPTIME, UPTIME + 9000, UPTIME + 700_000_000)).toMatchObject(times(EXPORT - 9e6, EXPORT, 'export'));
  });

  it('without any idea of the boot tells how long the flow was', () => {
    expect(stamps(10_000, 24_500, -1, 10)).toMatchObject(times(EXPORT - 14.5e6, EXPORT, 'export'));
    const zero = [...u32(10_000), ...u32(24_500), ...u64(0)];
    expect(decodeOne(10, [...pair(22, 21, 4), [160, 8]], zero, { uptime: -1 })).toMatchObject(
      times(EXPORT - 14.5e6, EXPORT, 'export'),
    );
  });
});

describe('relative times and durations', () => {
  it('delta µs before the export, 158 and 159', () => {
    const record = decodeOne(10, pair(158, 159, 4), [...u32(2_000_001), ...u32(999)]);
    expect(record).toMatchObject(times(EXPORT - 2_000_001, EXPORT - 999));
  });

  it.each([
    [161, 1000],
    [162, 1],
  ])('start and duration %i', (element, unit) => {
    const fields: Specifier[] = [
      [152, 8],
      [element, 4],
    ];
    const record = decodeOne(10, fields, [...u64(NOON * 1000 - 9000), ...u32(2500)]);
    expect(record).toMatchObject(times(EXPORT - 9e6, EXPORT - 9e6 + 2500 * unit));
  });

  it('end and duration', () => {
    const fields: Specifier[] = [
      [161, 4],
      [153, 8],
    ];
    const record = decodeOne(10, fields, [...u32(2500), ...u64(NOON * 1000 - 9000)]);
    expect(record).toMatchObject(times(EXPORT - 11.5e6, EXPORT - 9e6));
  });

  it('a duration alone ends with the export', () => {
    expect(decodeOne(10, [[161, 4]], u32(2500))).toMatchObject(times(EXPORT - 2.5e6, EXPORT, 'export'));
  });

  it('an absurd duration does not make absurd times', () => {
    for (const element of [161, 162]) {
      const huge = Array.from({ length: 8 }, () => 0xff);
      const fields = (other: number): Specifier[] => [
        [element, 8],
        [other, 8],
      ];
      expect(decodeOne(10, [[element, 8]], huge)).toMatchObject(times(EXPORT, EXPORT, 'export'));
      for (const other of [152, 153]) {
        const record = decodeOne(10, fields(other), [...huge, ...u64(NOON * 1000)]);
        expect(record).toMatchObject(times(EXPORT, EXPORT));
      }
    }
  });
});

describe('a missing time is repaired, and says so', () => {
  it('from the other one', () => {
    expect(decodeOne(10, [[152, 8]], u64(NOON * 1000 - 5))).toMatchObject(times(EXPORT - 5000, EXPORT - 5000));
    expect(decodeOne(10, [[151, 4]], u32(NOON - 5))).toMatchObject(times(EXPORT - 5e6, EXPORT - 5e6));
  });

  it.each([
    ['observationTimeSeconds', 322, u32(NOON - 3), 3e6],
    ['observationTimeMilliseconds', 323, u64(NOON * 1000 - 3), 3000],
    ['observationTimeMicroseconds', 324, ntp(EXPORT - 3), 3],
    ['observationTimeNanoseconds', 325, ntp(EXPORT - 3), 3],
    ['collectionTimeMilliseconds', 258, u64(NOON * 1000 - 3), 3000],
  ])('then from the event: %s', (_, element, octets, before) => {
    expect(decodeOne(10, [[element, octets.length]], octets)).toMatchObject(
      times(EXPORT - before, EXPORT - before, 'event'),
    );
  });

  it('then from the export', () => {
    expect(decodeOne(10, [[4, 1]], [6])).toMatchObject(times(EXPORT, EXPORT, 'export'));
  });

  it('then from the arrival', () => {
    expect(decodeOne(10, [[4, 1]], [6], { exportMillis: 0 })).toMatchObject(times(RECEIVED, RECEIVED, 'receive'));
  });

  it.each([0, 1, 86_400, 31_535_999])('a flow time of %i s after 1970 is none', (seconds) => {
    const record = decodeOne(10, pair(150, 151, 4), [...u32(seconds), ...u32(seconds)]);
    expect(record).toMatchObject(times(EXPORT, EXPORT, 'export'));
  });

  it('a time in the year 9000 is none', () => {
    const record = decodeOne(10, pair(152, 153, 8), [...u64(221_845_392_000_000n), ...u64(NOON * 1000)]);
    expect(record).toMatchObject(times(EXPORT, EXPORT));
  });

  it('an octet array where a time should be is kept, and the event of ASA counts', () => {
    const fields: Specifier[] = [
      [154, 4],
      [323, 8],
    ];
    expect(decodeOne(9, fields, [1, 2, 3, 4, ...u64(NOON * 1000 - 2)])).toMatchObject({
      ...times(EXPORT - 2000, EXPORT - 2000, 'event'),
      extra: { flowStartMicroseconds: '01020304' },
    });
  });
});
