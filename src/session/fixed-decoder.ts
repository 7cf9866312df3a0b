import type { ElementRegistry } from '../elements/registry.ts';
import { withFixedFields } from '../wire/fixed-fields.ts';
import { readV1Header, V1_FIELDS, V1_HEADER, V1_RECORD, V1_SHORT_FIELDS, V1_SHORT_RECORD } from '../wire/netflow-v1.ts';
import { readV5Header, V5_FIELDS, V5_HEADER, V5_RECORD } from '../wire/netflow-v5.ts';
import { readV6Header, V6_FIELDS, V6_HEADER, V6_RECORD } from '../wire/netflow-v6.ts';
import { readV7Header, V7_FIELDS, V7_HEADER, V7_RECORD } from '../wire/netflow-v7.ts';
import { readV8Header, V8_HEADER, V8_SCHEMES, v8SourceMaskFirst } from '../wire/netflow-v8.ts';
import { buildPlan } from '../wire/plan.ts';
import type { FieldSpecifier } from '../wire/template.ts';
import { beginMessage } from './begin-message.ts';
import type { DataDecoder } from './data-decoder.ts';
import { SAMPLING } from './sampling-source.ts';
import { type RunnablePlan, runnablePlan } from './specification.ts';
import type { DatagramSource, Stream, StreamTable } from './stream-table.ts';

/** Versions of NetFlow whose records are fixed. */
export type FixedVersion = 1 | 5 | 6 | 7 | 8;

/** What the headers say; a version without a field leaves it 0. */
interface FixedHeader {
  count: number;
  uptime: number;
  exportMillis: number;
  sequence: number;
  engine: number;
  samplingInterval: number;
  scheme: number;
  schemeVersion: number;
}

interface FixedFormat {
  readonly header: number;
  readonly read: (bytes: Uint8Array, header: FixedHeader) => void;
  /** Octets of a record. */
  readonly length: number;
  readonly fields: readonly FieldSpecifier[];
}

const FORMATS: Readonly<Record<Exclude<FixedVersion, 8>, FixedFormat>> = {
  1: { header: V1_HEADER, read: readV1Header, length: V1_RECORD, fields: V1_FIELDS },
  5: { header: V5_HEADER, read: readV5Header, length: V5_RECORD, fields: V5_FIELDS },
  6: { header: V6_HEADER, read: readV6Header, length: V6_RECORD, fields: V6_FIELDS },
  7: { header: V7_HEADER, read: readV7Header, length: V7_RECORD, fields: V7_FIELDS },
};
const V1_SHORT: FixedFormat = { ...FORMATS[1], length: V1_SHORT_RECORD, fields: V1_SHORT_FIELDS };

/** Versions of the records of v8's schemes: Cisco's, and what Juniper writes for the same. */
const SCHEME_VERSIONS: readonly number[] = [2, 0];

/** Decodes the versions of NetFlow whose records are fixed. */
export class FixedDecoder {
  readonly #registry: ElementRegistry;
  readonly #data: DataDecoder;
  readonly #streams: StreamTable;
  /** By their fields, made when they are first needed: there are two dozen at most. */
  readonly #plans = new Map<readonly FieldSpecifier[], RunnablePlan>();
  /** Streams of v8 whose records have the source's mask first. */
  readonly #sourceMaskFirst = new WeakSet<Stream>();
  readonly #header: FixedHeader = {
    count: 0,
    uptime: 0,
    exportMillis: 0,
    sequence: 0,
    engine: 0,
    samplingInterval: 0,
    scheme: 0,
    schemeVersion: 0,
  };

  constructor(registry: ElementRegistry, data: DataDecoder, streams: StreamTable) {
    this.#registry = withFixedFields(registry);
    this.#data = data;
    this.#streams = streams;
  }

  /** Decodes a datagram of this version. Returns the number of records, or −1 when it is shorter than its header. */
  decode(version: FixedVersion, bytes: Uint8Array, source: DatagramSource): number {
    if (version === 8) return bytes.length < V8_HEADER ? -1 : this.#decodeV8(bytes, source);
    const format = FORMATS[version];
    if (bytes.length < format.header) return -1;
    const stream = this.#begin(version, format.read, bytes, source);
    const isShort = version === 1 && bytes.length - V1_HEADER === this.#header.count * V1_SHORT_RECORD;
    return this.#run(version, isShort ? V1_SHORT : format, bytes, stream);
  }

  #decodeV8(bytes: Uint8Array, source: DatagramSource): number {
    const stream = this.#begin(8, readV8Header, bytes, source);
    const { scheme: number, schemeVersion, count } = this.#header;
    const scheme = SCHEME_VERSIONS.includes(schemeVersion) ? V8_SCHEMES.get(number) : undefined;
    if (scheme === undefined) {
      stream.domain.fault('unknown_aggregation');
      return 0;
    }
    const { length } = scheme;
    let { fields } = scheme;
    if (scheme.sourceMaskFirst !== undefined) {
      const end = Math.min(bytes.length, V8_HEADER + count * length);
      const sourceFirst = v8SourceMaskFirst(bytes, V8_HEADER, end, length);
      if (sourceFirst === true) this.#sourceMaskFirst.add(stream);
      else if (sourceFirst === false) this.#sourceMaskFirst.delete(stream);
      if (this.#sourceMaskFirst.has(stream)) fields = scheme.sourceMaskFirst;
    }
    return this.#run(8, { header: V8_HEADER, read: readV8Header, length, fields }, bytes, stream);
  }

  /** Reads the header and does what it says of the datagram as a whole. */
  #begin(version: FixedVersion, read: FixedFormat['read'], bytes: Uint8Array, source: DatagramSource): Stream {
    const header = this.#header;
    header.engine = 0;
    header.samplingInterval = 0;
    header.scheme = 0;
    read(bytes, header);
    const { context } = this.#data;
    const stream = this.#streams.open(source, version, header.engine, header.scheme);
    const { domain, sequence } = stream;
    beginMessage(context, domain, bytes.length, header.exportMillis, header.uptime);
    if (header.samplingInterval > 0 && context.samplingSource !== SAMPLING.override) {
      context.samplingRate = header.samplingInterval;
      context.samplingSource = SAMPLING.header;
    }
    // v1 does not count.
    if (version !== 1) sequence.update(header.sequence, header.count, header.uptime, domain.counters);
    return stream;
  }

  /** Decodes the records, as many as the header says and the datagram has. */
  #run(version: FixedVersion, { header, length, fields }: FixedFormat, bytes: Uint8Array, { domain }: Stream): number {
    const { count } = this.#header;
    const whole = Math.floor((bytes.length - header) / length);
    if (count > whole) domain.fault('record_count');
    let plan = this.#plans.get(fields);
    if (plan === undefined) {
      plan = runnablePlan(buildPlan(version, fields, this.#registry));
      this.#plans.set(fields, plan);
    }
    return this.#data.run(plan, domain, bytes, header, header + Math.min(count, whole) * length);
  }
}
