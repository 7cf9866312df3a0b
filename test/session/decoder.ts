import { createElementRegistry } from '#weir/elements/registry.js';
import { FlowBatch } from '#weir/flow/batch.js';
import { type FlowRecord, records } from '#weir/flow/record.js';
import type { DomainCounters } from '#weir/session/domain.js';
import { type DatagramSource, MessageDecoder, type MessageDecoderOptions } from '#weir/session/message-decoder.js';
import { parseAddress } from '#weir/util/address.js';
import { NOON } from '../wire/build.ts';

const registry = createElementRegistry();

export interface TestDecoder {
  readonly decoder: MessageDecoder;
  /** Decodes and gives the records that came of it. `from` is an address, with `/port` when the port matters. */
  feed(datagram: Uint8Array, from?: string, receivedMicros?: number): FlowRecord[];
  /** Counters of a domain; those of the only one when nothing is said. */
  counters(from?: string, domain?: number): DomainCounters;
  /** All faults of all domains. */
  faults(): Record<string, number>;
}

/** A message decoder whose records are read as soon as they are there. */
export function testDecoder(options: Partial<MessageDecoderOptions> = {}, capacity = 512): TestDecoder {
  let batches: FlowBatch[] = [];
  const batch = (): FlowBatch => {
    let last = batches.at(-1);
    if (last === undefined || !last.hasRoom(1)) {
      last = new FlowBatch(capacity);
      batches.push(last);
    }
    return last;
  };
  const decoder = new MessageDecoder({ registry, sink: { batch }, ...options });
  const sources = new Map<string, DatagramSource>();
  const sourceOf = (from: string): DatagramSource => {
    let source = sources.get(from);
    if (source === undefined) {
      const [host = '', port = '2055'] = from.split('/');
      const address = parseAddress(host);
      if (address === undefined) throw new Error(`not an address: ${host}`);
      source = { address, port: Number(port) };
      sources.set(from, source);
    }
    return source;
  };
  return {
    decoder,
    feed(datagram, from = '192.0.2.1', receivedMicros = NOON * 1e6 + 5000) {
      batches = [];
      const count = decoder.decode(datagram, sourceOf(from), receivedMicros);
      const all = batches.flatMap((full) => [...records(full)]);
      if (all.length !== count) throw new Error(`decode said ${count} records, the batches hold ${all.length}`);
      return all;
    },
    counters(from, domain) {
      const found = [...decoder.domains].filter(
        ({ sender, id }) => (from === undefined || sender === from) && (domain === undefined || id === domain),
      );
      if (found.length !== 1) throw new Error(`${found.length} domains, not one`);
      return (found[0] as (typeof found)[number]).counters;
    },
    faults() {
      const total: Record<string, number> = {};
      for (const domain of decoder.domains) {
        for (const [fault, count] of domain.faults) total[fault] = (total[fault] ?? 0) + count;
      }
      return total;
    },
  };
}

/** Feeds datagrams of one exporter to a fresh decoder. */
export function decodeDatagrams(datagrams: readonly Uint8Array[]): {
  records: FlowRecord[];
  faults: Record<string, number>;
} {
  const decoder = testDecoder();
  return { records: datagrams.flatMap((datagram) => decoder.feed(datagram)), faults: decoder.faults() };
}
