import { describe, expect, it } from 'vitest';
import { DEFAULT_TIMEOUTS } from '#weir/meter/timeouts.js';
import { LINK_TYPE } from '#weir/wire/packet/link-types.js';
import {
  ethernet,
  INNER,
  ip4,
  ip6,
  label,
  MAC_A,
  MAC_B,
  MAC_C,
  MAC_D,
  tcp,
  toBytes,
  udp,
} from '../wire/packet/packets.ts';
import { Metering, SECOND, T0 } from './metering.ts';

const A = '0a000001';
const B = '0a000002';
const there = (payload: string, protocol = 6) => toBytes(ethernet('0800', ip4(protocol, payload, { from: A, to: B })));
const back = (payload: string, protocol = 6) =>
  toBytes(ethernet('0800', ip4(protocol, payload, { from: B, to: A }), MAC_A, MAC_B));
const SYN = '5002';
const SYN_ACK = '5012';
const ACK = '5010';
const FIN = '5011';
const RST = '5004';

describe('a flow record', () => {
  it('has the columns of its first packet and the sums of all', () => {
    const metering = new Metering();
    metering.packet(there(tcp(40_000, 443, SYN)), T0 + 1);
    metering.packet(there(`${tcp(40_000, 443, ACK)}${'00'.repeat(100)}`), T0 + 2_000_003);
    expect(metering.end()).toEqual([
      {
        time_received: '2026-01-01T00:00:03.000000Z',
        exporter: '192.0.2.1',
        observation_domain: 7,
        flow_type: 'meter',
        record_kind: 'flow',
        sampling_rate: 1,
        sampling_source: 'record',
        time_start: '2026-01-01T00:00:00.000001Z',
        time_end: '2026-01-01T00:00:02.000003Z',
        time_source: 'flow',
        src_addr: '10.0.0.1',
        dst_addr: '10.0.0.2',
        src_port: 40_000,
        dst_port: 443,
        proto: 6,
        tcp_flags: 0x12,
        tos: 0,
        bytes: 40 + 140,
        packets: 2,
        flow_end_reason: 4,
        src_mac: '02:aa:00:00:00:01',
        dst_mac: '02:bb:00:00:00:02',
        ethernet_type: 0x0800,
        ip_version: 4,
        min_ttl: 64,
        max_ttl: 64,
        min_packet_length: 40,
        max_packet_length: 140,
      },
    ]);
  });

  it('has VLANs, MPLS labels, flow label and interface where packets have them', () => {
    const metering = new Metering();
    const inside = ip6(17, udp(1, 2), { start: '6b8abcde' });
    metering.packet(toBytes(ethernet('88a8', `0064 8100 00c8 86dd ${inside}`)));
    metering.packet(toBytes(ethernet('8847', `${label(100, false)}${label(1_048_575, true)}${ip4(17, udp(3, 4))}`)));
    const bytes = there(udp(5, 6), 17);
    metering.meter.packet(bytes, 0, bytes.length, bytes.length, T0, LINK_TYPE.ethernet, 9);
    expect(metering.end()).toMatchObject([
      { src_vlan: 100, customer_vlan: 200, flow_label: 0xabcde, tos: 0xb8, ip_version: 6, ethernet_type: 0x86dd },
      { mpls_labels: '100,1048575', ethernet_type: 0x8847, dst_port: 4 },
      { in_if: 9, dst_port: 6 },
    ]);
    expect(metering.records()[1]).not.toHaveProperty('in_if');
    expect(metering.records()[2]).not.toHaveProperty('mpls_labels');
  });

  it('counts octets exactly above 2³² and packets as they are', () => {
    const metering = new Metering();
    const packet = toBytes(ethernet('0800', ip4(17, udp(1, 2), { length: 65_535 })));
    for (let i = 0; i < 140_000; i++)
      metering.meter.packet(packet, 0, packet.length, 65_549, T0, LINK_TYPE.ethernet, 0);
    expect(metering.end()).toMatchObject([{ bytes: 140_000 * 65_535, packets: 140_000 }]);
  });

  it('takes the length on the wire where a packet tells none', () => {
    const metering = new Metering();
    const packet = toBytes(ethernet('0800', ip4(6, tcp(1, 2), { length: 0 })));
    metering.packet(packet, T0, LINK_TYPE.ethernet, 70_014);
    expect(metering.end()).toMatchObject([{ bytes: 70_000, max_packet_length: 70_000 }]);
  });

  it('has addresses and no ports by level', () => {
    const columns = (keys: 'ip' | 'proto') => {
      const metering = new Metering({ keys });
      metering.packet(there(tcp(1, 2)));
      metering.packet(there(udp(1, 2), 17));
      return metering.end().map(({ src_addr, proto, src_port }) => [src_addr, proto, src_port]);
    };
    expect(columns('ip')).toEqual([['10.0.0.1', undefined, undefined]]);
    expect(columns('proto')).toEqual([
      ['10.0.0.1', 6, undefined],
      ['10.0.0.1', 17, undefined],
    ]);
  });

  it('is of one pair of MAC addresses at level ether, in either direction', () => {
    const metering = new Metering({ keys: 'ether' });
    metering.packet(there(tcp(1, 2)));
    metering.packet(back(tcp(2, 1)));
    metering.packet(toBytes(ethernet('0800', ip4(6, tcp(1, 2), { from: A, to: B }), MAC_C, MAC_D)));
    expect(metering.end().map(({ src_mac, packets }) => [src_mac, packets])).toEqual([
      ['02:aa:00:00:00:01', 1],
      ['02:bb:00:00:00:02', 1],
      ['02:dd:00:00:00:04', 1],
    ]);
    expect(metering.meter.statistics().endedFlows).toBe(2);
  });

  it('cannot have a key that is none', () => {
    expect(() => new Metering({ keys: ['colour'] })).toThrow(/'colour' is no column/);
    expect(() => new Metering({ keys: [] })).toThrow(/no column/);
    expect(
      () => new Metering({ keys: ['src_mac', 'tos', 'flow_label', 'src_vlan', 'customer_vlan', 'in_if', 'tunnel'] }),
    ).toThrow(/too long/);
  });
});

describe('a biflow (RFC 5103)', () => {
  const biflow = (packets: readonly Uint8Array[]) => {
    const metering = new Metering({ isBiflow: true });
    for (const packet of packets) metering.packet(packet);
    return metering.end();
  };

  it('has the initiator as its source: who sends first, SYN, or who is sent SYN and ACK', () => {
    const initiator = { src_addr: '10.0.0.1', record_kind: 'biflow', packets: 1, reverse_packets: 1 };
    expect(biflow([there(udp(1, 2), 17), back(udp(2, 1), 17)])).toMatchObject([{ ...initiator, biflow_direction: 1 }]);
    expect(biflow([there(tcp(1, 2, ACK)), back(tcp(2, 1, ACK))])).toMatchObject([
      { ...initiator, biflow_direction: 0 },
    ]);
    expect(biflow([back(tcp(2, 1, ACK)), there(tcp(1, 2, SYN))])).toMatchObject([
      { ...initiator, biflow_direction: 1 },
    ]);
    expect(biflow([back(tcp(2, 1, SYN_ACK)), there(tcp(1, 2, ACK))])).toMatchObject([
      { ...initiator, biflow_direction: 1 },
    ]);
    // A later SYN changes nothing more.
    expect(biflow([there(tcp(1, 2, SYN)), back(tcp(2, 1, SYN)), back(tcp(2, 1, SYN_ACK))])).toMatchObject([
      { ...initiator, reverse_packets: 2 },
    ]);
  });

  it('is a flow where nothing came back', () => {
    expect(biflow([back(tcp(2, 1, SYN_ACK))])).toMatchObject([{ src_addr: '10.0.0.2', record_kind: 'flow' }]);
  });
});

describe('tunnels', () => {
  const vxlan = (vni: string) =>
    toBytes(ethernet('0800', ip4(17, udp(50_000, 4789, `08000000${vni}00${ethernet('0800', INNER, MAC_D, MAC_C)}`))));
  const flows = (tunnels: 'outer' | 'inner' | 'both', ...packets: readonly Uint8Array[]) => {
    const metering = new Metering({
      tunnels,
      keys: ['src_addr', 'dst_addr', 'proto', 'src_port', 'dst_port', 'tunnel_id'],
    });
    for (const packet of packets) metering.packet(packet);
    return metering
      .end()
      .map(({ src_addr, dst_port, tunnel, tunnel_id, src_mac }) => [src_addr, dst_port, tunnel, tunnel_id, src_mac]);
  };
  const OUTER = ['192.0.2.1', 4789, undefined, undefined, '02:aa:00:00:00:01'];
  const inside = (id: number) => ['10.0.0.1', 443, 'vxlan', id, '02:cc:00:00:00:03'];

  it('are metered outside, inside, or both', () => {
    expect(flows('outer', vxlan('000001'), vxlan('000002'))).toEqual([OUTER]);
    expect(flows('inner', vxlan('000001'), vxlan('000002'))).toEqual([inside(1), inside(2)]);
    expect(flows('both', vxlan('000001'), vxlan('000002'))).toEqual([OUTER, inside(1), inside(2)]);
  });

  it('of a packet that is none leave it as it is', () => {
    expect(flows('inner', there(tcp(1, 2)))).toEqual([['10.0.0.1', 2, undefined, undefined, '02:aa:00:00:00:01']]);
  });
});

describe('what is not metered', () => {
  it('is counted by cause', () => {
    const metering = new Metering();
    metering.packet(toBytes(ethernet('0806', '0001080006040001')));
    metering.packet(there(tcp(1, 2)).subarray(0, 30));
    metering.packet(there(tcp(1, 2)).subarray(0, 5));
    metering.packet(there(tcp(1, 2)), T0, 9999);
    metering.meter.isGathering = false;
    metering.packet(there(tcp(1, 2)));
    metering.meter.isGathering = true;
    metering.packet(there(tcp(1, 2)));
    expect(metering.meter.statistics()).toMatchObject({
      packets: 6,
      nonIp: 2,
      tooShort: 2,
      notGathered: 1,
      meteredPackets: 1,
    });
  });

  it('is thrown away when asked to, untold', () => {
    const metering = new Metering();
    metering.packet(there(tcp(1, 2)));
    expect(metering.meter.deleteAll()).toBe(1);
    expect(metering.end()).toEqual([]);
    expect(metering.meter.statistics()).toMatchObject({ deleted: 1, endedFlows: 0, activeFlows: 0 });
  });
});

describe('sampling', () => {
  const take = (method: 'count' | 'random', random: () => number) => {
    const metering = new Metering({ sampling: { rate: 3, method }, random });
    for (let i = 0; i < 9; i++) metering.packet(there(tcp(i + 1, 2)), T0 + i);
    const records = metering.end();
    expect(records.every((record) => record['sampling_rate'] === 3 && record['sampling_source'] === 'record')).toBe(
      true,
    );
    expect(metering.meter.statistics()).toMatchObject({ packets: 9, notSampled: 6, meteredPackets: 3 });
    return records.map((record) => record['src_port']);
  };

  it('by count takes each N-th packet', () => {
    expect(take('count', () => 0)).toEqual([3, 6, 9]);
  });

  it('at random takes one of each N', () => {
    const numbers = [0, 0.5, 0.999, 0.1];
    let at = 0;
    expect(take('random', () => numbers[at++ % numbers.length] as number)).toEqual([1, 5, 9]);
    expect(take('random', () => 1)).toEqual([3, 6, 9]);
  });
});

describe('the end of flows', () => {
  it('comes by the timeout of what was seen', () => {
    const timeouts = {
      ...DEFAULT_TIMEOUTS,
      tcp: 100,
      'tcp.fin': 20,
      'tcp.rst': 10,
      udp: 40,
      icmp: 50,
      general: 60,
      expint: 0,
    };
    const metering = new Metering({ timeouts });
    metering.packet(there(tcp(1, 1, ACK)));
    metering.packet(there(tcp(1, 2, FIN)));
    metering.packet(back(tcp(2, 1, FIN)));
    metering.packet(there(tcp(1, 3, RST)));
    metering.packet(there(tcp(1, 4, FIN)));
    metering.packet(there(udp(1, 5), 17));
    metering.packet(there('0800000000000000', 1));
    metering.packet(there('00'.repeat(24), 89));
    const ended: unknown[] = [];
    for (let seconds = 0; seconds <= 101; seconds++) {
      const before = metering.records().length;
      metering.meter.expire(T0 + seconds * SECOND);
      for (const { proto, dst_port, src_addr, flow_end_reason } of metering.records().slice(before))
        ended.push([seconds, proto, src_addr === '10.0.0.1' ? dst_port : 'back', flow_end_reason]);
    }
    // A timeout of 10 s has passed when it is more than that.
    expect(ended).toEqual([
      [11, 6, 3, 3],
      [21, 6, 2, 3],
      [21, 6, 'back', 3],
      [41, 17, 5, 1],
      [51, 1, undefined, 1],
      [61, 89, undefined, 1],
      [101, 6, 1, 1],
      [101, 6, 4, 1],
    ]);
    expect(metering.meter.statistics().ended).toEqual({
      tcp: 2,
      'tcp.rst': 1,
      'tcp.fin': 1,
      udp: 1,
      icmp: 1,
      general: 1,
      maxlife: 0,
      maxflows: 0,
      flushed: 0,
    });
  });

  it('is looked for once in an interval, and cuts flows at the packet that comes too late all the same', () => {
    const metering = new Metering({ timeouts: { ...DEFAULT_TIMEOUTS, udp: 10, expint: 60 } });
    const packet = there(udp(1, 2), 17);
    for (const seconds of [0, 5, 16, 17]) metering.packet(packet, T0 + seconds * SECOND);
    metering.meter.expire(T0 + 40 * SECOND);
    expect(metering.records().map((record) => record['packets'])).toEqual([2]);
    metering.meter.expire(T0 + 60 * SECOND);
    expect(metering.records().map((record) => record['packets'])).toEqual([2, 2]);
  });

  it('comes to long flows, with or without packets', () => {
    const metering = new Metering({ timeouts: { ...DEFAULT_TIMEOUTS, maxlife: 30, expint: 0 } });
    const packet = there(tcp(1, 2));
    for (let seconds = 0; seconds <= 40; seconds += 10) metering.packet(packet, T0 + seconds * SECOND);
    metering.meter.expire(T0 + 71 * SECOND);
    expect(metering.records()).toMatchObject([
      { packets: 4, flow_end_reason: 2, time_end: '2026-01-01T00:00:30.000000Z' },
      { packets: 1, flow_end_reason: 2 },
    ]);
  });

  it('comes to the least recently active flow when the cache is full', () => {
    const metering = new Metering({ maxFlows: 3 });
    // 17 to 19 go on in other lists than 6.
    for (const [seconds, packet] of [
      [0, there(tcp(1, 1))],
      [1, there(udp(1, 2), 17)],
      [2, there(tcp(1, 3))],
      [3, there(tcp(1, 1))],
      [4, there(tcp(1, 4))],
      [5, there(udp(1, 5), 17)],
      [6, there(tcp(1, 6))],
    ] as const)
      metering.packet(packet, T0 + seconds * SECOND);
    expect(metering.meter.statistics()).toMatchObject({ activeFlows: 3, maxFlows: 3, forcedFlows: 3 });
    expect(
      metering.records().map((record) => [record['dst_port'], record['flow_end_reason'], record['packets']]),
    ).toEqual([
      [2, 5, 1],
      [3, 5, 1],
      [1, 5, 2],
    ]);
  });

  it('waits for room or for the end of the file when timeouts are not to count', () => {
    const metering = new Metering({ expiry: 'when-full', timeouts: { ...DEFAULT_TIMEOUTS, maxlife: 1 } });
    metering.packet(there(tcp(1, 2)), T0);
    metering.packet(there(tcp(1, 2)), T0 + 1e6 * SECOND);
    metering.meter.expire(T0 + 1e7 * SECOND);
    expect(metering.end()).toMatchObject([{ packets: 2 }]);
  });

  it('comes to all flows when the clock is put back; packets a little late are none the less of their flow', () => {
    const metering = new Metering();
    metering.packet(there(tcp(1, 2)), T0 + 100 * SECOND);
    metering.packet(there(tcp(1, 2)), T0 + 41 * SECOND);
    metering.packet(there(tcp(1, 2)), T0 - 100 * SECOND);
    expect(metering.end()).toMatchObject([
      { packets: 2, time_start: '2026-01-01T00:00:41.000000Z', time_end: '2026-01-01T00:01:40.000000Z' },
      { packets: 1 },
    ]);
    expect(metering.meter.statistics().clockSteps).toBe(1);
  });

  it('leaves packets without a time with those before', () => {
    const metering = new Metering();
    metering.packet(there(tcp(1, 2)), T0);
    for (const time of [0, -5, Number.NaN, Infinity, 2 ** 60]) metering.packet(there(tcp(1, 2)), time);
    expect(metering.end()).toMatchObject([{ packets: 6, time_end: '2026-01-01T00:00:00.000000Z' }]);
  });
});

describe('packets of flows that are known, in a capture file', () => {
  const inFile = (
    timeouts: Partial<typeof DEFAULT_TIMEOUTS>,
    ...packets: readonly (readonly [number, Uint8Array])[]
  ) => {
    const metering = new Metering({ timeouts: { ...DEFAULT_TIMEOUTS, ...timeouts } });
    metering.capture(
      packets.map(([seconds, bytes]) => ({ time: T0 + seconds * SECOND, bytes })),
      1 << 20,
    );
    return metering.end().map(({ dst_port, packets: count, flow_end_reason }) => [dst_port, count, flow_end_reason]);
  };
  const one = there(tcp(1, 2));
  const other = there(tcp(1, 3));

  it('end their flow when it is too old, or was silent too long, before anybody has looked', () => {
    expect(inFile({ maxlife: 30, expint: 1000 }, [0, one], [20, one], [40, one])).toEqual([
      [2, 2, 2],
      [2, 1, 4],
    ]);
    expect(inFile({ tcp: 30, expint: 1000 }, [0, one], [20, one], [60, one])).toEqual([
      [2, 2, 1],
      [2, 1, 4],
    ]);
  });

  it('end all flows when the clock is put back', () => {
    expect(inFile({}, [0, one], [1000, other], [100, one])).toEqual([
      [2, 1, 4],
      [3, 1, 4],
      [2, 1, 4],
    ]);
  });
});

describe('memory', () => {
  it('bounds the cache where flows would not fit', () => {
    expect(new Metering({ maxFlows: 1e6, maxBytes: 1 << 20 }).meter.statistics().maxFlows).toBeLessThan(4096);
    expect(new Metering({ maxFlows: 1e6, maxBytes: 1 << 20 }).meter.statistics().maxFlows).toBeGreaterThan(2048);
    expect(new Metering({ maxFlows: 10, maxBytes: 0 }).meter.statistics().maxFlows).toBe(1);
  });

  it('holds a flood of flows', () => {
    const metering = new Metering({ maxFlows: 100 });
    const packet = there(tcp(1, 2, SYN));
    for (let i = 0; i < 20_000; i++) {
      packet[14 + 12] = i >> 8;
      packet[14 + 13] = i;
      metering.packet(packet, T0 + i);
    }
    expect(metering.meter.statistics()).toMatchObject({ activeFlows: 100, endedFlows: 19_900 });
    expect(metering.end()).toHaveLength(20_000);
  });
});

describe('dump-flows', () => {
  it('shows the flows there are, in the order in which they began', () => {
    const metering = new Metering();
    metering.packet(back(tcp(443, 1, SYN_ACK)), T0);
    metering.packet(there(tcp(1, 443, ACK)), T0 + SECOND);
    metering.packet(toBytes(ethernet('86dd', ip6(17, udp(1, 2)))), T0);
    expect([...metering.meter.dumpFlows()]).toEqual([
      {
        src_addr: '10.0.0.1',
        src_port: 1,
        dst_addr: '10.0.0.2',
        dst_port: 443,
        proto: 6,
        bytes: 40,
        packets: 1,
        reverse_bytes: 40,
        reverse_packets: 1,
        tcp_flags: 0x10,
        reverse_tcp_flags: 0x12,
        time_start: '2026-01-01T00:00:00.000000Z',
        time_end: '2026-01-01T00:00:01.000000Z',
        timeout: 'tcp',
        time_timeout: '2026-01-01T01:00:01.000000Z',
      },
      expect.objectContaining({ src_addr: '2001:db8::1', timeout: 'udp', reverse_packets: 0 }),
    ]);
  });
});
