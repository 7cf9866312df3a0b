import type { RefusedSenders } from '../collect/allow-list.ts';
import type { StreamSessionStatus } from '../collect/connection-table.ts';
import type { StreamEnd, StreamRefusal } from '../collect/stream-causes.ts';
import type { StreamListener } from '../collect/stream-listener.ts';
import type { UdpListener } from '../collect/udp-listener.ts';
import { addCounters, type DomainCounters } from '../session/domain.ts';
import type { Fault } from '../session/faults.ts';
import type { MessageDecoder } from '../session/message-decoder.ts';
import type { SharedTemplateCounters } from '../session/template-store-shared.ts';
import type { FlowStoreStats } from '../store/flow-store.ts';

/** A template that data waits for. */
export interface AwaitedStatus {
  readonly exporter: string;
  readonly observationDomain: number;
  readonly templateId: number;
  /** Seconds since the first set that waits. */
  readonly seconds: number;
  readonly sets: number;
}

/** The TCP and TLS sessions of all listeners. */
export interface SessionsStatus {
  /** Connections now, TLS handshakes included. */
  readonly open: number;
  readonly accepted: number;
  readonly messages: number;
  readonly octets: number;
  /** Octets of messages that were never complete. */
  readonly unfinishedOctets: number;
  /** Only causes that have occurred. */
  readonly refused: Readonly<Partial<Record<StreamRefusal, number>>>;
  readonly ended: Readonly<Partial<Record<StreamEnd, number>>>;
  /** Those with the most octets. */
  readonly largest: readonly StreamSessionStatus[];
}

/** Totals since the start, for people and logs. */
export interface CollectorStatus {
  /** ms since the epoch. */
  readonly at: number;
  readonly datagrams: number;
  readonly octets: number;
  readonly records: number;
  readonly exporters: number;
  readonly templates: number;
  readonly awaited: readonly AwaitedStatus[];
  readonly setsHeld: number;
  readonly loss: {
    /** Units (flows, packets or records) that sequence numbers say were sent and did not come. */
    readonly sequence: number;
    readonly kernel: number;
    /** Records decoded and not stored. */
    readonly store: number;
    /** Data sets given up because their template did not come. */
    readonly setsDropped: number;
  };
  readonly faults: Readonly<Partial<Record<Fault, number>>>;
  /** How often mistakes and habits of exporters were met and dealt with, by the name of the quirk. */
  readonly quirks: Readonly<Record<string, number>>;
  /** Undefined where templates are not shared. */
  readonly sharedTemplates: Readonly<SharedTemplateCounters> | undefined;
  readonly refused: {
    readonly datagrams: number;
    readonly connections: number;
    readonly senders: readonly {
      readonly address: string;
      readonly datagrams: number;
      readonly connections: number;
    }[];
  };
  /** Undefined without a TCP or TLS listener. */
  readonly sessions: SessionsStatus | undefined;
  readonly store: FlowStoreStats;
}

/** Templates awaited that are listed; the count of sets is over all. */
const MAX_AWAITED = 8;
/** Sessions that are listed; the counts are over all. */
const MAX_SESSIONS = 8;

/** What the figures are read from. */
export interface StatusSources {
  /** ms since the epoch. */
  readonly now: number;
  readonly decoder: MessageDecoder;
  readonly udp: readonly UdpListener[];
  readonly streams: readonly StreamListener[];
  readonly refused: RefusedSenders;
  readonly store: FlowStoreStats;
  /** Counters and faults of domains that were forgotten, for want of room or with their session. */
  readonly forgotten: DomainCounters;
  readonly forgottenFaults: ReadonlyMap<Fault, number>;
  readonly forgottenQuirks: ReadonlyMap<string, number>;
  readonly sharedTemplates: Readonly<SharedTemplateCounters> | undefined;
  readonly kernelDrops: number;
  readonly recordsDropped: number;
}

/** Reads the figures of a collector. Costs a walk over the domains: for every few seconds, not for every datagram. */
export function readStatus(sources: StatusSources): CollectorStatus {
  const { now: at, decoder, udp, streams, store } = sources;
  const exporters = new Set<string>();
  const faults: Partial<Record<Fault, number>> = Object.fromEntries(sources.forgottenFaults);
  const quirks: Record<string, number> = Object.fromEntries(sources.forgottenQuirks);
  const totals = { ...sources.forgotten };
  for (const domain of decoder.domains) {
    addCounters(totals, domain.counters);
    if (domain.counters.datagrams > 0) exporters.add(domain.exporter);
    for (const [fault, count] of domain.faults) faults[fault] = (faults[fault] ?? 0) + count;
    for (const [quirk, count] of domain.quirks) quirks[quirk] = (quirks[quirk] ?? 0) + count;
  }
  const awaited: AwaitedStatus[] = [];
  let setsHeld = 0;
  for (const [domain, { templateId, since, sets }] of decoder.awaited()) {
    setsHeld += sets;
    const seconds = Math.max(0, Math.round(at / 1000 - since / 1e6));
    awaited.push({ exporter: domain.exporter, observationDomain: domain.id, templateId, seconds, sets });
  }
  awaited.sort((a, b) => b.sets - a.sets);
  const refusedDatagrams = udp.reduce((sum, listener) => sum + listener.counters().refusedDatagrams, 0);
  const sessions = streams.length === 0 ? undefined : readSessions(streams);
  const refusedConnections = sessions?.refused.allow_list ?? 0;
  const senders = refusedDatagrams + refusedConnections === 0 ? [] : sources.refused.list().slice(0, 5);
  return {
    at,
    datagrams: totals.datagrams,
    octets: totals.octets,
    records: totals.records,
    exporters: exporters.size,
    templates: decoder.domains.templates,
    awaited: awaited.slice(0, MAX_AWAITED),
    setsHeld,
    loss: {
      sequence: Math.max(0, totals.expected - totals.received),
      kernel: sources.kernelDrops,
      store: sources.recordsDropped,
      setsDropped: totals.setsDropped,
    },
    faults,
    quirks,
    sharedTemplates: sources.sharedTemplates === undefined ? undefined : { ...sources.sharedTemplates },
    refused: {
      datagrams: refusedDatagrams,
      connections: refusedConnections,
      senders: senders.map(({ address, datagrams, connections }) => ({ address, datagrams, connections })),
    },
    sessions,
    store,
  };
}

function readSessions(streams: readonly StreamListener[]): SessionsStatus {
  const all = streams.map((listener) => listener.counters());
  const total = (of: (counters: (typeof all)[number]) => number): number =>
    all.reduce((sum, counters) => sum + of(counters), 0);
  const byCause = <T extends string>(of: (counters: (typeof all)[number]) => Readonly<Record<T, number>>) => {
    const sums: Partial<Record<T, number>> = {};
    for (const counters of all) {
      for (const [cause, count] of Object.entries(of(counters)) as [T, number][])
        if (count > 0) sums[cause] = (sums[cause] ?? 0) + count;
    }
    return sums;
  };
  return {
    open: total(({ open }) => open),
    accepted: total(({ accepted }) => accepted),
    messages: total(({ messages }) => messages),
    octets: total(({ bytes }) => bytes),
    unfinishedOctets: total(({ unfinishedBytes }) => unfinishedBytes),
    refused: byCause(({ refused }) => refused),
    ended: byCause(({ ended }) => ended),
    largest: streams
      .flatMap((listener) => listener.sessions(MAX_SESSIONS))
      .sort((a, b) => b.bytes - a.bytes)
      .slice(0, MAX_SESSIONS),
  };
}
