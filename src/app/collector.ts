import { join } from 'node:path';
import type { AllowList } from '../collect/allow-list.ts';
import { RefusedSenders } from '../collect/allow-list.ts';
import type { ListenUrl } from '../collect/listen-url.ts';
import type { SessionHandler, StreamPeer } from '../collect/stream-connection.ts';
import { StreamListener } from '../collect/stream-listener.ts';
import type { TlsCredentials } from '../collect/tls-settings.ts';
import { UdpListener } from '../collect/udp-listener.ts';
import { LiveServer } from '../live/server.ts';
import { addCounters, type Domain, newCounters } from '../session/domain.ts';
import { DEFAULT_IDENTITY } from '../session/exporter-identity.ts';
import type { Fault } from '../session/faults.ts';
import { MessageDecoder } from '../session/message-decoder.ts';
import { collectorRow, QualityLedger } from '../session/quality.ts';
import type { QualityRow } from '../session/quality-row.ts';
import type { TemplateStore } from '../session/template-store.ts';
import type { SharedTemplateCounters } from '../session/template-store-shared.ts';
import { FlowStore } from '../store/flow-store.ts';
import type { StartReport } from '../store/repair.ts';
import { BatchFeed } from './batch-feed.ts';
import type { CollectorOptions } from './collector-options.ts';
import { RowFeed } from './row-feed.ts';
import { type CollectorStatus, readStatus } from './status.ts';
import { createTemplateLayers } from './template-layers.ts';

/** How often rows are handed to the store though their batch is not full: with the writing, a flow is durable well within a second. */
const FLUSH_MILLIS = 500;
const MINUTE = 60_000;

/**
 * The collecting process: listeners, decoding, store, and the minute's accounts, started and stopped in order. Receiving never waits for the
 * store.
 */
export class Collector {
  readonly options: CollectorOptions;
  readonly udp: readonly UdpListener[];
  /** TCP and TLS. */
  readonly streams: readonly StreamListener[];
  /** All of them, in the order of the configuration. */
  readonly listeners: readonly (UdpListener | StreamListener)[];
  readonly refused = new RefusedSenders();
  readonly decoder: MessageDecoder;
  readonly store: FlowStore;
  readonly feed: BatchFeed;
  /** Shows flows to other programs as they come; undefined where it must not. */
  readonly live: LiveServer | undefined;
  /** Names and counters. */
  readonly rows: RowFeed;
  readonly #ledger = new QualityLedger();
  readonly #templates: TemplateStore;
  /** What happened between this collector and the shared store of templates, where there is one. */
  readonly sharedTemplates: Readonly<SharedTemplateCounters> | undefined;
  #forgotten: QualityRow[] = [];
  readonly #gone = newCounters();
  readonly #goneFaults = new Map<Fault, number>();
  readonly #goneQuirks = new Map<string, number>();
  #flushTimer: NodeJS.Timeout | undefined;
  #minuteTimer: NodeJS.Timeout | undefined;
  #minute = 0;
  #kernelDropsSeen = 0;
  #recordsDroppedSeen = 0;
  #closing: Promise<void> | undefined;
  templatesLoaded = 0;

  constructor(options: CollectorOptions) {
    this.options = options;
    const { log, now, data } = options;
    this.store = new FlowStore({
      dir: data,
      maxQueueBytes: options.maxQueueBytes,
      rotateSeconds: options.rotateSeconds,
      segmentMillis: options.segmentMillis,
      rollups: options.rollups,
      retention: options.retention,
      now,
      log,
    });
    const clock = () => performance.now();
    const idle = () => performance.eventLoopUtilization().idle;
    const status = () => this.status();
    this.live =
      options.live === undefined
        ? undefined
        : new LiveServer({ data, limits: options.live, now, clock, idle, status, log });
    this.feed = new BatchFeed(this.store, (batch) => this.live?.watch(batch));
    const stateFile = options.persistState ? join(data, 'state', 'names.json') : undefined;
    this.rows = new RowFeed({ store: this.store, stateFile, now, log });
    const { persistState: persist, sharedTemplates: shared } = options;
    const templates = createTemplateLayers({ data, persist, shared, now, log });
    this.#templates = templates.store;
    this.sharedTemplates = templates.counters;
    this.decoder = new MessageDecoder({
      registry: options.registry,
      sink: this.feed,
      sampling: options.sampling,
      identity: options.identity ?? DEFAULT_IDENTITY,
      observer: {
        name: (domain, fact, micros) => this.rows.name(domain, fact, micros),
        template: (domain, event, port) => this.#templates.heard(domain, event, port),
        missing: (domain, id) => this.#templates.missing(domain, id),
        stateChanged: () => this.#templates.changed(),
      },
      counters: this.rows,
      onForget: (domain) => {
        addCounters(this.#gone, domain.counters);
        for (const [fault, count] of domain.faults)
          this.#goneFaults.set(fault, (this.#goneFaults.get(fault) ?? 0) + count);
        for (const [quirk, count] of domain.quirks)
          this.#goneQuirks.set(quirk, (this.#goneQuirks.get(quirk) ?? 0) + count);
        this.#nameExporter(domain);
        const row = this.#ledger.take(domain, this.#minute);
        if (row !== undefined && this.#forgotten.length < 100_000) this.#forgotten.push(row);
      },
    });
    this.listeners = options.listen.map((url) => this.#listener(url));
    this.udp = this.listeners.filter((listener) => listener instanceof UdpListener);
    this.streams = this.listeners.filter((listener) => listener instanceof StreamListener);
  }

  #listener(url: ListenUrl): UdpListener | StreamListener {
    const { log, now, allowList } = this.options;
    const common = {
      url,
      onError: (error: Error) => log.warn({ listen: url.text, error: error.message }, 'the socket reported an error'),
      allowList,
      refused: this.refused,
    };
    if (url.scheme === 'udp') {
      return new UdpListener({
        ...common,
        // µs: the clock of this machine has no finer steps to offer without a cost per datagram.
        onDatagram: (bytes, sender) => void this.decoder.decode(bytes, sender, now() * 1000),
        receiveBufferBytes: this.options.receiveBufferBytes,
      });
    }
    const { sessions: limits, tls } = this.options;
    return new StreamListener({ ...common, limits, tls, onSession: (peer) => this.#session(peer) });
  }

  /** What a TCP or TLS session sends is decoded as a datagram is, with templates of its own. */
  #session({ address, port }: StreamPeer): SessionHandler {
    const source = this.decoder.beginSession(address, port);
    return {
      message: (bytes) => void this.decoder.decode(bytes, source, this.options.now() * 1000),
      end: () => this.decoder.endSession(source),
    };
  }

  /** Opens the store, loads templates, binds the sockets. When one step fails, those before it are undone. */
  async start(): Promise<StartReport> {
    const report = await this.store.start();
    try {
      this.templatesLoaded = await this.#templates.start(this.decoder);
      await this.rows.start();
      await Promise.all(this.listeners.map((listener) => listener.start()));
      await this.live?.start();
    } catch (error) {
      await Promise.all(this.listeners.map((listener) => listener.close()));
      await this.#templates.close();
      await this.store.close();
      throw error;
    }
    this.#minute = Math.floor(this.options.now() / MINUTE) * MINUTE;
    this.#flushTimer = setInterval(() => {
      this.feed.flush();
      this.live?.tick();
    }, FLUSH_MILLIS);
    this.#minuteTimer = setInterval(() => this.#tick(), 1000);
    return report;
  }

  setAllowList(allowList: AllowList | undefined): void {
    for (const listener of this.listeners) listener.setAllowList(allowList);
  }

  /** Replaces the certificates of all TLS listeners, for handshakes from now on. Throws for PEM text that cannot be used. */
  setCredentials(credentials: TlsCredentials): void {
    for (const listener of this.streams) listener.setCredentials(credentials);
  }

  /** Figures for a status line or a log. */
  status(): CollectorStatus {
    const { decoder, udp, streams, refused } = this;
    return readStatus({
      now: this.options.now(),
      decoder,
      udp,
      streams,
      refused,
      store: this.store.stats(),
      forgotten: this.#gone,
      forgottenFaults: this.#goneFaults,
      forgottenQuirks: this.#goneQuirks,
      sharedTemplates: this.sharedTemplates,
      kernelDrops: this.kernelDrops(),
      recordsDropped: this.recordsDropped(),
    });
  }

  /** Datagrams the kernel dropped at all sockets. */
  kernelDrops(): number {
    return this.udp.reduce((sum, listener) => sum + (listener.kernelCounters()?.drops ?? 0), 0);
  }

  /** Stops receiving (what the kernel has queued is read first), stores everything, gives the folder free. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#flushTimer);
    clearInterval(this.#minuteTimer);
    await Promise.all(this.listeners.map((listener) => listener.close()));
    this.feed.flush();
    await this.live?.close();
    this.#endMinute();
    await this.rows.close();
    await this.#templates.close();
    if (this.sharedTemplates !== undefined) this.options.log.info({ ...this.sharedTemplates }, 'shared templates');
    await this.store.close();
  }

  #tick(): void {
    const now = this.options.now();
    this.decoder.held.expire(now * 1000);
    this.rows.tick();
    const minute = Math.floor(now / MINUTE) * MINUTE;
    if (minute === this.#minute) return;
    this.#endMinute();
    this.#minute = minute;
  }

  /** Writes the rows of the minute that ends. */
  #endMinute(): void {
    const rows = this.#forgotten;
    this.#forgotten = [];
    for (const domain of this.decoder.domains) {
      this.#nameExporter(domain);
      const row = this.#ledger.take(domain, this.#minute);
      if (row !== undefined) rows.push(row);
    }
    const kernelDrops = this.kernelDrops();
    const recordsDropped = this.recordsDropped();
    if (kernelDrops > this.#kernelDropsSeen || recordsDropped > this.#recordsDroppedSeen) {
      rows.push(
        collectorRow(this.#minute, kernelDrops - this.#kernelDropsSeen, recordsDropped - this.#recordsDroppedSeen),
      );
      this.#kernelDropsSeen = kernelDrops;
      this.#recordsDroppedSeen = recordsDropped;
    }
    this.store.appendRows('quality', rows);
  }

  /** The name that is configured for a domain's exporter goes where names from options data go. */
  #nameExporter(domain: Domain): void {
    const { configuredExporter, exporter, lastReceived } = domain;
    if (configuredExporter?.name === undefined || lastReceived === 0) return;
    const fact = { kind: 'exporter', key: exporter, name: configuredExporter.name, description: undefined } as const;
    this.rows.name(domain, fact, lastReceived);
  }

  /** Records that were decoded and not stored, for want of room in the queue or on the disk. */
  recordsDropped(): number {
    const { rowsDropped } = this.store.stats();
    return this.feed.recordsDropped + rowsDropped.disk_full + rowsDropped.write_error + rowsDropped.closed;
  }
}
