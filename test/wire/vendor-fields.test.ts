import { describe, expect, it } from 'vitest';
import { ascii, fromHex, ip4, NOON, type Specifier, u16, u32, u64, VARIABLE, variable } from './build.ts';
import { decodeOne } from './run-plan.ts';

/* What the numbers of vendors mean: each of these was a bug report in another collector (../shared/research/user-asks.md, 8 and 26 to 28). */

describe('Cisco ASA (NSEL, NetFlow v9)', () => {
  const fields: Specifier[] = [
    [148, 4],
    [8, 4],
    [7, 2],
    [10, 2],
    [12, 4],
    [11, 2],
    [14, 2],
    [4, 1],
    [176, 1],
    [177, 1],
    [40_001, 4],
    [40_002, 4],
    [40_003, 2],
    [40_004, 2],
    [40_005, 1],
    [33_002, 2],
    [323, 8],
    [231, 4],
    [232, 4],
    [33_000, 12],
    [40_000, 20],
  ];
  const octets = (event: number, sent: number, returned: number): number[] => [
    ...[
      u32(0x0102_0304),
      ip4('10.1.1.9'),
      u16(51_000),
      u16(3),
      ip4('198.51.100.7'),
      u16(443),
      u16(4),
      [6, 0, 0],
    ].flat(),
    ...[ip4('203.0.113.9'), ip4('198.51.100.7'), u16(1024), u16(443), [event], u16(2031), u64(NOON * 1000 - 40)].flat(),
    ...[u32(sent), u32(returned), Array.from({ length: 12 }, (_, i) => i), ascii('ann'), Array(17).fill(0)].flat(),
  ];

  it('a teardown: translation, event, both directions, time of the event', () => {
    expect(decodeOne(9, fields, octets(2, 4321, 99_000))).toMatchObject({
      record_kind: 'biflow',
      firewall_event: 2,
      firewall_extended_event: 2031,
      post_nat_src_addr: '203.0.113.9',
      post_nat_dst_addr: '198.51.100.7',
      post_nat_src_port: 1024,
      post_nat_dst_port: 443,
      flow_id: 0x0102_0304,
      bytes: 4321,
      reverse_bytes: 99_000,
      ingress_acl: '000102030405060708090a0b',
      user_name: 'ann',
      time_source: 'event',
      time_start: new Date(NOON * 1000 - 40).toISOString().replace('Z', '000Z'),
    });
  });

  it('a create or denied: an event, and no flow', () => {
    const create: Specifier[] = [
      [8, 4],
      [233, 1],
      [33_002, 2],
      [323, 8],
    ];
    expect(decodeOne(9, create, [...ip4('10.1.1.9'), 3, ...u16(1001), ...u64(NOON * 1000)])).toMatchObject({
      record_kind: 'firewall_event',
      firewall_event: 3,
      firewall_extended_event: 1001,
    });
  });

  it('an update: initiator and responder become forward and reverse', () => {
    const update: Specifier[] = [
      [233, 1],
      [231, 4],
      [232, 4],
      [298, 4],
      [299, 4],
    ];
    expect(decodeOne(9, update, [5, ...u32(10), ...u32(20), ...u32(1), ...u32(2)])).toMatchObject({
      record_kind: 'biflow',
      firewall_event: 5,
      bytes: 10,
      reverse_bytes: 20,
      packets: 1,
      reverse_packets: 2,
    });
  });

  it('with the start of its flow lasts until the event', () => {
    const both: Specifier[] = [
      [152, 8],
      [323, 8],
      [40_005, 1],
    ];
    expect(decodeOne(9, both, [...u64(NOON * 1000 - 2000), ...u64(NOON * 1000 - 40), 2])).toMatchObject({
      time_start: new Date(NOON * 1000 - 2000).toISOString().replace('Z', '000Z'),
      time_end: new Date(NOON * 1000 - 40).toISOString().replace('Z', '000Z'),
      time_source: 'flow',
    });
  });

  it('the same numbers in IPFIX are other elements, kept by number', () => {
    const record = decodeOne(10, [[20_001, 4]], ip4('203.0.113.9'));
    expect(record).toMatchObject({ extra: { '0/20001': 'cb007109' } });
    expect(record).not.toHaveProperty('post_nat_src_addr');
  });

  it('IANA’s firewall and NAT elements', () => {
    const iana: Specifier[] = [
      [233, 1],
      [225, 4],
      [227, 2],
      [1, 4],
    ];
    expect(decodeOne(9, iana, [3, ...ip4('203.0.113.9'), ...u16(77), ...u32(5)])).toMatchObject({
      record_kind: 'flow',
      firewall_event: 3,
      post_nat_src_addr: '203.0.113.9',
      post_nat_src_port: 77,
    });
  });
});

describe('NAT events', () => {
  it('RFC 8158, with a port block', () => {
    const fields: Specifier[] = [
      [323, 8],
      [230, 1],
      [8, 4],
      [225, 4],
      [361, 2],
      [362, 2],
      [364, 2],
    ];
    const octets = [u64(NOON * 1000), [16], ip4('10.0.0.1'), ip4('203.0.113.1'), u16(1024), u16(1535), u16(512)].flat();
    expect(decodeOne(10, fields, octets)).toMatchObject({
      record_kind: 'nat_event',
      nat_event: 16,
      src_addr: '10.0.0.1',
      post_nat_src_addr: '203.0.113.1',
      port_range_start: 1024,
      port_range_end: 1535,
      port_range_size: 512,
    });
  });

  it('RFC 8158: quotas, thresholds, pools and instances', () => {
    const fields: Specifier[] = [
      [323, 8],
      [230, 1],
      [466, 4],
      [467, 4],
      [283, 4],
      [284, VARIABLE],
      [463, 4],
      [471, 4],
    ];
    const octets = [
      u64(NOON * 1000),
      [13],
      u32(3),
      u32(1),
      u32(9),
      variable(ascii('pool-a')),
      u32(2),
      u32(4000),
    ].flat();
    expect(decodeOne(10, fields, octets)).toMatchObject({
      record_kind: 'nat_event',
      nat_event: 13,
      nat_quota_event: 3,
      nat_threshold_event: 1,
      nat_pool: 9,
      nat_pool_name: 'pool-a',
      nat_instance: 2,
      time_source: 'event',
      extra: { maxSessionEntries: 4000 },
    });
  });

  it('without an event code, as Nokia’s BNG sends them', () => {
    const fields: Specifier[] = [
      [8, 4],
      [225, 4],
      [361, 2],
      [362, 2],
    ];
    const octets = [ip4('10.0.0.1'), ip4('203.0.113.1'), u16(1024), u16(1535)].flat();
    expect(decodeOne(10, fields, octets)).toMatchObject({ record_kind: 'nat_event', port_range_end: 1535 });
  });

  it('with counters is a flow that was translated', () => {
    const fields: Specifier[] = [
      [230, 1],
      [1, 4],
    ];
    expect(decodeOne(10, fields, [1, ...u32(9)])).toMatchObject({ record_kind: 'flow', nat_event: 1, bytes: 9 });
  });
});

describe('biflows', () => {
  it('reverse elements of RFC 5103', () => {
    const fields: Specifier[] = [
      [1, 8],
      [1, 8, 29_305],
      [2, 4],
      [2, 4, 29_305],
      [6, 1, 29_305],
    ];
    const octets = [u64(1000), u64(2n ** 40n), u32(5), u32(6), [0x1b]].flat();
    expect(decodeOne(10, fields, octets)).toMatchObject({
      record_kind: 'biflow',
      bytes: 1000,
      reverse_bytes: 2 ** 40,
      packets: 5,
      reverse_packets: 6,
      reverse_tcp_flags: 0x1b,
    });
  });

  it('times of both directions, absolute and as YAF’s difference', () => {
    const time = (seconds: number): string => new Date((NOON - seconds) * 1000).toISOString().replace('Z', '000Z');
    const absolute: Specifier[] = [
      [152, 8],
      [153, 8],
      [152, 8, 29_305],
      [153, 8, 29_305],
      [239, 1],
      [2, 4, 29_305],
    ];
    const octets = [u64((NOON - 9) * 1000), u64((NOON - 5) * 1000), u64((NOON - 8) * 1000), u64((NOON - 6) * 1000)];
    expect(decodeOne(10, absolute, [...octets.flat(), 1, ...u32(3)])).toMatchObject({
      time_start: time(9),
      time_end: time(5),
      reverse_time_start: time(8),
      reverse_time_end: time(6),
      biflow_direction: 1,
    });
    const yaf: Specifier[] = [
      [152, 8],
      [153, 8],
      [21, 4, 6871],
    ];
    expect(decodeOne(10, yaf, [...octets.slice(0, 2).flat(), ...u32(1500)])).toMatchObject({
      reverse_time_start: new Date((NOON - 9) * 1000 + 1500).toISOString().replace('Z', '000Z'),
    });
  });

  it('whose other direction was silent have the times of the flow', () => {
    const fields: Specifier[] = [
      [150, 4],
      [151, 4],
      [150, 4, 29_305],
      [151, 4, 29_305],
    ];
    const record = decodeOne(10, fields, [...u32(NOON - 9), ...u32(NOON - 5), ...u32(0), ...u32(0)]);
    expect(record['reverse_time_start']).toBe(record['time_start']);
    expect(record['reverse_time_end']).toBe(record['time_end']);
  });

  it('reverse elements without a column keep their name', () => {
    expect(decodeOne(10, [[58, 2, 29_305]], u16(7))).toMatchObject({ extra: { reverseVlanId: 7 } });
  });
});

describe('who sent it', () => {
  it.each([
    ['a mediator’s originalExporterIPv4Address', 403, 405],
    ['exporterIPv4Address', 130, 149],
  ])('%s is a column beside the sender', (_, address, domain) => {
    const fields: Specifier[] = [
      [address, 4],
      [domain, 4],
      [144, 4],
    ];
    expect(decodeOne(10, fields, [...ip4('198.51.100.77'), ...u32(9), ...u32(5)])).toMatchObject({
      exporter: '192.0.2.1',
      original_exporter: '198.51.100.77',
      original_domain: 9,
      extra: { exportingProcessId: 5 },
    });
  });
});

describe('a packet in a packet', () => {
  it('Cisco’s SRv6: the second address, port and protocol are those of the inner packet', () => {
    const fields: Specifier[] = [
      [27, 16],
      [28, 16],
      [11, 2],
      [4, 1],
      [5, 1],
      [8, 4],
      [12, 4],
      [11, 2],
      [4, 1],
      [5, 1],
    ];
    const outer = [...fromHex('20010db8000000000000000000000001 20010db8000000000000000000000002'), ...u16(0), 4, 7];
    const inner = [...ip4('192.0.2.1'), ...ip4('192.0.2.2'), ...u16(443), 6, 9];
    expect(decodeOne(10, fields, [...outer, ...inner])).toMatchObject({
      src_addr: '2001:db8::1',
      dst_addr: '2001:db8::2',
      dst_port: 0,
      proto: 4,
      tos: 7,
      inner_src_addr: '192.0.2.1',
      inner_dst_addr: '192.0.2.2',
      inner_dst_port: 443,
      inner_proto: 6,
      extra: { ipClassOfService: 9 },
    });
  });
});

describe('names of private elements', () => {
  it.each([
    ['NBAR', 9, [[95, 4]] as Specifier[], [3, 0, 0, 80], { app_id: '3:80' }],
    ['FortiGate, Palo Alto', 9, [[56_701, 8]] as Specifier[], [...ascii('ssl'), 0, 0, 0, 0, 0], { app_name: 'ssl' }],
    ['nProbe in v9', 9, [[57_591, 4]] as Specifier[], ascii('DNS\0'), { app_name: 'DNS' }],
    ['nProbe in IPFIX', 10, [[119, VARIABLE, 35_632]] as Specifier[], variable(ascii('DNS')), { app_name: 'DNS' }],
    ['YAF', 10, [[33, 2, 6871]] as Specifier[], u16(53), { extra: { silkAppLabel: 53 } }],
    ['Viptela', 10, [[4321, 4, 41_916]] as Specifier[], u32(12), { vpn_id: 12 }],
  ] as const)('%s', (_, version, fields, octets, expected) => {
    expect(decodeOne(version, fields, octets)).toMatchObject(expected);
  });
});

describe('the rate that a record carries', () => {
  it.each([
    ['34', [[34, 4]] as Specifier[], u32(512), 512],
    ['50', [[50, 4]] as Specifier[], u32(100), 100],
    [
      '305 and 306',
      [
        [305, 4],
        [306, 4],
      ] as Specifier[],
      [...u32(1), ...u32(999)],
      1000,
    ],
    ['305 alone', [[305, 4]] as Specifier[], u32(64), 64],
    [
      '309 of 310',
      [
        [309, 4],
        [310, 4],
      ] as Specifier[],
      [...u32(2), ...u32(500)],
      250,
    ],
    ['311', [[311, 8]] as Specifier[], [0x3f, 0x84, 0x7a, 0xe1, 0x47, 0xae, 0x14, 0x7b], 100],
    ['34, of eight octets, too large', [[34, 8]] as Specifier[], u64(2n ** 40n), 2 ** 32 - 1],
  ])('%s', (_, fields, octets, rate) => {
    const known = { samplingRate: 7, samplingSource: 5 };
    expect(decodeOne(10, fields, octets, known)).toMatchObject({ sampling_rate: rate, sampling_source: 'record' });
  });

  it('zero says nothing, and an override beats it', () => {
    const zero = { samplingRate: 7, samplingSource: 5 };
    expect(decodeOne(9, [[34, 4]], u32(0), zero)).toMatchObject({ sampling_rate: 7, sampling_source: 'domain' });
    const override = { samplingRate: 9, samplingSource: 7 };
    expect(decodeOne(9, [[34, 4]], u32(50), override)).toMatchObject({ sampling_rate: 9, sampling_source: 'override' });
  });
});
