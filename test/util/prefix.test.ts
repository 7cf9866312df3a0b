import * as fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { type Address, compareAddress, formatAddress } from '#weir/util/address.js';
import { formatPrefix, makePrefix, type Prefix, parsePrefix, prefixesBetween, prefixRange } from '#weir/util/prefix.js';
import { PrefixTable } from '#weir/util/prefix-table.js';
import { prefixContains } from '../helpers/prefix-contains.ts';

const word = fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(0, 0xffff, 0x80000000, 0xffffffff));
const address: fc.Arbitrary<Address> = fc.oneof(
  fc.tuple(word, word, word, word),
  word.map((v4): Address => [0, 0, 0xffff, v4]),
);
const prefix = fc.tuple(address, fc.nat(128)).map(([words, length]) => makePrefix(words, length));

/** Networks close to each other, so that they nest and share borders. */
const nearPrefix = fc
  .tuple(
    fc.constantFrom<Address>([0, 0, 0xffff, 0], [0, 0, 0, 0], [0xffffffff, 0xffffffff, 0xffffffff, 0]),
    fc.nat(255),
    fc.nat(8),
  )
  .map(([[w0, w1, w2], low, bits]) => makePrefix([w0, w1, w2, w0 === 0 ? low : 0xffffff00 + low], 120 + bits));
const nearAddress = fc
  .tuple(
    fc.constantFrom<Address>([0, 0, 0xffff, 0], [0, 0, 0, 0], [0xffffffff, 0xffffffff, 0xffffffff, 0]),
    fc.nat(257),
  )
  .map(([[w0, w1, w2], low]): Address => [w0, w1, w2, w0 === 0 ? low : 0xfffffffe - low]);

describe('parsePrefix', () => {
  it.each<[string, string, number]>([
    ['10.0.0.0/8', '10.0.0.0/8', 104],
    ['10.0.0.0/255.0.0.0', '10.0.0.0/8', 104],
    ['10.1.2.3/8', '10.0.0.0/8', 104],
    ['0.0.0.0/0', '0.0.0.0/0', 96],
    ['1.2.3.4/0.0.0.0', '0.0.0.0/0', 96],
    ['1.2.3.4/255.255.255.255', '1.2.3.4/32', 128],
    ['192.0.2.1', '192.0.2.1/32', 128],
    ['2001:db8::/32', '2001:db8::/32', 32],
    ['2001:db8::1', '2001:db8::1/128', 128],
    ['::/0', '::/0', 0],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8', 104],
    ['::ffff:0:0/95', '::fffe:0:0/95', 95],
  ])('reads %s as %s', (text, expected, length) => {
    const parsed = parsePrefix(text) as Prefix;
    expect(formatPrefix(parsed)).toBe(expected);
    expect(parsed.length).toBe(length);
  });

  it.each([
    '',
    '/',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.0/ 8',
    '10/8',
    '10.0.0.0/255.0.255.0',
    '10.0.0.0/0.255.255.255',
    '2001:db8::/129',
    '2001:db8::/255.0.0.0',
    'host/8',
    '10.0.0.0/1e1',
  ])('refuses %j', (text) => {
    expect(parsePrefix(text)).toBeUndefined();
  });

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(prefix, (one) => {
        expect(parsePrefix(formatPrefix(one))).toEqual(one);
      }),
    );
  });
});

describe('prefixContains and prefixRange', () => {
  it('agree with ipaddr.js', () => {
    fc.assert(
      fc.property(prefix, address, fc.boolean(), (one, other, inside) => {
        // Half of the addresses are made to lie in the network, or hardly any would.
        const words = inside ? into(one, other) : other;
        const [net, bits] = v6(one);
        const expected = ipaddr.fromByteArray(bytes(words)).match(net, bits);
        expect(prefixContains(one, ...words)).toBe(expected);
        const { first, last } = prefixRange(one);
        expect(compareAddress(first, words) <= 0 && compareAddress(words, last) <= 0).toBe(expected);
        if (inside) expect(expected).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('PrefixTable', () => {
  it('finds nothing in an empty table', () => {
    const table = new PrefixTable<number>([]);
    expect(table.size).toBe(0);
    expect(table.lookup(0, 0, 0xffff, 1)).toBeUndefined();
    expect(table.lookup(0, 0, 0, 0)).toBeUndefined();
  });

  it('prefers the longest network, and the later of equal ones', () => {
    const table = new PrefixTable(
      ['0.0.0.0/0', '10.0.0.0/8', '10.1.0.0/16', '10.1.2.3', '::/0', '10.1.0.0/16'].map(
        (text, i) => [parsePrefix(text) as Prefix, `${text}#${i}`] as const,
      ),
    );
    expect(table.size).toBe(5);
    expect(table.lookup(0, 0, 0xffff, 0x0a010203)).toBe('10.1.2.3#3');
    expect(table.lookup(0, 0, 0xffff, 0x0a010204)).toBe('10.1.0.0/16#5');
    expect(table.lookup(0, 0, 0xffff, 0x0a020000)).toBe('10.0.0.0/8#1');
    expect(table.lookup(0, 0, 0xffff, 0x0b000000)).toBe('0.0.0.0/0#0');
    expect(table.lookup(0, 0, 0x10000, 0)).toBe('::/0#4');
    expect(table.lookup(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff)).toBe('::/0#4');
  });

  it('answers as a search through the whole list does', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(nearPrefix, prefix), { maxLength: 40 }),
        fc.array(fc.oneof(nearAddress, address), { minLength: 1, maxLength: 40 }),
        (prefixes, addresses) => {
          const table = new PrefixTable(prefixes.map((one, i) => [one, i] as const));
          const probes = [...addresses, ...prefixes.flatMap((one) => Object.values(prefixRange(one)))];
          for (const words of probes) {
            let best: number | undefined;
            let longest = -1;
            for (const [i, one] of prefixes.entries()) {
              const [net, bits] = v6(one);
              if (!ipaddr.fromByteArray(bytes(words)).match(net, bits)) continue;
              if (one.length < longest) continue;
              longest = one.length;
              best = i;
            }
            expect(table.lookup(...words), formatAddress(...words)).toBe(best);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

function bytes(words: Address): number[] {
  return words.flatMap((part) => [part >>> 24, (part >>> 16) & 255, (part >>> 8) & 255, part & 255]);
}

function v6(one: Prefix): [ipaddr.IPv6, number] {
  return [new ipaddr.IPv6(bytes(one.address)), one.length];
}

/** An address in the network, with the host bits of another. */
function into({ address: net, length }: Prefix, host: Address): Address {
  const part = (a: number, b: number, index: number): number => {
    const bits = Math.min(32, Math.max(0, length - 32 * index));
    const mask = bits === 0 ? 0 : 0xffffffff << (32 - bits);
    return (a | (b & ~mask)) >>> 0;
  };
  return [part(net[0], host[0], 0), part(net[1], host[1], 1), part(net[2], host[2], 2), part(net[3], host[3], 3)];
}

describe('prefixesBetween', () => {
  it('holds all from the first to the last, one behind the other, and nothing else', () => {
    fc.assert(
      fc.property(address, address, (one, other) => {
        const [first, last] = compareAddress(one, other) <= 0 ? [one, other] : [other, one];
        const ranges = prefixesBetween(first, last).map(prefixRange);
        expect(ranges.length).toBeLessThanOrEqual(254);
        expect(ranges[0]?.first).toEqual(first);
        expect(ranges.at(-1)?.last).toEqual(last);
        ranges.slice(1).forEach((range, i) => {
          expect(numberOf(range.first)).toBe(numberOf(ranges[i]?.last as Address) + 1n);
        });
      }),
    );
  });

  it('takes one network for a whole one', () => {
    for (const text of ['10.0.0.0/8', '2001:db8::/32', '192.0.2.1/32', '::/0']) {
      const { first, last } = prefixRange(parsePrefix(text) as Prefix);
      expect(prefixesBetween(first, last).map(formatPrefix)).toEqual([text]);
    }
  });
});

function numberOf(words: Address): bigint {
  return words.reduce((sum, part) => (sum << 32n) | BigInt(part), 0n);
}
