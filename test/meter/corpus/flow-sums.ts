import { formatAddress, parseAddress } from '#weir/util/address.js';

/** Packets and octets of a flow, in one direction. */
export interface FlowSum {
  packets: number;
  bytes: number;
}

/** The key of a flow, in plain values. */
export interface FlowEnds {
  readonly proto: number;
  readonly src: string;
  readonly sport: number;
  readonly dst: string;
  /** For ICMP, type × 256 + code. */
  readonly dport: number;
}

export type OneFlow = FlowEnds & Readonly<FlowSum>;

/** Flows by their key; records of one flow, cut by whatever, are added up. */
export type FlowSums = ReadonlyMap<string, Readonly<FlowSum>>;

/** Adds up flows. Those without packets are the other direction of flows that have none. */
export function sumFlows(flows: Iterable<OneFlow>): FlowSums {
  const sums = new Map<string, FlowSum>();
  for (const { proto, src, sport, dst, dport, packets, bytes } of flows) {
    if (packets === 0) continue;
    const key = `${proto} ${src} ${sport} > ${dst} ${dport}`;
    const sum = sums.get(key);
    if (sum === undefined) {
      sums.set(key, { packets, bytes });
      continue;
    }
    sum.packets += packets;
    sum.bytes += bytes;
  }
  return sums;
}

/** One line for each flow, sorted: two sums are equal when their lines are. */
export function sumLines(sums: FlowSums): string[] {
  return [...sums].map(([key, { packets, bytes }]) => `${key}: ${packets} packets, ${bytes} bytes`).sort();
}

/** Both directions of a flow. */
export function bothWays(ends: FlowEnds, there: FlowSum, back: FlowSum): OneFlow[] {
  const { proto, src, sport, dst, dport } = ends;
  return [
    { ...ends, ...there },
    { proto, src: dst, sport: dport, dst: src, dport: sport, ...back },
  ];
}

/** An address in weir's spelling; what is no address as it is. */
export function spelled(text: string): string {
  const words = parseAddress(text);
  return words === undefined ? text : formatAddress(...words);
}
