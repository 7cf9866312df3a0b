import type { MessageClock } from './field-writers.ts';
import type { EncoderCounters } from './losses.ts';
import { MessageMemory } from './message-memory.ts';
import { isMapped } from './packet-of-row.ts';
import { writeAddress } from './sflow-structures.ts';
import type { Emit } from './template-message.ts';

/** What a data source (an interface) has sent. */
export interface SflowSource {
  /** Flow samples, and the packets they were chosen from. */
  samples: number;
  pool: number;
  /** Discarded-packet notifications. */
  discards: number;
  /** Counter samples. */
  counters: number;
}

/** An agent's sub-agent: datagrams with a sequence of their own. */
export interface SflowStream {
  readonly agent: readonly number[];
  readonly subAgent: number;
  sequence: number;
  /** By ingress interface. */
  readonly sources: Map<number, SflowSource>;
}

/** Octets of a sample at most: all records, with the longest texts. */
const LONGEST_SAMPLE = 2_560;
const MOST_STREAMS = 4_096;
const MOST_SOURCES = 4_096;

/** Datagrams of sFlow version 5 as they are written: header (`wire/sflow/datagram.ts`), samples, sequence numbers. One is open at a time. */
export class SflowDatagrams {
  readonly #longest: number;
  readonly #clock: MessageClock;
  readonly #counters: EncoderCounters;
  readonly #memory = new MessageMemory();
  readonly #streams = new Map<string, SflowStream>();
  #emit: Emit = () => {};
  #stream: SflowStream | undefined;
  #samples = 0;
  /** Where the open datagram is written, from `at` on; the memory is zero there. */
  view: DataView = new DataView(new ArrayBuffer(0));
  at = 0;

  /** `longest`: octets of a datagram at most. */
  constructor(longest: number, clock: MessageClock, counters: EncoderCounters) {
    this.#longest = longest;
    this.#clock = clock;
    this.#counters = counters;
  }

  /** The octets that datagrams are written into; the same memory as the view. */
  get bytes(): Uint8Array {
    return this.#memory.bytes;
  }

  /** From now on finished datagrams go to `emit`. */
  to(emit: Emit): void {
    this.#emit = emit;
  }

  /** Forgets all streams: sequence numbers begin at 0. */
  reset(): void {
    this.#streams.clear();
  }

  /** Makes sure that a datagram of this agent, as four words, and sub-agent is open. */
  open(agent: Uint32Array, subAgent: number): SflowStream {
    const open = this.#stream;
    if (open?.subAgent === subAgent && open.agent.every((word, i) => word === agent[i])) return open;
    const key = `${agent.join(' ')} ${subAgent}`;
    let stream = this.#streams.get(key);
    if (stream === undefined) {
      if (this.#streams.size >= MOST_STREAMS) this.#streams.clear();
      stream = { agent: [...agent], subAgent, sequence: 0, sources: new Map() };
      this.#streams.set(key, stream);
    }
    this.#begin(stream);
    return stream;
  }

  #begin(stream: SflowStream): void {
    this.close();
    this.#stream = stream;
    this.view = this.#memory.open(this.#longest + LONGEST_SAMPLE);
    // Sub-agent, sequence, uptime and count follow the address.
    this.at = writeAddress(this.view, this.#memory.start + 4, stream.agent) + 16;
    this.#samples = 0;
  }

  /**
   * A sample was written from `at` to `end`. How long one is, is known only then: one that is too much for the datagram is moved to the next one. Returns false
   * for one that no datagram can hold; it is taken out.
   */
  wrote(end: number): boolean {
    const stream = this.#stream;
    const start = this.at;
    const isTooMuch = end - this.#memory.start > this.#longest;
    if (!isTooMuch || stream === undefined) {
      this.at = end;
      this.#samples++;
      return true;
    }
    const { bytes } = this.#memory;
    const sample = bytes.slice(start, end);
    bytes.fill(0, start, end);
    if (this.#samples === 0) return false;
    this.#begin(stream);
    this.#memory.bytes.set(sample, this.at);
    return this.wrote(this.at + sample.length);
  }

  /** Ends the open datagram and hands it out; nothing when there is none, or no sample in it. */
  close(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream === undefined || this.#samples === 0) return;
    const { view } = this;
    const { start } = this.#memory;
    const tail = start + 4 + (isMapped(stream.agent) ? 8 : 20);
    view.setUint32(start, 5);
    view.setUint32(tail, stream.subAgent);
    view.setUint32(tail + 4, stream.sequence);
    view.setUint32(tail + 8, this.#clock.uptime);
    view.setUint32(tail + 12, this.#samples);
    stream.sequence = (stream.sequence + 1) >>> 0;
    this.#counters.messages++;
    this.#counters.octets += this.at - start;
    this.#emit(this.#memory.close(this.at));
  }
}

/** The data source of an interface; when there are too many, all begin anew. */
export function sourceOf({ sources }: SflowStream, index: number): SflowSource {
  let source = sources.get(index);
  if (source === undefined) {
    if (sources.size >= MOST_SOURCES) sources.clear();
    source = { samples: 0, pool: 0, discards: 0, counters: 0 };
    sources.set(index, source);
  }
  return source;
}
