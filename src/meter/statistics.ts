/** Why entries of the flow cache ended, by the names that softflowd gives the reasons. */
export const END_CAUSES = [
  'tcp',
  'tcp.rst',
  'tcp.fin',
  'udp',
  'icmp',
  'general',
  'maxlife',
  'maxflows',
  'flushed',
] as const;
export type EndCause = (typeof END_CAUSES)[number];

/** Smallest, mean and greatest; all 0 before the first. */
export interface Spread {
  readonly least: number;
  readonly mean: number;
  readonly most: number;
}

/** One IP protocol's share of the flows that have ended. */
export interface ProtocolStatistics {
  readonly proto: number;
  readonly flows: number;
  readonly bytes: number;
  readonly packets: number;
  /** Seconds. */
  readonly meanLife: number;
  readonly longestLife: number;
}

/**
 * What a meter has done. A flow is an entry of the cache: both directions of a conversation where the key has a direction. `statistics of
 * ended flows` are of those that were told of; deleted ones are in `deleted` only.
 */
export interface MeterStatistics {
  /** Entries in the cache now. */
  readonly activeFlows: number;
  readonly maxFlows: number;
  /** Packets that came, all causes below included. */
  readonly packets: number;
  /** Packets put to a flow, and their octets (layer 3). */
  readonly meteredPackets: number;
  readonly meteredBytes: number;
  /** Passed over: not IP, IP headers cut before their end or contradicting themselves, not chosen by sampling. */
  readonly nonIp: number;
  readonly tooShort: number;
  readonly notSampled: number;
  /** Packets that came while the meter was told not to gather. */
  readonly notGathered: number;
  /** Fragments of IP packets, the first ones included, among the metered ones. */
  readonly fragments: number;
  /** Fragments whose ports are not known because their first one did not come, or has been forgotten. */
  readonly fragmentsWithoutPorts: number;
  /** Times that the clock went back so far that the flows there were had to be ended. */
  readonly clockSteps: number;
  /** Entries that ended, by cause, and all of them. */
  readonly ended: Readonly<Record<EndCause, number>>;
  readonly endedFlows: number;
  /** Of those the ones that left before their time for want of room. */
  readonly forcedFlows: number;
  /** Entries thrown away by `deleteAll`. */
  readonly deleted: number;
  /** Records written: an entry gives two where both directions had packets and are told apart. */
  readonly records: number;
  /** Of the entries that ended. Seconds for `duration`. */
  readonly flowBytes: Spread;
  readonly flowPackets: Spread;
  readonly duration: Spread;
  /** By protocol number, ascending. */
  readonly protocols: readonly ProtocolStatistics[];
}
