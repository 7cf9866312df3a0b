import { describe, expect, it } from 'vitest';
import { readV5Header } from '#weir/wire/netflow-v5.js';
import { decodeDatagrams } from '../session/decoder.ts';
import { fromHex, message5, NOON, record5, UPTIME } from './build.ts';

/** Every field has a value of its own, so that two that change places are seen. */
const DATAGRAM = `
  0005 0001 0a0b0c0d 6abe2040 0bebc200 11121314 21 22 c3e8
  c0000201 c6336402 cb007103 0102 0304 05060708 090a0b0c 0a0b0001 0a0b0402
  1516 1718 19 1a 11 1c 1d1e 1f20 18 10 2324`;

const header = () => ({ count: 0, uptime: 0, exportMillis: 0, sequence: 0, engine: 0, samplingInterval: 0 });

describe('the header', () => {
  it('is read field by field', () => {
    const read = header();
    readV5Header(Uint8Array.from(fromHex(DATAGRAM)), read);
    expect(read).toEqual({
      count: 1,
      uptime: 0x0a0b0c0d,
      exportMillis: 0x6abe2040 * 1000 + 200,
      sequence: 0x11121314,
      engine: 0x2122,
      samplingInterval: 0x03e8,
    });
  });

  it.each([
    [0x0000, 0],
    [0x4064, 100],
    [0x8064, 100],
    [0xffff, 0x3fff],
    [0xc000, 0],
  ])('sampling %i: the two mode bits are not part of the interval %i', (word, interval) => {
    const read = header();
    readV5Header(message5([], { sampling: word }), read);
    expect(read.samplingInterval).toBe(interval);
  });
});

describe('the record', () => {
  it('is read octet by octet', () => {
    const { records } = decodeDatagrams([Uint8Array.from(fromHex(DATAGRAM))]);
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({
      flow_type: 'netflow_v5',
      record_kind: 'flow',
      observation_domain: 0x2122,
      sampling_rate: 1000,
      sampling_source: 'header',
      src_addr: '192.0.2.1',
      dst_addr: '198.51.100.2',
      next_hop: '203.0.113.3',
      in_if: 0x0102,
      out_if: 0x0304,
      packets: 0x05060708,
      bytes: 0x090a0b0c,
      src_port: 0x1516,
      dst_port: 0x1718,
      tcp_flags: 0x1a,
      proto: 0x11,
      tos: 0x1c,
      src_as: 0x1d1e,
      dst_as: 0x1f20,
      src_mask: 0x18,
      dst_mask: 0x10,
      time_source: 'flow',
    });
    // Header time less the difference of the stamps: 0x0a0b0c0d − 0x0a0b0001 = 3,084 ms and 0x0a0b0c0d − 0x0a0b0402 = 2,059 ms.
    const exported = 0x6abe2040 * 1000 + 200;
    expect(records[0]?.['time_start']).toBe(iso(exported - 3084));
    expect(records[0]?.['time_end']).toBe(iso(exported - 2059));
  });

  it('has nothing in extra: the padding is padding', () => {
    expect(decodeDatagrams([message5([record5()])]).records[0]).not.toHaveProperty('extra');
  });
});

describe('the count', () => {
  it('thirty records come in their order', () => {
    const many = Array.from({ length: 30 }, (_, i) => record5({ srcPort: 1000 + i, bytes: 2 ** 32 - 1 - i }));
    const { records } = decodeDatagrams([message5(many)]);
    expect(records.map((record) => record['src_port'])).toEqual(many.map((_, i) => 1000 + i));
    expect(records[29]?.['bytes']).toBe(2 ** 32 - 30);
  });

  it('larger than the datagram: the whole records are used, and it is counted', () => {
    for (const count of [3, 30, 65_535]) {
      const { records, faults } = decodeDatagrams([message5([record5(), record5({ srcPort: 7 })], { count })]);
      expect(records.map((record) => record['src_port'])).toEqual([40_000, 7]);
      expect(faults).toEqual({ record_count: 1 });
    }
  });

  it('smaller than the datagram: what follows is not read', () => {
    expect(decodeDatagrams([message5([record5(), record5()], { count: 1 })]).records).toHaveLength(1);
    expect(decodeDatagrams([message5([record5()], { count: 0 })]).records).toHaveLength(0);
  });

  it('a record cut off at any octet is not made up', () => {
    const whole = message5([record5(), record5()]);
    for (let length = 0; length < whole.length; length++) {
      const { records } = decodeDatagrams([whole.subarray(0, length)]);
      expect(records).toHaveLength(length < 72 ? 0 : 1);
    }
  });
});

describe('sysUptime', () => {
  it('that wrapped after the flow: its stamps are larger than the header’s', () => {
    const record = record5({ first: 2 ** 32 - 5000, last: 2000 });
    const { records } = decodeDatagrams([message5([record], { uptime: 3000 })]);
    expect(records[0]).toMatchObject({ time_start: iso(NOON * 1000 - 8000), time_end: iso(NOON * 1000 - 1000) });
  });

  it('that lags a little behind the flow: the flow ends after the export', () => {
    const record = record5({ first: UPTIME - 10, last: UPTIME + 1500 });
    const { records } = decodeDatagrams([message5([record])]);
    expect(records[0]).toMatchObject({ time_start: iso(NOON * 1000 - 10), time_end: iso(NOON * 1000 + 1500) });
  });

  it('that wrapped before the flow ended, with a header from before it', () => {
    const record = record5({ first: 2 ** 32 - 500, last: 250 });
    const { records } = decodeDatagrams([message5([record], { uptime: 2 ** 32 - 100 })]);
    expect(records[0]).toMatchObject({ time_start: iso(NOON * 1000 - 400), time_end: iso(NOON * 1000 + 350) });
  });
});

function iso(millis: number): string {
  return `${new Date(millis).toISOString().slice(0, -1)}000Z`;
}
