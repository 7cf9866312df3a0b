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

/** Regular expressions that JavaScript's own reads alike. */
const regex: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(
      'a',
      'b',
      ' ',
      "'",
      'dns',
      'D',
      'ä',
      '.',
      '[ab]',
      '[^a]',
      '[a-d ]',
      '\\w',
      '\\W',
      '\\s',
      '\\d',
      '\\b',
      '^',
      '$',
      '',
    ),
    fc
      .tuple(tie('node'), fc.constantFrom('*', '+', '?', '{2}', '{1,2}', '{0,}', '*?'))
      .map(([a, count]) => `(?:${a})${count}`),
    fc.tuple(tie('node'), tie('node')).map(([a, b]) => `${a}${b}`),
    fc.tuple(tie('node'), tie('node')).map(([a, b]) => `(${a}|${b})`),
  ),
})).node;

const text = fc.constantFrom("a'b", 'dns', 'DNS', 'a b', 'a', ' ', '', 'ä', 'over');
const quoted = (value: string) => `"${value.replaceAll(/["\\]/g, '\\$&')}"`;

const textLeaf = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('app_name', 'user', 'dns_query'),
      fc.constantFrom('contains', 'starts with', 'prefix', '=', '!=', 'not contains'),
      text,
    )
    .map(([field, operator, value]) => `${field} ${operator} ${quoted(value)}`),
  fc
    .tuple(fc.constantFrom('contains', 'in', 'not in'), fc.array(text, { minLength: 1, maxLength: 3 }))
    .map(([operator, values]) => `app_name ${operator} [${values.map(quoted).join(' ')}]`),
  fc
    .tuple(fc.constantFrom('~', 'matches', '!~'), regex)
    .map(([operator, value]) => `app_name ${operator} ${quoted(value)}`),
);

const mplsWord = fc.constantFrom('mpls label1', 'mpls label2', 'mpls any', 'mpls eos', 'mpls_label3');

/** What nfdump does not have, or not in this form. */
const furtherLeaf = fc.oneof(
  textLeaf,
  fc
    .tuple(
      fc.constantFrom(
        'src_port',
        'dst_port',
        'bytes',
        'packets',
        'bps',
        'bpp',
        'in_if',
        'out_if',
        'mpls_eos',
        'reverse_bytes',
      ),
      fc.constantFrom('=', '!=', '<', '<=', '>', '>='),
      fc.constantFrom('src_port', 'dst_port', 'bytes', 'packets', 'pps', 'tcp_flags', 'src_as', 'reverse_bytes'),
    )
    .map((words) => words.join(' ')),
  fc.constantFrom(
    'src_addr = dst_addr',
    'src ip != dst ip',
    'app_name = dns_query',
    'time_start < time_end',
    'time_end = time_start',
    'duration = duration',
    'src_mac = dst_mac',
    'src and dst port = in_if',
  ),
  fc
    .tuple(fc.constantFrom('dscp', 'flows', 'icmp-type', 'icmp-code', 'fwdstat', 'out packets'), numbers(small))
    .map(([word, test]) => `${word} ${test}`),
  fc.tuple(mplsWord, numbers(fc.constantFrom('16', '300', '3'))).map(([word, test]) => `${word} ${test}`),
  fc.constantFrom(
    'fwdstat forwarded',
    'fwdstat in [dropped, unknown]',
    'nat event in [create, delete]',
    'event denied',
    'asa event denied nosyn',
    'ingress acl 0x8e5cbd88',
    'egress ace 1',
    'nip 10.0.0.1',
    'src xnet 10.0.0.0/16',
    'nport between 50 and 90',
    'port in pblock',
    'src and dst port in pblock',
    'ingress vrf 1',
    'pblock start >= 50',
    'inner ip 10.0.0.1',
    'port https',
    'src port in [domain, http]',
    'src_port between 53 and 443',
    'src ip between 10.0.0.1 and 10.1.2.3',
    'ip not between 2001:db8:: and 2001:db8::ffff:1',
    'src_port not between 53 and 443',
    'src_addr not in [10.0.0.0/16 2001:db8::/32]',
    'first seen > 2026-01-01T00:00:00.000001Z',
    'last seen between 2026-01-01T00:00:00Z and 2026-01-01T00:00:00.5Z',
    'time_start in [2026-01-01T00:00:00.000001Z, 2026-01-01T00:00:00.000002Z]',
    'bytes not in [1 40 18446744073709551615]',
    'bps >= 9007199254740993',
    'reverse_tcp_flags any SF',
    'ip in [10.0.0.1 10.0.1.2 192.0.2.0/24 ::/3 ffff::/16 10.1.0.0/17]',
    'src ip in [0.0.0.0/0 ::1]',
    'dst ip in [::/0]',
    'flowdir egress',
    'ecn 2',
    'ecn > 1',
  ),
);

/** Conditions of every kind, over the few values of `oracle.ts`. */
const leaf = fc.oneof(
  { arbitrary: furtherLeaf, weight: 8 },
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
