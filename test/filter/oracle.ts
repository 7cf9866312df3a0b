import type { FilterLeaf, FilterNode } from '#weir/filter/tree.js';
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
    default:
      return node.columns.some((column) => passes(node, valueOf(row, column)));
  }
}

function passes(leaf: FilterLeaf, value: Row[string]): boolean {
  if (value === undefined || leaf.kind === 'any') return false;
  switch (leaf.kind) {
    case 'text':
      return leaf.values.includes(value as string);
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
    default:
      return row[column];
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
  app_name: ["a'b", 'dns', 'a b'],
};

/** Rows of few values each, so that filters meet them; each value is missing one time in five. `random` gives numbers in [0, 1). */
export function randomRows(count: number, random: () => number): Row[] {
  return Array.from({ length: count }, () => {
    const row: Record<string, Row[string]> = {};
    for (const [name, values] of Object.entries(DOMAINS)) {
      if (random() < 0.2) continue;
      const value = values[Math.floor(random() * values.length)] as string | bigint;
      const isAddress = typeof value === 'string' && name !== 'app_name';
      row[name] = isAddress ? (parsePrefix(value)?.address as Address) : value;
    }
    return row;
  });
}
