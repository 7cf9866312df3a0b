import { describe, expect, it } from 'vitest';
import { LINK_TYPE } from '#weir/wire/packet/link-types.js';
import { ethernet, INNER, INNER_TOLD, ip6, label, MAC_A, MAC_B, MAC_C, MAC_D, tcp, tell } from './packets.ts';

const IPV6 = ip6(6, tcp(1, 2));
const MACS = { srcMac: MAC_A, dstMac: MAC_B };

describe('Ethernet (IEEE 802.3)', () => {
  it('tells addresses and type, and goes on with IPv4 and IPv6', () => {
    expect(tell(ethernet('0800', INNER))).toMatchObject({ ...MACS, etherType: '0800', ...INNER_TOLD, hasInner: 0 });
    expect(tell(ethernet('86dd', IPV6))).toMatchObject({ etherType: '86dd', ipVersion: 6, srcPort: 1, dstPort: 2 });
  });

  it('tells the type of what it does not read', () => {
    expect(tell(ethernet('0806', '0001'))).toEqual({
      ...MACS,
      etherType: '0806',
      hasInner: 0,
      next: 'unknown',
      understood: 14,
    });
  });

  it('does not take the padding of a short frame for a header', () => {
    const padded = ethernet('0800', `${INNER.slice(0, 4)}0014${INNER.slice(8, 40)}${'ff'.repeat(26)}`);
    const told = tell(padded);
    expect(told).toMatchObject({ src: '10.0.0.1', next: 'cut', understood: 34 });
    expect(told).not.toHaveProperty('srcPort');
  });

  it.each(['8100', '88a8', '9100', '9200'])('reads a VLAN tag of type %s (802.1Q figure 9-1)', (type) => {
    expect(tell(ethernet(type, `e7d0 0800 ${INNER}`))).toMatchObject({ vlan: 2000, etherType: '0800', ...INNER_TOLD });
  });

  it('reads QinQ: the outer tag is the VLAN, the second the customer’s, a third is passed over', () => {
    const told = tell(ethernet('88a8', `0064 8100 00c8 0800 ${INNER}`));
    expect(told).toMatchObject({ vlan: 100, customerVlan: 200, ...INNER_TOLD });
    expect(tell(ethernet('9100', `0064 9100 00c8 8100 012c 0800 ${INNER}`))).toMatchObject({
      vlan: 100,
      customerVlan: 200,
      etherType: '0800',
      ...INNER_TOLD,
    });
  });

  it('stops after eight tags', () => {
    const told = tell(ethernet('8100', `${'00018100'.repeat(9)}0001 0800 ${INNER}`));
    expect(told).toMatchObject({ next: 'unknown', vlan: 1 });
    expect(told).not.toHaveProperty('src');
  });

  it('reads 802.1ah: service instance, and the customer’s frame as the inner one (IEEE 802.1Q figure 9-3)', () => {
    const customer = ethernet('8100', `0007 0800 ${INNER}`, MAC_D, MAC_C);
    expect(tell(ethernet('88a8', `0064 88e7 00123456 ${customer}`))).toMatchObject({
      ...MACS,
      vlan: 100,
      etherType: '88e7',
      serviceInstance: 0x123456,
      ...INNER_TOLD,
      hasInner: 0,
      inner: { srcMac: MAC_C, dstMac: MAC_D, vlan: 7, etherType: '0800' },
    });
  });

  it('reads SNAP (RFC 1042) and IP in LLC, and ends where the length says', () => {
    const snap = `aaaa03 000000 0800 ${INNER}`;
    expect(tell(ethernet('0030', snap))).toMatchObject({ ...MACS, etherType: '0800', ...INNER_TOLD });
    const plain = tell(ethernet('002b', `060603${INNER}`));
    expect(plain).toMatchObject(INNER_TOLD);
    expect(plain).not.toHaveProperty('etherType');
    // 8 octets of SNAP and 22 of IP: the ports lie behind the frame's end.
    expect(tell(ethernet('001e', snap))).not.toHaveProperty('srcPort');
    expect(tell(ethernet('0003', '424203'))).toMatchObject({ next: 'unknown', understood: 17 });
  });

  it.each([
    ['VN-Tag', '8926', '00000001 8100 0005 0800', { vlan: 5 }],
    ['Cisco metadata', '8909', '01 01 0001 0020 0800', {}],
    ['MACsec without encryption (802.1AE section 9)', '88e5', '00 00 00000001 0800', {}],
    ['MACsec with a channel identifier', '88e5', '20 00 00000001 0102030405060708 0800', {}],
    ['NSH (RFC 8300)', '894f', '0002 02 01 000021ff', { tunnel: 'networkService', tunnelId: 0x21 }],
  ])('reads %s', (_, type, tag, more) => {
    expect(tell(ethernet(type, `${tag}${INNER}`))).toMatchObject({ ...INNER_TOLD, ...more });
  });

  it('reads FabricPath: the frame within is the inner one', () => {
    expect(tell(ethernet('8903', `0040${ethernet('0800', INNER, MAC_D, MAC_C)}`))).toMatchObject({
      ...MACS,
      ...INNER_TOLD,
      inner: { srcMac: MAC_C, dstMac: MAC_D },
    });
  });

  it('stops at encrypted MACsec', () => {
    expect(tell(ethernet('88e5', `0c 00 00000001 ${INNER}`))).toMatchObject({ next: 'encrypted' });
  });
});

describe('MPLS (RFC 3032)', () => {
  it('tells the labels, top first, and reads IP by its first four bits', () => {
    const stack = label(16, false) + label(1048575, false) + label(3, true);
    expect(tell(ethernet('8847', stack + INNER))).toMatchObject({
      labels: [16, 1048575, 3],
      etherType: '8847',
      ...INNER_TOLD,
    });
    expect(tell(ethernet('8848', stack + IPV6))).toMatchObject({ labels: [16, 1048575, 3], ipVersion: 6 });
  });

  it('keeps ten labels and goes through more', () => {
    const labels = Array.from({ length: 14 }, (_, i) => 100 + i);
    const stack = labels.map((value, i) => label(value, i === 13)).join('');
    expect(tell(ethernet('8847', stack + INNER))).toMatchObject({ labels: labels.slice(0, 10), ...INNER_TOLD });
  });

  it.each([
    ['with a control word (RFC 4385)', '00000001', MAC_D],
    ['without, the destination beginning with 0', '', '001122334455'],
    ['without, the destination beginning with 4', '', '40a6e8000001'],
    ['without, the destination beginning with a', '', 'a0a6e8000001'],
  ])('recognises Ethernet %s', (_, controlWord, to) => {
    const frame = ethernet('8847', `${label(17, true)}${controlWord}${ethernet('0800', INNER, to, MAC_C)}`);
    expect(tell(frame)).toMatchObject({ ...MACS, ...INNER_TOLD, hasInner: 0, inner: { srcMac: MAC_C, dstMac: to } });
  });

  it('reads nothing from an associated channel (RFC 5586) and from what looks like nothing', () => {
    expect(tell(ethernet('8847', `${label(17, true)}10000007${'00'.repeat(20)}`))).toMatchObject({
      next: 'unknown',
      labels: [17],
    });
    expect(tell(ethernet('8847', `${label(17, true)}00000000${'00'.repeat(30)}`))).toMatchObject({ next: 'unknown' });
  });

  it('is a link type of its own', () => {
    expect(tell(label(18, true) + INNER, LINK_TYPE.mpls)).toMatchObject({ labels: [18], ...INNER_TOLD });
  });
});

describe('PPP and serial lines', () => {
  it.each([
    ['PPP (RFC 1662)', LINK_TYPE.ppp, `ff03 0021 ${INNER}`],
    ['PPP with compressed address and control', LINK_TYPE.ppp, `0021 ${INNER}`],
    ['PPP with a compressed protocol', LINK_TYPE.ppp, `21 ${INNER}`],
    ['PPP in HDLC framing', LINK_TYPE.pppHdlc, `ff03 0021 ${INNER}`],
    ['PPP with MPLS (RFC 3032 section 4.3)', LINK_TYPE.ppp, `ff03 0281 ${label(5, true)}${INNER}`],
    ['Cisco HDLC where PPP is announced', LINK_TYPE.pppHdlc, `0f00 0800 ${INNER}`],
    ['Cisco HDLC', LINK_TYPE.ciscoHdlc, `8f00 0800 ${INNER}`],
    ['a PPPoE session (RFC 2516)', LINK_TYPE.pppEther, `1100 0042 002a 0021 ${INNER}`],
    ['frame relay (RFC 2427)', LINK_TYPE.frameRelay, `1841 03 cc ${INNER}`],
    ['frame relay with padding and SNAP', LINK_TYPE.frameRelay, `1841 03 00 80 000000 0800 ${INNER}`],
    ['frame relay in Cisco’s encapsulation', LINK_TYPE.frameRelay, `1841 0800 ${INNER}`],
  ])('reads %s', (_, linkType, packet) => {
    expect(tell(packet, linkType)).toMatchObject(INNER_TOLD);
  });

  it('reads IPv6 in PPP', () => {
    expect(tell(`ff03 0057 ${IPV6}`, LINK_TYPE.ppp)).toMatchObject({ ipVersion: 6, srcPort: 1 });
    expect(tell(`1841 03 8e ${IPV6}`, LINK_TYPE.frameRelay)).toMatchObject({ ipVersion: 6, srcPort: 1 });
  });

  it('reads a PPPoE session in Ethernet and ends where its length says', () => {
    expect(tell(ethernet('8864', `1100 0042 002a 0021 ${INNER}`))).toMatchObject({ etherType: '8864', ...INNER_TOLD });
    expect(tell(ethernet('8864', `1100 0042 0018 0021 ${INNER}`))).not.toHaveProperty('srcPort');
  });

  it('reads nothing behind PPPoE discovery, LCP and SLARP', () => {
    expect(tell(ethernet('8863', '1109 0000 0004 01010000'))).toMatchObject({
      etherType: '8863',
      next: 'unknown',
      understood: 20,
    });
    expect(tell('ff03 c021 01010004', LINK_TYPE.ppp)).toMatchObject({ next: 'unknown', understood: 4 });
    expect(tell('8f00 8035 00000002', LINK_TYPE.ciscoHdlc)).toMatchObject({ etherType: '8035', next: 'unknown' });
  });
});

describe('headers of the capturing system (tcpdump.org/linktypes.html)', () => {
  it('reads Linux cooked captures, versions 1 and 2', () => {
    const first = `0000 0001 0006 ${MAC_A}0000 0800 ${INNER}`;
    expect(tell(first, LINK_TYPE.linuxCooked)).toMatchObject({ srcMac: MAC_A, etherType: '0800', ...INNER_TOLD });
    const second = `0800 0000 00000002 0001 00 06 ${MAC_A}0000 ${INNER}`;
    expect(tell(second, LINK_TYPE.linuxCooked2)).toMatchObject({ srcMac: MAC_A, etherType: '0800', ...INNER_TOLD });
    expect(tell(second, LINK_TYPE.linuxCooked2)).not.toHaveProperty('dstMac');
  });

  it('reads VLAN tags and LLC behind them', () => {
    expect(tell(`0000 0001 0006 ${MAC_A}0000 8100 0005 0800 ${INNER}`, LINK_TYPE.linuxCooked)).toMatchObject({
      vlan: 5,
      ...INNER_TOLD,
    });
    expect(tell(`8100 0000 00000002 0001 00 06 ${MAC_A}0000 0005 0800 ${INNER}`, LINK_TYPE.linuxCooked2)).toMatchObject(
      {
        vlan: 5,
        ...INNER_TOLD,
      },
    );
    expect(tell(`0000 0001 0006 ${MAC_A}0000 0004 060603 ${INNER}`, LINK_TYPE.linuxCooked)).toMatchObject(INNER_TOLD);
  });

  it('takes no address of another length for a MAC address', () => {
    expect(tell(`0000 0304 0000 ${MAC_A}0000 0800 ${INNER}`, LINK_TYPE.linuxCooked)).not.toHaveProperty('srcMac');
  });

  it.each([LINK_TYPE.raw, LINK_TYPE.rawBsd, LINK_TYPE.rawOpenBsd, LINK_TYPE.ipv4])(
    'reads raw IPv4, link type %d',
    (linkType) => {
      expect(tell(INNER, linkType)).toMatchObject(INNER_TOLD);
    },
  );

  it.each([LINK_TYPE.raw, LINK_TYPE.rawBsd, LINK_TYPE.rawOpenBsd, LINK_TYPE.ipv6])(
    'reads raw IPv6, link type %d',
    (linkType) => {
      expect(tell(IPV6, linkType)).toMatchObject({ ipVersion: 6, srcPort: 1, dstPort: 2 });
    },
  );

  it.each(['02000000', '00000002'])('reads null and loop with family %s', (family) => {
    expect(tell(family + INNER, LINK_TYPE.null)).toMatchObject(INNER_TOLD);
    expect(tell(family + INNER, LINK_TYPE.loop)).toMatchObject(INNER_TOLD);
  });

  it.each(['0000001e', '1c000000', '18000000', '0a000000'])('reads IPv6 by family %s', (family) => {
    expect(tell(family + IPV6, LINK_TYPE.null)).toMatchObject({ ipVersion: 6, srcPort: 1 });
  });

  it('reads NFLOG, TLVs in either order, the payload after others', () => {
    const prefix = 'abcd00';
    expect(tell(`02 00 0001 0700 0a00 ${prefix}00 2c00 0900 ${INNER}`, LINK_TYPE.nflog)).toMatchObject(INNER_TOLD);
    expect(tell(`02 00 0001 0007 000a ${prefix}00 002c 0009 ${INNER}`, LINK_TYPE.nflog)).toMatchObject(INNER_TOLD);
    expect(tell('02 00 0001 0000 0000', LINK_TYPE.nflog)).toMatchObject({ next: 'unknown' });
    expect(tell('02 00 0001 ff00 0100', LINK_TYPE.nflog)).toMatchObject({ next: 'cut', understood: 8 });
  });

  it('gives nothing for a link type it does not know', () => {
    expect(tell(INNER, 4711)).toEqual({ hasInner: 0, next: 'unknown', understood: 0 });
  });
});

describe('802.11 (IEEE 802.11-2016 section 9.2)', () => {
  const body = `aaaa03 000000 0800 ${INNER}`;
  const frame = (control: string, more = ''): string =>
    `${control} 0000 ${MAC_A} ${MAC_B} ${MAC_C} 0000 ${more} ${body}`;

  it.each([
    ['in its own cell', '0800', '', MAC_B, MAC_A],
    ['to the access point', '0801', '', MAC_B, MAC_C],
    ['from the access point', '0802', '', MAC_C, MAC_A],
    ['between access points', '0803', MAC_D, MAC_D, MAC_C],
    ['with QoS', '8801', '0000', MAC_B, MAC_C],
    ['with QoS and HT control', '8881', '0000 00000000', MAC_B, MAC_C],
  ])('reads a data frame %s', (_, control, more, srcMac, dstMac) => {
    expect(tell(frame(control, more), LINK_TYPE.ieee80211)).toMatchObject({
      srcMac,
      dstMac,
      etherType: '0800',
      ...INNER_TOLD,
    });
  });

  it('reads the first frame of an aggregate with its own addresses', () => {
    const aggregate = `8802 0000 ${MAC_A} ${MAC_B} ${MAC_C} 0000 8000 ${MAC_D}${MAC_C}0030 ${body}`;
    expect(tell(aggregate, LINK_TYPE.ieee80211)).toMatchObject({ srcMac: MAC_C, dstMac: MAC_D, ...INNER_TOLD });
  });

  it('reads no body from protected, empty, management and control frames', () => {
    expect(tell(frame('0841'), LINK_TYPE.ieee80211)).toMatchObject({ next: 'encrypted', srcMac: MAC_B });
    expect(tell(frame('4801'), LINK_TYPE.ieee80211)).toMatchObject({ next: 'unknown', srcMac: MAC_B });
    expect(tell(frame('8000'), LINK_TYPE.ieee80211)).toMatchObject({ next: 'unknown', srcMac: MAC_B, dstMac: MAC_A });
    expect(tell(frame('d400'), LINK_TYPE.ieee80211)).toEqual({ hasInner: 0, next: 'unknown', understood: 0 });
  });

  it('reads radiotap: length, several present words, and a padded header', () => {
    expect(tell(`00 00 0800 00000000 ${frame('0801')}`, LINK_TYPE.ieee80211Radiotap)).toMatchObject(INNER_TOLD);
    // Two present words, so that TSFT is aligned to 16; the 26 octets of the header are filled up to 28.
    const withFlags = (flags: string): string =>
      `00 00 1900 03000080 00000000 00000000 0102030405060708 ${flags} ${frame('8801', '0000 0000')}`;
    expect(tell(withFlags('20'), LINK_TYPE.ieee80211Radiotap)).toMatchObject(INNER_TOLD);
    expect(tell(withFlags('00'), LINK_TYPE.ieee80211Radiotap)).not.toHaveProperty('src');
  });
});
