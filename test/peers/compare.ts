import type { Shown } from './encode-records.ts';

/** Columns that are compared beside those of `PeerFlow`, in the order in which they are told. */
const MORE = (
  'time_start time_end duration tcp_flags tos in_if out_if direction src_as dst_as src_mask dst_mask next_hop bgp_next_hop ' +
  'src_mac dst_mac post_src_mac post_dst_mac src_vlan dst_vlan forwarding_status ingress_vrf egress_vrf'
).split(' ');

/** A flow as both sides tell it. */
export interface PeerFlow {
  readonly exporter: string;
  readonly src: string;
  readonly dst: string;
  readonly proto: number;
  readonly sport: number;
  /** For ICMP, type × 256 + code, wherever the record has them. */
  readonly dport: number;
  readonly packets: number;
  readonly bytes: number;
  /** Of the other direction, in bidirectional records. */
  readonly reversePackets: number;
  readonly reverseBytes: number;
  /** Every other column of `MORE` that either side may show; absent, 0 and an address of zeros are the same. */
  readonly more: Shown;
}

export interface Totals {
  readonly flows: number;
  readonly packets: number;
  readonly bytes: number;
}

/** Flows, packets and bytes; those of the other direction count too, as nfcapd counts them. */
export function totals(flows: readonly PeerFlow[]): Totals {
  return {
    flows: flows.length,
    packets: flows.reduce((sum, { packets, reversePackets }) => sum + packets + reversePackets, 0),
    bytes: flows.reduce((sum, { bytes, reverseBytes }) => sum + bytes + reverseBytes, 0),
  };
}

/** One line per flow, sorted: two lists of flows are the same multiset when their lines are equal. */
export function lines(flows: readonly PeerFlow[]): string[] {
  return flows.map(line).sort();
}

/**
 * The flow with its duration in ms, modulo 2³², in place of its times. An exporter that reads a capture of years ago sends stamps of sysUptime that have gone
 * round, which say nothing of when; nfdump shows some time then, weir that of the message.
 */
export function withDuration(flow: PeerFlow): PeerFlow {
  const { time_start, time_end, ...more } = flow.more;
  const ms = (Date.parse(time_end as string) - Date.parse(time_start as string)) % 2 ** 32;
  return { ...flow, more: { ...more, duration: (ms + 2 ** 32) % 2 ** 32 } };
}

/** nfcapd 1.7.1 takes flowEndSysUpTime (21) and flowStartSysUpTime (22) of IPFIX one for the other. */
export function timesSwapped(flow: PeerFlow): PeerFlow {
  const { time_start, time_end } = flow.more;
  return { ...flow, more: { ...flow.more, time_start: time_end, time_end: time_start } };
}

function line({ src, sport, dst, dport, proto, packets, bytes, reversePackets, reverseBytes, more }: PeerFlow): string {
  const reverse = reversePackets + reverseBytes === 0 ? '' : `, back ${reversePackets} packets ${reverseBytes} bytes`;
  const others = MORE.flatMap((name) => {
    const value = `${(more[name] as string | number | undefined) ?? 0}`;
    return /^[0.:]*$/.test(value) ? [] : [`${name} ${value}`];
  });
  return [
    `proto ${proto} ${src} ${sport} > ${dst} ${dport}: ${packets} packets ${bytes} bytes${reverse}`,
    ...others,
  ].join(', ');
}

/** A row of weir, from the store or the library, with its names. */
export type WeirRow = Readonly<Record<string, unknown>>;

export const WEIR_COLUMNS = [
  ...'exporter src_addr dst_addr proto src_port dst_port icmp_type icmp_code packets bytes reverse_packets reverse_bytes reverse_tcp_flags reverse_tos'.split(
    ' ',
  ),
  ...MORE.filter((name) => name !== 'duration'),
].join(',');

/** What is absent counts as 0, as it does for nfdump. */
export function flowOfWeir(row: WeirRow): PeerFlow {
  const number = (value: unknown): number => Number(value ?? 0);
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return {
    exporter: text(row['exporter']),
    src: text(row['src_addr']),
    dst: text(row['dst_addr']),
    proto: number(row['proto']),
    sport: number(row['src_port']),
    dport: number(row['dst_port'] ?? number(row['icmp_type']) * 256 + number(row['icmp_code'])),
    packets: number(row['packets']),
    bytes: number(row['bytes']),
    reversePackets: number(row['reverse_packets']),
    reverseBytes: number(row['reverse_bytes']),
    more: {
      ...(row as Shown),
      // nfdump has milliseconds.
      time_start: text(row['time_start']).replace(/(\.\d{3})\d*Z$/, '$1Z'),
      time_end: text(row['time_end']).replace(/(\.\d{3})\d*Z$/, '$1Z'),
    },
  };
}
