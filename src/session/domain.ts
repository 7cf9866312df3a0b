import type { FlowBatch } from '../flow/batch.ts';
import { type Address, compareAddress, formatAddress } from '../util/address.ts';
import type { Plan } from '../wire/plan.ts';
import { type ConfiguredExporter, exporterOf, type IdentityRules, isUnspecified } from './exporter-identity.ts';
import { ExporterStatistics, type SenderTotals } from './exporter-statistics.ts';
import type { Fault } from './faults.ts';
import type { Repair } from './quirks.ts';
import { type ConfiguredSampling, SamplingState } from './sampling.ts';
import { SAMPLING } from './sampling-source.ts';
import type { SequenceCounters } from './sequence.ts';
import type { SpecificationTable } from './specification.ts';
import { TemplateTable } from './template-table.ts';

/** Everything counted for one domain since it was first seen. */
export interface DomainCounters extends SequenceCounters {
  datagrams: number;
  octets: number;
  records: number;
  optionsRecords: number;
  templates: number;
  templateChanges: number;
  templateConflicts: number;
  withdrawals: number;
  /** Data sets decoded with a template that another port of the address sent. */
  portFallbacks: number;
  setsHeld: number;
  setsReleased: number;
  setsDropped: number;
  /** sFlow: counter records decoded, and samples that the agent says it could not make. */
  counterRecords: number;
  samplesDropped: number;
}

export function newCounters(): DomainCounters {
  return {
    datagrams: 0,
    octets: 0,
    records: 0,
    optionsRecords: 0,
    templates: 0,
    templateChanges: 0,
    templateConflicts: 0,
    withdrawals: 0,
    portFallbacks: 0,
    setsHeld: 0,
    setsReleased: 0,
    setsDropped: 0,
    counterRecords: 0,
    samplesDropped: 0,
    expected: 0,
    received: 0,
    resets: 0,
    outOfOrder: 0,
  };
}

/** Adds every counter of `more` to `total`. */
export function addCounters(total: DomainCounters, more: DomainCounters): void {
  for (const name of Object.keys(total) as (keyof DomainCounters)[]) total[name] += more[name];
}

/** What tells one domain from another. */
export interface DomainKey {
  /** The sender's. */
  readonly address: Address;
  readonly version: number;
  readonly id: number;
  /** 0 for datagrams. */
  readonly session: number;
  /** sFlow's. */
  readonly agent?: Address | undefined;
}

const NOTHING_CONFIGURED: ConfiguredSampling = { default: 0, override: 0 };

/** Distinct sampling rates noted per minute. */
const MAX_RATES = 16;

/**
 * What is known of one observation domain of one sender: address + protocol version + domain (v5: engine; sFlow: sub-agent, and the agent). Version 0
 * stands for datagrams that are of no known version. A transport session over TCP or TLS has domains of its own, which end with it (RFC 7011 section 8).
 */
export class Domain {
  /** The sender's. */
  readonly address: Address;
  readonly sender: string;
  /** Whose its records are, those that name nobody themselves; see exporter-identity.ts. */
  exporterAddress: Address;
  exporter: string;
  /** Whether the sender is somebody else. */
  isRelayed = false;
  /** What is configured for it. */
  readonly configuredExporter: ConfiguredExporter | undefined;
  /** What its own options data say. */
  toldExporter: Address | undefined = undefined;
  /** Whether what a record says of its exporter counts. */
  readonly trustsRecords: boolean;
  readonly #identity: IdentityRules;
  /** sFlow's. */
  readonly agent: Address | undefined;
  readonly version: number;
  readonly id: number;
  /** Number of the stream's transport session; 0 for datagrams, whose domains outlast what sends them. */
  readonly session: number;
  readonly templates: TemplateTable;
  readonly sampling = new SamplingState();
  readonly statistics = new ExporterStatistics();
  /** Shared by all domains of the sender that are of this version and session. */
  readonly ofSender: SenderTotals;
  configured: ConfiguredSampling = NOTHING_CONFIGURED;
  readonly counters = newCounters();
  readonly faults = new Map<Fault, number>();
  /** How often each quirk was met, by its name: records, and messages or options records where the quirk is theirs. */
  readonly quirks = new Map<string, number>();
  /** `rate` is one that domain 0 told. */
  #isRateOfRoot = false;
  /** The exporter's domain 0, once it was seen. */
  #root: Domain | undefined = undefined;
  /** Rates applied since `takeRates` was last called. */
  #rates = new Set<number>();
  /** ms since the epoch, from options; IPFIX has no sysUptime in its header. */
  initMillis: number | undefined = undefined;
  /** ms: exporter's clock minus ours at the last message. */
  clockSkewMillis = 0;
  /** µs since the epoch. */
  lastReceived = 0;
  /** True once the table of domains has given this one up; whoever still holds it looks it up again. */
  forgotten = false;
  /** Rate and source for records that name no sampler; see `refreshRate`. */
  rate = 0;
  rateSource: number = SAMPLING.unknown;

  /** `identify` and `refreshRate` complete it. */
  constructor(
    { address, version, id, session, agent }: DomainKey,
    identity: IdentityRules,
    specifications: SpecificationTable,
    ofSender: SenderTotals,
  ) {
    this.address = address;
    this.sender = formatAddress(...address);
    this.exporterAddress = address;
    this.exporter = this.sender;
    this.version = version;
    this.id = id;
    this.session = session;
    this.templates = new TemplateTable(specifications);
    this.ofSender = ofSender;
    this.configuredExporter = identity.configured(address, id);
    this.trustsRecords = identity.exporterElements && this.configuredExporter?.address === undefined;
    this.#identity = identity;
    this.agent = agent;
  }

  /** Works out whose the records are. `root` is the sender's domain 0, which may speak for all its domains. */
  identify(root: Domain | undefined): void {
    const clues = {
      sender: this.address,
      configured: this.configuredExporter?.address,
      told: this.toldExporter ?? root?.toldExporter,
      agent: this.agent,
    };
    this.exporterAddress = exporterOf(clues, this.#identity);
    this.exporter = formatAddress(...this.exporterAddress);
    this.isRelayed = compareAddress(this.exporterAddress, this.address) !== 0 && !isUnspecified(this.address);
  }

  fault(fault: Fault): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
  }

  /** A quirk of the exporter was met in so many records (or messages, options records). */
  met(quirk: string, count: number): void {
    if (count > 0) this.quirks.set(quirk, (this.quirks.get(quirk) ?? 0) + count);
  }

  /** Whether options data of the domain, or of domain 0, told this rate. */
  hasToldRate(rate: number): boolean {
    return this.sampling.hasTold(rate) || this.#root?.sampling.hasTold(rate) === true;
  }

  /** Lets a repair look at rows [first, end) of a batch, and counts what it put right. */
  repaired({ quirk, apply }: Repair, batch: FlowBatch, first: number, end: number): void {
    this.met(quirk, apply(batch, first, end, this));
  }

  /**
   * Works out the rate for records that name no sampler. `root` is the exporter's domain 0: there are exporters that send the options of
   * all domains there.
   */
  refreshRate(root: Domain | undefined): void {
    this.#root = root === this ? undefined : root;
    const { override, default: fallback } = this.configured;
    let known = override > 0 ? { rate: override, source: SAMPLING.override as number } : this.sampling.general();
    const own = known.rate;
    if (own === 0 && this.#root !== undefined) known = this.#root.sampling.general();
    this.#isRateOfRoot = own === 0 && known.rate > 0;
    if (known.rate === 0 && fallback > 0) known = { rate: fallback, source: SAMPLING.default };
    this.rate = known.rate;
    this.rateSource = known.source;
  }

  /** Puts the rates that options data gave for samplers and interfaces into rows of a batch: domain 0's, then its own. */
  applySampling(plan: Plan, batch: FlowBatch, first: number, end: number): void {
    const root = this.#root?.sampling;
    if (root?.concerns(plan) === true) root.apply(plan, batch, first, end);
    if (this.sampling.concerns(plan)) this.sampling.apply(plan, batch, first, end);
  }

  /** Whether records of a plan have their rate from what domain 0 told. */
  ratesByRoot(plan: Plan): boolean {
    return this.#isRateOfRoot || (this.#root?.sampling.concerns(plan) === true && !this.sampling.concerns(plan));
  }

  /** Whether options data told the rate of any sampler or selector, here or in domain 0. */
  get knowsSamplers(): boolean {
    return this.sampling.knowsSamplers || this.#root?.sampling.knowsSamplers === true;
  }

  noteRate(rate: number): void {
    if (this.#rates.size < MAX_RATES) this.#rates.add(rate);
  }

  takeRates(): number[] {
    const rates = [...this.#rates].sort((a, b) => a - b);
    this.#rates.clear();
    return rates;
  }
}
