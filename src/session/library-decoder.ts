import { createElementRegistry, type ElementRegistry } from '../elements/registry.ts';
import type { FlowBatch } from '../flow/batch.ts';
import { type FlowRecord, records } from '../flow/record.ts';
import { BatchList } from './batch-list.ts';
import type { CounterSink } from './counter-row.ts';
import type { AwaitedTemplate } from './held-sets.ts';
import { datagramOctets, type Exporter, sourceFinder } from './library-input.ts';
import { type DecodeObserver, MessageDecoder } from './message-decoder.ts';

export interface DecoderOptions {
  /** Elements to know beside the built-in ones; see `parseUserElements`. */
  readonly registry?: ElementRegistry;
  /** Milliseconds since the epoch; default Date.now. */
  readonly now?: () => number;
  readonly observer?: DecodeObserver;
  /** Takes sFlow's counters. */
  readonly counters?: CounterSink;
  /** False interprets all templates: for processes that forbid code generation. */
  readonly mayCompile?: boolean;
}

export interface Decoder {
  /**
   * Decodes one datagram of any format that Netweir collects, octets or hexadecimal digits, and returns its flow records, together with those of earlier
   * data sets that waited for a template it brought. Damaged input gives fewer records and is counted in `faults()`; nothing is thrown for it.
   */
  decode(datagram: Uint8Array | string, exporter?: Exporter): FlowRecord[];
  /** The same as columns, valid until the next call: one batch as a rule, none without records, more when a template sets many held records free. */
  decodeBatches(datagram: Uint8Array | string, exporter?: Exporter): readonly FlowBatch[];
  /** How many messages and sets could not be used, by cause. */
  faults(): Record<string, number>;
  /** Templates that data sets wait for. */
  awaited(): (AwaitedTemplate & { exporter: string; observationDomain: number })[];
}

/** Rows of the batches that a library decoder works with. */
const ROWS = 8_192;

/**
 * A decoder with the state that NetFlow v9 and IPFIX need (templates, sampling), for one process's use. Throws WEIR_INPUT for an exporter address
 * or hexadecimal text that is none.
 */
export function createDecoder(options: DecoderOptions = {}): Decoder {
  const now = options.now ?? Date.now;
  const list = new BatchList(ROWS);
  const sourceOf = sourceFinder();
  const decoder = new MessageDecoder({
    registry: options.registry ?? createElementRegistry(),
    sink: list,
    ...(options.observer === undefined ? {} : { observer: options.observer }),
    counters: options.counters,
    mayCompile: options.mayCompile ?? true,
  });
  const run = (datagram: Uint8Array | string, exporter: Exporter): FlowBatch[] => {
    const bytes = datagramOctets(datagram);
    list.clear();
    decoder.decode(bytes, sourceOf(exporter), (exporter.receivedAt ?? now()) * 1000);
    return list.batches.filter((batch) => batch.rows > 0);
  };

  return {
    decode: (datagram, exporter = {}) => run(datagram, exporter).flatMap((batch) => [...records(batch)]),
    decodeBatches: (datagram, exporter = {}) => run(datagram, exporter),
    faults() {
      const total: Record<string, number> = {};
      for (const domain of decoder.domains) {
        for (const [fault, count] of domain.faults) total[fault] = (total[fault] ?? 0) + count;
      }
      return total;
    },
    awaited() {
      return [...decoder.awaited()].map(([domain, template]) => ({
        ...template,
        exporter: domain.exporter,
        observationDomain: domain.id,
      }));
    },
  };
}
