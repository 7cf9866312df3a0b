import type { ElementRegistry } from '../elements/registry.ts';
import type { FlowBatch } from '../flow/batch.ts';
import type { Address } from '../util/address.ts';
import { u16 } from '../util/octets.ts';
import { IPFIX_HEADER, IPFIX_OPTIONS_SET, IPFIX_TEMPLATE_SET, readIpfixHeader } from '../wire/ipfix.ts';
import { readV5Header, V5_FIELDS, V5_HEADER, V5_RECORD } from '../wire/netflow-v5.ts';
import { readV9Header, V9_HEADER, V9_OPTIONS_SET, V9_TEMPLATE_SET } from '../wire/netflow-v9.ts';
import { buildPlan } from '../wire/plan.ts';
import { compilePlan } from '../wire/plan-code.ts';
import { RecordContext } from '../wire/record-context.ts';
import { SetList } from '../wire/set-list.ts';
import { readIpfixTemplates, readV9OptionsTemplates, readV9Templates, type TemplateEvent } from '../wire/template.ts';
import type { Domain } from './domain.ts';
import { type DomainLimits, DomainTable } from './domain-table.ts';
import { type AwaitedTemplate, type HeldLimits, type HeldSet, HeldSets } from './held-sets.ts';
import { optionsFacts, optionsRecord, type OptionsRecord, readOptionsData } from './options-data.ts';
import { type ConfiguredSampling, SAMPLING } from './sampling.ts';
import { SequenceTracker } from './sequence.ts';
import { type RunnablePlan, runnablePlan, type Specification, SpecificationTable } from './specification.ts';

/** Where a datagram came from. The same object for the same sender makes look-ups fast; an equal other object is as good. */
export interface DatagramSource {
  readonly address: Address;
  readonly port: number;
}

/** Where decoded records go. */
export interface BatchSink {
  /** A batch with room for at least one row (`hasRoom(1)`); called before each data set. */
  batch(): FlowBatch;
}

/** Looks on while messages are decoded; everything is optional. */
export interface DecodeObserver {
  /** A template was learnt, changed, or withdrawn. */
  template?(domain: Domain, event: TemplateEvent): void;
  options?(domain: Domain, templateId: number, record: OptionsRecord): void;
  /** Templates or sampling rates changed in a way worth keeping over a restart. */
  stateChanged?(): void;
}

export interface MessageDecoderOptions {
  readonly registry: ElementRegistry;
  readonly sink: BatchSink;
  readonly observer?: DecodeObserver;
  /** What is configured about an exporter's sampling; nothing when not given. */
  readonly sampling?: (address: Address) => ConfiguredSampling;
  readonly limits?: Partial<DomainLimits & HeldLimits>;
  /** False interprets every template instead of compiling hot ones. */
  readonly mayCompile?: boolean;
  /** False gives up data sets without template at once instead of holding them. */
  readonly hold?: boolean;
  /** Called before a domain's state is given up for want of room. */
  readonly onForget?: (domain: Domain) => void;
}

export const DEFAULT_LIMITS: DomainLimits & HeldLimits = {
  domains: 32_768,
  templatesPerDomain: 4_096,
  templates: 1_200_000,
  fields: 2_000_000,
  bytesPerDomain: 1 << 20,
  bytes: 32 << 20,
  age: 1_800e6,
};

const FLOW_TYPE = { 5: 2, 9: 3, 10: 4 } as const;
const NOTHING_CONFIGURED: ConfiguredSampling = { default: 0, override: 0 };

/** One transport session of one domain, found again by the sender. */
interface Stream {
  readonly domain: Domain;
  readonly sequence: SequenceTracker;
}

/**
 * Turns export datagrams (NetFlow v5, v9, IPFIX) into rows of batches, with all that is known per exporter: templates, options, sampling, sequence
 * numbers. Bad input is counted (`Domain.faults`), never thrown.
 */
export class MessageDecoder {
  readonly domains: DomainTable;
  readonly held: HeldSets;
  readonly specifications: SpecificationTable;
  readonly #registry: ElementRegistry;
  readonly #sink: BatchSink;
  readonly #observer: DecodeObserver;
  readonly #hold: boolean;
  readonly #version5: RunnablePlan;
  readonly #context = new RecordContext();
  readonly #sets = new SetList();
  readonly #header = { count: 0, uptime: 0, exportMillis: 0, sequence: 0, engine: 0, samplingInterval: 0, sourceId: 0, length: 0, observationDomain: 0 };
  #streams = new WeakMap<DatagramSource, Map<number, Stream>>();
  #lastSource: DatagramSource | undefined = undefined;
  #lastStreams: Map<number, Stream> | undefined = undefined;

  constructor(options: MessageDecoderOptions) {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const mayCompile = options.mayCompile ?? true;
    this.#registry = options.registry;
    this.#sink = options.sink;
    this.#observer = options.observer ?? {};
    this.#hold = options.hold ?? true;
    this.specifications = new SpecificationTable(options.registry, mayCompile);
    this.held = new HeldSets(limits, (set, why) => {
      const domain = set.owner as Domain;
      domain.counters.setsDropped++;
      domain.fault(why);
    });
    this.domains = new DomainTable(limits, this.specifications, options.sampling ?? (() => NOTHING_CONFIGURED), (domain) => {
      this.held.forget(domain);
      options.onForget?.(domain);
    });
    const plan = buildPlan(5, V5_FIELDS, options.registry);
    this.#version5 = runnablePlan(plan);
    if (mayCompile) this.#version5.run = compilePlan(plan);
  }

  /**
   * Decodes one datagram, or one IPFIX message of a stream. `receivedMicros` is its arrival, µs since the epoch. Returns how many flow records it
   * gave, held sets that it set free included.
   */
  decode(bytes: Uint8Array, source: DatagramSource, receivedMicros: number): number {
    const version = bytes.length >= 2 ? u16(bytes, 0) : -1;
    this.#context.receivedMicros = receivedMicros;
    switch (version) {
      case 5:
        return bytes.length < V5_HEADER ? this.#unreadable(bytes, source, 5, 'short_message') : this.#decodeV5(bytes, source);
      case 9:
        return bytes.length < V9_HEADER ? this.#unreadable(bytes, source, 9, 'short_message') : this.#decodeV9(bytes, source);
      case 10:
        return bytes.length < IPFIX_HEADER ? this.#unreadable(bytes, source, 10, 'short_message') : this.#decodeIpfix(bytes, source);
      default:
        return this.#unreadable(bytes, source, 0, version < 0 ? 'short_message' : 'unknown_version');
    }
  }

  /** Templates awaited now, with the domain that waits. */
  *awaited(): IterableIterator<[domain: Domain, template: AwaitedTemplate]> {
    for (const [owner, template] of this.held.awaited()) yield [owner as Domain, template];
  }

  #unreadable(bytes: Uint8Array, source: DatagramSource, version: number, fault: 'short_message' | 'unknown_version'): number {
    const domain = this.domains.open(source.address, version, 0);
    domain.counters.datagrams++;
    domain.counters.octets += bytes.length;
    domain.lastReceived = this.#context.receivedMicros;
    domain.fault(fault);
    return 0;
  }

  #decodeV5(bytes: Uint8Array, source: DatagramSource): number {
    const header = this.#header;
    readV5Header(bytes, header);
    const { domain, sequence } = this.#stream(source, 5, header.engine);
    const fits = Math.floor((bytes.length - V5_HEADER) / V5_RECORD);
    if (header.count > fits) domain.fault('record_count');
    const count = Math.min(header.count, fits);
    this.#begin(domain, bytes, header.exportMillis, header.uptime);
    if (header.samplingInterval > 0 && this.#context.samplingSource !== SAMPLING.override) {
      this.#context.samplingRate = header.samplingInterval;
      this.#context.samplingSource = SAMPLING.header;
    }
    sequence.update(header.sequence, header.count, header.uptime, domain.counters);
    return this.#run(this.#version5, domain, bytes, V5_HEADER, V5_HEADER + count * V5_RECORD);
  }

  #decodeV9(bytes: Uint8Array, source: DatagramSource): number {
    const header = this.#header;
    readV9Header(bytes, header);
    const { domain, sequence } = this.#stream(source, 9, header.sourceId);
    this.#begin(domain, bytes, header.exportMillis, header.uptime);
    sequence.update(header.sequence, 1, header.uptime, domain.counters);
    const broken = this.#sets.read(bytes, V9_HEADER, bytes.length);
    if (broken !== undefined) domain.fault(broken);
    return this.#decodeSets(domain, bytes, source.port, V9_TEMPLATE_SET, V9_OPTIONS_SET).records;
  }

  #decodeIpfix(bytes: Uint8Array, source: DatagramSource): number {
    const header = this.#header;
    readIpfixHeader(bytes, header);
    const { domain, sequence } = this.#stream(source, 10, header.observationDomain);
    const uptime = domain.initMillis === undefined ? 0x7fff_ffff : (header.exportMillis - domain.initMillis) >>> 0;
    this.#begin(domain, bytes, header.exportMillis, uptime);
    // A datagram may hold several messages (RFC 7011 section 10.3.3 does not forbid it, and exporters do it); a length that does not fit spoils the message.
    if (header.length < IPFIX_HEADER || header.length > bytes.length) {
      domain.fault('message_length');
      return 0;
    }
    const { sequence: number } = header;
    const { length } = header;
    const broken = this.#sets.read(bytes, IPFIX_HEADER, length);
    if (broken !== undefined) domain.fault(broken);
    const { records, units } = this.#decodeSets(domain, bytes, source.port, IPFIX_TEMPLATE_SET, IPFIX_OPTIONS_SET);
    sequence.update(number, broken === undefined ? units : -1, 0, domain.counters);
    const rest = bytes.length - length;
    if (rest < IPFIX_HEADER || u16(bytes, length) !== 10) return records;
    return records + this.#decodeIpfix(bytes.subarray(length), source);
  }

  /** The stream of a sender in a domain; looked up by identity, with the last sender at hand. */
  #stream(source: DatagramSource, version: 5 | 9 | 10, id: number): Stream {
    let streams = source === this.#lastSource ? this.#lastStreams : this.#streams.get(source);
    if (streams === undefined) {
      streams = new Map();
      this.#streams.set(source, streams);
    }
    this.#lastSource = source;
    this.#lastStreams = streams;
    const key = id * 16 + version;
    let stream = streams.get(key);
    if (stream === undefined || stream.domain.forgotten) {
      // A sender that makes up domain numbers must not fill memory.
      if (streams.size >= 4_096) streams.clear();
      stream = { domain: this.domains.open(source.address, version, id), sequence: new SequenceTracker(version) };
      streams.set(key, stream);
    }
    return stream;
  }

  /** Counts the message and sets what its records share. */
  #begin(domain: Domain, bytes: Uint8Array, exportMillis: number, uptime: number): void {
    const { counters, address } = domain;
    const context = this.#context;
    counters.datagrams++;
    counters.octets += bytes.length;
    domain.lastReceived = context.receivedMicros;
    domain.clockSkewMillis = exportMillis - context.receivedMicros / 1000;
    context.exporter0 = address[0];
    context.exporter1 = address[1];
    context.exporter2 = address[2];
    context.exporter3 = address[3];
    context.observationDomain = domain.id;
    context.flowType = FLOW_TYPE[domain.version as 5 | 9 | 10];
    context.exportMillis = exportMillis;
    context.uptime = uptime;
    context.samplingRate = domain.rate;
    context.samplingSource = domain.rateSource;
  }

  /**
   * The sets of a v9 or IPFIX message. First everything that says how to read (templates, then options data, in their order), then the data. `units`
   * counts data records as IPFIX sequence numbers do, −1 when some could not be counted.
   */
  #decodeSets(domain: Domain, bytes: Uint8Array, port: number, templateSet: number, optionsSet: number): { records: number; units: number } {
    const { ids, starts, ends, count } = this.#sets;
    let records = 0;
    let units = 0;
    let options = 0;
    let learnt = false;
    for (let i = 0; i < count; i++) {
      const id = ids[i] as number;
      if (id >= 256) continue;
      if (id === templateSet || id === optionsSet) {
        // Data that stands before a changed template in the same message was made with the old one.
        records += this.#learn(domain, bytes, starts[i] as number, ends[i] as number, port, id === templateSet ? 'data' : 'options', i);
        learnt = true;
      } else domain.fault('set_reserved');
    }
    for (let i = 0; i < count; i++) {
      const id = ids[i] as number;
      if (id < 256) continue;
      const specification = domain.templates.find(id, port);
      if (specification?.kind !== 'options') continue;
      options += this.#readOptions(domain, id, specification, bytes, starts[i] as number, ends[i] as number);
    }
    for (let i = 0; i < count; i++) {
      const id = ids[i] as number;
      if (id < 256) continue;
      const specification = domain.templates.find(id, port);
      if (specification?.kind === 'options') continue;
      const start = starts[i] as number;
      const end = ends[i] as number;
      if (specification === undefined) {
        if (end > start) {
          this.#holdSet(domain, id, port, bytes, start, end);
          units = -1;
        }
        continue;
      }
      if (domain.templates.entries.get(id)?.port !== port) domain.counters.portFallbacks++;
      const decoded = this.#run(this.specifications.planOf(specification), domain, bytes, start, end);
      records += decoded;
      if (units >= 0) units += decoded;
    }
    if (learnt) records += this.#releaseHeld(domain);
    return { records, units: units < 0 ? -1 : units + options };
  }

  /** Reads a template set. Returns the records of data sets before set `index` that were decoded with a template this one changes. */
  #learn(domain: Domain, bytes: Uint8Array, start: number, end: number, port: number, kind: 'data' | 'options', index: number): number {
    let records = 0;
    let changed = false;
    const now = this.#context.receivedMicros / 1000;
    const { templates, counters } = domain;
    const before = templates.entries.size;
    this.domains.touch(domain);
    const emit = (event: TemplateEvent): void => {
      this.#observer.template?.(domain, event);
      if (!('record' in event)) {
        counters.withdrawals += templates.withdraw(event, port);
        changed = true;
        return;
      }
      const { record } = event;
      if (record.fields.every((field) => field.length === 0)) {
        domain.fault('template_zero_length');
        return;
      }
      counters.templates++;
      const specification = this.specifications.acquire(domain.version as 9 | 10, record);
      const old = templates.find(record.id, port);
      if (old !== undefined && old !== specification) records += this.#decodeEarlier(domain, bytes, record.id, old, index);
      const learned = templates.learn(record.id, specification, port, now);
      if (learned === 'changed') counters.templateChanges++;
      else if (learned === 'conflict') counters.templateConflicts++;
      changed ||= learned !== 'same';
    };
    const fault =
      domain.version === 10
        ? readIpfixTemplates(bytes, start, end, kind, emit)
        : kind === 'data'
          ? readV9Templates(bytes, start, end, emit)
          : readV9OptionsTemplates(bytes, start, end, emit);
    if (fault !== undefined) domain.fault(fault);
    this.domains.templatesChanged(domain, templates.entries.size - before);
    if (changed) this.#observer.stateChanged?.();
    return records;
  }

  /** Decodes the data sets before set `index` that use template `id` as it was, and takes them off the list. */
  #decodeEarlier(domain: Domain, bytes: Uint8Array, id: number, old: Specification, index: number): number {
    const { ids, starts, ends } = this.#sets;
    let records = 0;
    for (let i = 0; i < index; i++) {
      if (ids[i] !== id || old.kind !== 'data') continue;
      records += this.#run(this.specifications.planOf(old), domain, bytes, starts[i] as number, ends[i] as number);
      starts[i] = ends[i] as number;
    }
    return records;
  }

  #readOptions(domain: Domain, id: number, specification: Specification, bytes: Uint8Array, start: number, end: number): number {
    let count = 0;
    let changed = false;
    const complete = readOptionsData(specification, bytes, start, end, (located) => {
      count++;
      const facts = optionsFacts(specification, located, bytes);
      if (facts.initMillis !== undefined) domain.initMillis = facts.initMillis;
      if (facts.rate > 0) changed = domain.sampling.learn(facts) || changed;
      this.#observer.options?.(domain, id, optionsRecord(specification, located, bytes, this.#registry));
    });
    if (!complete) domain.fault('record_truncated');
    domain.counters.optionsRecords += count;
    if (changed) {
      this.domains.refreshRates(domain);
      this.#context.samplingRate = domain.rate;
      this.#context.samplingSource = domain.rateSource;
      this.#observer.stateChanged?.();
    }
    return count;
  }

  #holdSet(domain: Domain, templateId: number, port: number, bytes: Uint8Array, start: number, end: number): void {
    domain.counters.setsHeld++;
    const { uptime, exportMillis, receivedMicros } = this.#context;
    if (!this.#hold) {
      domain.counters.setsDropped++;
      domain.fault('held_overflow');
      return;
    }
    this.held.hold({ owner: domain, templateId, port, bytes: bytes.slice(start, end), uptime, exportMillis, receivedMicros });
  }

  /** Decodes the held sets that can be decoded now. */
  #releaseHeld(domain: Domain): number {
    const { counters, templates } = domain;
    if (counters.setsHeld === counters.setsReleased + counters.setsDropped) return 0;
    const context = this.#context;
    const { uptime, exportMillis, receivedMicros } = context;
    let records = 0;
    for (const id of this.held.waitingFor(domain)) {
      for (const set of this.held.release(domain, id, (from) => templates.find(id, from) !== undefined)) {
        counters.setsReleased++;
        context.uptime = set.uptime;
        context.exportMillis = set.exportMillis;
        context.receivedMicros = set.receivedMicros;
        records += this.#decodeHeld(domain, set);
      }
    }
    Object.assign(context, { uptime, exportMillis, receivedMicros });
    return records;
  }

  #decodeHeld(domain: Domain, set: HeldSet): number {
    const specification = domain.templates.find(set.templateId, set.port);
    if (specification === undefined) return 0;
    if (specification.kind === 'options') {
      this.#readOptions(domain, set.templateId, specification, set.bytes, 0, set.bytes.length);
      return 0;
    }
    return this.#run(this.specifications.planOf(specification), domain, set.bytes, 0, set.bytes.length);
  }

  /** Runs a plan over [start, end) into as many batches as it takes. Returns the number of records. */
  #run(runnable: RunnablePlan, domain: Domain, bytes: Uint8Array, start: number, end: number): number {
    const { plan } = runnable;
    const context = this.#context;
    const { sampling } = domain;
    let total = 0;
    let p = start;
    while (end - p >= plan.minimumLength) {
      const batch = this.#sink.batch();
      const limit = batch.capacity - batch.rows;
      batch.beginRun(plan.layout);
      const first = batch.rows;
      const n = runnable.run(bytes, p, end, batch, limit, context);
      batch.rows = first + n;
      total += n;
      p = context.position;
      if (context.samplingSource !== SAMPLING.override && sampling.concerns(plan)) sampling.apply(plan, batch, first, batch.rows);
      if (n < limit) break;
    }
    if (end - p >= Math.max(plan.minimumLength, 4)) domain.fault('record_truncated');
    domain.counters.records += total;
    domain.noteRate(context.samplingRate);
    this.specifications.used(runnable, total);
    return total;
  }
}
