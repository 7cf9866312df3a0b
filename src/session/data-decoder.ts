import type { TaughtRegistry, TypeInformation } from '../elements/taught.ts';
import type { FlowBatch } from '../flow/batch.ts';
import { withSender } from '../flow/layout.ts';
import { type Address, compareAddress } from '../util/address.ts';
import type { LocatedField } from '../wire/data-record.ts';
import type { Plan } from '../wire/plan.ts';
import type { RecordContext } from '../wire/record-context.ts';
import type { TemplateEvent } from '../wire/template.ts';
import { describeDomain } from './begin-message.ts';
import type { Domain } from './domain.ts';
import type { DomainTable } from './domain-table.ts';
import { noteNamedExporters, tellsExporter, toldExporter } from './exporter-identity.ts';
import { carriesStatistics } from './exporter-statistics.ts';
import { carriesNames, type NameFact, readNames } from './name-facts.ts';
import { type OptionsRecord, optionsFacts, optionsRecord, readOptionsData } from './options-data.ts';
import { tellsRate } from './quirks.ts';
import { SAMPLING } from './sampling-source.ts';
import type { RunnablePlan, Specification, SpecificationTable } from './specification.ts';
import { describesElements, typeInformation } from './type-information.ts';

/** Where decoded records go. */
export interface BatchSink {
  /** A batch with room for at least one row (`hasRoom(1)`); called before each data set. */
  batch(): FlowBatch;
}

/** Looks on while messages are decoded; everything is optional. */
export interface DecodeObserver {
  /** An exporter sent a template from `port`, known or new, or withdrew one. */
  template?(domain: Domain, event: TemplateEvent, port: number): void;
  /** Data came whose template is not known. */
  missing?(domain: Domain, templateId: number): void;
  options?(domain: Domain, templateId: number, record: OptionsRecord): void;
  /** Options data told a name, at `receivedMicros` (µs since the epoch); also when it was known. */
  name?(domain: Domain, fact: NameFact, receivedMicros: number): void;
  /** The records between `start` and `end` are about to be decoded by `plan`; `context` knows elements and templates for `structuredValue`. */
  data?(plan: Plan, bytes: Uint8Array, start: number, end: number, context: RecordContext): void;
  /** Templates or sampling rates changed in a way worth keeping over a restart. */
  stateChanged?(): void;
}

export interface DataDecoderParts {
  readonly registry: TaughtRegistry;
  readonly sink: BatchSink;
  readonly observer: DecodeObserver;
  readonly specifications: SpecificationTable;
  readonly domains: DomainTable;
}

/**
 * Decodes the records of one set whose specification is known: data records into batches, options data into what is known of their exporter.
 * `context` says what the records share; whoever reads the message fills it.
 */
export class DataDecoder {
  readonly context: RecordContext;
  readonly #registry: TaughtRegistry;
  readonly #sink: BatchSink;
  readonly #observer: DecodeObserver;
  readonly #specifications: SpecificationTable;
  readonly #domains: DomainTable;

  constructor(context: RecordContext, parts: DataDecoderParts) {
    this.context = context;
    this.#registry = parts.registry;
    this.#sink = parts.sink;
    this.#observer = parts.observer;
    this.#specifications = parts.specifications;
    this.#domains = parts.domains;
  }

  /** The records of a data set between `start` and `end`. Returns how many. */
  decode(domain: Domain, specification: Specification, bytes: Uint8Array, start: number, end: number): number {
    return this.run(this.#specifications.planOf(specification), domain, bytes, start, end);
  }

  /** Takes in the options data of a set. Returns the number of records. */
  readOptions(
    domain: Domain,
    id: number,
    specification: Specification,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    let count = 0;
    let changed = false;
    const describes = describesElements(specification.fields);
    const observer = this.#observer;
    const tells = tellsExporter(specification.fields);
    const told: Address[] = [];
    const reports = carriesStatistics(specification.fields);
    const isNaming = observer.name !== undefined && carriesNames(specification.fields);
    const complete = readOptionsData(specification, bytes, start, end, (located) => {
      count++;
      const facts = optionsFacts(specification, located, bytes);
      if (facts.quirk !== undefined) domain.met(facts.quirk, 1);
      if (facts.initMillis !== undefined) this.#booted(domain, facts.initMillis);
      if (describes) this.#taught(domain, typeInformation(located, bytes));
      const exporter = tells ? toldExporter(located, bytes) : undefined;
      if (exporter !== undefined) told.push(exporter);
      if (facts.rate > 0 || facts.selection !== undefined) changed = domain.sampling.learn(facts) || changed;
      if (reports) this.#reported(domain, specification, located, bytes);
      if (isNaming)
        readNames(specification, located, bytes, (fact) => observer.name?.(domain, fact, this.context.receivedMicros));
      if (observer.options !== undefined)
        observer.options(
          domain,
          id,
          optionsRecord(specification, located, bytes, {
            registry: this.#registry,
            templates: domain.templates,
            port: this.context.port,
          }),
        );
    });
    if (!complete) domain.fault('record_truncated');
    domain.counters.optionsRecords += count;
    if (told.length > 0) changed = this.#toldExporter(domain, told) || changed;
    if (changed) {
      this.#domains.refreshRates(domain);
      describeDomain(this.context, domain);
      this.#observer.stateChanged?.();
    }
    return count;
  }

  /** Options data name exporters. When it is one, the domain is that exporter's; a list of several says nothing of the domain. Returns whether it was new. */
  #toldExporter(domain: Domain, [exporter, ...others]: readonly Address[]): boolean {
    const before = domain.toldExporter;
    if (exporter === undefined || others.some((other) => compareAddress(other, exporter) !== 0)) return false;
    if (before !== undefined && compareAddress(before, exporter) === 0) return false;
    domain.toldExporter = exporter;
    this.#domains.refreshExporters(domain);
    return true;
  }

  /** An exporter has told what it did. A report that has waited for its template is not of now. */
  #reported(domain: Domain, specification: Specification, located: readonly LocatedField[], bytes: Uint8Array): void {
    const { counters, ofSender, lastReceived, id } = domain;
    if (this.context.receivedMicros !== lastReceived) return;
    domain.statistics.learn(specification, located, bytes, {
      domain: id,
      port: this.context.port,
      own: { messages: counters.datagrams, records: counters.records },
      sender: ofSender,
    });
  }

  /** An exporter has described an element (RFC 5610). */
  #taught(domain: Domain, information: TypeInformation): void {
    if (!this.#registry.teach(domain.sender, information)) return;
    this.#specifications.renew(information.enterprise, information.id);
    this.#observer.stateChanged?.();
  }

  /** systemInitTime came: from now on, this message included, stamps of sysUptime are times. */
  #booted(domain: Domain, initMillis: number): void {
    domain.initMillis = initMillis > 0 ? initMillis : undefined;
    if (domain.version === 10 && initMillis > 0) this.context.uptime = (this.context.exportMillis - initMillis) >>> 0;
  }

  /** Runs a plan over [start, end) into as many batches as it takes. Returns the number of records. */
  run(runnable: RunnablePlan, domain: Domain, bytes: Uint8Array, start: number, end: number): number {
    const { plan } = runnable;
    const context = this.context;
    const isNamed = runnable.namesExporter && domain.trustsRecords;
    const isRelayed = isNamed || domain.isRelayed;
    this.#observer.data?.(plan, bytes, start, end, context);
    let total = 0;
    let p = start;
    context.relative = 0;
    while (end - p >= plan.minimumLength) {
      const batch = this.#sink.batch();
      const limit = batch.capacity - batch.rows;
      const first = batch.rows;
      batch.beginRun(isRelayed ? (runnable.relayedLayout ??= withSender(plan.layout)) : plan.layout);
      batch.shared.note(first, context);
      if (isRelayed) batch.shared.noteSender(first, domain.address);
      const n = runnable.run(bytes, p, end, batch, limit, context);
      batch.rows = first + n;
      total += n;
      if (runnable.repair !== undefined) domain.repaired(runnable.repair, batch, first, batch.rows);
      if (isNamed) noteNamedExporters(batch, plan.layout, context, first, batch.rows);
      p = context.position;
      if (context.samplingSource !== SAMPLING.override) domain.applySampling(plan, batch, first, batch.rows);
      if (n < limit) break;
    }
    if (end - p >= Math.max(plan.minimumLength, 4)) domain.fault('record_truncated');
    domain.counters.records += total;
    domain.ofSender.records += total;
    domain.noteRate(context.samplingRate);
    noteQuirks(runnable, domain, context, total);
    this.#specifications.used(runnable, total);
    return total;
  }
}

/** Counts the quirks of records that were decoded: those of their template, and those that take what is known of the exporter to see. */
function noteQuirks({ plan, quirks }: RunnablePlan, domain: Domain, context: RecordContext, records: number): void {
  for (const quirk of quirks) domain.met(quirk, records);
  domain.met(context.uptime < 0 ? 'uptime-without-boot' : 'uptime-of-another-boot', context.relative);
  if (domain.ratesByRoot(plan)) domain.met('sampling-in-domain-0', records);
  const namesSampler = plan.samplerSlot >= 0 || plan.sequenceSlot >= 0;
  if (namesSampler && context.samplingRate === 0 && !domain.knowsSamplers && !tellsRate(plan))
    domain.met('sampling-never-told', records);
}
