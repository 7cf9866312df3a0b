import { WeirError } from '../util/errors.ts';
import { NETFLOW1, NETFLOW5, NETFLOW6, NETFLOW7 } from './fixed.ts';
import type { GeneratedVersion, Layout } from './layout.ts';
import { NETFLOW8 } from './netflow8.ts';
import { SFLOW } from './sflow.ts';
import { IPFIX, NETFLOW9 } from './templated.ts';

export interface TrafficOptions {
  readonly version: GeneratedVersion;
  /** The same seed and the same times give the same bytes. Default 1. */
  readonly seed?: number | undefined;
  /** Exporting processes, each to be sent from its own socket; every one has its own clock and sequence numbers. Default 1. */
  readonly exporters?: number | undefined;
  /** Observation domains (v5: engines) of each exporter. Default 1. */
  readonly domains?: number | undefined;
  /** Records per datagram; default 30 for v5, 15 for v9 and IPFIX, fewer where IPv6 records would pass 1,472 bytes. */
  readonly records?: number | undefined;
  /** Share of datagrams that hold IPv6 flows, 0 to 1; not for v5. Default 0. */
  readonly ipv6?: number | undefined;
  /** Says that 1 in so many packets is counted (v5: in the header; v9, IPFIX: options data). The counters are not scaled. Default 1. */
  readonly sampling?: number | undefined;
  /** Stop after exactly so many flows. Default: never. */
  readonly flows?: number | undefined;
  /**
   * Different flows made beforehand; then they come again, with new times and from the next exporter. Default: `flows`, at most
   * 3 million, and 1 million where that is not given. v5 takes 56 bytes of memory for each, IPFIX 79, IPFIX over IPv6 115.
   */
  readonly distinct?: number | undefined;
  /** Templates of a stream are sent again after so many of its datagrams, or so many ms, whichever is first. Default 1000, 30,000. */
  readonly templateDatagrams?: number | undefined;
  readonly templateMs?: number | undefined;
}

export const LAYOUTS: Readonly<Record<GeneratedVersion, Layout>> = {
  1: NETFLOW1,
  5: NETFLOW5,
  6: NETFLOW6,
  7: NETFLOW7,
  8: NETFLOW8,
  9: NETFLOW9,
  10: IPFIX,
  sflow: SFLOW,
};
/** Versions whose domain is an engine, numbered from 0 in eight bits; v1 has one domain only, and no number for it. */
const HAS_ENGINES: readonly GeneratedVersion[] = [1, 5, 6, 7, 8];
const HAS_IPV6: readonly GeneratedVersion[] = [9, 10, 'sflow'];
const SAYS_SAMPLING: readonly GeneratedVersion[] = [5, 8, 9, 10, 'sflow'];

/** Whether domains are engines, numbered from 0. */
export function hasEngines(version: GeneratedVersion): boolean {
  return HAS_ENGINES.includes(version);
}

/** Throws WEIR_USAGE for options that contradict each other or the format. */
export function checkOptions(options: TrafficOptions, layout: Layout): void {
  const { version, ipv6 = 0, records, exporters = 1, domains = 1, sampling = 1 } = options;
  const problem = (message: string, hint: string) => new WeirError('WEIR_USAGE', message, { hint });
  const name = version === 'sflow' ? 'sFlow' : version === 10 ? 'IPFIX' : `NetFlow v${version}`;
  if (ipv6 > 0 && !HAS_IPV6.includes(version))
    throw problem(`${name} has no IPv6.`, 'Use --version 9 or --version ipfix with --ipv6.');
  if (version === 1 && domains > 1) throw problem('NetFlow v1 has no engines.', 'Leave --domains out.');
  if (hasEngines(version) && domains > 256)
    throw problem(`${name} has at most 256 engines.`, 'Use --domains 256 or fewer.');
  if (sampling > 1 && !SAYS_SAMPLING.includes(version))
    throw problem(`${name} cannot say that packets are sampled.`, 'Leave --sampling out, or use --version 5.');
  if ((version === 5 || version === 8) && sampling > 16_383)
    throw problem(`${name} has 14 bits for the sampling interval.`, 'Use --sampling 16383 or less.');
  if (exporters * domains > 1_000_000) throw problem('More than a million streams.', 'Lower --exporters or --domains.');
  if (!(ipv6 >= 0 && ipv6 <= 1)) throw problem('The IPv6 share is not between 0 and 1.', 'Say --ipv6 0.2 for a fifth.');
  const room = Math.floor((65_507 - layout.headerLength - 4) / layout.recordLength(ipv6 > 0));
  const most = layout.mostRecords ?? room;
  if (records !== undefined && !(records >= 1 && records <= most)) {
    throw problem(`A datagram of this version holds 1 to ${most} records.`, `Use --records ${most} or fewer.`);
  }
}
