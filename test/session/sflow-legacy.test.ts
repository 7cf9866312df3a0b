import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { FlowRecord } from '#weir/flow/record.js';
import { makeTempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import { ip4, u64 } from '../wire/build.ts';
import {
  address,
  datagram,
  INTERFACE_COUNTERS,
  ip6,
  mac,
  type Octets,
  tcpFrame,
  words,
  xdrOctets,
  xdrText,
} from '../wire/sflow/build.ts';
import { pcapOf } from './sflow-pcap.ts';
import { one, sflowDecoder } from './sflow-tools.ts';

/*
 * sFlow versions 2 and 4, of which no capture was found: datagrams made here by the layout of RFC 3176 section 5 (version 4) and of InMon's
 * version 2, which has no URL data and a plain AS path. tshark reads the same octets as a second opinion.
 */

const FRAME = tcpFrame();
const HEAD = words(8, 3, 100, 800, 0, 3, 4);
const HEADER: Octets = [...words(1, 1, 1018), ...xdrOctets(FRAME)];
const IPV4: Octets = [...words(2, 100, 17), ...ip4('10.0.0.1'), ...ip4('10.0.0.2'), ...words(53, 5353, 0, 8)];
const IPV6: Octets = [...words(3, 100, 17), ...ip6('2001:db8::1'), ...ip6('2001:db8::2'), ...words(53, 5353, 0, 8)];
const SWITCH = words(1, 10, 1, 20, 2);
const ROUTER: Octets = [...words(2), ...address('192.0.2.1'), ...words(24, 8)];
const GATEWAY_2 = words(3, 64_496, 64_497, 64_498, 2, 64_500, 64_501);
const GATEWAY_4 = words(3, 64_496, 64_497, 64_498, 1, 2, 2, 64_500, 64_501, 1, (64_500 << 16) + 7, 150);
const USER: Octets = [...words(4), ...xdrText('alice'), ...xdrText('bob')];
const URL: Octets = [...words(5, 1), ...xdrText('/index')];

/** A flow sample: its packet data, and extended data. */
function flow(packet: Octets, ...extended: readonly Octets[]): number[] {
  return [...words(1), ...HEAD, ...packet, ...words(extended.length), ...extended.flat()];
}

function counters(type: number, ...structures: readonly Octets[]): number[] {
  return [...words(2, 9, 3, 30, type), ...structures.flat()];
}

const GENERIC = INTERFACE_COUNTERS.slice(8);
const VLAN: Octets = [...words(12), ...u64(1000), ...words(1, 2, 3, 4)];

const PACKET = {
  record_kind: 'sample',
  sampling_rate: 100,
  in_if: 3,
  out_if: 4,
  bytes: 1018,
  src_addr: '198.51.100.7',
  dst_addr: '203.0.113.9',
  dst_port: 443,
};

describe.each([
  [2, 'sflow_2'],
  [4, 'sflow_4'],
])('version %d', (version, flowType) => {
  const decode = (...samples: readonly Octets[]) => {
    const decoder = sflowDecoder();
    const records = decoder.feed(datagram(samples, { version }));
    return { records, counters: decoder.takeCounters(), faults: decoder.faults() };
  };

  it('packet header with switch and router data', () => {
    const { records, faults } = decode(flow(HEADER, SWITCH, ROUTER));
    expect(faults).toEqual({});
    expect(one(records)).toMatchObject({
      ...PACKET,
      flow_type: flowType,
      agent_addr: '192.0.2.200',
      observation_domain: 0,
      src_vlan: 10,
      dst_vlan: 20,
      next_hop: '192.0.2.1',
      src_mask: 24,
      dst_mask: 8,
    });
  });

  it('IPv4 and IPv6 data, several samples, users', () => {
    const { records, faults } = decode(flow(IPV4, USER), flow(IPV6), flow(HEADER, USER, SWITCH));
    expect(faults).toEqual({});
    expect(records).toMatchObject([
      {
        src_addr: '10.0.0.1',
        dst_port: 5353,
        proto: 17,
        tos: 8,
        bytes: 100,
        user_name: 'alice',
        extra: { dstUser: 'bob' },
      },
      { src_addr: '2001:db8::1', dst_addr: '2001:db8::2', src_port: 53 },
      { ...PACKET, user_name: 'alice', src_vlan: 10 },
    ]);
  });

  it('an IPv6 agent', () => {
    const { feed } = sflowDecoder();
    expect(one(feed(datagram([flow(HEADER)], { version, agent: '2001:db8::9' })))).toMatchObject({
      agent_addr: '2001:db8::9',
    });
  });

  it('a packet that left by several interfaces', () => {
    const several = [...words(1, 8, 3, 100, 800, 0, 3, 0x8000_0005), ...HEADER, ...words(0)];
    expect(one(decode(several).records)).toMatchObject({ out_if: 0, extra: { outInterfaceCount: 5 } });
  });

  it('counters of each type, one after the other', () => {
    const list = (count: number): number[] => words(...Array.from({ length: count }, (_, i) => i));
    const { counters: rows, faults } = decode(
      counters(1, GENERIC),
      counters(2, GENERIC, list(13)),
      counters(3, GENERIC, list(18)),
      counters(4, GENERIC),
      counters(5, GENERIC, list(20)),
      counters(6, GENERIC),
      counters(7, VLAN),
      flow(HEADER),
    );
    expect(faults).toEqual({});
    expect(rows.map(({ kind }) => kind)).toEqual([
      'interface',
      'interface',
      'ethernet',
      'interface',
      'token_ring',
      'interface',
      'interface',
      'vg',
      'interface',
      'vlan',
    ]);
    expect(rows[0]).toMatchObject({ if_index: 7, in_unicast: 11, out_octets: 22, source_index: 3 });
    expect(rows[2]?.values).toMatchObject({ dot3StatsSymbolErrors: 12 });
    expect(rows.at(-1)?.values).toMatchObject({ vlan_id: 12, octets: 1000, discards: 4 });
  });

  it('ends where it cannot be skipped', () => {
    expect(decode(flow(HEADER), [...words(9)], flow(HEADER))).toMatchObject({
      records: [PACKET],
      faults: { sflow_unknown_sample: 1 },
    });
    expect(decode(flow(HEADER, words(9)), flow(HEADER))).toMatchObject({
      records: [PACKET],
      faults: { sflow_truncated: 1 },
    });
    expect(decode(counters(9)).faults).toEqual({ sflow_truncated: 1 });
    const whole = datagram([flow(HEADER, SWITCH)], { version });
    for (let length = 24; length < whole.length; length++) {
      const decoder = sflowDecoder();
      expect(decoder.feed(whole.slice(0, length)).length).toBeLessThanOrEqual(1);
      expect(Object.values(decoder.faults())).toEqual([1]);
    }
  });
});

describe('gateway and URL data', () => {
  it('version 2: a plain path', () => {
    const { feed, faults } = sflowDecoder();
    const flows = feed(datagram([flow(HEADER, GATEWAY_2, ROUTER)], { version: 2 }));
    expect(one(flows)).toMatchObject({
      as_path: '64500 64501',
      src_as: 64_497,
      next_as: 64_500,
      dst_as: 64_501,
      src_mask: 24,
    });
    expect(flows[0]).not.toHaveProperty('bgp_communities');
    expect(flows[0]).not.toHaveProperty('bgp_next_hop');
    expect(faults()).toEqual({});
  });

  it('version 4: segments, communities, local preference; a URL without host', () => {
    const { feed, faults } = sflowDecoder();
    const flows = feed(datagram([flow(HEADER, GATEWAY_4, URL, SWITCH)], { version: 4 }));
    expect(one(flows)).toMatchObject({
      as_path: '64500 64501',
      bgp_communities: '64500:7',
      bgp_local_pref: 150,
      http_target: '/index',
      src_vlan: 10,
    });
    expect(flows[0]).not.toHaveProperty('http_host');
    expect(faults()).toEqual({});
  });
});

describeWithTool('tshark', 'tshark reads the same datagrams', () => {
  /** Values of fields in one datagram, as tshark sees them. */
  const tshark = (bytes: Uint8Array, fields: readonly string[]): string[] => {
    using folder = makeTempFolder('sflow');
    writeFileSync(folder.join('sflow.pcap'), pcapOf(bytes));
    const args = fields.flatMap((field) => ['-e', field]);
    const text = execFileSync(
      requireTool('tshark'),
      ['-r', folder.join('sflow.pcap'), '-d', 'udp.port==6343,sflow', '-T', 'fields', ...args],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    );
    return text.replace(/\n$/, '').split('\t');
  };
  const ours = (bytes: Uint8Array): FlowRecord => one(sflowDecoder().feed(bytes));
  const texts = (...values: readonly unknown[]): string[] =>
    values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));

  it.each([2, 4])('version %d: header, switch, router', (version) => {
    const bytes = datagram([flow(HEADER, SWITCH, ROUTER)], { version });
    const theirs = tshark(bytes, [
      'sflow_245.version',
      'sflow_245.agent',
      'sflow_245.sequence_number',
      'sflow.flow_sample.sampling_rate',
      'sflow_245.header.frame_length',
      'ip.src',
      'tcp.dstport',
      'sflow_245.vlan.in',
      'sflow_245.vlan.out',
      'sflow_245.nexthop',
      'sflow_245.nexthop.src_mask',
    ]);
    const {
      agent_addr,
      sampling_rate,
      bytes: length,
      src_addr,
      dst_port,
      src_vlan,
      dst_vlan,
      next_hop,
      src_mask,
    } = ours(bytes);
    expect(theirs).toEqual([
      ...texts(version, agent_addr, 1, sampling_rate, length),
      // The first is of the capture's own packet.
      `192.0.2.10,${src_addr as string}`,
      ...texts(dst_port, src_vlan, dst_vlan, next_hop, src_mask),
    ]);
  });

  it.each([
    [2, GATEWAY_2],
    [4, GATEWAY_4],
  ])('version %d: gateway', (version, gateway) => {
    const bytes = datagram([flow(HEADER, gateway)], { version });
    const theirs = tshark(bytes, [
      'sflow_245.as',
      'sflow_245.srcAS',
      'sflow_245.peerAS',
      'sflow_245.dstAS',
      'sflow_245.localpref',
    ]);
    const { src_as, prev_as, as_path, bgp_local_pref } = ours(bytes);
    // tshark puts communities into the field of AS numbers as well.
    const path = (as_path as string).replaceAll(' ', ',') + (version === 2 ? '' : `,${(64_500 << 16) + 7 + 2 ** 32}`);
    expect(theirs).toEqual([
      ...texts(64_496, src_as, prev_as),
      path,
      version === 2 ? '' : JSON.stringify(bgp_local_pref),
    ]);
  });

  it.each([2, 4])('version %d: counters', (version) => {
    // Of Ethernet counters in these versions tshark shows nothing.
    const bytes = datagram([counters(1, GENERIC)], { version });
    const decoder = sflowDecoder();
    decoder.feed(bytes);
    const [row] = decoder.takeCounters();
    const fields = ['ifindex', 'ifinmcast', 'ifinbcast', 'ifoutmcast', 'ifoutbcast'];
    const theirs = tshark(
      bytes,
      fields.map((field) => `sflow_245.${field}`),
    );
    expect(theirs).toEqual(
      texts(row?.if_index, row?.in_multicast, row?.in_broadcast, row?.out_multicast, row?.out_broadcast),
    );
  });
});

it('MAC addresses of sampled Ethernet exist in version 5 alone', () => {
  const packet: Octets = [...words(4, 1514), ...mac('02:00:00:00:00:01'), ...mac('02:00:00:00:00:02'), ...words(0x800)];
  const { feed, faults } = sflowDecoder();
  expect(feed(datagram([flow(packet)], { version: 4 }))).toEqual([]);
  expect(faults()).toEqual({ sflow_truncated: 1 });
});
