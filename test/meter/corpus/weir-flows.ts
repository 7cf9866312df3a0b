import type { MeterOptions } from '#weir/meter/options.js';
import type { MeterStatistics } from '#weir/meter/statistics.js';
import type { CaptureStats } from '#weir/wire/pcap/packet.js';
import { Metering } from '../metering.ts';
import { type FlowSums, sumFlows } from './flow-sums.ts';
import { readTrace, type Trace } from './traces.ts';

/** What weir makes of a trace. */
export interface Metered {
  readonly sums: FlowSums;
  readonly statistics: MeterStatistics;
  readonly stats: CaptureStats;
}

/** Meters a trace as `weir probe -r` does: each conversation is one flow from its first packet to its last. */
export function meterTrace(trace: Trace, tunnels: MeterOptions['tunnels'] = 'outer'): Metered {
  const metering = new Metering({ tunnels, expiry: 'when-full', maxFlows: 20_000 });
  const { meter } = metering;
  const stats = readTrace(trace, meter);
  const flows = metering.end().map((record) => ({
    proto: Number(record['proto']),
    src: record['src_addr'] as string,
    sport: Number(record['src_port'] ?? 0),
    dst: record['dst_addr'] as string,
    dport: Number(record['dst_port'] ?? Number(record['icmp_type'] ?? 0) * 256 + Number(record['icmp_code'] ?? 0)),
    packets: Number(record['packets']),
    bytes: Number(record['bytes']),
  }));
  return { sums: sumFlows(flows), statistics: meter.statistics(), stats };
}
