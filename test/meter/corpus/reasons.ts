import { expect } from 'vitest';
import { type FlowSums, sumLines } from './flow-sums.ts';
import { flowsOf, type SeenPacket } from './seen-packets.ts';

/** Something that another program makes of packets otherwise than weir does. */
export interface Reason {
  /** A sentence about the other program. */
  readonly why: string;
  /** What it makes of the packets of a trace: some with another flow or other octets, some not at all. */
  readonly apply: (packets: readonly SeenPacket[]) => readonly SeenPacket[];
  /** Names of the traces, or of runs over them, in which it shows; with white space between. */
  readonly traces: string;
}

/** A reason that holds for each packet by itself; undefined takes it away. */
export function ofEach(change: (packet: SeenPacket) => SeenPacket | undefined): Reason['apply'] {
  return (packets) => packets.map(change).filter((packet) => packet !== undefined);
}

/** A reason that takes packets away. */
export function without(isUnread: (packet: SeenPacket) => boolean): Reason['apply'] {
  return (packets) => packets.filter((packet) => !isUnread(packet));
}

/** The reasons that name a trace, or a run over it, in their order. */
export function reasonsFor(reasons: readonly Reason[], ...names: readonly string[]): Reason[] {
  return reasons.filter((reason) => tracesOf(reason).some((trace) => names.includes(trace)));
}

export function tracesOf({ traces }: Reason): string[] {
  return traces.trim().split(/\s+/);
}

/** A comparison of one trace. */
export interface Comparison {
  /** What weir meters. */
  readonly ours: FlowSums;
  readonly packets: () => readonly SeenPacket[];
  readonly theirs: FlowSums;
  readonly reasons: readonly Reason[];
  /** What the other program does with all packets, in all traces. */
  readonly ways?: Reason['apply'];
}

/**
 * Checks that the other program's flows are exactly those of weir's packets, changed for these reasons, and that none of them could be left out. Without reasons or
 * ways, that both have the same flows.
 */
export function expectExplained({ ours, packets, theirs, reasons, ways }: Comparison): void {
  const expected = sumLines(theirs);
  if (reasons.length === 0 && ways === undefined) {
    expect(sumLines(ours)).toEqual(expected);
    return;
  }
  const seen = packets();
  expect(sumLines(explained(seen, reasons, ways))).toEqual(expected);
  for (const reason of reasons) {
    const others = reasons.filter((one) => one !== reason);
    expect(sumLines(explained(seen, others, ways)), `is not needed: ${reason.why}`).not.toEqual(expected);
  }
}

/** Flows of these packets, as who has these reasons and ways meters them. */
export function explained(
  packets: readonly SeenPacket[],
  reasons: readonly Reason[],
  ways: Reason['apply'] = (all) => all,
): FlowSums {
  return flowsOf(ways(reasons.reduce((changed, { apply }) => apply(changed), packets)));
}

/** One packet more, of a header that weir takes for a damaged one; `flow` is its key as `sumFlows` writes it. */
export function damaged(flow: string, bytes: number): Reason['apply'] {
  return (packets) => {
    const [proto, src = '', sport, , dst = '', dport] = flow.split(' ');
    const ends = { proto: Number(proto), src, sport: Number(sport), dst, dport: Number(dport) };
    return [...packets, { ...(packets[0] as SeenPacket), ...ends, bytes, frame: bytes }];
  };
}
