import { describe, expect, it } from 'vitest';
import { hex } from '#weir/util/octets.js';
import { HAS } from '#weir/wire/packet/packet-fields.js';
import { readFlowRecords } from '#weir/wire/sflow/flow-records.js';
import { beginFlowSample, createFlowSample, type FlowSample, RECORD } from '#weir/wire/sflow/flow-sample.js';
import { ip4, u64 } from '../build.ts';
import { address, header, ip6, mac, type Octets, record, tcpFrame, words, xdrOctets, xdrText } from './build.ts';

/** Reads records; `whole` is whether all of them fit. */
function read(...records: readonly Octets[]): { sample: FlowSample; whole: boolean } {
  const bytes = Uint8Array.from(records.flat());
  const sample = createFlowSample();
  beginFlowSample(sample);
  sample.records = records.length;
  return { whole: readFlowRecords(bytes, 0, bytes.length, sample), sample };
}

/** What is kept without a column: name → hexadecimal octets. */
function extras({ extras }: FlowSample): Record<string, string> {
  return Object.fromEntries(extras.map(({ name, bytes, start, length }) => [name, hex(bytes, start, length)]));
}

const NAMES_AND_WORDS = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

describe('records of the packet', () => {
  it('the sampled header is parsed; the first one counts', () => {
    const { sample, whole } = read(header(tcpFrame()), header(tcpFrame({ dstPort: 80 }), { length: 1 }));
    expect(whole).toBe(true);
    expect(sample.frameLength).toBe(58);
    expect(sample.packet).toMatchObject({
      srcPort: 51_000,
      dstPort: 443,
      proto: 6,
      ttl: 63,
      tos: 0x28,
      ipLength: 1000,
    });
  });

  it('a header that its record cuts off is parsed as far as it goes', () => {
    const frame = tcpFrame();
    const cut = record(1, words(1, 1018, 4, frame.length), frame.slice(0, 36));
    const { sample, whole } = read(cut);
    expect(whole).toBe(false);
    expect(sample.packet).toMatchObject({ src3: 0xc6336407, dst3: 0xcb007109, proto: 6 });
    expect(sample.packet.has & HAS.tcpFlags).toBe(0);
  });

  it.each([
    ['PPP', 7, [0xff, 0x03, 0x00, 0x21]],
    ['IPv4', 11, []],
    ['MPLS', 13, [0, 16, 1, 64]],
  ])('header protocol %s', (_, protocol, before) => {
    const { sample } = read(header([...before, ...tcpFrame().slice(14)], { protocol }));
    expect(sample.packet).toMatchObject({ ipVersion: 4, srcPort: 51_000 });
  });

  it('a header of a protocol that is not read is kept as octets', () => {
    const { sample, whole } = read(header([1, 2, 3], { protocol: 3 }));
    expect(whole).toBe(true);
    expect(sample.packet.has).toBe(0);
    expect(extras(sample)).toEqual({ sampledHeader: '010203', headerProtocol: '00000003' });
  });

  it('sampled_ethernet and sampled_ipv4 add up', () => {
    const ethernet = record(2, words(1514), mac('02:00:00:00:00:01'), mac('02:00:00:00:00:02'), words(0x800));
    const ipv4 = record(3, words(1500, 6), ip4('10.0.0.1'), ip4('10.0.0.2'), words(1234, 80, 0x12, 8));
    for (const records of [
      [ethernet, ipv4],
      [ipv4, ethernet],
    ]) {
      const { sample } = read(...records);
      expect(sample.frameLength).toBe(1514);
      expect(sample.packet).toMatchObject({
        srcMacLow: 1,
        dstMacLow: 2,
        etherType: 0x800,
        src3: 0x0a000001,
        dst3: 0x0a000002,
        src2: 0xffff,
        srcPort: 1234,
        dstPort: 80,
        tcpFlags: 0x12,
        tos: 8,
        proto: 6,
        ipLength: 1500,
      });
    }
  });

  it('sampled_ipv6; ports of what has none are left out', () => {
    const udp = record(4, words(100, 17), ip6('2001:db8::1'), ip6('2001:db8::2'), words(53, 5353, 0, 0xb8));
    expect(read(udp).sample.packet).toMatchObject({ src0: 0x20010db8, src3: 1, dst3: 2, srcPort: 53, tos: 0xb8 });
    const icmp = record(4, words(100, 58), ip6('2001:db8::1'), ip6('2001:db8::2'), words(128, 0, 0, 0));
    expect(read(icmp).sample.packet.has & (HAS.ports | HAS.tcpFlags)).toBe(0);
  });

  it('an 802.11 payload is a sampled header behind its cipher suite', () => {
    const payload = record(1013, words(4, 1, 100, 0), xdrOctets(tcpFrame()));
    const { sample } = read(payload);
    expect(sample.packet.dstPort).toBe(443);
    expect(extras(sample)).toEqual({ cipherSuite: '00000004' });
  });
});

describe('records of the way', () => {
  it('extended_switch', () => {
    const { sample } = read(record(1001, words(100, 5, 200, 6)));
    expect(sample).toMatchObject({ srcVlan: 100, srcPriority: 5, dstVlan: 200, dstPriority: 6, has: RECORD.switch });
  });

  it.each([
    ['IPv4', '192.0.2.1', [0, 0, 0xffff, 0xc0000201]],
    ['IPv6', '2001:db8::7', [0x20010db8, 0, 0, 7]],
  ])('extended_router, %s', (_, nextHop, expected) => {
    const { sample } = read(record(1002, address(nextHop), words(24, 16)));
    expect([...sample.nextHop]).toEqual(expected);
    expect(sample).toMatchObject({ srcMask: 24, dstMask: 16 });
  });

  it('extended_gateway: path with a set, communities, local preference', () => {
    const path = words(2, 2, 2, 64_500, 64_501, 1, 2, 64_502, 64_503);
    const communities = words(2, (64_500 << 16) + 100, (65_535 << 16) + 666);
    const { sample } = read(
      record(1003, address('192.0.2.1'), words(64_496, 64_497, 64_498), path, communities, words(150)),
    );
    expect(sample).toMatchObject({
      srcAs: 64_497,
      srcPeerAs: 64_498,
      dstPeerAs: 64_500,
      dstAs: 64_503,
      asPath: '64500 64501 {64502 64503}',
      communities: '64500:100 65535:666',
      localPref: 150,
    });
    expect([...sample.gatewayNextHop]).toEqual([0, 0, 0xffff, 0xc0000201]);
    expect(extras(sample)).toEqual({ routerAs: '0000fbf0' });
  });

  it('extended_gateway without path: both ends here', () => {
    const { sample } = read(record(1003, words(0), words(1, 2, 3, 0, 0, 100)));
    expect(sample).toMatchObject({ asPath: '', dstAs: 0, dstPeerAs: 0, communities: '', localPref: 100 });
  });

  it('extended_mpls, and what belongs to it', () => {
    const { sample } = read(
      record(1006, address('192.0.2.1'), words(2, (16 << 12) | 0x40, (17 << 12) | 0x140), words(1, (18 << 12) | 0x140)),
      record(1008, xdrText('lsp 1'), words(7, 3)),
      record(1009, xdrText('vc'), words(8, 2)),
      record(1010, xdrText('ftn'), words(9)),
      record(1011, words(24)),
    );
    expect(sample.mplsIn).toBe('16,17');
    expect(extras(sample)).toEqual({
      mplsNextHop: 'c0000201',
      mplsOutLabelStack: '3138',
      mplsTunnelLspName: '6c73702031',
      mplsTunnelId: '00000007',
      mplsTunnelCos: '00000003',
      mplsVcInstanceName: '7663',
      mplsVllVcId: '00000008',
      mplsVcLabelCos: '00000002',
      mplsFtnDescription: '66746e',
      mplsFtnMask: '00000009',
      mplsFecPrefixLength: '00000018',
    });
  });

  it('extended_nat and extended_nat_port', () => {
    const { sample } = read(record(1007, address('192.0.2.1'), address('2001:db8::9')), record(1020, words(1025, 443)));
    expect([...sample.natSrc]).toEqual([0, 0, 0xffff, 0xc0000201]);
    expect([...sample.natDst]).toEqual([0x20010db8, 0, 0, 9]);
    expect(sample).toMatchObject({ natSrcPort: 1025, natDstPort: 443, has: RECORD.nat | RECORD.natPort });
  });

  it('extended_vlantunnel: stripped tags', () => {
    const { sample } = read(record(1012, words(2, 0x88a8_0064, 0x8100_600a)));
    expect(extras(sample)['strippedVlanTags']).toBe(Buffer.from('88a8:100,8100:10').toString('hex'));
  });

  it('tunnels: layer 2, IPv4, IPv6, decapsulation, VNI', () => {
    const { sample } = read(
      record(1021, words(1518), mac('02:00:00:00:00:01'), mac('02:00:00:00:00:02'), words(0x86dd)),
      record(1024, words(100, 17), ip4('10.0.0.1'), ip4('10.0.0.2'), words(5, 4789, 0, 3)),
      record(1025, words(100, 17), ip6('2001:db8::1'), ip6('2001:db8::2'), words(5, 4789, 0, 3)),
      record(1027, words(50)),
      record(1028, words(51)),
      record(1030, words(5010)),
    );
    expect(sample).toMatchObject({ vni: 5010, has: RECORD.vni });
    expect(extras(sample)).toMatchObject({
      tunnelEgressSrcMac: '020000000001',
      tunnelEgressEthernetType: '000086dd',
      tunnelIngressSrcAddress: '0a000001',
      tunnelIngressDstPort: '000012b5',
      tunnelIngressTos: '00000003',
      tunnelEgressDstAddress: '20010db8000000000000000000000002',
      decapsulateEgressOffset: '00000032',
      decapsulateIngressOffset: '00000033',
    });
  });
});

describe('records of who and what', () => {
  it('extended_user and extended_url', () => {
    const { sample } = read(
      record(1004, words(106), xdrText('alice'), words(106), xdrText('bob')),
      record(1005, words(2), xdrText('/index.html'), xdrText('example.org')),
    );
    expect(sample).toMatchObject({ userName: 'alice', url: '/index.html', host: 'example.org' });
    expect(extras(sample)).toEqual({ dstUser: '626f62', urlDirection: '00000002' });
  });

  it('802.11 receive and transmit', () => {
    const rx = record(
      1014,
      xdrText('lab'),
      mac('02:aa:00:00:00:01'),
      words(4, 36),
      u64(54_000_000),
      words(10, 20, 300),
    );
    const { sample } = read(rx);
    expect(sample).toMatchObject({ ssid: 'lab', bssidHigh: 0x02aa, bssidLow: 1 });
    expect(extras(sample)).toEqual({
      rxVersion: '00000004',
      rxChannel: '00000024',
      rxSpeed: '000000000337f980',
      rxRsni: '0000000a',
      rxRcpi: '00000014',
      rxPacketDuration: '0000012c',
    });
    const tx = read(
      record(1015, xdrText('lab'), mac('02:aa:00:00:00:01'), words(4, 2, 30, 40, 11), u64(6), words(100)),
    );
    expect(extras(tx.sample)).toMatchObject({
      txTransmissions: '00000002',
      txChannel: '0000000b',
      txPower: '00000064',
    });
  });

  it.each([
    ['IPv4', 2100, ip4('10.0.0.1'), ip4('10.0.0.2'), 0x0a000001, 0x0a000002],
    ['IPv6', 2101, ip6('2001:db8::1'), ip6('2001:db8::2'), 1, 2],
  ])(
    'a socket, %s: remote is the source where nothing else tells of the packet',
    (_, format, local, remote, low, other) => {
      const socket = record(format, words(6), local, remote, words(80, 40_000));
      expect(read(socket).sample.packet).toMatchObject({
        src3: other,
        dst3: low,
        srcPort: 40_000,
        dstPort: 80,
        proto: 6,
      });
      const { sample } = read(header(tcpFrame()), socket);
      expect(sample.packet.dstPort).toBe(443);
      expect(extras(sample)).toMatchObject({ socketLocalPort: '00000050', socketRemotePort: '00009c40' });
    },
  );

  it('structures that are only carried through', () => {
    const { sample, whole } = read(
      record(1036, words(42)),
      record(1039, words(1500)),
      record(1040, words(9000)),
      record(1041, xdrText('l3_drops'), xdrText('ttl')),
      record(1042, xdrText('NO_SOCKET')),
      record(2202, xdrText('shop'), xdrText('pay'), xdrText(''), xdrText('ok'), u64(1), u64(2), words(3, 0)),
      record(2209, words(...NAMES_AND_WORDS(12))),
    );
    expect(whole).toBe(true);
    expect(extras(sample)).toMatchObject({
      egressQueue: '0000002a',
      transitDelay: '000005dc',
      queueDepth: '00002328',
      hardwareTrapGroup: '6c335f64726f7073',
      linuxDropReason: '4e4f5f534f434b4554',
      application: '73686f70',
      responseOctets: '0000000000000002',
      durationMicroseconds: '00000003',
      tcpInfoMinRtt: '0000000c',
    });
  });

  it('what weir does not know is kept whole, and the records behind it are read', () => {
    const { sample, whole } = read(record((4413 << 12) | 9, [1, 2, 3, 4, 5]), record(1001, words(1, 2, 3, 4)));
    expect(whole).toBe(true);
    expect(extras(sample)).toEqual({ 'sflow:4413/9': '0102030405' });
    expect(sample.srcVlan).toBe(1);
  });
});

describe('damage', () => {
  it('a count larger than what follows invents nothing', () => {
    const huge = 0xffff_fff0;
    for (const bad of [
      record(1003, address('192.0.2.1'), words(1, 2, 3, huge, 2, 1, 5)),
      record(1003, address('192.0.2.1'), words(1, 2, 3, 1, 2, huge, 5)),
      record(1003, address('192.0.2.1'), words(1, 2, 3, 0, huge, 5)),
      record(1006, address('192.0.2.1'), words(huge, 5)),
      record(1012, words(huge, 5)),
      record(1004, words(0, huge, 5)),
      record(1002, words(9, 1, 2, 3)),
      record(1001, words(1, 2, 3)),
    ]) {
      const { sample, whole } = read(bad, record(1020, words(1, 2)));
      expect(whole).toBe(false);
      expect(sample.has & RECORD.natPort, 'the next record is read').toBe(RECORD.natPort);
    }
  });

  it('a record longer than the sample ends it', () => {
    const { sample, whole } = read(words(1001, 400, 1, 2, 3));
    expect(whole).toBe(false);
    expect(sample.has).toBe(0);
  });
});
