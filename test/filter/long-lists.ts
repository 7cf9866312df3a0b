import * as fc from 'fast-check';
import { filterText } from './arbitrary.ts';

/** Addresses and networks that rows of `randomRows` have, and their neighbours. */
const KNOWN =
  '10.0.0.1 10.0.1.2 10.1.0.3 10.1.1.1 192.0.2.1 255.255.255.255 10.0.0.2 2001:db8::1 2001:db8::2 2001:db8::3 1:2:3:4:5:6:7:8 ::1 :: ::ffff:0:0 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'.split(
    ' ',
  );
const NETWORKS = [
  '10.0.0.0/24',
  '10.1.0.0/16',
  '192.0.2.0/31',
  '2001:db8::/64',
  '2001:db8::/48',
  '2001:db8::/126',
  '::/127',
];

/** What makes a list long: addresses, or networks of few lengths, of one version or both, that no row has. */
const MANY: Readonly<Record<string, (index: number) => string>> = {
  v4: (index) => `172.16.${index >> 8}.${index & 255}`,
  v6: (index) => `fd00:${(index * 127).toString(16)}::${index.toString(16)}`,
  'v6 of one /64': (index) => `fd00::${index.toString(16)}`,
  v4_networks: (index) => `172.${16 + (index >> 8)}.${index & 255}.0/24`,
  v6_networks: (index) => `fd00:${index.toString(16)}::/${32 + 16 * (index & 1)}`,
  v6_halves: (index) => `fd00:0:0:${index.toString(16)}::/${index & 1 ? 64 : 80}`,
};

/** A filter with a list of several hundred addresses or networks, alone or beside others. */
export const longListText: fc.Arbitrary<string> = fc
  .record({
    field: fc.constantFrom('src ip', 'dst ip', 'ip', 'next ip', 'src_addr', 'exporter ip'),
    not: fc.boolean(),
    known: fc.subarray([...KNOWN, ...NETWORKS]),
    many: fc.subarray(Object.keys(MANY), { minLength: 1, maxLength: 3 }),
    count: fc.integer({ min: 150, max: 500 }),
    beside: fc.option(fc.tuple(fc.constantFrom('and', 'or', 'and not'), filterText), { nil: undefined }),
  })
  .map(({ field, not, known, many, count, beside }) => {
    const scattered = many.flatMap((name) => Array.from({ length: count }, (_, index) => MANY[name]?.(index)));
    const list = `${field} in [${[...known, ...scattered].join(' ')}]`;
    const text = not ? `not ${list}` : list;
    return beside === undefined ? text : `${text} ${beside[0]} (${beside[1]})`;
  });
