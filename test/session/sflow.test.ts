import { describe, expect, it } from 'vitest';
import { createDecoder } from '#weir/index.js';
import { ip4, NOON } from '../wire/build.ts';
import {
  address,
  counterSample,
  datagram,
  flowSample,
  header,
  INTERFACE_COUNTERS,
  ip6,
  record,
  sample,
  tcpFrame,
  words,
  xdrText,
} from '../wire/sflow/build.ts';
import { one, sflowDecoder } from './sflow-tools.ts';

const FRAME = header(tcpFrame(), { length: 1018 });

describe('a flow sample is a row', () => {
  it('with all that the sampled header tells', () => {
    const { feed } = sflowDecoder();
    const received = NOON * 1e6 + 5000;
    expect(one(feed(datagram([flowSample([FRAME])], { subAgent: 7 }), '192.0.2.1', received))).toEqual({
      time_received: new Date(received / 1000).toISOString().replace('Z', '000Z'),
      time_start: new Date(received / 1000).toISOString().replace('Z', '000Z'),
      time_end: new Date(received / 1000).toISOString().replace('Z', '000Z'),
      time_source: 'receive',
      exporter: '192.0.2.200',
      agent_addr: '192.0.2.200',
      sender: '192.0.2.1',
      observation_domain: 7,
      flow_type: 'sflow_5',
      record_kind: 'sample',
      sampling_rate: 100,
      sampling_source: 'record',
      packets: 1,
      bytes: 1018,
      in_if: 3,
      out_if: 4,
      direction: 0,
      src_mac: '02:00:00:00:00:01',
      dst_mac: '02:00:00:00:00:02',
      ethernet_type: 0x800,
      ip_version: 4,
      src_addr: '198.51.100.7',
      dst_addr: '203.0.113.9',
      src_port: 51_000,
      dst_port: 443,
      proto: 6,
      tos: 0x28,
      ttl: 63,
      ip_total_length: 1000,
      fragment_id: 0x1234,
      fragment_offset: 0,
      fragment_flags: 0x40,
      ip_header_length: 20,
      tcp_flags: 0x18,
      tcp_sequence: 0x01020304,
    });
  });

  it('the expanded form says the same, with whole numbers', () => {
    const { feed } = sflowDecoder();
    const expanded = sample(3, words(1, 0, 70_000_000, 100, 100, 0, 0, 70_000_000, 0, 0x4000_0001, 1), FRAME);
    expect(one(feed(datagram([expanded])))).toMatchObject({ in_if: 70_000_000, out_if: 0x4000_0001, direction: 0 });
  });

  it('samples of every mixture land in the columns of their own', () => {
    const { feed } = sflowDecoder();
    const switched = record(1001, words(10, 1, 20, 2));
    const routed = record(1002, address('192.0.2.1'), words(24, 8));
    const gateway = record(1003, address('192.0.2.2'), words(1, 2, 3, 1, 2, 1, 9), words(1, 65_537), words(200));
    const udp = record(4, words(100, 17), ip6('2001:db8::1'), ip6('2001:db8::2'), words(53, 5353, 0, 0));
    const records = feed(
      datagram([
        flowSample([FRAME]),
        flowSample([udp, routed, gateway]),
        flowSample([FRAME, switched]),
        flowSample([FRAME]),
      ]),
    );
    expect(records.map(({ src_addr }) => src_addr)).toEqual([
      '198.51.100.7',
      '2001:db8::1',
      '198.51.100.7',
      '198.51.100.7',
    ]);
    expect(records[1]).toMatchObject({
      src_port: 53,
      next_hop: '192.0.2.1',
      src_mask: 24,
      dst_mask: 8,
      bgp_next_hop: '192.0.2.2',
      src_as: 2,
      prev_as: 3,
      next_as: 9,
      dst_as: 9,
      as_path: '9',
      bgp_communities: '1:1',
      bgp_local_pref: 200,
      extra: { routerAs: 1 },
    });
    expect(records[1]).not.toHaveProperty('tcp_flags');
    expect(records[1]).not.toHaveProperty('ttl');
    expect(records[2]).toMatchObject({ src_vlan: 10, dst_vlan: 20, src_vlan_priority: 1, dst_vlan_priority: 2 });
    expect(records[3]).not.toHaveProperty('src_vlan');
    expect(records[3]).not.toHaveProperty('extra');
  });

  it('a VLAN priority that the switch does not know leaves the other one', () => {
    const unknown = 0xffff_ffff;
    const leaving = flowSample([FRAME, record(1001, words(10, unknown, 20, 3))]);
    const entering = flowSample([FRAME, record(1001, words(10, 5, 20, unknown))]);
    const [first, second] = sflowDecoder().feed(datagram([leaving, entering]));
    expect(first).toMatchObject({ src_vlan: 10, dst_vlan: 20, dst_vlan_priority: 3 });
    expect(first).not.toHaveProperty('src_vlan_priority');
    expect(second).toMatchObject({ src_vlan: 10, dst_vlan: 20, src_vlan_priority: 5 });
    expect(second).not.toHaveProperty('dst_vlan_priority');
  });

  it('the switch’s VLAN goes before the frame’s, an untagged or unknown one does not', () => {
    const { feed } = sflowDecoder();
    const tagged = header(tcpFrame({ vlan: 77 }));
    const vlan = (source: number) => {
      const { src_vlan } = one(feed(datagram([flowSample([tagged, record(1001, words(source, 0, 5, 0))])])));
      return src_vlan;
    };
    expect([vlan(10), vlan(0), vlan(0xffff_ffff)]).toEqual([10, 77, 77]);
    expect(one(feed(datagram([flowSample([tagged])])))).toMatchObject({ src_vlan: 77 });
  });

  it('users, URLs, NAT, wireless networks', () => {
    const { feed } = sflowDecoder();
    const flow = one(
      feed(
        datagram([
          flowSample([
            FRAME,
            record(1004, words(106), xdrText('alice'), words(106), xdrText('bob')),
            record(1005, words(1), xdrText('/'), xdrText('example.org')),
            record(1007, address('192.0.2.77'), address('203.0.113.9')),
            record(1020, words(2000, 443)),
            record(1014, xdrText('lab'), [2, 0xaa, 0, 0, 0, 1, 0, 0], words(4, 36, 0, 54, 1, 2, 3)),
          ]),
        ]),
      ),
    );
    expect(flow).toMatchObject({
      user_name: 'alice',
      http_target: '/',
      http_host: 'example.org',
      post_nat_src_addr: '192.0.2.77',
      post_nat_dst_addr: '203.0.113.9',
      post_nat_src_port: 2000,
      post_nat_dst_port: 443,
      wlan_ssid: 'lab',
      access_point_mac: '02:aa:00:00:00:01',
      extra: { dstUser: 'bob', urlDirection: 1, rxChannel: 36, rxSpeed: 54 },
    });
  });

  it('labels and tunnels that only the agent saw', () => {
    const { feed } = sflowDecoder();
    const mpls = record(1006, address('192.0.2.1'), words(2, 16 << 12, (17 << 12) | 0x100, 0));
    const flow = one(feed(datagram([flowSample([FRAME, mpls, record(1029, words(5010))])])));
    expect(flow).toMatchObject({ mpls_labels: '16,17', l2_segment: 5010, extra: { mplsNextHop: '192.0.2.1' } });
  });

  it('a sample that only tells of a transaction has no bytes', () => {
    const { feed } = sflowDecoder();
    const socket = record(2100, words(6), ip4('10.0.0.1'), ip4('10.0.0.2'), words(80, 40_000));
    const flow = one(feed(datagram([flowSample([socket])])));
    expect(flow).toMatchObject({ src_addr: '10.0.0.2', dst_addr: '10.0.0.1', src_port: 40_000, dst_port: 80 });
    expect(flow).not.toHaveProperty('bytes');
  });
});

describe('where the packet went', () => {
  const flow = (output: number, input = 3, source = 3) => {
    const { feed } = sflowDecoder();
    return one(feed(datagram([flowSample([FRAME], { input, output, source })])));
  };

  it('several interfaces', () => {
    expect(flow(0x8000_0007)).toMatchObject({ out_if: 0, extra: { outInterfaceCount: 7 } });
  });

  it('nowhere, and why', () => {
    expect(flow(0x4000_0102)).toMatchObject({ out_if: 0, forwarding_status: 128, drop_reason: 258, bytes: 1018 });
  });

  it('the direction at the data source', () => {
    expect(flow(4, 3, 3)['direction']).toBe(0);
    expect(flow(4, 3, 4)['direction']).toBe(1);
    expect(flow(0x8000_0007, 3, 4)['direction'], 'one of several').toBe(1);
    expect(flow(0x8000_0007, 3, 3)['direction']).toBe(0);
    expect(flow(4, 3, 9)['direction']).toBeUndefined();
    expect(flow(3, 3, 3)['direction']).toBeUndefined();
    expect(flow(4, 3, (1 << 24) | 3)['direction'], 'a VLAN is the source').toBeUndefined();
  });
});

describe('discarded packets', () => {
  const discard = (records: readonly (readonly number[])[], sequence = 1, drops = 0) =>
    sample(5, words(sequence, 0, 3, drops, 3, 0, 257, records.length), records.flat());

  it('are a kind of their own and no traffic', () => {
    const { feed, takeCounters } = sflowDecoder();
    const flow = one(
      feed(datagram([discard([FRAME, record(1041, xdrText('l3'), xdrText('ttl_value_is_too_small'))])])),
    );
    expect(flow).toMatchObject({
      record_kind: 'discard',
      drop_reason: 257,
      forwarding_status: 128,
      dropped_packets: 1,
      dropped_bytes: 1018,
      dst_port: 443,
      sampling_rate: 1,
      extra: { hardwareTrapGroup: 'l3', hardwareTrap: 'ttl_value_is_too_small' },
    });
    expect(flow).not.toHaveProperty('packets');
    expect(flow).not.toHaveProperty('bytes');
    expect(takeCounters()).toEqual([]);
  });

  it('count on their own', () => {
    const { feed, counters } = sflowDecoder();
    feed(datagram([discard([FRAME], 10, 5), flowSample([FRAME], { sequence: 500, drops: 1000 })], { sequence: 1 }));
    feed(datagram([discard([FRAME], 11, 7)], { sequence: 2 }));
    expect(counters()).toMatchObject({ samplesDropped: 2 });
  });
});

describe('the effective sampling rate', () => {
  const feeder = (options = {}) => {
    const decoder = sflowDecoder(options);
    let number = 0;
    return {
      ...decoder,
      rate: (head: Parameters<typeof flowSample>[1], from?: string) =>
        decoder.feed(datagram([flowSample([FRAME], head)], { sequence: ++number }), from)[0]?.['sampling_rate'],
    };
  };

  it('is the agent’s, and counts the samples that it had to drop', () => {
    const { rate, counters } = feeder();
    expect(rate({ sequence: 10, drops: 100 })).toBe(100);
    expect(rate({ sequence: 11, drops: 100 })).toBe(100);
    expect(rate({ sequence: 12, drops: 103 }), '3 dropped, 1 made').toBe(400);
    expect(rate({ sequence: 16, drops: 105 }), '2 dropped, 4 made (3 lost on the way)').toBe(150);
    expect(counters().samplesDropped).toBe(5);
  });

  it('follows each data source alone', () => {
    const { rate } = feeder();
    expect(rate({ source: 1, sequence: 10, drops: 100 })).toBe(100);
    expect(rate({ source: 2, sequence: 90, drops: 7 })).toBe(100);
    expect(rate({ source: 1, sequence: 11, drops: 101 })).toBe(200);
    expect(rate({ source: 2, sequence: 91, drops: 7 })).toBe(100);
  });

  it('restarts, wraps, late and absurd counts change nothing', () => {
    const { rate, counters } = feeder();
    rate({ sequence: 0xffff_fffe, drops: 0xffff_ffff });
    expect(rate({ sequence: 0, drops: 0 }), 'both wrapped').toBe(150);
    expect(rate({ sequence: 0xffff_ffff, drops: 0xffff_ffff }), 'late').toBe(100);
    expect(rate({ sequence: 1, drops: 0 })).toBe(100);
    expect(rate({ sequence: 2, drops: 900_000 }), 'another counter').toBe(100);
    expect(rate({ sequence: 1, drops: 3 }), 'late').toBe(100);
    expect(counters().samplesDropped).toBe(1);
  });

  it('an override beats it; a default fills in where the agent says 0', () => {
    const override = feeder({ sampling: () => ({ default: 0, override: 9 }) });
    expect(override.rate({ sequence: 1 })).toBe(9);
    const fallback = feeder({ sampling: () => ({ default: 50, override: 0 }) });
    expect(fallback.rate({ sequence: 1, rate: 0 })).toBe(50);
    expect(fallback.rate({ sequence: 2 })).toBe(100);
    const nothing = sflowDecoder();
    expect(one(nothing.feed(datagram([flowSample([FRAME], { rate: 0 })])))).toMatchObject({
      sampling_rate: 0,
      sampling_source: 'unknown',
    });
  });
});

describe('who it is from', () => {
  it('the agent is the exporter, the sender has a column of its own', () => {
    const { feed } = sflowDecoder();
    const flow = one(feed(datagram([flowSample([FRAME])], { agent: '2001:db8::5' }), '198.51.100.1'));
    expect(flow).toMatchObject({ exporter: '2001:db8::5', agent_addr: '2001:db8::5', sender: '198.51.100.1' });
  });

  it('without a sender (hexadecimal text) the agent is the exporter', () => {
    const { feed } = sflowDecoder();
    expect(one(feed(datagram([flowSample([FRAME])]), '0.0.0.0'))).toMatchObject({ exporter: '192.0.2.200' });
  });

  it('gaps are counted by agent and sub-agent, several behind one sender', () => {
    const { feed, decoder } = sflowDecoder();
    const send = (agent: string, subAgent: number, sequence: number) =>
      feed(datagram([flowSample([FRAME])], { agent, subAgent, sequence }));
    for (const [agent, subAgent, sequence] of [
      ['192.0.2.200', 0, 1],
      ['192.0.2.201', 0, 500],
      ['192.0.2.200', 1, 900],
      ['192.0.2.200', 0, 2],
      ['192.0.2.201', 0, 503],
      ['192.0.2.200', 1, 901],
    ] as const)
      send(agent, subAgent, sequence);
    const all = [...decoder.domains];
    expect(
      all.map(({ sender, exporter, id, counters: { expected, received } }) => [
        sender,
        exporter,
        id,
        expected,
        received,
      ]),
    ).toEqual([
      ['192.0.2.1', '192.0.2.200', 0, 2, 2],
      ['192.0.2.1', '192.0.2.201', 0, 4, 2],
      ['192.0.2.1', '192.0.2.200', 1, 2, 2],
    ]);
  });

  it('version 5 of sFlow is not version 5 of NetFlow', () => {
    const { feed, decoder } = sflowDecoder();
    feed(datagram([flowSample([FRAME])]));
    expect([...decoder.domains].map(({ version }) => version)).toEqual([105]);
  });
});

describe('counters', () => {
  it('interface counters are columns; what the agent could not give is undefined', () => {
    const { feed, takeCounters, counters } = sflowDecoder();
    expect(feed(datagram([counterSample([INTERFACE_COUNTERS], 5, 7)], { subAgent: 2, uptime: 99 }))).toEqual([]);
    expect(takeCounters()).toEqual([
      {
        time_received: NOON * 1e6 + 5000,
        exporter: '192.0.2.200',
        sender: '192.0.2.1',
        agent_addr: '192.0.2.200',
        sub_agent: 2,
        source_class: 0,
        source_index: 7,
        sequence: 5,
        uptime_ms: 99,
        kind: 'interface',
        if_index: 7,
        if_type: 6,
        if_speed: 10_000_000_000,
        if_direction: 1,
        if_status: 3,
        in_octets: 0x20_0000_0000_0001n,
        in_unicast: 11,
        in_multicast: 12,
        in_broadcast: 13,
        in_discards: 14,
        in_errors: 15,
        in_unknown_protos: undefined,
        out_octets: 22,
        out_unicast: 23,
        out_multicast: 24,
        out_broadcast: 25,
        out_discards: 26,
        out_errors: 27,
        if_promiscuous: 0,
        values: {},
      },
    ]);
    expect(counters()).toMatchObject({ counterRecords: 1, records: 0 });
  });

  it('the rest are named values; the source says whose they are', () => {
    const { feed, takeCounters } = sflowDecoder();
    const processor = record(1001, words(500, 400, 300, 0, 1 << 20, 0, 1 << 19));
    const expanded = sample(4, words(9, 2, 70_000_000, 2), processor, record((8072 << 12) | 1, [1, 2, 3, 4]));
    feed(datagram([counterSample([record(2, words(...Array.from({ length: 13 }, (_, i) => i)))], 1, 3), expanded]));
    expect(takeCounters()).toMatchObject([
      { kind: 'ethernet', if_index: 3, in_octets: undefined, values: { dot3StatsSymbolErrors: 12 } },
      { kind: 'processor', source_class: 2, source_index: 70_000_000, if_index: undefined, values: { cpu5s: 500 } },
      { kind: '8072/1', values: { octets: '01020304' } },
    ]);
  });

  it('the library gives them, too', () => {
    const kinds: string[] = [];
    const decoder = createDecoder({ counters: { counters: ({ kind }) => kinds.push(kind) } });
    expect(decoder.decode(datagram([counterSample([INTERFACE_COUNTERS]), flowSample([FRAME])]))).toHaveLength(1);
    expect(kinds).toEqual(['interface']);
  });

  it('nobody has to take them', () => {
    const { feed, faults } = sflowDecoder({ counters: undefined });
    expect(feed(datagram([counterSample([INTERFACE_COUNTERS]), flowSample([FRAME])]))).toHaveLength(1);
    expect(faults()).toEqual({});
  });
});

describe('damage', () => {
  it('is counted, and what is whole is used', () => {
    const { feed, faults } = sflowDecoder();
    const whole = datagram([flowSample([FRAME]), flowSample([FRAME])]);
    expect(feed(whole.slice(0, -20))).toHaveLength(2);
    expect(faults()).toEqual({ sflow_truncated: 1 });
    expect(feed(whole.slice(0, -120))).toHaveLength(1);
    expect(faults()).toEqual({ sflow_truncated: 1, sflow_count: 1 });
  });

  it('a header that is cut off', () => {
    const { feed, faults, decoder } = sflowDecoder();
    for (let length = 4; length < 28; length++) expect(feed(datagram([]).slice(0, length))).toEqual([]);
    expect(faults()).toEqual({ short_message: 24 });
    expect([...decoder.domains].map(({ version }) => version)).toEqual([105]);
  });

  it('vendors’ samples are skipped by their length', () => {
    const { feed, faults } = sflowDecoder();
    const vendor = sample((1991 << 12) | 1, words(1, 2, 3));
    expect(feed(datagram([vendor, flowSample([FRAME])]))).toHaveLength(1);
    expect(faults()).toEqual({ sflow_unknown_sample: 1 });
  });

  it('a version that there is not', () => {
    const { feed, faults } = sflowDecoder();
    feed(datagram([], { version: 3 }));
    feed(datagram([], { version: 6 }));
    expect(faults()).toEqual({ unknown_version: 2 });
  });

  it('agents, sources and layouts do not grow without bound', () => {
    const { feed, decoder } = sflowDecoder({ limits: { domains: 50 } });
    for (let i = 0; i < 6000; i++) {
      feed(
        datagram(
          [
            flowSample([FRAME, record(4000 + (i % 96), [1]), record(i % 5 ? 1001 : 1012, words(1, i, 1, 1))], {
              source: i,
            }),
          ],
          { subAgent: i, agent: `10.0.${i >> 8}.${i & 255}` },
        ),
      );
    }
    expect(decoder.domains.size).toBe(50);
  });
});
