import type { Comparison, FilterLeaf, FilterNode, TextTest } from '#weir/filter/tree.js';
import { type Address, formatAddress } from '#weir/util/address.js';
import { parsePrefix } from '#weir/util/prefix.js';
import { prefixContains } from '../helpers/prefix-contains.ts';

/** A flow as an object: addresses as words, numbers and times (µs) as bigints. A missing property is a missing value. */
export type Row = Readonly<Record<string, bigint | string | Address | undefined>>;

/** Whether a filter selects a row: its meaning, written a second time and simply. */
export function selects(node: FilterNode, row: Row): boolean {
  switch (node.kind) {
    case 'and':
      return node.items.every((item) => selects(item, row));
    case 'or':
      return node.items.some((item) => selects(item, row));
    case 'not':
      return !selects(node.item, row);
    case 'any':
      return true;
    case 'compare': {
      const [a, b] = node.columns.map((column) => valueOf(row, column));
      return a !== undefined && b !== undefined && holds(node.comparison, a, b);
    }
    default:
      return node.columns.some((column) => passes(node, valueOf(row, column)));
  }
}

function holds(comparison: Comparison, a: bigint | string | Address, b: bigint | string | Address): boolean {
  if (typeof a !== 'bigint' || typeof b !== 'bigint') return String(a) === String(b);
  return { '=': a === b, '<': a < b, '<=': a <= b, '>': a > b, '>=': a >= b }[comparison];
}

function fits({ mode, values }: TextTest, text: string): boolean {
  const tests = {
    is: (value: string) => text === value,
    contains: (value: string) => text.includes(value),
    prefix: (value: string) => text.startsWith(value),
    regex: (value: string) => new RegExp(value, 'u').test(text),
  };
  return values.some(tests[mode]);
}

function passes(leaf: Exclude<FilterLeaf, { kind: 'compare' }>, value: Row[string]): boolean {
  if (value === undefined || leaf.kind === 'any') return false;
  switch (leaf.kind) {
    case 'text':
      return fits(leaf, value as string);
    case 'number':
      return leaf.ranges.some(
        ({ from, to }) =>
          (from === undefined || (value as bigint) >= from) && (to === undefined || (value as bigint) <= to),
      );
    case 'flags': {
      const set = Number(value) & leaf.mask;
      return leaf.mode === 'all' ? set === leaf.mask : set !== 0;
    }
    case 'family':
      return formatAddress(...(value as Address)).includes(':') === (leaf.version === 6);
    default:
      return leaf.prefixes.some((prefix) => prefixContains(prefix, ...(value as Address)));
  }
}

function valueOf(row: Row, column: string): Row[string] {
  const number = (name: string) => row[name] as bigint | undefined;
  const { duration, bytes, packets } = {
    duration: number('duration'),
    bytes: number('bytes'),
    packets: number('packets'),
  };
  switch (column) {
    case 'time_end': {
      const start = number('time_start');
      return start === undefined || duration === undefined ? undefined : start + duration;
    }
    case 'pps':
      return perSecond(packets, 1_000_000n, duration);
    case 'bps':
      return perSecond(bytes, 8_000_000n, duration);
    case 'bpp':
      if (bytes === undefined || packets === undefined) return undefined;
      return packets === 0n ? 0n : bytes / packets;
    case 'flows':
      return number('flow_count') ?? 1n;
    case 'dscp':
      return number('tos') === undefined ? undefined : (number('tos') as bigint) / 4n;
    case 'ecn':
      return number('tos') === undefined ? undefined : (number('tos') as bigint) % 4n;
    default: {
      if (!column.startsWith('mpls_label') || column === 'mpls_labels') {
        if (column !== 'mpls_eos') return row[column];
      }
      const labels = (row['mpls_labels'] as string | undefined)?.split(',') ?? [];
      const label = column === 'mpls_eos' ? labels.at(-1) : labels[Number(column.slice(10)) - 1];
      return label === undefined ? undefined : BigInt(label);
    }
  }
}

function perSecond(count: bigint | undefined, factor: bigint, duration: bigint | undefined): bigint | undefined {
  if (count === undefined || duration === undefined) return undefined;
  return duration > 0n ? (count * factor) / duration : 0n;
}

const TIME = 1_767_225_600_000_000n;
const DOMAINS: Readonly<Record<string, readonly (string | bigint)[]>> = {
  time_start: [TIME, TIME + 1n, TIME + 2n, TIME + 3n],
  duration: [0n, 1000n, 40_000n, 100_000n, 1_000_000n, -5n],
  exporter: ['10.0.0.1', '10.0.1.1', '2001:db8::1'],
  src_addr: ['10.0.0.1', '10.0.1.2', '10.1.0.3', '192.0.2.1', '2001:db8::1', '::1', '::ffff:0:0', '255.255.255.255'],
  dst_addr: ['10.0.0.1', '10.1.1.0', '2001:db8::2', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  next_hop: ['10.1.1.1', '10.1.1.2'],
  src_port: [0n, 53n, 80n, 200n, 443n, 1024n, 65_535n],
  dst_port: [0n, 53n, 80n, 443n, 65_535n],
  proto: [1n, 6n, 17n, 58n],
  tcp_flags: [0n, 2n, 16n, 18n, 27n, 63n, 0x1c2n],
  tos: [0n, 1n, 40n, 100n],
  bytes: [0n, 1n, 40n, 100n, 4000n, (1n << 64n) - 1n],
  packets: [0n, 1n, 40n, 100n],
  in_if: [0n, 1n, 2n, 5n],
  out_if: [0n, 3n],
  src_as: [0n, 1n, 4n],
  dst_as: [0n, 2n],
  src_vlan: [1n, 2n],
  dst_vlan: [3n],
  observation_domain: [0n, 1n, 2n],
  flow_type: [2n, 4n],
  src_mac: [1n, 2n],
  dst_mac: [2n, 3n],
  post_src_mac: [2n],
  post_dst_mac: [4n],
  app_name: ["a'b", 'dns', 'a b', 'DNS over TLS', 'äa\nb'],
  user_name: ['a', 'dns'],
  dns_query: ['dns', 'a b', 'over'],
  mpls_labels: ['16', '16,300', '300,16,3', '3,3,3,3'],
  ingress_acl: ['8e5cbd880000000100000002'],
  egress_acl: ['000000000000000100000000', '000000010000000000000000'],
  reverse_bytes: [0n, 1n, 100n, 5000n, (1n << 53n) + 1n],
  reverse_packets: [0n, 1n],
  reverse_tcp_flags: [0n, 3n],
  out_bytes: [1n],
  out_packets: [0n, 2n],
  flow_count: [0n, 1n, 3n],
  icmp_type: [0n, 3n],
  icmp_code: [1n],
  forwarding_status: [0n, 1n, 64n, 66n, 130n, 192n],
  nat_event: [1n, 2n, 4n],
  firewall_event: [1n, 3n],
  firewall_extended_event: [1001n, 1004n],
  post_nat_src_addr: ['10.0.0.1', '10.0.9.1'],
  post_nat_dst_addr: ['10.0.0.1', '2001:db8::9'],
  post_nat_src_port: [50n, 51n, 90n, 91n],
  post_nat_dst_port: [70n],
  port_range_start: [50n, 53n],
  port_range_end: [80n, 443n],
  ingress_vrf: [1n, 2n],
  inner_src_addr: ['10.0.0.1'],
  inner_dst_addr: ['10.0.0.2'],
  direction: [0n, 1n],
};

const TEXTS = new Set(['app_name', 'user_name', 'dns_query', 'mpls_labels', 'ingress_acl', 'egress_acl']);

/**
 * Rows of few values each, so that filters meet them; each value is missing one time in five, unless `has` says which values a row has.
 * `random` gives numbers in [0, 1).
 */
export function randomRows(
  count: number,
  random: () => number,
  has: (name: string, row: number) => boolean = () => random() >= 0.2,
): Row[] {
  return Array.from({ length: count }, (_, index) => {
    const row: Record<string, Row[string]> = {};
    for (const [name, values] of Object.entries(DOMAINS)) {
      if (!has(name, index)) continue;
      const value = values[Math.floor(random() * values.length)] as string | bigint;
      const isAddress = typeof value === 'string' && !TEXTS.has(name);
      row[name] = isAddress ? (parsePrefix(value)?.address as Address) : value;
    }
    return row;
  });
}
