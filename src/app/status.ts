import type { RefusedSenders } from '../collect/allow-list.ts';
import type { UdpListener } from '../collect/udp-listener.ts';
import { addCounters, type DomainCounters } from '../session/domain.ts';
import type { Fault } from '../session/faults.ts';
import type { MessageDecoder } from '../session/message-decoder.ts';
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
  readonly refused: {
    readonly datagrams: number;
    readonly senders: readonly { readonly address: string; readonly datagrams: number }[];
  };
  readonly store: FlowStoreStats;
}

/** Templates awaited that are listed; the count of sets is over all. */
const MAX_AWAITED = 8;

/** What the figures are read from. */
export interface StatusSources {
  /** ms since the epoch. */
  readonly now: number;
  readonly decoder: MessageDecoder;
  readonly listeners: readonly UdpListener[];
  readonly refused: RefusedSenders;
  readonly store: FlowStoreStats;
  /** Counters of domains that were forgotten for want of room. */
  readonly forgotten: DomainCounters;
  readonly kernelDrops: number;
  readonly recordsDropped: number;
}

/** Reads the figures of a collector. Costs a walk over the domains: for every few seconds, not for every datagram. */
export function readStatus(sources: StatusSources): CollectorStatus {
  const { now: at, decoder, listeners, store } = sources;
  const exporters = new Set<string>();
  const faults: Partial<Record<Fault, number>> = {};
  const totals = { ...sources.forgotten };
  for (const domain of decoder.domains) {
    addCounters(totals, domain.counters);
    if (domain.counters.datagrams > 0) exporters.add(domain.exporter);
    for (const [fault, count] of domain.faults) faults[fault] = (faults[fault] ?? 0) + count;
  }
  const awaited: AwaitedStatus[] = [];
  let setsHeld = 0;
  for (const [domain, { templateId, since, sets }] of decoder.awaited()) {
    setsHeld += sets;
    const seconds = Math.max(0, Math.round(at / 1000 - since / 1e6));
    awaited.push({ exporter: domain.exporter, observationDomain: domain.id, templateId, seconds, sets });
  }
  awaited.sort((a, b) => b.sets - a.sets);
  const refusedDatagrams = listeners.reduce((sum, listener) => sum + listener.counters().refusedDatagrams, 0);
  const senders = refusedDatagrams === 0 ? [] : sources.refused.list().slice(0, 5);
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
    refused: {
      datagrams: refusedDatagrams,
      senders: senders.map(({ address, datagrams: count }) => ({ address, datagrams: count })),
    },
    store,
  };
}
