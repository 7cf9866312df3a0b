import * as fc from 'fast-check';

const pick = (...values: readonly (string | number)[]) => fc.constantFrom(...values.map(String));
const words = (...parts: readonly fc.Arbitrary<string>[]) =>
  fc.tuple(...parts).map((all) => all.filter((word) => word !== '').join(' '));
const list = (values: fc.Arbitrary<string>) =>
  fc.array(values, { minLength: 1, maxLength: 3 }).map((all) => `in [${all.join(' ')}]`);

const compare = pick('', '=', '==', '<', '>', '<=', '>=', 'EQ', 'LT', 'GT', 'LE', 'GE');
const side = pick('', 'src', 'dst');
const address = pick(
  '10.0.0.1',
  '10.0.1.2',
  '10.1.2.3',
  '192.0.2.1',
  '255.255.255.255',
  '2001:db8::1',
  '2001:db8::9',
  'fe80::1',
);
/** Addresses that none of the networks in lists hold. */
const host = pick('10.0.0.1', '10.0.1.2', '192.0.2.1', '255.255.255.255', '2001:db8::1', '2001:db8::9', 'fe80::1');
const network = pick(
  '10.0.0.0/8',
  '10.0.0.0/16',
  '10.1.0.0/16',
  '192.0.2.0/24',
  '2001:db8::/32',
  '2001:db8::/64',
  'fe80::/10',
);
const port = pick(0, 53, 80, 443, 771, 1024, 65_535);
const count = pick(0, 1, 10, 40, 100, '1k', '2m', 4000);
const flags = fc.subarray(['U', 'A', 'P', 'R', 'S', 'F'], { minLength: 1 }).map((letters) => letters.join(''));
const vlan = pick(0, 1, 2, 3);

const leaf = fc
  .oneof(
    words(side, pick('ip', 'host'), address),
    words(side, pick('net'), network),
    words(side, pick('net 10.0.0.0 255.0.0.0', 'net 10.1.0.0 255.255.0.0')),
    words(side, pick('ip'), list(fc.oneof(host, pick('10.1.0.0/16', '198.51.100.0/24', '2001:db8:1::/48')))),
    words(side, pick('port'), fc.oneof(words(compare, port), list(port))),
    words(pick('src and dst', 'src or dst'), pick('port'), port),
    words(pick('proto'), pick('tcp', 'udp', 'icmp', 'icmp6', 6, 17, 1, 47)),
    words(pick('flags'), flags),
    words(pick('tos', 'src tos', 'dst tos'), pick(0, 1, 40, 184)),
    words(pick('packets', 'bytes', 'in packets', 'in bytes', 'out bytes', 'out packets'), compare, count),
    words(pick('duration', 'bps', 'pps', 'bpp'), compare, count),
    words(pick('if', 'in if', 'out if'), pick(0, 1, 2, 3, 70_000)),
    words(pick('mask', 'src mask', 'dst mask'), pick(0, 16, 24)),
    words(pick('vlan', 'src vlan', 'dst vlan'), vlan),
    words(
      pick('mac', 'in mac', 'out mac', 'src mac', 'dst mac', 'in src mac', 'in dst mac', 'out src mac', 'out dst mac'),
      pick('00:00:00:00:00:01', '00:00:00:00:00:02', '00:00:00:00:00:03', '00:00:00:00:00:04'),
    ),
    words(pick('mpls label1', 'mpls label2', 'mpls eos'), pick(16, 300, 3)),
    words(pick('next ip'), pick('0.0.0.0', '10.1.1.1', '2001:db8::fe')),
    words(pick('bgpnext ip'), pick('0.0.0.0', '10.1.1.2', '2001:db8::ff')),
    words(pick('fwdstat'), pick(0, 64, 66, 130)),
    words(pick('flowdir'), pick(0, 1, 'ingress', 'egress')),
    words(pick('icmp-type', 'icmp-code'), pick(0, 1, 3, 8)),
    words(pick('ingress vrf', 'egress vrf'), pick(0, 1, 2)),
    pick('ipv4', 'ipv6', 'inet', 'inet6', 'any', 'router ip 127.0.0.1'),
  )
  // weir refuses what no number can be.
  .filter((text) => !/(?:<|LT) 0$|(?:>|GT) 65535$/.test(text));

/** Filters that both programs read, and mean the same by; docs/filter.md tells about the others. */
export const sharedFilter: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    tie('node').map((inner) => `not (${inner})`),
    leaf.map((inner) => `not ${inner}`),
    fc.tuple(tie('node'), pick('and', 'or', '&&', '||'), tie('node')).map(([a, word, b]) => `(${a} ${word} ${b})`),
  ),
})).node;
