import type { ElementRegistry } from '../elements/registry.ts';
import { TaughtRegistry } from '../elements/taught.ts';
import type { Address } from '../util/address.ts';
import { u16, u32 } from '../util/octets.ts';
import { IPFIX_HEADER, IPFIX_OPTIONS_SET, IPFIX_TEMPLATE_SET, readIpfixHeader } from '../wire/ipfix.ts';
import { readV9Header, V9_HEADER, V9_OPTIONS_SET, V9_TEMPLATE_SET } from '../wire/netflow-v9.ts';
import { RecordContext } from '../wire/record-context.ts';
import { isSflow } from '../wire/sflow/datagram.ts';
import type { TemplateRecord } from '../wire/template.ts';
import { beginMessage, countMessage, SFLOW_DOMAIN } from './begin-message.ts';
import type { CounterSink } from './counter-row.ts';
import type { BatchSink, DecodeObserver } from './data-decoder.ts';
import type { Domain } from './domain.ts';
import { type DomainLimits, DomainTable } from './domain-table.ts';
import { DEFAULT_IDENTITY, type IdentityRules } from './exporter-identity.ts';
import { FixedDecoder } from './fixed-decoder.ts';
import { type AwaitedTemplate, type HeldLimits, HeldSets } from './held-sets.ts';
import type { ConfiguredSampling } from './sampling.ts';
import { SetDecoder } from './set-decoder.ts';
import { SflowDecoder } from './sflow-decoder.ts';
import { SpecificationTable } from './specification.ts';
import { type DatagramSource, StreamTable } from './stream-table.ts';
import type { Learned } from './template-table.ts';

export type { BatchSink, DecodeObserver } from './data-decoder.ts';
export type { DatagramSource } from './stream-table.ts';

export interface MessageDecoderOptions {
  readonly registry: ElementRegistry;
  readonly sink: BatchSink;
  readonly observer?: DecodeObserver;
  /** Where sFlow's counters go; nowhere when not given. */
  readonly counters?: CounterSink | undefined;
  /** What is configured about an exporter's sampling; nothing when not given. */
  readonly sampling?: (exporter: Address) => ConfiguredSampling;
  /** Who the exporter of a record is; `DEFAULT_IDENTITY` when not given. */
  readonly identity?: IdentityRules;
  readonly limits?: Partial<DomainLimits & HeldLimits>;
  /** False interprets every template instead of compiling hot ones. */
  readonly mayCompile?: boolean;
  /** False gives up data sets without template at once instead of holding them. */
  readonly hold?: boolean;
  /** Called before a domain's state is given up for want of room. */
  readonly onForget?: (domain: Domain) => void;
}

const DEFAULT_LIMITS: DomainLimits & HeldLimits = {
  domains: 32_768,
  templatesPerDomain: 4_096,
  templates: 1_200_000,
  fields: 2_000_000,
  bytesPerDomain: 1 << 20,
  bytes: 32 << 20,
  age: 1_800e6,
};

const NOTHING_CONFIGURED: ConfiguredSampling = { default: 0, override: 0 };

/**
 * Turns export datagrams (NetFlow v1, v5–v9, IPFIX) into rows of batches, with all that is known per exporter: templates, options, sampling, sequence
 * numbers. Bad input is counted (`Domain.faults`), never thrown.
 */
export class MessageDecoder {
  readonly domains: DomainTable;
  readonly held: HeldSets;
  readonly specifications: SpecificationTable;
  /** Elements, those that exporters have taught included. */
  readonly registry: TaughtRegistry;
  readonly #context = new RecordContext();
  readonly #sets: SetDecoder;
  readonly #streams: StreamTable;
  #sessions = 0;
  readonly #fixed: FixedDecoder;
  readonly #sflow: SflowDecoder;
  readonly #header = {
    uptime: 0,
    exportMillis: 0,
    sequence: 0,
    sourceId: 0,
    length: 0,
    observationDomain: 0,
  };

  constructor(options: MessageDecoderOptions) {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const mayCompile = options.mayCompile ?? true;
    // Exporters teach this decoder, and nobody else's registry.
    const registry = new TaughtRegistry(options.registry);
    this.registry = registry;
    this.specifications = new SpecificationTable(registry, mayCompile);
    this.held = new HeldSets(limits, (set, why) => {
      const domain = set.owner as Domain;
      domain.counters.setsDropped++;
      domain.fault(why);
    });
    this.domains = new DomainTable(
      limits,
      this.specifications,
      options.sampling ?? (() => NOTHING_CONFIGURED),
      options.identity ?? DEFAULT_IDENTITY,
      (domain) => {
        domain.counters.setsDropped += this.held.forget(domain);
        options.onForget?.(domain);
      },
    );
    this.#sets = new SetDecoder(this.#context, {
      registry,
      sink: options.sink,
      observer: options.observer ?? {},
      specifications: this.specifications,
      domains: this.domains,
      held: this.held,
      hold: options.hold ?? true,
    });
    this.#streams = new StreamTable(this.domains);
    this.#fixed = new FixedDecoder(registry, this.#sets.data, this.#streams);
    this.#sflow = new SflowDecoder({
      context: this.#context,
      domains: this.domains,
      sink: options.sink,
      counters: options.counters,
    });
  }

  /**
   * Decodes one datagram, or one IPFIX message of a stream. `receivedMicros` is its arrival, µs since the epoch. Returns how many flow records it
   * gave, held sets that it set free included.
   */
  decode(bytes: Uint8Array, source: DatagramSource, receivedMicros: number): number {
    const version = bytes.length >= 2 ? u16(bytes, 0) : -1;
    this.#context.receivedMicros = receivedMicros;
    switch (version) {
      case 1:
      case 5:
      case 6:
      case 7:
      case 8: {
        const records = this.#fixed.decode(version, bytes, source);
        return records < 0 ? this.#unreadable(bytes, source, version, 'short_message') : records;
      }
      case 9:
        return bytes.length < V9_HEADER
          ? this.#unreadable(bytes, source, 9, 'short_message')
          : this.#decodeV9(bytes, source);
      case 10:
        return bytes.length < IPFIX_HEADER
          ? this.#unreadable(bytes, source, 10, 'short_message')
          : this.#decodeIpfix(bytes, source);
      case 0: {
        const rows = isSflow(bytes) ? this.#sflow.decode(bytes, source) : undefined;
        if (rows === undefined) return this.#unreadable(bytes, source, 0, 'unknown_version');
        return rows < 0 ? this.#unreadable(bytes, source, SFLOW_DOMAIN + u32(bytes, 0), 'short_message') : rows;
      }
      default:
        return this.#unreadable(bytes, source, 0, version < 0 ? 'short_message' : 'unknown_version');
    }
  }

  /**
   * A stream (TCP, TLS, an IPFIX file) begins: the source to give with each of its messages. It has templates, options and sequence numbers of its own
   * (RFC 7011 sections 8 and 10.4, RFC 5655) until `endSession`.
   */
  beginSession(address: Address, port: number): DatagramSource {
    return { address, port, session: ++this.#sessions };
  }

  /** A stream has ended: what was learnt in it is forgotten, sets that still wait for a template are counted as dropped. */
  endSession({ session = 0 }: DatagramSource): void {
    if (session !== 0) this.domains.endSession(session);
  }

  /** Takes in a template that another collector heard; see `SetDecoder.learnShared`. The domain must be one of datagrams. */
  learnShared(domain: Domain, record: TemplateRecord, port: number, heard: number): Learned | undefined {
    return this.#sets.learnShared(domain, record, port, heard);
  }

  /** Templates awaited now, with the domain that waits. */
  *awaited(): IterableIterator<[domain: Domain, template: AwaitedTemplate]> {
    for (const [owner, template] of this.held.awaited()) yield [owner as Domain, template];
  }

  #unreadable(
    bytes: Uint8Array,
    source: DatagramSource,
    version: number,
    fault: 'short_message' | 'unknown_version',
  ): number {
    const domain = this.domains.open(source.address, version, 0, source.session);
    countMessage(this.#context, domain, bytes.length);
    domain.fault(fault);
    return 0;
  }

  #decodeV9(bytes: Uint8Array, source: DatagramSource): number {
    const header = this.#header;
    readV9Header(bytes, header);
    const { domain, sequence } = this.#streams.open(source, 9, header.sourceId);
    beginMessage(this.#context, domain, bytes.length, header.exportMillis, header.uptime);
    sequence.update(header.sequence, 1, header.uptime, domain.counters);
    const broken = this.#sets.list.read(bytes, V9_HEADER, bytes.length);
    if (broken !== undefined) domain.fault(broken);
    return this.#sets.decodeSets(domain, bytes, source.port, V9_TEMPLATE_SET, V9_OPTIONS_SET).records;
  }

  /** A datagram may hold several messages (RFC 7011 section 10.3.3 does not forbid it, and exporters do it). */
  #decodeIpfix(bytes: Uint8Array, source: DatagramSource): number {
    let records = 0;
    for (let at = 0; at === 0 || (bytes.length - at >= IPFIX_HEADER && u16(bytes, at) === 10); ) {
      records += this.#decodeIpfixMessage(at === 0 ? bytes : bytes.subarray(at), source);
      const { length } = this.#header;
      if (length < IPFIX_HEADER) break;
      at += length;
    }
    return records;
  }

  /** The message at the beginning of `bytes`; a length that does not fit spoils it (RFC 7011 section 9.1). */
  #decodeIpfixMessage(bytes: Uint8Array, source: DatagramSource): number {
    const header = this.#header;
    readIpfixHeader(bytes, header);
    const { domain, sequence } = this.#streams.open(source, 10, header.observationDomain);
    const uptime = domain.initMillis === undefined ? -1 : (header.exportMillis - domain.initMillis) >>> 0;
    const { length, sequence: number } = header;
    beginMessage(this.#context, domain, Math.min(length, bytes.length), header.exportMillis, uptime);
    if (length < IPFIX_HEADER || length > bytes.length) {
      domain.fault('message_length');
      return 0;
    }
    const broken = this.#sets.list.read(bytes, IPFIX_HEADER, length);
    if (broken !== undefined) domain.fault(broken);
    const { counters } = domain;
    const before = counters.optionsRecords;
    const { records, units } = this.#sets.decodeSets(domain, bytes, source.port, IPFIX_TEMPLATE_SET, IPFIX_OPTIONS_SET);
    sequence.update(number, broken === undefined ? units : -1, 0, counters, counters.optionsRecords - before);
    if (sequence.countsOwn) domain.met('sequence-after', 1);
    return records;
  }
}
