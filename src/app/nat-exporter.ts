import { createElementRegistry } from '../elements/registry.ts';
import type { Protocol } from '../export/encoder.ts';
import type { TargetOptions } from '../export/exporting-process.ts';
import type { ConnectionListener } from '../nat/connection.ts';
import { ConnectionTracker, type TrackerCounters } from '../nat/connection-tracker.ts';
import { type ConntrackCounters, ConntrackSource } from '../nat/conntrack-source.ts';
import { NatRecords, type NatRecordsCounters } from '../nat/nat-records.ts';
import type { RecordForm } from '../nat/record-layouts.ts';
import type { ConnectionSelection } from '../nat/translation.ts';
import type { StoreLog } from '../store/flow-store.ts';
import type { Retention } from '../store/retention.ts';
import type { Address } from '../util/address.ts';
import { FlowOutputs, type OutputCounters } from './flow-outputs.ts';

/** A collector, and what of connections it is told. */
export interface NatTarget {
  readonly target: TargetOptions;
  /** Default: `defaultForms` of its protocol. */
  readonly forms?: readonly RecordForm[] | undefined;
}

/** A local store, and what of connections goes into it. */
export interface NatData {
  readonly dir: string;
  readonly retention?: Retention | undefined;
  /** Default: flows and events. */
  readonly forms?: readonly RecordForm[] | undefined;
}

export interface NatExporterOptions {
  readonly targets: readonly NatTarget[];
  readonly data?: NatData | undefined;
  /** Those who make something else of connections: lines, syslog. */
  readonly listeners?: readonly ConnectionListener[];
  /** Default: translated connections, of all zones and marks. */
  readonly selection?: ConnectionSelection | undefined;
  /** conntrack(8) and what stands before its own arguments; default `conntrack`. */
  readonly command?: readonly string[] | undefined;
  /** Octets of the kernel's buffer for events; default 64 MiB. */
  readonly bufferBytes?: number | undefined;
  /** How long to wait before conntrack is started again, ms: the first time, and at most. */
  readonly backOffMillis?: readonly [first: number, most: number] | undefined;
  /** Who is the exporter of records in the store; default 127.0.0.1. */
  readonly exporter?: Address | undefined;
  readonly observationDomain?: number | undefined;
  /** Open connections that are kept, of each address family; default 1,048,576. */
  readonly maxConnections?: number | undefined;
  /** Open connections without a sign of life are forgotten after so long, s; default 604,800. */
  readonly ttlSeconds?: number | undefined;
  /** Long connections are told of so often at least, s; default 1,800; 0 for never. */
  readonly activeSeconds?: number | undefined;
  /** How often the table is read while there are connections that began before this program, s; default 60. */
  readonly listingSeconds?: number | undefined;
  /** Whether connections that are open when it ends are told of, with what they have counted; default true. */
  readonly tellsOpen?: boolean | undefined;
  /** ms since the epoch. */
  readonly now: () => number;
  /** Monotonic ms. */
  readonly clock?: (() => number) | undefined;
  readonly log: StoreLog;
}

export interface NatCounters {
  readonly connections: TrackerCounters;
  readonly conntrack: ConntrackCounters;
  /** By group of outputs that are told the same. */
  readonly outputs: readonly (OutputCounters & { readonly records_by_form: NatRecordsCounters['records'] })[];
}

const LOCALHOST: Address = [0, 0, 0xffff, 0x7f000001];
const WEEK = 604_800;
const TICK = 1000;
/** Half a second's records of some 1,000 events a second; more go on sooner. */
const BATCH_ROWS = 2048;
/** A listing may take this part of the time at most. */
const LISTING_SHARE = 1 / 20;
/** How long is waited for the last listing, and by a listing for outputs, ms. */
const PATIENCE = 10_000;

/** What a collector of this protocol is told when nothing else is said: v5 has no fields for translations. */
export function defaultForms(protocol: Protocol): readonly RecordForm[] {
  return protocol === 'netflow9' || protocol === 'ipfix' ? ['flows', 'events'] : ['v5-triplet'];
}

interface Group {
  readonly records: NatRecords;
  readonly outputs: FlowOutputs;
}

/**
 * The exporter of translated connections: conntrack's events and listings in, records to collectors, a store and listeners out. Inert until `start`. It goes on
 * whatever happens to conntrack, collectors and the disk, and counts what is lost.
 */
export class NatExporter {
  readonly #options: NatExporterOptions;
  readonly #source: ConntrackSource;
  readonly #tracker: ConnectionTracker;
  readonly #groups: readonly Group[];
  readonly #clock: () => number;
  #timer: NodeJS.Timeout | undefined;
  #listedAt = 0;
  #listingMillis = 0;
  /** How long the running listing has waited for outputs, ms. */
  #waited = 0;
  #closing: Promise<void> | undefined;

  constructor(options: NatExporterOptions) {
    const { now, clock = () => performance.now(), log, command, bufferBytes, backOffMillis } = options;
    this.#options = options;
    this.#clock = clock;
    this.#groups = createGroups(options);
    const listeners = [...this.#groups.map(({ records }) => records), ...(options.listeners ?? [])];
    this.#tracker = new ConnectionTracker({
      selection: options.selection ?? { translation: 'translated' },
      listener: {
        begun: (connection) => {
          for (const listener of listeners) listener.begun?.(connection);
        },
        continues: (connection) => {
          for (const listener of listeners) listener.continues?.(connection);
        },
        ended: (connection) => {
          for (const listener of listeners) listener.ended(connection);
        },
      },
      maxConnections: options.maxConnections ?? 1 << 20,
      ttlSeconds: options.ttlSeconds ?? WEEK,
      activeSeconds: options.activeSeconds ?? 1800,
      nowMicros: () => now() * 1000,
      seconds: () => Math.floor(clock() / 1000),
      seed: Math.floor(Math.random() * 2 ** 32),
    });
    const pace = () => this.#pace();
    this.#source = new ConntrackSource({ command, bufferBytes, backOffMillis, pace, handler: this.#tracker, log });
  }

  /** Process number of `conntrack -E`, while it runs. */
  get conntrackPid(): number | undefined {
    return this.#source.pid;
  }

  /**
   * Opens what records go to, then conntrack; resolves when the table has been read once.
   *
   * @throws WeirError WEIR_CONNTRACK, and as FlowOutputs does; nothing is left open then
   */
  async start(): Promise<void> {
    const started: FlowOutputs[] = [];
    try {
      for (const { outputs } of this.#groups) {
        await outputs.start();
        started.push(outputs);
      }
      await this.#source.start();
    } catch (error) {
      await Promise.all(started.map((outputs) => outputs.close()));
      throw error;
    }
    this.#listedAt = this.#clock();
    this.#timer = setInterval(() => this.#tick(), TICK);
  }

  counters(): NatCounters {
    return {
      connections: { ...this.#tracker.counters },
      conntrack: { ...this.#source.counters },
      outputs: this.#groups.map(({ records, outputs }) => ({
        ...outputs.counters(),
        records_by_form: { ...records.counters.records },
      })),
    };
  }

  /** Reads the table now, and tells of what is due. False when it could not be read. */
  list(): Promise<boolean> {
    return this.#list();
  }

  /** Tells of connections that are open, ends conntrack, hands on all records and closes. May be called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#options.tellsOpen ?? true) {
      this.#tracker.finish();
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, PATIENCE);
      });
      await Promise.race([this.#source.list(), late]);
      clearTimeout(timer);
    }
    await this.#source.close();
    await Promise.all(this.#groups.map(({ outputs }) => outputs.close()));
  }

  #tick(): void {
    this.#tracker.tick();
    this.#source.tick();
    const { activeSeconds = 1800, listingSeconds = 60 } = this.#options;
    const active = activeSeconds > 0 ? activeSeconds / 4 : Number.POSITIVE_INFINITY;
    const wanted = this.#tracker.silent > 0 ? Math.min(active, listingSeconds) : active;
    const least = Math.max(wanted * 1000, this.#listingMillis / LISTING_SHARE);
    if (this.#clock() - this.#listedAt >= least) void this.#list();
  }

  /** A table of half a million connections is not to flow over in what waits to be sent; a collector that is away does not hold it up for long. */
  async #pace(): Promise<void> {
    if (this.#waited > PATIENCE) return;
    const begun = this.#clock();
    await Promise.all(this.#groups.map(({ outputs }) => outputs.ready()));
    this.#waited += this.#clock() - begun;
  }

  async #list(): Promise<boolean> {
    const begun = this.#clock();
    this.#listedAt = begun;
    this.#waited = 0;
    const isComplete = await this.#source.list();
    this.#listingMillis = this.#clock() - begun;
    return isComplete;
  }
}

/** Outputs that are told the same share their batches. */
function createGroups({
  targets,
  data,
  exporter = LOCALHOST,
  observationDomain = 0,
  now,
  log,
}: NatExporterOptions): Group[] {
  const byForms = new Map<string, { forms: readonly RecordForm[]; targets: TargetOptions[]; data?: NatData }>();
  const group = (forms: readonly RecordForm[]) => {
    const key = [...forms].sort().join();
    const found = byForms.get(key) ?? { forms, targets: [] };
    byForms.set(key, found);
    return found;
  };
  // One for all encoders, as it is large.
  const registry = createElementRegistry();
  for (const { target, forms } of targets) {
    const encoder = { registry, ...target.encoder };
    group(forms ?? defaultForms(target.target.protocol)).targets.push({ ...target, encoder });
  }
  if (data !== undefined) group(data.forms ?? ['flows', 'events']).data = data;
  return [...byForms.values()].map((one) => {
    const { dir, retention } = one.data ?? {};
    const outputs = new FlowOutputs({ targets: one.targets, data: dir, retention, batchRows: BATCH_ROWS, now, log });
    const options = { forms: one.forms, exporter, observationDomain, nowMicros: () => now() * 1000 };
    return { outputs, records: new NatRecords(options, outputs) };
  });
}
