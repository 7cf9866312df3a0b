import { describe, expect, it } from 'vitest';
import { LINK_TYPE } from '#weir/wire/packet/link-types.js';
import { INNER, INNER_TOLD, IP6_A, IP6_B, ip4, ip6, tcp, tell, udp } from './packets.ts';

const raw = (packet: string) => tell(packet, LINK_TYPE.raw);

describe('IPv4 (RFC 791 section 3.1)', () => {
  it('is read field by field', () => {
    const packet = ip4(6, tcp(0x1234, 0xfedc, '5012', 'fffefdfc'), {
      tos: 'b8',
      id: 'abcd',
      ttl: '3f',
      fragment: '4000',
    });
    expect(raw(packet)).toEqual({
      ipVersion: 4,
      proto: 6,
      tos: 0xb8,
      ttl: 63,
      ipLength: 40,
      isFragment: 0,
      fragmentOffset: 0,
      fragmentId: 0xabcd,
      flowLabel: 0,
      ipv6ExtensionHeaders: 0,
      src: '192.0.2.1',
      dst: '198.51.100.2',
      srcPort: 0x1234,
      dstPort: 0xfedc,
      tcpSequence: 0xfffefdfc,
      tcpFlags: 0x12,
      hasInner: 0,
      next: 'payload',
      understood: 40,
    });
  });

  it('passes options over', () => {
    expect(raw(ip4(17, udp(53, 5353), { options: '9404000001010100' }))).toMatchObject({ srcPort: 53, understood: 36 });
  });

  it('reads ports in the first fragment and not in later ones', () => {
    expect(raw(ip4(17, udp(53, 5353), { fragment: '2000' }))).toMatchObject({
      isFragment: 1,
      fragmentOffset: 0,
      srcPort: 53,
    });
    const later = raw(ip4(17, udp(53, 5353), { fragment: '00b9' }));
    expect(later).toMatchObject({ isFragment: 1, fragmentOffset: 0xb9, proto: 17, next: 'payload', understood: 20 });
    expect(later).not.toHaveProperty('srcPort');
  });

  it('goes on without a length where segmentation offload has left 0', () => {
    expect(raw(ip4(6, tcp(1, 2), { length: 0 }))).toMatchObject({ ipLength: 0, srcPort: 1, tcpFlags: 0x18 });
  });

  it('reads nothing behind a header whose lengths cannot be', () => {
    expect(raw(ip4(6, tcp(1, 2), { length: 19 }))).toMatchObject({ src: '192.0.2.1', next: 'unknown' });
    expect(raw(`44${INNER.slice(2)}`)).toEqual({ hasInner: 0, next: 'unknown', understood: 0 });
  });

  it('gives of a cut packet what is there', () => {
    const bytes = ip4(6, tcp(0x1234, 0xfedc));
    const cut = (octets: number) => raw(bytes.slice(0, octets * 2));
    expect(cut(9)).toEqual({ hasInner: 0, next: 'cut', understood: 0 });
    expect(cut(19)).toMatchObject({ proto: 6, ttl: 64, ipLength: 40, next: 'cut', understood: 10 });
    expect(cut(19)).not.toHaveProperty('src');
    expect(cut(23)).toMatchObject({ src: '192.0.2.1', dst: '198.51.100.2', next: 'cut' });
    expect(cut(23)).not.toHaveProperty('srcPort');
    expect(cut(24)).toMatchObject({ srcPort: 0x1234, dstPort: 0xfedc, next: 'cut' });
    expect(cut(33)).toMatchObject({ tcpSequence: 0x01020304, next: 'cut' });
    expect(cut(33)).not.toHaveProperty('tcpFlags');
    expect(cut(34)).toMatchObject({ tcpFlags: 0x18, next: 'cut' });
    expect(cut(40)).toMatchObject({ next: 'payload', understood: 40 });
  });
});

describe('IPv6 (RFC 8200)', () => {
  it('is read field by field', () => {
    expect(raw(ip6(17, udp(1000, 2000, 'aabb'), { start: '6b8fedcb', hops: '07' }))).toEqual({
      ipVersion: 6,
      proto: 17,
      tos: 0xb8,
      ttl: 7,
      ipLength: 50,
      isFragment: 0,
      fragmentOffset: 0,
      flowLabel: 0xfedcb,
      ipv6ExtensionHeaders: 0,
      src: IP6_A,
      dst: IP6_B,
      srcPort: 1000,
      dstPort: 2000,
      hasInner: 0,
      next: 'payload',
      understood: 48,
    });
  });

  // Bits of IE 64 (IANA): DST 0, HOP 1, UNK 3, FRA0 4, RH 5, FRA1 6, MOB 12, ESP 13, AH 14, PAY 15, counted from the highest of 32.
  it('goes through extension headers and notes them as IE 64 does', () => {
    const headers =
      '2b00000000000000 3c00000000000000 3300000000000000 2c04000000000001000000020000000300000000aabbccdd';
    const fragment = '0600000111223344';
    const told = raw(ip6(0, `${headers}${fragment}${tcp(5, 6)}`));
    expect(told).toMatchObject({
      proto: 6,
      srcPort: 5,
      dstPort: 6,
      isFragment: 1,
      fragmentOffset: 0,
      fragmentId: 0x11223344,
    });
    const seen = ['HOP', 'RH', 'DST', 'AH', 'FRA0'];
    const bits: Record<string, number> = { DST: 0, HOP: 1, FRA0: 4, RH: 5, AH: 14 };
    expect(told['ipv6ExtensionHeaders']).toBe(seen.reduce((sum, name) => sum + 2 ** (31 - (bits[name] ?? 0)), 0));
  });

  it('reads no ports in later fragments (FRA1), and knows an atomic one', () => {
    const later = raw(ip6(44, `1100 0b51 00000007 ${udp(53, 99)}`));
    expect(later).toMatchObject({ proto: 17, isFragment: 1, fragmentOffset: 0x16a, fragmentId: 7, next: 'payload' });
    expect(later).toMatchObject({ ipv6ExtensionHeaders: 2 ** (31 - 6) });
    expect(later).not.toHaveProperty('srcPort');
    expect(raw(ip6(44, `1100 0000 00000007 ${udp(53, 99)}`))).toMatchObject({ isFragment: 0, srcPort: 53 });
  });

  it.each([
    ['ESP', 50, `deadbeef00000001${'00'.repeat(16)}`, 2 ** 18, 'encrypted'],
    ['payload compression', 108, '0600000102030405', 2 ** 16 + 2 ** 28, 'unknown'],
    ['mobility', 135, '3b00050000000000', 2 ** 19, 'payload'],
    ['no next header', 59, '', 0, 'payload'],
    ['a protocol that is not read', 89, '0201002c', 2 ** 28, 'unknown'],
  ])('ends at %s', (_, protocol, payload, bits, next) => {
    expect(raw(ip6(protocol, payload))).toMatchObject({ proto: protocol, ipv6ExtensionHeaders: bits, next });
  });

  it('bounds the row of extension headers', () => {
    const told = raw(ip6(60, '3c00000000000000'.repeat(40)));
    expect(told).toMatchObject({ proto: 60, understood: 40 + 16 * 8, next: 'unknown' });
  });

  it('gives of a cut packet what is there', () => {
    const bytes = ip6(0, `0600000000000000${tcp(5, 6)}`);
    const cut = (octets: number) => raw(bytes.slice(0, octets * 2));
    expect(cut(7)).toEqual({ hasInner: 0, next: 'cut', understood: 0 });
    expect(cut(39)).toMatchObject({ ipVersion: 6, ttl: 64, next: 'cut' });
    expect(cut(39)).not.toHaveProperty('src');
    expect(cut(47)).toMatchObject({ src: IP6_A, proto: 0, next: 'cut', understood: 40 });
    expect(cut(52)).toMatchObject({ proto: 6, srcPort: 5, next: 'cut' });
  });
});

describe('transport', () => {
  it('reads twelve control bits of TCP (RFC 9293, RFC 9565) and passes options over', () => {
    expect(raw(ip4(6, `${tcp(1, 2, '6fff')}01010101`))).toMatchObject({ tcpFlags: 0xfff, understood: 44 });
  });

  it.each([
    ['DCCP (RFC 4340)', 33],
    ['SCTP (RFC 9260)', 132],
    ['UDP-Lite (RFC 3828)', 136],
  ])('reads the ports of %s', (_, protocol) => {
    expect(raw(ip4(protocol, '0050 c000 0000 0000 00000000'))).toMatchObject({
      proto: protocol,
      srcPort: 80,
      dstPort: 0xc000,
    });
  });

  it.each([
    ['ICMP (RFC 792)', ip4(1, '0301 0000 00000000'), 3, 1],
    ['ICMPv6 (RFC 4443)', ip6(58, '8700 0000 00000000'), 135, 0],
  ])('reads type and code of %s', (_, packet, icmpType, icmpCode) => {
    expect(raw(packet)).toMatchObject({ icmpType, icmpCode, next: 'payload' });
  });

  it('does not take the packet that an ICMP error quotes for an inner one', () => {
    expect(raw(ip4(1, `0301 0000 00000000 ${INNER}`))).toMatchObject({ src: '192.0.2.1', hasInner: 0 });
  });

  it('reads the type of IGMP (RFC 3376)', () => {
    expect(raw(ip4(2, '1600 0000 e0000001'))).toMatchObject({ igmpType: 0x16 });
  });

  it('reads what the authentication header protects (RFC 4302); the protocol stays 51 in IPv4', () => {
    const header = '0604 0000 00000100 00000001 0102030405060708090a0b0c';
    expect(raw(ip4(51, header + tcp(7, 8)))).toMatchObject({ proto: 51, srcPort: 7, dstPort: 8 });
    // Tunnel mode: protocol 4.
    expect(raw(ip4(51, `04${header.slice(2)}${INNER}`))).toMatchObject({
      proto: 51,
      tunnel: 'ipv4',
      inner: INNER_TOLD,
    });
  });

  it('notes the SPI of ESP (RFC 4303)', () => {
    const told = raw(ip4(50, `deadbeef 00000001 ${'00'.repeat(32)}`));
    expect(told).toMatchObject({ proto: 50, tunnel: 'esp', tunnelId: 0xdeadbeef, next: 'encrypted', understood: 28 });
  });
});
