import { writeFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEncoder, type EncoderOptions } from '#weir/export/encoder.js';
import type { FlowRecord } from '#weir/flow/record.js';
import { createDecoder } from '#weir/session/library-decoder.js';
import { LINK_TYPE } from '#weir/wire/packet/link-types.js';
import { PCAP_OVERHEAD, pcapFileHeader, writePcapRecord } from '#weir/wire/pcap/writer.js';
import { runProcess } from '../helpers/processes.ts';
import { tempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import { ipv4 } from './arbitrary-records.ts';

const SAMPLE: FlowRecord = {
  record_kind: 'sample',
  time_start: '2026-11-21T12:00:00.000000Z',
  sampling_rate: 100,
  src_addr: '10.0.0.1',
  dst_addr: '192.0.2.9',
  src_port: 40_000,
  dst_port: 443,
  proto: 6,
  bytes: 1000,
  packets: 1,
  in_if: 3,
  out_if: 4,
};

function through(records: readonly FlowRecord[], options: Partial<EncoderOptions> = {}) {
  const encoder = createEncoder({ protocol: 'sflow', agent: '192.0.2.1', ...options });
  const messages = encoder.encode(records);
  const decoder = createDecoder();
  const decoded = messages.flatMap((message) => decoder.decode(message));
  expect(decoder.faults()).toEqual({});
  return { messages, decoded, counters: encoder.counters };
}

/** The columns of `like` that a record has. */
function pick(record: FlowRecord, like: FlowRecord): FlowRecord {
  return Object.fromEntries(
    Object.keys(like).flatMap((name) => (name in record ? [[name, record[name] as string]] : [])),
  );
}

const port = fc.integer({ min: 0, max: 0xffff });
const text = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter((value) => /^\S(?:.*\S)?$/u.test(value));
const label = fc.integer({ min: 16, max: 0xf_ffff });
const EXTENSIONS = fc.record(
  {
    post_nat_src_addr: fc.oneof(ipv4, fc.constant('2001:db8::77')),
    post_nat_dst_addr: ipv4,
    post_nat_src_port: port,
    post_nat_dst_port: port,
    mpls_labels: fc.array(label, { minLength: 1, maxLength: 10 }).map((labels) => labels.join(',')),
    l2_segment: fc.integer({ min: 1, max: 0xff_ffff }),
    user_name: text,
    http_target: text,
    http_host: text,
  },
  { requiredKeys: [] },
) as fc.Arbitrary<FlowRecord>;

describe('sFlow: NAT, MPLS, VNI, user and URL', () => {
  it.each(['header', 'ip'] as const)('are what they were, in any combination, with sample: %s', (sample) => {
    const property = fc.property(fc.array(EXTENSIONS, { minLength: 1, maxLength: 20 }), (all) => {
      const { decoded, counters } = through(
        all.map((more) => ({ ...SAMPLE, ...more })),
        { sample },
      );
      expect(decoded).toHaveLength(all.length);
      all.forEach((more, index) => expect(pick(decoded[index] as FlowRecord, more)).toEqual(more));
      expect(counters.omitted).toEqual({});
    });
    fc.assert(property, { numRuns: 100 });
  });

  it('what was not translated is sent as it was', () => {
    const [record] = through([{ ...SAMPLE, post_nat_src_addr: '198.51.100.1', post_nat_src_port: 7 }]).decoded;
    expect(record).toMatchObject({ post_nat_dst_addr: '192.0.2.9', post_nat_dst_port: 443 });
  });

  it('the type of a segment has no place, and long texts are cut: counted', () => {
    const record = { ...SAMPLE, l2_segment: (1n << 56n) + 5000n, user_name: 'ü'.repeat(200) };
    const { decoded, counters } = through([record]);
    expect(decoded[0]).toMatchObject({ l2_segment: 5000, user_name: 'ü'.repeat(127) });
    expect(counters.changed).toMatchObject({ value_left_out: 1, text_cut: 1 });
  });

  it('a sample that no datagram can hold is refused, and its number is not missed', () => {
    const long = { ...SAMPLE, user_name: 'u'.repeat(250), http_target: 't'.repeat(250), http_host: 'h'.repeat(250) };
    const { messages, decoded, counters } = through([SAMPLE, long, SAMPLE, long], { maxLength: 512 });
    expect(decoded).toHaveLength(2);
    expect(counters.refused.too_long).toBe(2);
    expect(counters.records).toBe(2);
    expect(Math.max(...messages.map(({ length }) => length))).toBeLessThanOrEqual(512);
    expect(through([long], { maxLength: 512 }).messages).toEqual([]);
  });
});

describe('sFlow: discarded packets', () => {
  const { bytes: _bytes, packets: _packets, ...rest } = SAMPLE;
  const discard: FlowRecord = {
    ...rest,
    record_kind: 'discard',
    sampling_rate: 1,
    drop_reason: 258,
    dropped_packets: 1,
    dropped_bytes: 1514,
    in_if: 300_000_000,
  };

  it('are notifications again', () => {
    const { decoded, counters } = through([discard, SAMPLE, { ...discard, src_addr: '2001:db8::1' }]);
    expect(counters).toMatchObject({ records: 3, omitted: {} });
    const { time_start: _time, ...wanted } = discard;
    expect(decoded[0]).toMatchObject(wanted);
    expect(decoded[1]).toMatchObject({ record_kind: 'sample', bytes: 1000 });
    expect(decoded[2]).toMatchObject({ ...wanted, src_addr: '2001:db8::1' });
  });

  it('of several packets in one record are refused', () => {
    const { counters } = through([{ ...discard, dropped_packets: 2 }]);
    expect(counters.refused.record_kind).toBe(1);
  });
});

describeWithTool('tshark', 'sFlow extensions, in tshark', () => {
  // It knows neither extended_nat_port nor extended_vni_ingress, and does not skip what it does not know.
  it('are decoded without complaint', async () => {
    const records: FlowRecord[] = [
      {
        ...SAMPLE,
        post_nat_src_addr: '198.51.100.1',
        mpls_labels: '16001,24005',
        user_name: 'alice',
        http_target: '/index.html',
        http_host: 'www.example.org',
        next_hop: '10.9.9.9',
      },
      { ...SAMPLE, post_nat_src_addr: '2001:db8::77', src_as: 64_500, dst_as: 64_501 },
    ];
    const file = tempFolder('tshark').join('x.pcap');
    const buffer = Buffer.alloc(1 << 16);
    buffer.set(pcapFileHeader(LINK_TYPE.ethernet));
    let at = 24;
    const host = [0, 0, 0xffff, 0x7f00_0001] as const;
    for (const payload of through(records).messages) {
      expect(payload.length + PCAP_OVERHEAD).toBeLessThan(2000);
      const ends = { source: host, sourcePort: 50_000, destination: host, destinationPort: 6343 };
      at = writePcapRecord(buffer, at, { time: 0, ...ends, payload }, LINK_TYPE.ethernet);
    }
    writeFileSync(file, buffer.subarray(0, at));
    const flags = ['-r', file, '-d', 'udp.port==6343,sflow', '-O', 'sflow', '-V'];
    const { code, stdout, stderr } = await runProcess(requireTool('tshark'), flags);
    expect(code, stderr).toBe(0);
    // Labels are shown with the rest of their entries, the bottom of the stack in bit 8.
    for (const found of [
      '198.51.100.1',
      '2001:db8::77',
      'alice',
      '/index.html',
      'www.example.org',
      `${16_001 * 4096}`,
      `${24_005 * 4096 + 256}`,
    ])
      expect(stdout).toContain(found);
    expect(stdout).not.toMatch(/Malformed|Expert Info/i);
  });
});
