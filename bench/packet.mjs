// The packet parser alone: headers of 128 octets in memory to fields, one core; each kind by itself, and all in turn.
import { LINK_TYPE } from '../dist/wire/packet/link-types.js';
import { createPacketFields, HAS } from '../dist/wire/packet/packet-fields.js';
import { parsePacket } from '../dist/wire/packet/parse-packet.js';
import { compare, show, table } from './lib/table.mjs';

const GOAL = 5;
const HEADER = 128;
const PACKETS = 4_000_000;
/** Copies of each kind, with addresses and ports of their own, so that no branch is learnt by heart. */
const VARIANTS = 256;
const ROUNDS = 3;

export async function bench() {
  const kinds = Object.keys(KINDS);
  const results = [...kinds.map((kind) => [kind, [kind]]), ['all in turn', kinds]].map(([name, of]) => ({
    name,
    packets: PACKETS,
    seconds: measure(of),
  }));
  const speed = ({ packets, seconds }) => packets / seconds / 1e6;
  console.log(table([['packets', 'weir M packets/s'], ...results.map((result) => [result.name, show(speed(result))])]));
  const all = results.at(-1);
  return {
    results,
    comparisons: [
      compare(
        'packet headers, all kinds',
        'M packets/s',
        speed(all),
        undefined,
        undefined,
        `≥ ${GOAL}`,
        (x) => x >= GOAL,
      ),
    ],
  };
}

/** Seconds for `PACKETS` packets of these kinds: the best of some rounds, the first of which also warms up. */
function measure(kinds) {
  const count = VARIANTS * kinds.length;
  const bytes = Buffer.alloc(count * HEADER);
  for (let i = 0; i < count; i++) bytes.set(packet(kinds[i % kinds.length], i), i * HEADER);
  const fields = createPacketFields();
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    let read = 0;
    const start = performance.now();
    for (let i = 0; i < PACKETS; i++) {
      const at = (i % count) * HEADER;
      parsePacket(bytes, at, at + HEADER, LINK_TYPE.ethernet, fields);
      read += (fields.has & HAS.addresses) === 0 ? 0 : 1;
    }
    best = Math.min(best, (performance.now() - start) / 1000);
    if (read !== PACKETS) throw new Error(`addresses in ${read} of ${PACKETS} packets`);
  }
  return best;
}

const MACS = '02000000000b02000000000a';
const KINDS = {
  'TCP over IPv4': (i) => `${MACS}0800${ip4(i, 6, tcp(i))}`,
  'UDP over IPv4': (i) => `${MACS}0800${ip4(i, 17, udp(i, 53))}`,
  'ICMP over IPv4': (i) => `${MACS}0800${ip4(i, 1, '0800000000010001')}`,
  'TCP over IPv6, VLAN': (i) => `${MACS}8100${hex(i & 0xfff, 2)}86dd${ip6(i, 6, tcp(i))}`,
  'IPv4 over MPLS': (i) => `${MACS}8847${hex(i, 2)}0040${hex(i, 2)}0140${ip4(i, 6, tcp(i))}`,
  'IPv4 in GRE': (i) => `${MACS}0800${ip4(i, 47, `20000800${hex(i, 4)}${ip4(i + 1, 6, tcp(i))}`)}`,
  VXLAN: (i) => `${MACS}0800${ip4(i, 17, udp(i, 4789) + vxlan(i))}`,
};

function packet(kind, i) {
  return Buffer.from(
    KINDS[kind](i)
      .padEnd(HEADER * 2, '5a')
      .slice(0, HEADER * 2),
    'hex',
  );
}

function hex(value, octets) {
  return value.toString(16).padStart(octets * 2, '0');
}

function ip4(i, protocol, payload) {
  return `4500057800004000ff${hex(protocol, 1)}0000c0a8${hex(i, 2)}cb00${hex(i, 2)}${payload}`;
}

function ip6(i, next, payload) {
  const prefix = '20010db800000000';
  return `600000000550${hex(next, 1)}40${prefix}${hex(i, 8)}${prefix}${hex(i + 1, 8)}${payload}`;
}

function tcp(i) {
  return `${hex(32768 + i, 2)}01bb${hex(i, 4)}000000005018ffff00000000`;
}

function udp(i, to) {
  return `${hex(32768 + i, 2)}${hex(to, 2)}05640000`;
}

function vxlan(i) {
  return `08000000${hex(i, 3)}00${MACS}0800${ip4(i + 1, 6, tcp(i))}`;
}
