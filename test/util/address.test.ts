import { isIP } from 'node:net';
import * as fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { type Address, addressKey, compareAddress, formatAddress, isV4, parseAddress } from '#weir/util/address.js';

const word = fc.oneof(
  fc.integer({ min: 0, max: 0xffffffff }),
  fc.constantFrom(0, 1, 0xffff, 0x10000, 0xffff0000, 0xffffffff),
);
const address: fc.Arbitrary<Address> = fc.oneof(
  fc.tuple(word, word, word, word),
  word.map((v4): Address => [0, 0, 0xffff, v4]),
);

/** The oracle's reading of a text, as words. It takes `::192.0.2.1` for `::ffff:192.0.2.1`, so it is given the last two groups in hex. */
function oracle(text: string): Address {
  const parsed = ipaddr.parse(
    text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
      return `${(a * 256 + +b).toString(16)}:${(c * 256 + +d).toString(16)}`;
    }),
  );
  const bytes = (parsed instanceof ipaddr.IPv4 ? parsed.toIPv4MappedAddress() : parsed).toByteArray();
  const view = new DataView(Uint8Array.from(bytes).buffer);
  return [view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12)];
}

describe('parseAddress', () => {
  it.each<[string, Address]>([
    ['0.0.0.0', [0, 0, 0xffff, 0]],
    ['192.0.2.1', [0, 0, 0xffff, 0xc0000201]],
    ['255.255.255.255', [0, 0, 0xffff, 0xffffffff]],
    ['::', [0, 0, 0, 0]],
    ['::1', [0, 0, 0, 1]],
    ['1::', [0x10000, 0, 0, 0]],
    ['2001:db8::1', [0x20010db8, 0, 0, 1]],
    ['2001:DB8:0:0:0:0:0:1', [0x20010db8, 0, 0, 1]],
    ['1:2:3:4:5:6:7::', [0x10002, 0x30004, 0x50006, 0x70000]],
    ['::2:3:4:5:6:7:8', [0x00002, 0x30004, 0x50006, 0x70008]],
    ['::ffff:192.0.2.1', [0, 0, 0xffff, 0xc0000201]],
    ['::192.0.2.1', [0, 0, 0, 0xc0000201]],
    ['64:ff9b::192.0.2.1', [0x0064ff9b, 0, 0, 0xc0000201]],
    ['1:2:3:4:5:6:192.0.2.1', [0x10002, 0x30004, 0x50006, 0xc0000201]],
  ])('reads %s', (text, words) => {
    expect(parseAddress(text)).toEqual(words);
  });

  it.each([
    '',
    ' ',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.',
    '.1.2.3',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.04',
    '1.2.3.4 ',
    '0x1.2.3.4',
    '1.2.3.1000',
    '1..2.3',
    ':',
    ':::',
    '1:',
    ':1',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '::1:2:3:4:5:6:7:8',
    '1:2:3:4::5:6:7:8',
    '12345::',
    '::g',
    '[::1]',
    '::1/64',
    'fe80::1%eth0',
    '1.2.3.4%eth0',
    '::1.2.3',
    '::1.2.3.4:5',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::1.2.3.456',
    '1.2.3.4::',
    '::ffff:01.2.3.4',
    '::-1',
  ])('refuses %j', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  it('drops a zone only when told to', () => {
    expect(parseAddress('fe80::1%eth0', { zone: 'strip' })).toEqual([0xfe800000, 0, 0, 1]);
    expect(parseAddress('::1', { zone: 'strip' })).toEqual([0, 0, 0, 1]);
    expect(parseAddress('fe80::1%', { zone: 'strip' })).toBeUndefined();
    expect(parseAddress('192.0.2.1%eth0', { zone: 'strip' })).toBeUndefined();
    expect(parseAddress('192.0.2.1%e:0', { zone: 'strip' })).toBeUndefined();
  });

  it('agrees with ipaddr.js on every way to write an address', () => {
    const group = fc
      .tuple(fc.integer({ min: 0, max: 0xffff }), fc.boolean(), fc.boolean())
      .map(([n, upper, padded]) => {
        const hex = padded ? n.toString(16).padStart(4, '0') : n.toString(16);
        return upper ? hex.toUpperCase() : hex;
      });
    const text = fc
      .tuple(fc.array(group, { maxLength: 9 }), fc.nat(9), fc.boolean(), fc.option(fc.ipV4()))
      .map(([groups, at, gap, v4]) => {
        const parts = v4 === null ? groups : [...groups, v4];
        return gap ? `${parts.slice(0, at).join(':')}::${parts.slice(at).join(':')}` : parts.join(':');
      })
      .filter((candidate) => candidate.includes(':'));
    fc.assert(
      fc.property(text, (candidate) => {
        expect(parseAddress(candidate)).toEqual(nodeAccepts(candidate) ? oracle(candidate) : undefined);
      }),
      { numRuns: 3000 },
    );
  });

  it('accepts what the system accepts and nothing else', () => {
    const near = fc.string({
      unit: fc.constantFrom('0', '1', '2', '5', '9', 'a', 'F', ':', ':', '.', '.', '::'),
      maxLength: 24,
    });
    fc.assert(
      fc.property(fc.oneof(near, fc.ipV4(), fc.ipV6()), (candidate) => {
        expect(parseAddress(candidate) !== undefined).toBe(nodeAccepts(candidate));
      }),
      { numRuns: 5000 },
    );
  });
});

describe('formatAddress', () => {
  it.each([
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['0:1:2:3:4:5:0:0', '0:1:2:3:4:5::'],
    ['::192.0.2.1', '::c000:201'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
  ])('writes %s as %s', (text, expected) => {
    expect(formatAddress(...(parseAddress(text) as Address))).toBe(expected);
  });

  it('is RFC 5952 as ipaddr.js has it, and is read back to the same words', () => {
    fc.assert(
      fc.property(address, (words) => {
        const text = formatAddress(...words);
        expect(parseAddress(text)).toEqual(words);
        if (isV4(words[0], words[1], words[2])) expect(text).toBe(ipaddr.parse(text).toString());
        else expect(text).toBe((ipaddr.parse(text) as ipaddr.IPv6).toRFC5952String());
        expect(formatAddress(words[0] | 0, words[1] | 0, words[2] | 0, words[3] | 0)).toBe(text);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('order and keys', () => {
  it('orders addresses as 128-bit numbers', () => {
    const value = (words: Address) => words.reduce((sum, part) => (sum << 32n) | BigInt(part), 0n);
    fc.assert(
      fc.property(address, address, (a, b) => {
        const difference = value(a) - value(b);
        expect(Math.sign(compareAddress(a, b))).toBe(difference < 0n ? -1 : difference > 0n ? 1 : 0);
        expect(addressKey(...a) === addressKey(...b)).toBe(difference === 0n);
      }),
    );
  });
});

function nodeAccepts(text: string): boolean {
  return isIP(text) !== 0;
}
