import { existsSync, readFileSync } from 'node:fs';
import { bothWays, type FlowSums, spelled, sumFlows } from './flow-sums.ts';
import type { Trace } from './traces.ts';

/** Protocols that nDPI writes by name. */
const PROTOCOLS: Readonly<Record<string, number>> = {
  ICMP: 1,
  IGMP: 2,
  IPIP: 4,
  TCP: 6,
  UDP: 17,
  GRE: 47,
  ESP: 50,
  AH: 51,
  ICMPV6: 58,
  OSPF: 89,
  PIM: 103,
  VRRP: 112,
  SCTP: 132,
};

/** A line of nDPI's results: number, protocol, ends, and much else; then packets and octets of both directions. */
const FLOW = /^\t\d+\t(\S+) \[?([0-9a-f:.]+?)\]?:(\d+) <?-> \[?([0-9a-f:.]+?)\]?:(\d+) /;
const COUNTS = /\[(\d+) pkts\/(\d+) bytes <?-> (\d+) pkts\/(\d+) bytes\]/;

/** The flows that nDPI's project expects of a trace: octets of whole frames, no type of ICMP. Undefined where it tells none. */
export function ndpiFlows({ path }: Trace): FlowSums | undefined {
  if (!existsSync(`${path}.out`)) return undefined;
  const flows = readFileSync(`${path}.out`, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, name = '', src = '', sport, dst = '', dport] = FLOW.exec(line) ?? [];
      const counts = COUNTS.exec(line)?.slice(1).map(Number);
      if (counts === undefined) return [];
      const [packets = 0, bytes = 0, packetsBack = 0, bytesBack = 0] = counts;
      const ends = {
        proto: PROTOCOLS[name] ?? Number(name),
        src: spelled(src),
        sport: Number(sport),
        dst: spelled(dst),
        dport: Number(dport),
      };
      return bothWays(ends, { packets, bytes }, { packets: packetsBack, bytes: bytesBack });
    });
  return sumFlows(flows);
}
