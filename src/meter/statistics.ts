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

/** What reading names has done. */
export interface NameStatistics {
  /** Packets looked into. */
  readonly looks: number;
  /** DNS messages, ClientHellos over TCP and over QUIC, HTTP requests. */
  readonly found: Readonly<Record<'dns' | 'tls' | 'http' | 'quic', number>>;
  /** Answers that told an address, and those forgotten for want of room before their time. */
  readonly addresses: number;
  readonly addressesEvicted: number;
  /** Flows that are waited for, octets kept of them, and flows given up: for want of room, and because they went on for too long. */
  readonly waiting: number;
  readonly waitingOctets: number;
  readonly givenUp: number;
}

/**
 * What a meter has done. A flow is an entry of the cache: both directions of a conversation, unless the key has a direction. What is
 * told of ended flows is without those thrown away by `deleteAll`.
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
  /** Undefined where no names are read. */
  readonly names: NameStatistics | undefined;
  /** By protocol number, ascending. */
  readonly protocols: readonly ProtocolStatistics[];
}

/** What has come of the entries that ended, added up as they do. */
export class EndTally {
  readonly #ended = new Float64Array(END_CAUSES.length);
  /** For each protocol: flows, octets, packets, lifetimes added up and the longest, µs. */
  readonly #protocols = new Float64Array(256 * PROTOCOL_SUMS);
  readonly #bytes = new SpreadTally();
  readonly #packets = new SpreadTally();
  readonly #micros = new SpreadTally();

  /** An entry has ended; `cause` is an index into `END_CAUSES`, `micros` the time from its first to its last packet. */
  add(cause: number, proto: number, bytes: number, packets: number, micros: number): void {
    this.#ended[cause] = (this.#ended[cause] as number) + 1;
    const sums = this.#protocols;
    const at = proto * PROTOCOL_SUMS;
    sums[at] = (sums[at] as number) + 1;
    sums[at + 1] = (sums[at + 1] as number) + bytes;
    sums[at + 2] = (sums[at + 2] as number) + packets;
    sums[at + 3] = (sums[at + 3] as number) + micros;
    if (micros > (sums[at + 4] as number)) sums[at + 4] = micros;
    this.#bytes.add(bytes);
    this.#packets.add(packets);
    this.#micros.add(micros);
  }

  /** The part of the statistics that it knows. */
  summary(): EndSummary {
    const ended = Object.fromEntries(END_CAUSES.map((cause, i) => [cause, this.#ended[i] as number]));
    const protocols: ProtocolStatistics[] = [];
    for (let proto = 0; proto < 256; proto++) {
      const [flows = 0, bytes = 0, packets = 0, life = 0, longest = 0] = this.#protocols.subarray(
        proto * PROTOCOL_SUMS,
        (proto + 1) * PROTOCOL_SUMS,
      );
      if (flows > 0)
        protocols.push({ proto, flows, bytes, packets, meanLife: life / flows / 1e6, longestLife: longest / 1e6 });
    }
    return {
      ended: ended as Record<EndCause, number>,
      endedFlows: this.#ended.reduce((sum, count) => sum + count, 0),
      forcedFlows: ended['maxflows'] ?? 0,
      flowBytes: this.#bytes.spread(1),
      flowPackets: this.#packets.spread(1),
      duration: this.#micros.spread(1e6),
      protocols,
    };
  }
}

type EndSummary = Pick<
  MeterStatistics,
  'ended' | 'endedFlows' | 'forcedFlows' | 'flowBytes' | 'flowPackets' | 'duration' | 'protocols'
>;
const PROTOCOL_SUMS = 5;

class SpreadTally {
  #count = 0;
  #sum = 0;
  #least = Infinity;
  #most = 0;

  add(value: number): void {
    this.#count++;
    this.#sum += value;
    if (value < this.#least) this.#least = value;
    if (value > this.#most) this.#most = value;
  }

  spread(unit: number): Spread {
    if (this.#count === 0) return { least: 0, mean: 0, most: 0 };
    return { least: this.#least / unit, mean: this.#sum / this.#count / unit, most: this.#most / unit };
  }
}
