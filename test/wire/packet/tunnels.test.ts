import { describe, expect, it } from 'vitest';
import { LINK_TYPE } from '#weir/wire/packet/link-types.js';
import {
  ethernet,
  INNER,
  INNER_TOLD,
  IP6_A,
  IP6_B,
  ip4,
  ip6,
  label,
  MAC_A,
  MAC_B,
  MAC_C,
  MAC_D,
  OUTER_TOLD,
  tcp,
  tell,
  udp,
} from './packets.ts';

const raw = (packet: string) => tell(packet, LINK_TYPE.raw);
const FRAME = ethernet('0800', INNER, MAC_D, MAC_C);
const INNER_FRAME = { ...INNER_TOLD, srcMac: MAC_C, dstMac: MAC_D };
const INNER_6 = { ipVersion: 6, src: IP6_A, dst: IP6_B, srcPort: 1, dstPort: 2 };

describe('IP in IP', () => {
  const IPV6 = ip6(6, tcp(1, 2));

  it.each([
    ['IPv4 in IPv4 (RFC 2003)', ip4(4, INNER), 'ipv4', INNER_TOLD],
    ['6in4 (RFC 4213)', ip4(41, IPV6), 'ipv6', INNER_6],
    ['IPv4 in IPv6 (RFC 2473)', ip6(4, INNER), 'ipv4', INNER_TOLD],
    [
      'IPv6 in IPv6 behind a segment routing header (RFC 8754)',
      ip6(43, `2902040000000000${IP6_B}${IPV6}`),
      'ipv6',
      INNER_6,
    ],
  ])('%s', (_, packet, tunnel, inner) => {
    expect(raw(packet)).toMatchObject({ tunnel, hasInner: 1, inner });
  });

  it('keeps the first and the innermost of many, with nothing of those between', () => {
    const middle = ip4(17, udp(5, 4789, `0800000000000100${FRAME}`), { from: '0a0a0a0a', to: '0b0b0b0b' });
    const told = raw(ip4(4, middle));
    expect(told).toMatchObject({ ...OUTER_TOLD, proto: 4, tunnel: 'ipv4', inner: INNER_TOLD });
    expect(told).not.toHaveProperty('srcPort');
    // The middle packet has ports, its payload none: nothing of the middle stays.
    const portless = raw(ip4(4, ip4(4, ip4(89, '02'), { from: '0a0a0a0a' })));
    expect(portless.inner).toMatchObject({ src: '192.0.2.1', proto: 89 });
    const replaced = raw(ip4(4, ip4(17, udp(9, 4789, `0800000000000100${ethernet('0800', ip4(89, '02'))}`))));
    expect(replaced.inner).toMatchObject({ proto: 89 });
    expect(replaced.inner).not.toHaveProperty('srcPort');
  });

  it('ends in a bounded number of headers', () => {
    let packet = INNER;
    for (let i = 0; i < 100; i++) packet = ip4(4, packet);
    expect(tell(packet, LINK_TYPE.ipv4)).toMatchObject({ hasInner: 1, understood: 40 * 20 });
  });
});

describe('GRE', () => {
  it.each([
    ['plain (RFC 2784)', '0000 0800', undefined],
    ['with a checksum', '8000 0800 12340000', undefined],
    ['with a key (RFC 2890)', '2000 0800 0000002a', 42],
    ['with a sequence number', '1000 0800 00000001', undefined],
    ['with all three', 'b000 0800 12340000 0000002a 00000001', 42],
    ['of PPTP, with PPP (RFC 2637)', '3081 880b 002c 0007 00000001 00000002 0021', 7],
    ['with MPLS (RFC 4023)', `0000 8847 ${label(9, true)}`, undefined],
    ['with Cisco metadata', '0000 8909 0800 01 01 0001 0020', undefined],
  ])('%s', (_, header, tunnelId) => {
    const told = raw(ip4(47, header + INNER));
    expect(told).toMatchObject({ ...OUTER_TOLD, proto: 47, tunnel: 'gre', hasInner: 1, inner: INNER_TOLD });
    expect(told['tunnelId']).toBe(tunnelId);
  });

  it('reads Ethernet, and NVGRE by its key (RFC 7637)', () => {
    expect(raw(ip4(47, `0000 6558 ${FRAME}`))).toMatchObject({ tunnel: 'gre', inner: INNER_FRAME });
    const told = raw(ip4(47, `2000 6558 12345607 ${FRAME}`));
    expect(told).toMatchObject({ tunnel: 'nvgre', tunnelId: 0x123456, segment: [2, 0x123456], inner: INNER_FRAME });
  });

  it('reads 802.11 of Aruba access points', () => {
    const frame = `0802 0000 ${MAC_D} 020000000009 ${MAC_C} 0000 aaaa03 000000 0800 ${INNER}`;
    expect(raw(ip4(47, `0000 8240 ${frame}`))).toMatchObject({ tunnel: 'gre', inner: INNER_FRAME });
  });

  it('reads nothing behind a bare acknowledgement of PPTP, a routing field or another version', () => {
    expect(raw(ip4(47, '2081 880b 0000 0007 00000002'))).toMatchObject({ tunnel: 'gre', tunnelId: 7, next: 'payload' });
    expect(raw(ip4(47, `4000 0800 ${INNER}`))).toMatchObject({ tunnel: 'gre', next: 'unknown', hasInner: 0 });
    expect(raw(ip4(47, `0003 0800 ${INNER}`))).toMatchObject({ tunnel: 'gre', next: 'unknown', hasInner: 0 });
  });

  it.each([
    ['I', `0000 88be ${FRAME}`, undefined],
    ['II', `1000 88be 00000001 1064 1234 00000005 ${FRAME}`, 0x234],
    ['III', `1000 22eb 00000001 2064 0234 00000000 0000 0000 ${FRAME}`, 0x234],
    ['III with a platform header', `1000 22eb 00000001 2064 0234 00000000 0000 0001 0102030405060708 ${FRAME}`, 0x234],
  ])('reads ERSPAN type %s (draft-foschiano-erspan-03)', (_, payload, tunnelId) => {
    const told = raw(ip4(47, payload));
    expect(told).toMatchObject({ tunnel: 'erspan', inner: INNER_FRAME });
    expect(told['tunnelId']).toBe(tunnelId);
  });

  it('reads ERSPAN III with IP in it', () => {
    expect(raw(ip4(47, `1000 22eb 00000001 2064 0234 00000000 0000 0800 ${INNER}`))).toMatchObject({
      inner: INNER_TOLD,
    });
  });
});

describe('tunnels in UDP', () => {
  const carried = (port: number, payload: string, from = 50_000) => raw(ip4(17, udp(from, port, payload)));

  it.each([4789, 8472])('VXLAN on port %d (RFC 7348)', (port) => {
    expect(carried(port, `0800000012345600${FRAME}`)).toMatchObject({
      ...OUTER_TOLD,
      srcPort: 50_000,
      dstPort: port,
      tunnel: 'vxlan',
      tunnelId: 0x123456,
      segment: [1, 0x123456],
      hasInner: 1,
      inner: INNER_FRAME,
    });
  });

  it('is no VXLAN by the source port, or without its flag', () => {
    expect(carried(53, `0800000012345600${FRAME}`, 4789)).toMatchObject({ hasInner: 0, next: 'payload' });
    expect(carried(4789, `0000000012345600${FRAME}`)).toMatchObject({ hasInner: 0, next: 'payload' });
  });

  it('tells a frame without IP by its addresses', () => {
    const told = carried(4789, `0800000012345600${ethernet('0806', '0001', MAC_D, MAC_C)}`);
    expect(told).toMatchObject({
      hasInner: 0,
      tunnel: 'vxlan',
      inner: { srcMac: MAC_C, dstMac: MAC_D, etherType: '0806' },
    });
  });

  it.each([
    ['IPv4', `0c0000010000ff00${INNER}`],
    ['Ethernet', `0c0000030000ff00${FRAME}`],
    ['NSH (RFC 8300)', `0c0000040000ff00 0002 02 01 000021ff ${INNER}`],
    ['MPLS', `0c0000050000ff00${label(3, true)}${INNER}`],
    ['no protocol, so Ethernet', `080000000000ff00${FRAME}`],
  ])('VXLAN-GPE with %s', (_, payload) => {
    expect(carried(4790, payload)).toMatchObject({ tunnel: 'vxlan', tunnelId: 255, inner: INNER_TOLD });
  });

  it.each([
    ['Ethernet', `0000655800123400${FRAME}`],
    ['IPv4', `0000080000123400${INNER}`],
    ['options', `02406558001234000102800100000000${FRAME}`],
  ])('Geneve with %s (RFC 8926)', (_, payload) => {
    expect(carried(6081, payload)).toMatchObject({
      tunnel: 'geneve',
      tunnelId: 0x1234,
      segment: [0, 0x1234],
      inner: INNER_TOLD,
    });
  });

  it.each([
    ['plain', `30ff0028deadbeef${INNER}`],
    ['with a sequence number', `32ff002cdeadbeef00010000${INNER}`],
    ['with extension headers', `34ff0034deadbeef00000085 01100040 01100000${INNER}`],
  ])('GTP-U %s (3GPP TS 29.281)', (_, payload) => {
    expect(carried(2152, payload.replaceAll('01100040', '01100085'))).toMatchObject({
      tunnel: 'gtpU',
      tunnelId: 0xdeadbeef,
      inner: INNER_TOLD,
    });
  });

  it('is no user data: an echo request, version 2', () => {
    expect(carried(2152, '3201000400000000 00010000')).toMatchObject({ hasInner: 0, next: 'payload' });
    expect(carried(2152, `50ff0028deadbeef${INNER}`)).toMatchObject({ hasInner: 0, next: 'payload' });
  });

  const TEREDO = ip6(6, tcp(1, 2));
  it.each([
    ['plain', TEREDO, 3544, 50_000],
    ['from the server', TEREDO, 50_000, 3544],
    ['with an origin indication', `0000 6fc9 3f00fffe ${TEREDO}`, 50_000, 3544],
    ['with an authentication header', `0001 02 04 aabb 01020304 0102030405060708 00 ${TEREDO}`, 3544, 50_000],
    ['with both', `0001 00 00 0102030405060708 00 0000 6fc9 3f00fffe ${TEREDO}`, 3544, 50_000],
  ])('Teredo %s (RFC 4380)', (_, payload, to, from) => {
    expect(carried(to, payload, from)).toMatchObject({ tunnel: 'teredo', inner: INNER_6 });
  });

  it('Teredo between clients and relays, on any port, by its address', () => {
    const fromClient = ip6(6, tcp(1, 2), { from: '200100004136e37880005ed1b9c82815' });
    expect(carried(40_000, fromClient)).toMatchObject({ tunnel: 'teredo', inner: { srcPort: 1, dstPort: 2 } });
    expect(carried(40_000, TEREDO)).toMatchObject({ hasInner: 0, next: 'payload' });
    expect(carried(40_000, `${fromClient}00`)).toMatchObject({ hasInner: 0, next: 'payload' });
  });

  it.each([
    ['plain', `0002 0011 0022 ff03 0021 ${INNER}`],
    ['with length', `4002 0034 0011 0022 ff03 0021 ${INNER}`],
    ['with everything', `4a02 003c 0011 0022 0001 0000 0002 aabb ff03 0021 ${INNER}`],
  ])('L2TP version 2 %s (RFC 2661)', (_, payload) => {
    expect(carried(1701, payload)).toMatchObject({ tunnel: 'l2tp', tunnelId: 0x110022, inner: INNER_TOLD });
  });

  it('reads nothing behind the control messages of L2TP', () => {
    expect(carried(1701, 'c802 000c 0001 0000 0000 0000')).toMatchObject({
      tunnel: 'l2tp',
      hasInner: 0,
      next: 'payload',
    });
    expect(carried(1701, 'c803 000c 00000000 0000 0000')).toMatchObject({ hasInner: 0, next: 'payload' });
  });

  it.each([
    ['without a cookie', ''],
    ['with a cookie of 32 bits', '5a5a5a5a'],
    ['with a cookie of 64 bits', '5a5a5a5a5a5a5a5a'],
    ['with a cookie and a sublayer', '5a5a5a5a5a5a5a5a40000001'],
  ])('L2TP version 3 in UDP and in IP %s (RFC 3931)', (_, hidden) => {
    expect(carried(1701, `0003 0000 0000002a ${hidden}${FRAME}`)).toMatchObject({
      tunnel: 'l2tp',
      tunnelId: 42,
      inner: INNER_FRAME,
    });
    expect(raw(ip4(115, `0000002a ${hidden}${FRAME}`))).toMatchObject({
      tunnel: 'l2tp',
      tunnelId: 42,
      inner: INNER_FRAME,
    });
    expect(raw(ip4(115, `0000002a ${hidden}ff030021${INNER}`))).toMatchObject({ tunnelId: 42, inner: INNER_TOLD });
  });

  it('GRE in UDP (RFC 8086) and MPLS in UDP (RFC 7510)', () => {
    expect(carried(4754, `0000 0800 ${INNER}`)).toMatchObject({ tunnel: 'gre', inner: INNER_TOLD });
    expect(carried(6635, label(77, true) + INNER)).toMatchObject({ tunnel: 'mpls', labels: [77], inner: INNER_TOLD });
  });

  it('AYIYA', () => {
    const header = `4252 11 29 00000000 ${'00'.repeat(16)} ${'11'.repeat(20)}`;
    expect(carried(5072, header + ip6(6, tcp(1, 2)))).toMatchObject({ tunnel: 'ayiya', inner: INNER_6 });
  });

  it.each([
    ['802.11', `00 104320 00000000 0801 0000 020000000009 ${MAC_C} ${MAC_D} 0000 aaaa03 000000 0800 ${INNER}`],
    [
      '802.11 from Cisco',
      `00 104320 00000000 0108 0000 020000000009 ${MAC_C} ${MAC_D} 0000 aaaa03 000000 0800 ${INNER}`,
    ],
    [
      'more headers',
      `00 204320 00000000 0104ed4d00000000 0801 0000 020000000009 ${MAC_C} ${MAC_D} 0000 aaaa03 000000 0800 ${INNER}`,
    ],
    ['Ethernet', `00 104200 00000000 ${FRAME}`],
  ])('CAPWAP with %s (RFC 5415)', (_, payload) => {
    expect(carried(5247, payload)).toMatchObject({ tunnel: 'capwap', inner: INNER_FRAME });
    expect(carried(50_000, payload, 5247)).toMatchObject({ tunnel: 'capwap', inner: INNER_FRAME });
  });

  it('reads nothing of CAPWAP that is encrypted, a later fragment or a keep-alive', () => {
    expect(carried(5247, `01000000 ${FRAME}`)).toMatchObject({ hasInner: 0, next: 'encrypted' });
    expect(carried(5247, `00 104200 00010008 ${FRAME}`)).toMatchObject({
      hasInner: 0,
      tunnel: 'capwap',
      next: 'payload',
    });
    expect(carried(5247, `00 104208 00000000 ${FRAME}`)).toMatchObject({ hasInner: 0, next: 'payload' });
  });

  it('is not looked for in later fragments', () => {
    expect(raw(ip4(17, udp(1, 4789, `0800000012345600${FRAME}`), { fragment: '0001' }))).toMatchObject({ hasInner: 0 });
  });
});

describe('Ethernet and MPLS in IP', () => {
  it('keeps the addresses of both Ethernet headers', () => {
    const told = tell(
      ethernet('8100', `0001 0800 ${ip4(97, `3000${ethernet('8100', `0002 0800 ${INNER}`, MAC_D, MAC_C)}`)}`),
    );
    expect(told).toMatchObject({
      srcMac: MAC_A,
      dstMac: MAC_B,
      vlan: 1,
      inner: { srcMac: MAC_C, dstMac: MAC_D, vlan: 2 },
    });
  });

  it('EtherIP (RFC 3378), protocol 143 (RFC 8986), MPLS in IP (RFC 4023)', () => {
    expect(raw(ip4(97, `3000${FRAME}`))).toMatchObject({ tunnel: 'ethernet', inner: INNER_TOLD });
    const told = raw(ip6(143, FRAME));
    expect(told).toMatchObject({ tunnel: 'ethernet', inner: INNER_TOLD });
    expect(raw(ip4(137, label(5, true) + INNER))).toMatchObject({ tunnel: 'mpls', labels: [5], inner: INNER_TOLD });
  });
});
