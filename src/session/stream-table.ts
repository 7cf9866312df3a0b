import type { Address } from '../util/address.ts';
import type { PlanVersion } from '../wire/plan.ts';
import type { Domain } from './domain.ts';
import type { DomainTable } from './domain-table.ts';
import { SequenceTracker } from './sequence.ts';

/** Where a datagram came from. The same object for the same sender makes look-ups fast; an equal other object is as good. */
export interface DatagramSource {
  readonly address: Address;
  readonly port: number;
  /** Number of the transport session of a stream (`MessageDecoder.beginSession`); 0 or nothing for datagrams. */
  readonly session?: number;
}

/** One transport session of one domain, found again by the sender. */
export interface Stream {
  readonly domain: Domain;
  readonly sequence: SequenceTracker;
}

/** Streams made before all are forgotten and found anew: forged senders and domain numbers must not fill memory. */
const MAX_STREAMS = 262_144;
/** Streams of one sender: one that makes up domain numbers must not fill memory either. */
const MAX_OF_SENDER = 4_096;

/** Finds the stream of a sender in a domain: by the sender's identity, with the last sender at hand. */
export class StreamTable {
  readonly #domains: DomainTable;
  #streams = new WeakMap<DatagramSource, Map<number, Stream>>();
  #count = 0;
  #lastSource: DatagramSource | undefined = undefined;
  #lastStreams: Map<number, Stream> | undefined = undefined;

  constructor(domains: DomainTable) {
    this.#domains = domains;
  }

  /** The stream, made when it is new. `id` is the observation domain, `part` which of the domain's streams with sequence numbers of their own. */
  open(source: DatagramSource, version: PlanVersion, id: number, part = 0): Stream {
    let streams = source === this.#lastSource ? this.#lastStreams : this.#streams.get(source);
    if (streams === undefined) {
      streams = new Map();
      this.#streams.set(source, streams);
    }
    this.#lastSource = source;
    this.#lastStreams = streams;
    const key = (part * 4_294_967_296 + id) * 16 + version;
    let stream = streams.get(key);
    if (stream === undefined || stream.domain.forgotten) {
      if (streams.size >= MAX_OF_SENDER) streams.clear();
      if (++this.#count > MAX_STREAMS) {
        this.#streams = new WeakMap([[source, streams]]);
        this.#count = streams.size;
      }
      stream = {
        domain: this.#domains.open(source.address, version, id, source.session),
        sequence: new SequenceTracker(version),
      };
      streams.set(key, stream);
    }
    return stream;
  }
}
