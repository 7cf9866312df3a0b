import { describe, expect, it } from 'vitest';
import { createEncoder, type EncoderOptions } from '#weir/export/encoder.js';
import type { FlowRecord } from '#weir/flow/record.js';
import { createDecoder } from '#weir/session/library-decoder.js';

/* The rules of docs/encode.md: what a format cannot carry, and how messages follow each other. */

const NOON = Date.parse('2026-11-21T12:00:00Z');
const FLOW: FlowRecord = {
  observation_domain: 1,
  time_start: '2026-11-21T11:59:00Z',
  time_end: '2026-11-21T11:59:30Z',
  src_addr: '10.0.0.1',
  dst_addr: '10.0.0.2',
  src_port: 1,
  dst_port: 2,
  proto: 6,
  bytes: 100,
  packets: 1,
};

function encode(records: readonly FlowRecord[], options: EncoderOptions) {
  const encoder = createEncoder(options);
  const messages = encoder.encode(records, { exportMillis: NOON });
  const decoder = createDecoder({ now: () => NOON });
  const decoded = messages.flatMap((message) => decoder.decode(message));
  expect(decoder.faults()).toEqual({});
  const changed = Object.fromEntries(Object.entries(encoder.counters.changed).filter(([, count]) => count > 0));
  const refused = Object.fromEntries(Object.entries(encoder.counters.refused).filter(([, count]) => count > 0));
  return { messages, decoded, changed, refused, omitted: encoder.counters.omitted };
}

describe('what a format cannot carry', () => {
  it.each(['netflow1', 'netflow5', 'netflow6', 'netflow7'] as const)('%s refuses IPv6 and events', (protocol) => {
    const records = [FLOW, { ...FLOW, src_addr: '2001:db8::1' }, { ...FLOW, record_kind: 'nat_event' }];
    const { decoded, refused } = encode(records, { protocol });
    expect(decoded).toHaveLength(1);
    expect(refused).toEqual({ ipv6: 1, record_kind: 1 });
  });

  it('counters beyond 32 bits are split, and their sum is what it was', () => {
    const bytes = 3 * 2 ** 32 + 12_345;
    const { decoded, changed } = encode([{ ...FLOW, bytes, packets: 10 }, FLOW], { protocol: 'netflow5' });
    expect(decoded).toHaveLength(5);
    expect(decoded.reduce((sum, record) => sum + (record['bytes'] as number), 0)).toBe(bytes + 100);
    expect(decoded.reduce((sum, record) => sum + (record['packets'] as number), 0)).toBe(11);
    expect(changed).toEqual({ split: 3 });
  });

  it('counters beyond 2⁴⁰ are clamped', () => {
    const { decoded, changed } = encode([{ ...FLOW, bytes: 2 ** 50 }], { protocol: 'netflow5' });
    expect(decoded).toHaveLength(256);
    expect(decoded.reduce((sum, record) => sum + (record['bytes'] as number), 0)).toBe(256 * 0xffff_ffff);
    expect(changed).toEqual({ split: 255, counter_clamped: 1 });
  });

  it('wide AS numbers, interfaces, flags, rates, domains and IPv6 next hops have their rules', () => {
    const record = {
      ...FLOW,
      src_as: 4_200_000_000,
      in_if: 70_000,
      tcp_flags: 0x1ff,
      next_hop: '2001:db8::9',
      sampling_rate: 20_000,
      observation_domain: 65_537,
      app_name: 'web',
    };
    const { decoded, changed, omitted } = encode([record], { protocol: 'netflow5' });
    expect(decoded[0]).toMatchObject({
      src_as: 23_456,
      in_if: 65_535,
      tcp_flags: 0xff,
      next_hop: '0.0.0.0',
      sampling_rate: 16_383,
      observation_domain: 1,
    });
    const each = {
      as_trans: 1,
      interface_clamped: 1,
      flags_cut: 1,
      value_left_out: 1,
      sampling_clamped: 1,
      domain_cut: 1,
    };
    expect(changed).toEqual(each);
    expect(omitted).toEqual({ app_name: 1 });
  });

  it('stamps by sysUptime reach a week back and an hour ahead; further ones are clamped', () => {
    const old = { ...FLOW, time_start: '2026-11-01T00:00:00Z' };
    const { decoded, changed } = encode([old], { protocol: 'netflow9' });
    expect(decoded[0]).toMatchObject({
      time_start: '2026-11-14T12:00:00.000000Z',
      time_end: '2026-11-21T11:59:30.000000Z',
    });
    expect(changed).toEqual({ time_clamped: 1 });
    expect(encode([old], { protocol: 'ipfix' }).changed).toEqual({});
  });

  it('µs are rounded down to ms, and counted, unless the form has them', () => {
    const record = { ...FLOW, time_start: '2026-11-21T11:59:00.000999Z' };
    const { decoded, changed } = encode([record], { protocol: 'ipfix' });
    expect(decoded[0]?.['time_start']).toBe('2026-11-21T11:59:00.000000Z');
    expect(changed).toEqual({ time_rounded: 1 });
    expect(encode([record], { protocol: 'ipfix', times: 'microseconds' }).decoded[0]?.['time_start']).toBe(
      record.time_start,
    );
  });

  it('texts of NetFlow v9 are cut at 64 octets, not inside a character', () => {
    const { decoded, changed } = encode([{ ...FLOW, app_name: `${'x'.repeat(63)}é` }], { protocol: 'netflow9' });
    expect(decoded[0]?.['app_name']).toBe('x'.repeat(63));
    expect(changed).toEqual({ text_cut: 1 });
  });

  it('ICMP goes into the destination port where there is no field for it', () => {
    const ping = { ...FLOW, proto: 1, dst_port: 0, icmp_type: 8, icmp_code: 3 };
    const { decoded, omitted } = encode([ping], { protocol: 'netflow5' });
    expect(decoded[0]?.['dst_port']).toBe(0x0803);
    expect(omitted).toEqual({});
  });

  it('an event keeps its time as one', () => {
    const event: FlowRecord = {
      time_start: '2026-11-21T11:59:30Z',
      time_source: 'event',
      src_addr: '10.0.0.1',
      post_nat_src_addr: '192.0.2.1',
      nat_event: 1,
    };
    for (const protocol of ['netflow9', 'ipfix'] as const) {
      const [found] = encode([event], { protocol }).decoded;
      expect(found).toMatchObject({
        record_kind: 'nat_event',
        time_source: 'event',
        time_start: '2026-11-21T11:59:30.000000Z',
      });
    }
  });

  it('an aggregate stays one in NetFlow v9 and IPFIX, and is no flow', () => {
    const times = { time_start: '2026-11-21T11:59:00Z', time_end: '2026-11-21T11:59:30Z' };
    const sums: FlowRecord = { ...times, record_kind: 'aggregate', src_as: 64500, bytes: 1000, packets: 10 };
    const flow: FlowRecord = { ...times, src_as: 64500, bytes: 100, packets: 1, flow_count: 1 };
    for (const protocol of ['netflow9', 'ipfix'] as const) {
      const { decoded, omitted } = encode([{ ...sums, flow_count: 7 }, sums, flow], { protocol });
      expect(decoded).toMatchObject([
        { record_kind: 'aggregate', bytes: 1000, flow_count: 7, extra: { originalFlowsPresent: 7 } },
        { record_kind: 'aggregate', bytes: 1000, extra: { originalFlowsPresent: 0 } },
        { record_kind: 'flow', bytes: 100, flow_count: 1 },
      ]);
      expect(omitted).toEqual({});
    }
  });

  it('a discarded packet stays one in NetFlow v9 and IPFIX, and is no flow', () => {
    const { bytes: _, packets: __, ...rest } = FLOW;
    const discard: FlowRecord = { ...rest, record_kind: 'discard', dropped_packets: 1, dropped_bytes: 100 };
    for (const protocol of ['netflow9', 'ipfix'] as const) {
      const { decoded } = encode([discard, { ...FLOW, dropped_packets: 1 }], { protocol });
      expect(decoded).toMatchObject([
        { record_kind: 'discard', dropped_packets: 1 },
        { record_kind: 'flow', dropped_packets: 1 },
      ]);
    }
  });

  it.each(['netflow1', 'netflow5', 'netflow9', 'ipfix'] as const)('%s: a sample becomes a flow', (protocol) => {
    const { decoded, changed } = encode([{ ...FLOW, record_kind: 'sample' }, FLOW], { protocol });
    expect(decoded.map(({ record_kind: kind }) => kind)).toEqual(['flow', 'flow']);
    expect(changed).toMatchObject({ sample_as_flow: 1 });
  });

  it('a route: IPFIX has communities, and neither it nor NetFlow v9 a path, a tunnel, inner addresses', () => {
    const tunnel = { tunnel: 'vxlan', tunnel_id: 7, inner_src_addr: '10.1.0.1', inner_dst_addr: '10.1.0.2' };
    const record = { ...FLOW, as_path: '64500 64501', bgp_communities: '64500:1 65535:666', ...tunnel };
    const none = { as_path: 1, tunnel: 1, tunnel_id: 1, inner_src_addr: 1, inner_dst_addr: 1 };
    const ipfix = encode([record, FLOW], { protocol: 'ipfix' });
    expect(ipfix.decoded[0]).toMatchObject({ bgp_communities: '64500:1 65535:666' });
    expect(ipfix.omitted).toEqual(none);
    expect(ipfix.changed).toEqual({});
    const nine = encode([record, FLOW], { protocol: 'netflow9' });
    expect(nine.decoded[0]).not.toHaveProperty('bgp_communities');
    expect(nine.omitted).toEqual({ ...none, bgp_communities: 1 });
    const many = Array.from({ length: 127 }, (_, index) => `64500:${index}`).join(' ');
    const cut = encode([{ ...FLOW, bgp_communities: many }], { protocol: 'ipfix' });
    expect(cut.changed).toEqual({ text_cut: 1 });
    expect(cut.decoded[0]?.['bgp_communities']).toBe(many.slice(0, many.lastIndexOf(' ')));
  });

  it('a flow becomes one sFlow sample that stands for all its packets', () => {
    const { decoded, changed } = encode([{ ...FLOW, bytes: 6000, packets: 10, sampling_rate: 5 }], {
      protocol: 'sflow',
    });
    expect(decoded[0]).toMatchObject({ packets: 1, bytes: 614, sampling_rate: 50, record_kind: 'sample' });
    expect(changed).toEqual({ flow_as_sample: 1 });
  });

  it('objects that are no records are refused with what is wrong', () => {
    const encoder = createEncoder({ protocol: 'ipfix' });
    const wrong = (record: FlowRecord) => () => encoder.encode([record]);
    expect(wrong({ ...FLOW, src_addr: '10.0.0' })).toThrow(
      'record 0: src_addr is "10.0.0", expected an IPv4 or IPv6 address',
    );
    expect(wrong({ ...FLOW, proto: 256 })).toThrow('record 0: proto is 256, expected a whole number up to 255');
    expect(wrong({ src_addr: '10.0.0.1' })).toThrow('record 0: time_start is missing');
    expect(() => createEncoder({ protocol: 'netflow4' as 'netflow5' })).toThrow('there is no protocol');
    expect(() => createEncoder({ protocol: 'ipfix', times: 'uptime' })).toThrow('sysUptime');
  });
});

describe('messages', () => {
  const many = (count: number, more: FlowRecord = {}) => Array.from({ length: count }, () => ({ ...FLOW, ...more }));
  const sequenceAt = { netflow5: 16, netflow6: 16, netflow7: 16, netflow9: 12, ipfix: 8 } as const;
  const u32 = (message: Uint8Array, at: number) => Buffer.from(message).readUInt32BE(at);

  it.each([
    ['netflow5', 30],
    ['netflow6', 27],
    ['netflow7', 27],
  ] as const)('%s numbers flows, %i to a datagram', (protocol, most) => {
    const encoder = createEncoder({ protocol });
    const messages = [...encoder.encode(many(70)), ...encoder.encode(many(5))];
    const counts = messages.map((message) => Buffer.from(message).readUInt16BE(2));
    expect(counts).toEqual([most, most, 70 - 2 * most, 5]);
    expect(messages.map((message) => u32(message, sequenceAt[protocol]))).toEqual([0, most, 2 * most, 70]);
  });

  it('NetFlow v9 numbers messages, IPFIX data records (options data too), each domain for itself', () => {
    for (const protocol of ['netflow9', 'ipfix'] as const) {
      const encoder = createEncoder({ protocol });
      const records = [
        ...many(100, { observation_domain: 1, sampling_rate: 10 }),
        ...many(3, { observation_domain: 2 }),
      ];
      const messages = [...encoder.encode(records), ...encoder.encode(records)];
      for (const domain of [1, 2]) {
        const its = messages.filter((message) => u32(message, protocol === 'ipfix' ? 12 : 16) === domain);
        const numbers = its.map((message) => u32(message, sequenceAt[protocol]));
        const decoder = createDecoder();
        let expected = 0;
        its.forEach((message, index) => {
          expect(numbers[index]).toBe(expected);
          const flows = decoder.decode(message).length;
          // The first message of a domain with a rate has one options record and no flow.
          expected += protocol === 'netflow9' ? 1 : flows === 0 ? 1 : flows;
        });
      }
    }
  });

  it('templates come again after a time, after so many messages, and in a new session', () => {
    const options = { protocol: 'ipfix', refreshMillis: 10_000, refreshMessages: 4 } as const;
    const hasTemplates = (messages: readonly Uint8Array[]) => {
      const ids = messages.map((message) => Buffer.from(message).readUInt16BE(16));
      return ids.includes(2);
    };
    const encoder = createEncoder(options);
    const at = (exportMillis: number) => hasTemplates(encoder.encode([FLOW], { exportMillis }));
    expect([at(NOON), at(NOON + 5000), at(NOON + 11_000), at(NOON + 12_000)]).toEqual([true, false, true, false]);
    encoder.reset();
    expect(at(NOON + 12_000)).toBe(true);
    expect([1, 2, 3, 4].map(() => at(NOON + 12_000))).toEqual([false, false, false, true]);
  });

  it('names go with the templates, as options data', () => {
    for (const protocol of ['netflow9', 'ipfix'] as const) {
      const options: unknown[] = [];
      const decoder = createDecoder({ observer: { options: (_domain, _id, record) => void options.push(record) } });
      const encoder = createEncoder({
        protocol,
        names: (domain) => ({
          interfaces: [{ index: domain, name: 'eth0', description: 'uplink' }],
          applications: [{ id: '13:443', name: 'https' }],
        }),
      });
      for (const message of encoder.encode([FLOW])) decoder.decode(message);
      expect(decoder.faults()).toEqual({});
      expect(JSON.stringify(options)).toContain('"interfaceName":"eth0","interfaceDescription":"uplink"');
      expect(JSON.stringify(options)).toContain('"applicationName":"https"');
    }
  });

  it('none is longer than allowed, for any allowed length', () => {
    const texts = { app_name: 'a'.repeat(60), user_name: 'u'.repeat(40), src_mac: '02:00:00:00:00:01' };
    for (const protocol of ['netflow5', 'netflow9', 'ipfix', 'sflow'] as const) {
      for (const maxLength of [512, 513, 1000, 1472, 9000]) {
        const { messages, decoded } = encode([...many(50), ...many(50, texts)], { protocol, maxLength });
        expect(Math.max(...messages.map(({ length }) => length)), `${protocol} ${maxLength}`).toBeLessThanOrEqual(
          maxLength,
        );
        expect(decoded).toHaveLength(100);
      }
    }
  });
});
