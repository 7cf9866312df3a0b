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

function line({ src, sport, dst, dport, proto, packets, bytes, reversePackets, reverseBytes }: PeerFlow): string {
  const reverse = reversePackets + reverseBytes === 0 ? '' : `, back ${reversePackets} packets ${reverseBytes} bytes`;
  return `proto ${proto} ${src} ${sport} > ${dst} ${dport}: ${packets} packets ${bytes} bytes${reverse}`;
}

/** A row of weir, from the store or the library, with its names. */
export interface WeirRow {
  readonly exporter?: unknown;
  readonly src_addr?: unknown;
  readonly dst_addr?: unknown;
  readonly proto?: unknown;
  readonly src_port?: unknown;
  readonly dst_port?: unknown;
  readonly icmp_type?: unknown;
  readonly icmp_code?: unknown;
  readonly packets?: unknown;
  readonly bytes?: unknown;
  readonly reverse_packets?: unknown;
  readonly reverse_bytes?: unknown;
}

export const WEIR_COLUMNS =
  'exporter,src_addr,dst_addr,proto,src_port,dst_port,icmp_type,icmp_code,packets,bytes,reverse_packets,reverse_bytes';

/** What is absent counts as 0, as it does for nfdump. */
export function flowOfWeir(row: WeirRow): PeerFlow {
  const number = (value: unknown): number => Number(value ?? 0);
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return {
    exporter: text(row.exporter),
    src: text(row.src_addr),
    dst: text(row.dst_addr),
    proto: number(row.proto),
    sport: number(row.src_port),
    dport: number(row.dst_port ?? number(row.icmp_type) * 256 + number(row.icmp_code)),
    packets: number(row.packets),
    bytes: number(row.bytes),
    reversePackets: number(row.reverse_packets),
    reverseBytes: number(row.reverse_bytes),
  };
}
