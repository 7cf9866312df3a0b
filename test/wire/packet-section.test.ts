import { describe, expect, it } from 'vitest';
import { fromHex, type Specifier, u16, u32, u64, VARIABLE, variable } from './build.ts';
import { decodeOne } from './run-plan.ts';

/** IPv4, 192.0.2.1 to 198.51.100.2, TTL 64, 60 octets; TCP 40000 to 443, sequence 1, SYN. */
const IP = fromHex('4510003c12344000400600 00c0000201c6336402'.replace(/ /g, ''));
const TCP = fromHex('9c4001bb0000000100000000a00272100000 0000'.replace(/ /g, ''));
const MACS = fromHex('0200000000020200000000 01'.replace(/ /g, ''));
const FRAME = [...MACS, ...fromHex('8100006408 00'.replace(/ /g, '')), ...IP, ...TCP];

const packet = {
  src_addr: '192.0.2.1',
  dst_addr: '198.51.100.2',
  src_port: 40_000,
  dst_port: 443,
  proto: 6,
  tos: 0x10,
  ttl: 64,
  tcp_flags: 2,
  tcp_sequence: 1,
  ip_version: 4,
  ip_total_length: 60,
};

describe('the beginning of a packet in a record', () => {
  it('dataLinkFrameSection: a sample of one packet, as long as its frame', () => {
    const fields: Specifier[] = [
      [10, 4],
      [312, 2],
      [315, VARIABLE],
    ];
    expect(decodeOne(10, fields, [...u32(7), ...u16(1500), ...variable(FRAME)])).toMatchObject({
      record_kind: 'sample',
      in_if: 7,
      packets: 1,
      bytes: 1500,
      src_mac: '02:00:00:00:00:01',
      dst_mac: '02:00:00:00:00:02',
      src_vlan: 100,
      ethernet_type: 0x0800,
      ...packet,
    });
  });

  it('layer2packetSectionData of NetFlow v9, cut off within the TCP header', () => {
    const cut = FRAME.slice(0, -16);
    expect(decodeOne(9, [[104, cut.length]], cut)).toMatchObject({
      record_kind: 'sample',
      packets: 1,
      bytes: 60,
      src_addr: '192.0.2.1',
      src_port: 40_000,
      tcp_flags: 0,
    });
  });

  it('ipHeaderPacketSection and mplsPayloadPacketSection', () => {
    for (const id of [313, 317])
      expect(decodeOne(10, [[id, VARIABLE]], variable([...IP, ...TCP]))).toMatchObject(packet);
  });

  it('ipPayloadPacketSection: the transport header, where the record says which', () => {
    const fields: Specifier[] = [
      [4, 1],
      [314, VARIABLE],
    ];
    const record = decodeOne(10, fields, [6, ...variable(TCP)]);
    expect(record).toMatchObject({
      proto: 6,
      src_port: 40_000,
      dst_port: 443,
      tcp_flags: 2,
      tcp_sequence: 1,
      packets: 1,
    });
    expect(record['record_kind']).toBe('sample');
    for (const column of ['bytes', 'src_addr', 'extra', 'ttl']) expect(record).not.toHaveProperty(column);
    expect(decodeOne(10, fields, [1, ...variable([8, 0, 1, 2])])).toMatchObject({
      icmp_type: 8,
      icmp_code: 0,
      src_port: 0,
    });
    // VXLAN: the ports are those of the packet itself, not of the one it carries.
    const vxlan = [...u16(5000), ...u16(4789), ...u16(100), ...u16(0), 8, 0, 0, 0, 0, 0, 1, 0, ...FRAME];
    expect(decodeOne(10, fields, [17, ...variable(vxlan)])).toMatchObject({ src_port: 5000, dst_port: 4789 });
    // IP in IP has no transport header of its own.
    expect(decodeOne(10, fields, [4, ...variable([...IP, ...TCP])])).toMatchObject({ proto: 4, src_port: 0 });
  });

  it('ipPayloadPacketSection of a later fragment, or of an unknown protocol, is no header', () => {
    const fields: Specifier[] = [
      [88, 2],
      [4, 1],
      [314, VARIABLE],
    ];
    expect(decodeOne(10, fields, [...u16(0), 6, ...variable(TCP)])).toMatchObject({ src_port: 40_000 });
    expect(decodeOne(10, fields, [...u16(64), 6, ...variable(TCP)])).toMatchObject({ src_port: 0, tcp_flags: 0 });
    expect(decodeOne(10, [[314, VARIABLE]], variable([1, 2]))).toMatchObject({
      extra: { ipPayloadPacketSection: '0102' },
    });
  });

  it('mplsLabelStackSection', () => {
    const labels = fromHex('000640ff 000c81ff'.replace(/ /g, ''));
    expect(decodeOne(10, [[316, VARIABLE]], variable([...labels, ...IP]))).toMatchObject({
      mpls_labels: '100,200',
      src_addr: '192.0.2.1',
    });
  });

  it('gives only what no field of the record gives', () => {
    const fields: Specifier[] = [
      [8, 4],
      [1, 8],
      [2, 8],
      [315, VARIABLE],
    ];
    const octets = [...fromHex('cb007101'), ...u64(5000), ...u64(9), ...variable(FRAME)];
    expect(decodeOne(10, fields, octets)).toMatchObject({
      ...packet,
      record_kind: 'flow',
      src_addr: '203.0.113.1',
      bytes: 5000,
      packets: 9,
    });
  });

  it('of two the one that tells more; the other stays as it is', () => {
    const octets = [...variable(IP), ...variable(FRAME)];
    const record = decodeOne(
      10,
      [
        [313, VARIABLE],
        [315, VARIABLE],
      ] as Specifier[],
      octets,
    );
    expect(record).toMatchObject({ ...packet, src_vlan: 100 });
    expect(record['extra']).toEqual({ ipHeaderPacketSection: Buffer.from(IP).toString('hex') });
  });

  it('an empty one gives nothing', () => {
    expect(decodeOne(10, [[315, VARIABLE]], [0])).toMatchObject({ proto: 0, packets: 1, bytes: 0 });
  });
});
