import type { BatchSink } from '../session/message-decoder.ts';
import type { PacketHandler } from '../wire/pcap/packet.ts';
import type { MeterOptions } from './options.ts';
import type { MeterStatistics } from './statistics.ts';

/** One flow of the cache, for people (`dump-flows`). */
export type FlowLine = Readonly<Record<string, string | number>>;

/** Metering process (RFC 7011 section 2): packets in, flow records out. */
export class Meter implements PacketHandler {
  constructor(options: MeterOptions, sink: BatchSink) {
    void options;
    void sink;
  }

  packet(): void {
    throw new Error('not yet written');
  }

  /** Ends the flows whose time has come; `nowMicros` is µs since the epoch. For live captures, so that flows end without packets too. */
  expire(nowMicros: number): void {
    void nowMicros;
  }

  /** Ends all flows and writes their records. Returns how many flows there were. */
  expireAll(): number {
    return 0;
  }

  /** Throws all flows away, untold. Returns how many there were. */
  deleteAll(): number {
    return 0;
  }

  /** Whether packets are metered (`start-gather`, `stop-gather`). */
  isGathering = true;

  statistics(): MeterStatistics {
    throw new Error('not yet written');
  }

  /** The flows in the cache, most recently begun last. */
  *dumpFlows(): Iterable<FlowLine> {}
}
