import { describe, expect, it } from 'vitest';
import { ascii, ip4, type Specifier, u16, u32, VARIABLE, variable } from './build.ts';
import { decode, decodeOne } from './run-plan.ts';

const V6 = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const NONE6 = Array.from({ length: 16 }, () => 0);

describe('addresses', () => {
  const both: Specifier[] = [
    [8, 4],
    [27, 16],
    [28, 16],
    [12, 4],
  ];

  it('of both families in one template: the one that is there', () => {
    const v4 = [...ip4('192.0.2.1'), ...NONE6, ...NONE6, ...ip4('198.51.100.2')];
    const v6 = [0, 0, 0, 0, ...V6, ...V6.slice(0, 15), 2, 0, 0, 0, 0];
    const records = decode(10, both, [...v4, ...v6]);
    expect(records[0]).toMatchObject({ src_addr: '192.0.2.1', dst_addr: '198.51.100.2' });
    expect(records[1]).toMatchObject({ src_addr: '2001:db8::1', dst_addr: '2001:db8::2' });
  });

  it('masks go with them', () => {
    const fields: Specifier[] = [
      [9, 1],
      [29, 1],
    ];
    expect(decodeOne(9, fields, [0, 64])).toMatchObject({ src_mask: 64 });
    expect(decodeOne(9, fields, [24, 0])).toMatchObject({ src_mask: 24 });
  });

  it('of IPv4, in sixteen octets, are IPv4', () => {
    const mapped = [...NONE6.slice(0, 10), 0xff, 0xff, ...ip4('192.0.2.9')];
    expect(decodeOne(10, [[27, 16]], mapped)).toMatchObject({ src_addr: '192.0.2.9' });
  });

  it('of other lengths are kept', () => {
    expect(decodeOne(10, [[8, 3]], [1, 2, 3])).toMatchObject({ extra: { sourceIPv4Address: '010203' } });
    expect(decodeOne(10, [[8, 3]], [1, 2, 3])).not.toHaveProperty('src_addr');
  });

  it('hardware addresses', () => {
    const fields: Specifier[] = [
      [56, 6],
      [80, 6],
    ];
    expect(decodeOne(9, fields, [0xf0, 1, 2, 0xfd, 4, 5, 0, 0, 0x5e, 0, 0, 1])).toMatchObject({
      src_mac: 'f0:01:02:fd:04:05',
      dst_mac: '00:00:5e:00:00:01',
    });
  });
});

describe('variable length (RFC 7011 section 7)', () => {
  const fields: Specifier[] = [
    [4, 1],
    [371, VARIABLE],
    [7, 2],
    [96, VARIABLE],
    [11, 2],
  ];
  const octets = (user: readonly number[], app: readonly number[]): number[] => [
    17,
    ...user,
    ...u16(5),
    ...app,
    ...u16(7),
  ];

  it.each([9, 10] as const)('in version %i, lengths of one and of three octets', (version) => {
    const long = 'x'.repeat(300);
    const records = decode(version, fields, [
      ...octets(variable(ascii('ann')), variable(ascii('http'))),
      ...octets(variable(ascii(long)), variable(ascii('dns'), true)),
      ...octets(variable([]), variable([], true)),
    ]);
    expect(records).toHaveLength(3);
    expect(records[0]).toMatchObject({ proto: 17, user_name: 'ann', src_port: 5, app_name: 'http', dst_port: 7 });
    expect(records[1]).toMatchObject({ proto: 17, user_name: long, src_port: 5, app_name: 'dns', dst_port: 7 });
    expect(records[2]).toMatchObject({ proto: 17, src_port: 5, dst_port: 7 });
    expect(records[2]).not.toHaveProperty('user_name');
  });

  it('a record that is cut off anywhere is left out, those before it stay', () => {
    const first = octets(variable(ascii('ann')), variable(ascii('http')));
    const second = octets(variable(ascii('bob')), variable(ascii('smtp'), true));
    for (let cut = 0; cut < second.length; cut++) {
      const records = decode(10, fields, [...first, ...second.slice(0, cut)]);
      expect(records.map((record) => record['user_name'])).toEqual(['ann']);
    }
  });

  it('of elements without a column', () => {
    const unknown: Specifier[] = [
      [1, VARIABLE, 4_242_424],
      [290, VARIABLE],
      [4, 1],
    ];
    const value = Array.from({ length: 260 }, (_, i) => i & 255);
    const record = decodeOne(10, unknown, [...variable(value), ...variable(ascii('yes')), 6]);
    expect(record).toMatchObject({
      proto: 6,
      extra: { '4242424/1': value.map((v) => v.toString(16).padStart(2, '0')).join(''), encryptedTechnology: 'yes' },
    });
  });
});

describe('texts', () => {
  it('end at a NUL, which is padding', () => {
    expect(decodeOne(9, [[82, 8]], [...ascii('eth0'), 0, 0, 0, 0])).toMatchObject({ interface_name: 'eth0' });
    expect(decodeOne(9, [[82, 4]], [0, 0, 0, 0])).not.toHaveProperty('interface_name');
  });

  it('are UTF-8; damaged ones are replaced, not thrown', () => {
    expect(decodeOne(10, [[371, 5]], ascii('zoë!'))).toMatchObject({ user_name: 'zoë!' });
    expect(decodeOne(10, [[371, 3]], [0x61, 0xff, 0xfe])).toMatchObject({ user_name: 'a\ufffd\ufffd' });
  });

  it('application id: engine and selector (RFC 6759)', () => {
    expect(decodeOne(9, [[95, 4]], [13, 0, 1, 0])).toMatchObject({ app_id: '13:256' });
    expect(decodeOne(9, [[95, 1]], [3])).toMatchObject({ app_id: '3:0' });
    expect(decodeOne(10, [[95, VARIABLE]], variable([13, 0, 0, 5]))).toMatchObject({ app_id: '13:5' });
    const enterprise = (...selector: number[]): number[] => [20, ...u32(12_356), ...selector];
    expect(decodeOne(9, [[95, 9]], enterprise(0, 0, 0x8f, 0x34))).toMatchObject({ app_id: '20:12356:36660' });
    expect(decodeOne(10, [[95, VARIABLE]], variable(enterprise(1, 2, 3, 4, 5, 6, 7)))).toMatchObject({
      app_id: '20:12356:0x01020304050607',
    });
  });

  it('MPLS labels, top first, without what follows the bottom', () => {
    const fields: Specifier[] = [
      [70, 3],
      [71, 3],
      [72, 3],
    ];
    // Label 20 bits, experimental 3, bottom of stack 1.
    const entry = (label: number, bottom: number): number[] => [
      label >> 12,
      (label >> 4) & 255,
      ((label & 15) << 4) | bottom,
    ];
    const records = decode(9, fields, [
      ...entry(24_001, 0),
      ...entry(16, 0),
      ...entry(1_048_575, 1),
      ...entry(24_001, 1),
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
    ]);
    expect(records.map((record) => record['mpls_labels'])).toEqual(['24001,16,1048575', '24001', undefined]);
  });

  it('MPLS labels in another order than the stack’s', () => {
    const fields: Specifier[] = [
      [71, 3],
      [4, 1],
      [70, 3],
    ];
    expect(decodeOne(9, fields, [0, 0, 0x21, 6, 0, 0, 0x10])).toMatchObject({ mpls_labels: '1,2', proto: 6 });
  });
});

describe('ICMP', () => {
  it('type and code together or apart', () => {
    expect(decodeOne(9, [[32, 2]], [8, 1])).toMatchObject({ icmp_type: 8, icmp_code: 1 });
    expect(decodeOne(9, [[139, 2]], [128, 0])).toMatchObject({ icmp_type: 128, icmp_code: 0 });
    const apart: Specifier[] = [
      [177, 1],
      [176, 1],
    ];
    expect(decodeOne(10, apart, [3, 11])).toMatchObject({ icmp_type: 11, icmp_code: 3 });
  });

  it('of both families in one template', () => {
    const fields: Specifier[] = [
      [32, 2],
      [139, 2],
    ];
    const records = decode(9, fields, [...u16(0x0800), ...u16(0), ...u16(0), ...u16(0x8101)]);
    expect(records[0]).toMatchObject({ icmp_type: 8, icmp_code: 0 });
    expect(records[1]).toMatchObject({ icmp_type: 129, icmp_code: 1 });
  });
});

describe('a record', () => {
  it('fields of length 0 and padding octets are nothing', () => {
    const fields: Specifier[] = [
      [210, 3],
      [8, 0],
      [4, 1],
      [371, 0],
      [210, 1],
      [1, 0, 4_242_424],
    ];
    const record = decodeOne(10, fields, [9, 9, 9, 6, 9]);
    expect(record).toMatchObject({ proto: 6 });
    for (const absent of ['src_addr', 'user_name', 'extra']) expect(record).not.toHaveProperty(absent);
  });

  it('an element that comes twice: the second fills gaps, a second counter is kept aside', () => {
    const fields: Specifier[] = [
      [7, 2],
      [7, 2],
      [1, 4],
      [1, 4],
    ];
    expect(decodeOne(9, fields, [...u16(0), ...u16(53), ...u32(10), ...u32(20)])).toMatchObject({
      src_port: 53,
      bytes: 10,
      extra: { octetDeltaCount: 20 },
    });
  });

  it('deltas go before totals, and totals are not lost', () => {
    const fields: Specifier[] = [
      [85, 4],
      [1, 4],
    ];
    expect(decodeOne(10, fields, [...u32(999), ...u32(10)])).toMatchObject({
      bytes: 10,
      extra: { octetTotalCount: 999 },
    });
    expect(decodeOne(10, [[85, 4]], u32(999))).toMatchObject({ bytes: 999 });
  });

  it('fields of the same name without column become a list', () => {
    const fields: Specifier[] = [
      [5, 1, 4_242_424],
      [5, 2, 4_242_424],
    ];
    expect(decodeOne(10, fields, [1, 2, 3])).toMatchObject({ extra: { '4242424/5': ['01', '0203'] } });
  });
});
