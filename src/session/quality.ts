import { FLOW_TYPES } from '../flow/codes.ts';
import { FLOW_TYPE } from './begin-message.ts';
import { type Domain, type DomainCounters, newCounters } from './domain.ts';
import { NO_STATISTICS } from './exporter-statistics.ts';
import type { Fault } from './faults.ts';
import type { QualityRow } from './quality-row.ts';

interface Seen {
  readonly counters: DomainCounters;
  readonly faults: ReadonlyMap<Fault, number>;
  readonly quirks: ReadonlyMap<string, number>;
}

/** Faults that are held sets given up: they are in `sets_dropped` already. */
const HELD_FAULTS: ReadonlySet<Fault> = new Set(['held_expired', 'held_overflow']);

/** Turns the running counters of domains into rows per minute: what has come since the row before. */
export class QualityLedger {
  #seen = new WeakMap<Domain, Seen>();

  /** The row of a domain for `minute` (ms since the epoch, start of the minute); undefined when nothing happened. */
  take(domain: Domain, minute: number): QualityRow | undefined {
    const before = this.#seen.get(domain);
    const { counters } = domain;
    const was = before?.counters ?? newCounters();
    const faults = new Map(domain.faults);
    const undecodable: Record<string, number> = {};
    let faulty = false;
    for (const [fault, count] of faults) {
      const more = count - (before?.faults.get(fault) ?? 0);
      if (more > 0) faulty = true;
      if (more > 0 && !HELD_FAULTS.has(fault)) undecodable[fault] = more;
    }
    if (!faulty && counters.datagrams === was.datagrams && counters.setsDropped === was.setsDropped) return undefined;
    const quirks: Record<string, number> = {};
    for (const [quirk, count] of domain.quirks) {
      const more = count - (before?.quirks.get(quirk) ?? 0);
      if (more > 0) quirks[quirk] = more;
    }
    this.#seen.set(domain, { counters: { ...counters }, faults, quirks: new Map(domain.quirks) });
    const flowType = FLOW_TYPE[domain.version];
    return {
      minute,
      exporter: domain.exporter,
      sender: domain.sender,
      observation_domain: domain.id,
      flow_type: flowType === undefined ? '' : (FLOW_TYPES[flowType as keyof typeof FLOW_TYPES] ?? ''),
      datagrams: counters.datagrams - was.datagrams,
      octets: counters.octets - was.octets,
      records: counters.records - was.records,
      options_records: counters.optionsRecords - was.optionsRecords,
      counter_records: counters.counterRecords - was.counterRecords,
      samples_dropped: counters.samplesDropped - was.samplesDropped,
      sequence_expected: counters.expected - was.expected,
      sequence_received: counters.received - was.received,
      sequence_resets: counters.resets - was.resets,
      out_of_order: counters.outOfOrder - was.outOfOrder,
      template_conflicts: counters.templateConflicts - was.templateConflicts,
      sets_held: counters.setsHeld - was.setsHeld,
      sets_released: counters.setsReleased - was.setsReleased,
      sets_dropped: counters.setsDropped - was.setsDropped,
      undecodable,
      kernel_drops: 0,
      records_dropped: 0,
      clock_skew_ms: Math.round(domain.clockSkewMillis),
      quirks,
      sampling_rates: domain.takeRates(),
      ...domain.statistics.take(),
    };
  }
}

/** The row of a minute for what belongs to no exporter: datagrams the kernel dropped, records that could not be stored. */
export function collectorRow(minute: number, kernelDrops: number, recordsDropped: number): QualityRow {
  return {
    minute,
    exporter: '',
    sender: '',
    observation_domain: 0,
    flow_type: '',
    datagrams: 0,
    octets: 0,
    records: 0,
    options_records: 0,
    counter_records: 0,
    samples_dropped: 0,
    sequence_expected: 0,
    sequence_received: 0,
    sequence_resets: 0,
    out_of_order: 0,
    template_conflicts: 0,
    sets_held: 0,
    sets_released: 0,
    sets_dropped: 0,
    undecodable: {},
    kernel_drops: kernelDrops,
    records_dropped: recordsDropped,
    clock_skew_ms: 0,
    quirks: {},
    sampling_rates: [],
    ...NO_STATISTICS,
  };
}
