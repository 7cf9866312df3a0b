import * as fc from 'fast-check';

const octet = fc.nat(255);
const v4 = fc.tuple(fc.constant(10), fc.nat(1), fc.nat(1), fc.nat(3)).map((parts) => parts.join('.'));
const v6 = fc.nat(3).map((n) => `2001:db8::${n.toString(16)}`);
const address = fc.oneof(v4, v6);
const network = fc.oneof(
  fc.tuple(v4, fc.integer({ min: 0, max: 32 })).map(([text, length]) => `${text}/${length}`),
  fc.tuple(v6, fc.integer({ min: 0, max: 128 })).map(([text, length]) => `${text}/${length}`),
);
const compare = fc.constantFrom('', '=', '==', '!=', '<', '>', '<=', '>=');
const side = fc.constantFrom('', 'src ', 'dst ');
const listOf = (values: fc.Arbitrary<string>) =>
  fc
    .tuple(fc.array(values, { minLength: 1, maxLength: 4 }), fc.constantFrom(' ', ', '))
    .map(([list, gap]) => `in [${list.join(gap)}]`);
const port = fc.constantFrom(0, 53, 80, 443, 1024, 65_535).map(String);
const flags = fc.subarray(['U', 'A', 'P', 'R', 'S', 'F'], { minLength: 1 }).map((letters) => letters.join(''));
const small = fc.nat(5).map(String);

/** `operator value` that does not ask for what no number can be. */
const numbers = (values: fc.Arbitrary<string>) =>
  fc.oneof(
    fc
      .tuple(compare, values)
      .map(([operator, value]) =>
        operator === '<' && value === '0'
          ? '= 0'
          : operator === '>' && value === '65535'
            ? '>= 65535'
            : `${operator} ${value}`,
      ),
    listOf(values),
  );

/** Conditions of every kind, over the few values of `rows.ts`. */
const leaf = fc.oneof(
  fc
    .tuple(side, fc.constantFrom('ip', 'net', 'host'), fc.oneof(address, network))
    .map(([s, word, value]) => `${s}${word} ${value}`),
  fc.tuple(side, listOf(fc.oneof(address, network))).map(([s, list]) => `${s}ip ${list}`),
  fc.tuple(side, numbers(port)).map(([s, test]) => `${s}port ${test}`),
  fc.tuple(fc.constantFrom('src and dst', 'src or dst'), port).map(([s, value]) => `${s} port ${value}`),
  fc
    .tuple(fc.constantFrom('if', 'in if', 'out if', 'as', 'src as', 'vlan', 'domain'), numbers(small))
    .map(([word, test]) => `${word} ${test}`),
  fc.constantFrom('tcp', 'udp', 'proto icmp', 'proto 6', 'proto != tcp', 'ipv4', 'ipv6', 'any'),
  fc.tuple(fc.constantFrom('', 'any ', 'all '), flags).map(([mode, letters]) => `flags ${mode}${letters}`),
  fc
    .tuple(
      fc.constantFrom('bytes', 'packets', 'bps', 'pps', 'bpp', 'duration', 'tos'),
      numbers(fc.constantFrom('0', '1', '40', '100')),
    )
    .map(([word, test]) => `${word} ${test}`),
  fc.constantFrom(
    'exporter 10.0.0.1',
    'exporter net 10.0.0.0/24',
    'next ip 10.1.1.1',
    'flow_type = ipfix',
    'mac 00:00:00:00:00:02',
    'src_mac != 00:00:00:00:00:01',
  ),
  fc.constantFrom(
    'app_name = "a\'b"',
    'app_name in [dns, "a b"]',
    'app_name != dns',
    'time_start >= 2026-01-01T00:00:00.000002Z',
    'time_end < 2026-01-01T00:00:00.100000Z',
  ),
  octet.map((n) => `src_port in [${n}-${n + 60}]`),
);

/** Filters as people write them, nested and negated. */
export const filterText: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.tuple(fc.constantFrom('not ', '! '), tie('node')).map(([word, inner]) => `${word}(${inner})`),
    leaf.map((inner) => `not ${inner}`),
    fc
      .tuple(tie('node'), fc.constantFrom('and', 'or', '&&', '||'), tie('node'), fc.boolean())
      .map(([a, word, b, brackets]) => (brackets ? `(${a} ${word} ${b})` : `${a} ${word} ${b}`)),
  ),
})).node;
