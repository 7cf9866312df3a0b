import { describe, expect, it } from 'vitest';
import { createEncoder } from '#weir/export/encoder.js';
import { FlowBatch } from '#weir/flow/batch.js';
import { records as recordsOf } from '#weir/flow/record.js';
import type { Connection } from '#weir/nat/connection.js';
import { NatRecords } from '#weir/nat/nat-records.js';
import type { RecordForm } from '#weir/nat/record-layouts.js';
import { formatAddress } from '#weir/util/address.js';
import { connectionOf } from './connections.ts';

const NOW = 1_248_952_480_737;

/** A writer of records and the batch that it fills. */
function writer(...forms: RecordForm[]) {
  const batch = new FlowBatch(1024);
  const exporter = [0, 0, 0xffff, 0xac100101] as const;
  const options = { forms, exporter, observationDomain: 9, nowMicros: () => NOW * 1000 };
  const records = new NatRecords(options, { batch: () => batch });
  return { batch, records, rows: () => [...recordsOf(batch)] };
}

/** The connection of nfflowd's documentation, which began at 136.315 s and ended at 279.737 s of its sysUptime. */
function documented(more: Partial<Connection> = {}): Connection {
  const connection = connectionOf(
    '[1248952480.737000]\t[DESTROY] tcp      6 src=10.0.195.106 dst=74.125.6.225 sport=62380 dport=80 packets=720 bytes=38052 src=74.125.6.225 dst=192.76.7.154 sport=80 dport=62380 packets=1432 bytes=2027040 [ASSURED] id=77',
  );
  const boot = NOW - 279_737;
  const times = { startMicros: (boot + 136_315) * 1000, fromMicros: (boot + 136_315) * 1000, endMicros: NOW * 1000 };
  return Object.assign(connection, times, { endReason: 3 }, more);
}

/** The records of a datagram of NetFlow v5 as flow-tools writes them, field mask 0xFF31EF. */
function flowToolsLines(datagram: Uint8Array): string[] {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const address = (at: number) => formatAddress(0, 0, 0xffff, view.getUint32(at));
  return Array.from({ length: view.getUint16(2) }, (_, i) => {
    const at = 24 + i * 48;
    return [
      view.getUint32(8),
      view.getUint32(12),
      view.getUint32(4),
      '172.16.1.1',
      view.getUint32(at + 16),
      view.getUint32(at + 20),
      view.getUint32(at + 24),
      view.getUint32(at + 28),
      address(at),
      address(at + 4),
      address(at + 8),
      view.getUint16(at + 12),
      view.getUint16(at + 14),
      view.getUint16(at + 32),
      view.getUint16(at + 34),
      view.getUint8(at + 38),
      view.getUint8(at + 39),
      view.getUint8(at + 37),
    ].join();
  });
}

const datagramsOf = (batch: FlowBatch) =>
  createEncoder({ protocol: 'netflow5', bootMillis: NOW - 279_737 }).encode(batch, { exportMillis: NOW });

describe('the three v5 records of a connection', () => {
  it('are those of nfflowd’s documentation, field for field and in order', () => {
    const { batch, records } = writer('v5-triplet');
    records.ended(documented());
    expect(datagramsOf(batch).flatMap(flowToolsLines)).toEqual([
      '1248952480,737000000,279737,172.16.1.1,720,38052,136315,279737,10.0.195.106,74.125.6.225,0.0.0.0,0,0,62380,80,6,0,0',
      '1248952480,737000000,279737,172.16.1.1,720,38052,136315,279737,192.76.7.154,74.125.6.225,0.0.0.0,0,0,62380,80,6,0,0',
      '1248952480,737000000,279737,172.16.1.1,1432,2027040,136315,279737,74.125.6.225,192.76.7.154,0.0.0.0,0,0,80,62380,6,0,0',
    ]);
  });

  it('have no ports for ICMP, and the translated destination of a forwarded port', () => {
    const { batch, records } = writer('v5-triplet');
    records.ended(
      connectionOf(
        'icmp 1 src=10.0.0.1 dst=8.8.8.8 type=8 code=0 id=7 packets=1 bytes=84 src=8.8.8.8 dst=192.0.2.1 type=0 code=0 id=9 packets=1 bytes=84 id=3',
      ),
    );
    records.ended(
      connectionOf(
        'tcp 6 src=8.8.8.8 dst=192.0.2.1 sport=5000 dport=2222 src=10.0.0.1 dst=8.8.8.8 sport=22 dport=5000',
      ),
    );
    const ends = datagramsOf(batch)
      .flatMap(flowToolsLines)
      .map((line) => line.split(','))
      .map((fields) => [fields[8], fields[13], fields[9], fields[14], fields[15]].join(' '));
    expect(ends).toEqual([
      '10.0.0.1 0 8.8.8.8 0 1',
      '192.0.2.1 0 8.8.8.8 0 1',
      '8.8.8.8 0 192.0.2.1 0 1',
      '8.8.8.8 5000 192.0.2.1 2222 6',
      '8.8.8.8 5000 10.0.0.1 22 6',
      '10.0.0.1 22 8.8.8.8 5000 6',
    ]);
  });

  it('are not written for IPv6, which is counted', () => {
    const { batch, records } = writer('v5-triplet');
    records.ended(
      connectionOf(
        'udp 17 src=fd00::1 dst=2001:db8::1 sport=1 dport=2 src=2001:db8::1 dst=2001:db8::9 sport=2 dport=1',
      ),
    );
    expect([batch.rows, records.counters.ipv6WithoutTriplet]).toEqual([0, 1]);
  });
});

describe('flows of a connection', () => {
  it('are one for each direction, with the translated ends', () => {
    const { records, rows } = writer('flows');
    records.ended(documented({ packetsBefore: 20, bytesBefore: 52, replyPacketsBefore: 32, replyBytesBefore: 40 }));
    const times = { time_start: rows()[0]?.time_start, time_end: rows()[0]?.time_end };
    const both = {
      ...times,
      exporter: '172.16.1.1',
      observation_domain: 9,
      proto: 6,
      flow_id: 77,
      flow_end_reason: 3,
    };
    expect(rows()).toEqual([
      expect.objectContaining({
        ...both,
        src_addr: '10.0.195.106',
        src_port: 62_380,
        dst_addr: '74.125.6.225',
        dst_port: 80,
        post_nat_src_addr: '192.76.7.154',
        post_nat_src_port: 62_380,
        post_nat_dst_addr: '74.125.6.225',
        post_nat_dst_port: 80,
        packets: 700,
        bytes: 38_000,
      }),
      expect.objectContaining({
        ...both,
        src_addr: '74.125.6.225',
        src_port: 80,
        dst_addr: '192.76.7.154',
        dst_port: 62_380,
        post_nat_src_addr: '74.125.6.225',
        post_nat_dst_addr: '10.0.195.106',
        post_nat_dst_port: 62_380,
        packets: 1400,
        bytes: 2_027_000,
      }),
    ]);
  });

  it('may be one with both directions’ counters', () => {
    const { records, rows } = writer('biflows');
    records.ended(documented());
    expect(rows()).toEqual([
      expect.objectContaining({ record_kind: 'biflow', bytes: 38_052, reverse_bytes: 2_027_040, biflow_direction: 1 }),
    ]);
  });

  it('have no translated ends where nothing is translated, no counters where none are told, and a zone where there is one', () => {
    const { records, rows } = writer('flows');
    records.ended(connectionOf('gre 47 src=10.0.0.1 dst=8.8.8.8 src=8.8.8.8 dst=10.0.0.1 zone=4 id=1'));
    const [record] = rows();
    expect(record).toMatchObject({ nat_instance: 4, ingress_vrf: 4 });
    for (const name of ['post_nat_src_addr', 'src_port', 'bytes', 'icmp_type']) expect(record).not.toHaveProperty(name);
  });

  it('of ICMP have its type, and its id as the source port', () => {
    const { records, rows } = writer('flows');
    records.ended(
      connectionOf(
        'icmpv6 58 src=fd00::1 dst=2001:db8::1 type=128 code=0 id=7 src=2001:db8::1 dst=2001:db8::9 type=129 code=0 id=9',
      ),
    );
    expect(rows()[0]).toMatchObject({ icmp_type: 128, icmp_code: 0, src_port: 7, post_nat_src_port: 9 });
    expect(rows()[1]).toMatchObject({ icmp_type: 129 });
    expect(rows()[1]).not.toHaveProperty('src_port');
  });
});

describe('events of a connection', () => {
  it('are NAT session create and delete, each at its time', () => {
    const { records, rows } = writer('events');
    const connection = documented();
    records.begun(connection);
    records.continues(connection);
    records.ended(connection);
    const events = rows();
    expect(events.map(({ nat_event }) => nat_event)).toEqual([4, 5]);
    expect(events[0]).toMatchObject({
      record_kind: 'nat_event',
      src_addr: '10.0.195.106',
      src_port: 62_380,
      post_nat_src_addr: '192.76.7.154',
      post_nat_src_port: 62_380,
      post_nat_dst_port: 80,
      nat_realm: 1,
    });
    expect(events.map(({ time_start, time_end }) => time_start === time_end)).toEqual([true, true]);
    expect(events[1]?.time_end).not.toBe(events[0]?.time_end);
  });

  it('go as such into IPFIX: observationTimeMilliseconds, natEvent, and no counters', () => {
    const { batch, records } = writer('events');
    records.begun(documented());
    const [message] = createEncoder({ protocol: 'ipfix' }).encode(batch, { exportMillis: NOW });
    const elements = new Set<number>();
    const view = new DataView((message as Uint8Array).buffer, (message as Uint8Array).byteOffset);
    for (let at = 24; at < 24 + view.getUint16(22) * 4; at += 4) elements.add(view.getUint16(at));
    for (const element of [8, 12, 7, 11, 4, 225, 226, 227, 228, 229, 230, 323]) expect(elements).toContain(element);
    expect(elements).not.toContain(1);
  });

  it('of IPv6 are those of any translation; what is not translated has none', () => {
    const { records, rows } = writer('events');
    records.begun(
      connectionOf(
        'udp 17 src=fd00::1 dst=2001:db8::1 sport=1 dport=2 src=2001:db8::1 dst=2001:db8::9 sport=2 dport=1',
      ),
    );
    records.begun(
      connectionOf('udp 17 src=10.0.0.1 dst=8.8.8.8 sport=1 dport=2 src=8.8.8.8 dst=10.0.0.1 sport=2 dport=1'),
    );
    records.begun(
      connectionOf('udp 17 src=8.8.8.8 dst=192.0.2.1 sport=1 dport=2 src=10.0.0.1 dst=8.8.8.8 sport=2 dport=1'),
    );
    expect(rows().map(({ nat_event, nat_realm }) => [nat_event, nat_realm])).toEqual([
      [1, 1],
      [4, 2],
    ]);
  });
});
