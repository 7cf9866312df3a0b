import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEncoder, type EncoderOptions } from '#weir/export/encoder.js';
import type { FlowRecord } from '#weir/flow/record.js';
import { createDecoder } from '#weir/session/library-decoder.js';
import { arbitraryRecords, CARRIED, ipv4, lines, NOON } from './arbitrary-records.ts';

/** Encodes and decodes; also checks that no message is too long, nothing is a fault, and nothing is lost by the sequence numbers. */
function through(records: readonly FlowRecord[], options: EncoderOptions) {
  const exportMillis = NOON / 1000;
  const encoder = createEncoder({ bootMillis: exportMillis - 864e6, ...options });
  const messages = encoder.encode(records, { exportMillis });
  const decoder = createDecoder({ now: () => exportMillis });
  const decoded = messages.flatMap((message) => decoder.decode(message));
  expect(decoder.faults()).toEqual({});
  expect(messages.every(({ length }) => length <= (options.maxLength ?? 1472))).toBe(true);
  expect(messages.reduce((sum, { length }) => sum + length, 0)).toBe(encoder.counters.octets);
  expect(decoded.length).toBe(encoder.counters.records);
  return { decoded, counters: encoder.counters };
}

/** Columns with an element in this version. */
function columnsOf(version: 9 | 10): string[] {
  return CARRIED.filter(
    ({ name, elements }) =>
      name.startsWith('icmp_') ||
      (version === 10 && name.startsWith('reverse_time')) ||
      elements.some((element) => {
        const text = String(element);
        // NetFlow v9 has no structured data.
        if (name === 'bgp_communities') return version === 10;
        return version === 9 ? text.startsWith('v9/') || !text.includes('/') : !text.startsWith('v9/');
      }),
  ).map(({ name }) => name);
}

/** In a stream whose first record has a rate, records without one are sent as 1. */
function withRates(records: readonly FlowRecord[]): FlowRecord[] {
  const rates = new Map<unknown, unknown>();
  return records.map((record) => {
    const { observation_domain: domain, sampling_rate: rate } = record;
    if (!rates.has(domain)) rates.set(domain, rate);
    return rate === 0 && rates.get(domain) !== 0 ? { ...record, sampling_rate: 1 } : record;
  });
}

/** Records with the kind that their columns make them: what formats with templates carry. Of traffic, every other record sums up flows. */
function withKinds(records: readonly FlowRecord[]): FlowRecord[] {
  const hasOf = (record: FlowRecord) => (list: string) => list.split(' ').some((name) => record[name] !== undefined);
  return records.map((record, index) => {
    const has = hasOf(record);
    const isBiflow = has('reverse_bytes reverse_packets');
    let kind = 'flow';
    if (isBiflow || has('bytes packets')) kind = index % 2 === 1 ? 'aggregate' : isBiflow ? 'biflow' : 'flow';
    else if (has('firewall_event firewall_extended_event')) kind = 'firewall_event';
    else if (has('nat_event post_nat_src_addr port_range_start')) kind = 'nat_event';
    else if (has('dropped_packets dropped_bytes')) kind = 'discard';
    return { ...record, record_kind: kind };
  });
}

const RUNS = { numRuns: 150 };
const COMMON = ['observation_domain', 'sampling_rate', 'time_start', 'time_end'];

describe('a batch encoded and decoded again is the same batch', () => {
  it.each([
    ['ipfix', 'microseconds', 1],
    ['ipfix', 'nanoseconds', 1],
    ['ipfix', 'milliseconds', 1000],
    ['ipfix', 'seconds', 1e6],
    ['netflow9', 'uptime', 1000],
    ['netflow9', 'milliseconds', 1000],
    ['netflow9', 'microseconds', 1],
  ] as const)('%s with times in %s', (protocol, times, resolution) => {
    const columns = columnsOf(protocol === 'ipfix' ? 10 : 9);
    const names = new Set([...columns, ...COMMON, 'record_kind']);
    const property = fc.property(arbitraryRecords({ columns, resolution }).map(withKinds), (records) => {
      const { decoded, counters } = through(records, { protocol, times, maxLength: 1472 });
      expect(lines(decoded, names)).toEqual(lines(withRates(records), names));
      expect(counters.omitted).toEqual({});
      expect(counters.changed.time_rounded).toBe(0);
    });
    fc.assert(property, RUNS);
  });

  const FIXED = {
    netflow1: 'src_addr dst_addr next_hop in_if out_if packets bytes src_port dst_port proto tos tcp_flags',
    netflow5:
      'src_addr dst_addr next_hop in_if out_if packets bytes src_port dst_port tcp_flags proto tos src_as dst_as src_mask dst_mask',
    netflow6:
      'src_addr dst_addr next_hop in_if out_if packets bytes src_port dst_port tcp_flags proto tos src_as dst_as src_mask dst_mask',
    netflow7:
      'src_addr dst_addr next_hop in_if out_if packets bytes src_port dst_port tcp_flags proto tos src_as dst_as src_mask dst_mask',
  } as const;

  it.each(Object.entries(FIXED))('%s, within what its fields hold', (protocol, list) => {
    const columns = list.split(' ');
    const u16 = fc.integer({ min: 0, max: 0xffff });
    const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
    const values = {
      ...Object.fromEntries(['src_addr', 'dst_addr', 'next_hop'].map((name) => [name, ipv4])),
      ...Object.fromEntries(['in_if', 'out_if', 'src_as', 'dst_as'].map((name) => [name, u16])),
      packets: u32,
      bytes: u32,
      tcp_flags: fc.integer({ min: 0, max: 0xff }),
    };
    const hasRate = protocol === 'netflow5';
    const domains = protocol === 'netflow1' ? fc.constant(0) : u16;
    const rates = hasRate ? fc.integer({ min: 0, max: 16_383 }) : fc.constant(0);
    const records = arbitraryRecords({ columns, resolution: 1000, values, domains, rates });
    const property = fc.property(records, (given) => {
      const { decoded, counters } = through(given, { protocol: protocol as keyof typeof FIXED });
      const names = new Set([...columns, ...COMMON, 'record_kind']);
      // Fields that a record does not have are sent as zero.
      const zeros = Object.fromEntries(
        columns.map((name) => [name, name.endsWith('_addr') || name === 'next_hop' ? '0.0.0.0' : 0]),
      );
      const expected = given.map((record) => ({ ...zeros, record_kind: 'flow', ...record }));
      expect(lines(decoded, names)).toEqual(lines(expected, names));
      expect(counters.omitted).toEqual({});
      expect(Object.values(counters.changed).every((count) => count === 0)).toBe(true);
    });
    fc.assert(property, RUNS);
  });

  it('sFlow: samples with a rebuilt header, switch, router and gateway', () => {
    const columns = (
      'src_addr dst_addr src_port dst_port proto tos bytes packets in_if out_if src_mac dst_mac src_vlan dst_vlan next_hop src_mask dst_mask ' +
      'src_as dst_as'
    ).split(' ');
    const whole = fc.record({
      record_kind: fc.constant('sample'),
      time_start: fc.constant('2026-11-21T12:00:00.000000Z'),
      observation_domain: fc.integer({ min: 0, max: 2 }),
      sampling_rate: fc.integer({ min: 1, max: 0xffff_ffff }),
      src_addr: ipv4,
      dst_addr: ipv4,
      src_port: fc.integer({ min: 0, max: 0xffff }),
      dst_port: fc.integer({ min: 0, max: 0xffff }),
      proto: fc.constantFrom(6, 132),
      tos: fc.integer({ min: 0, max: 255 }),
      bytes: fc.integer({ min: 60, max: 9000 }),
      packets: fc.constant(1),
      in_if: fc.integer({ min: 1, max: 0x7fff_ffff }),
      out_if: fc.integer({ min: 1, max: 0x7fff_ffff }),
      src_mac: fc.constant('02:00:00:00:00:01'),
      dst_mac: fc.constant('02:00:00:00:00:02'),
      src_vlan: fc.integer({ min: 1, max: 4094 }),
      dst_vlan: fc.integer({ min: 1, max: 4094 }),
      next_hop: ipv4,
      src_mask: fc.integer({ min: 0, max: 32 }),
      dst_mask: fc.integer({ min: 0, max: 32 }),
      src_as: fc.integer({ min: 0, max: 0xffff_ffff }),
      dst_as: fc.integer({ min: 1, max: 0xffff_ffff }),
    }) as fc.Arbitrary<FlowRecord>;
    const names = new Set([...columns, 'observation_domain', 'sampling_rate', 'record_kind']);
    const property = fc.property(fc.array(whole, { minLength: 1, maxLength: 60 }), (records) => {
      const { decoded } = through(records, { protocol: 'sflow', agent: '192.0.2.1' });
      expect(lines(decoded, names)).toEqual(lines(records, names));
    });
    fc.assert(property, RUNS);
  });
});
