import type { ElementRegistry } from '../elements/registry.ts';
import { readV5Header, V5_FIELDS, V5_HEADER, V5_RECORD, type V5Header } from '../wire/netflow-v5.ts';
import { buildPlan } from '../wire/plan.ts';
import { compilePlan } from '../wire/plan-code.ts';
import { beginMessage } from './begin-message.ts';
import type { DataDecoder } from './data-decoder.ts';
import { SAMPLING } from './sampling.ts';
import { type RunnablePlan, runnablePlan } from './specification.ts';
import type { DatagramSource, StreamTable } from './stream-table.ts';

/** Decodes the NetFlow versions whose records are fixed; templates and options are unknown to them. */
export class FixedDecoder {
  readonly #data: DataDecoder;
  readonly #streams: StreamTable;
  readonly #version5: RunnablePlan;
  readonly #header: V5Header = {
    count: 0,
    uptime: 0,
    exportMillis: 0,
    sequence: 0,
    engine: 0,
    samplingInterval: 0,
  };

  constructor(registry: ElementRegistry, mayCompile: boolean, data: DataDecoder, streams: StreamTable) {
    this.#data = data;
    this.#streams = streams;
    const plan = buildPlan(5, V5_FIELDS, registry);
    this.#version5 = runnablePlan(plan);
    if (mayCompile) this.#version5.run = compilePlan(plan);
  }

  /** Decodes a datagram of NetFlow v5 that has a whole header. Returns the number of records. */
  decodeV5(bytes: Uint8Array, source: DatagramSource): number {
    const header = this.#header;
    const { context } = this.#data;
    readV5Header(bytes, header);
    const { domain, sequence } = this.#streams.open(source, 5, header.engine);
    const fits = Math.floor((bytes.length - V5_HEADER) / V5_RECORD);
    if (header.count > fits) domain.fault('record_count');
    const count = Math.min(header.count, fits);
    beginMessage(context, domain, bytes.length, header.exportMillis, header.uptime);
    if (header.samplingInterval > 0 && context.samplingSource !== SAMPLING.override) {
      context.samplingRate = header.samplingInterval;
      context.samplingSource = SAMPLING.header;
    }
    sequence.update(header.sequence, header.count, header.uptime, domain.counters);
    return this.#data.run(this.#version5, domain, bytes, V5_HEADER, V5_HEADER + count * V5_RECORD);
  }
}
