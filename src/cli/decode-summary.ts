import { grouped } from '../query/output/humanize.ts';
import type { Domain } from '../session/domain.ts';
import { FAULT_TEXT, type Fault } from '../session/faults.ts';
import type { AwaitedTemplate } from '../session/held-sets.ts';
import { counted } from './sending.ts';

/** Counts over all domains, those included that the decoder has forgotten. */
export interface Tally {
  datagrams: number;
  add(domain: Domain): void;
  /** What is told at the end, on lines of its own. */
  text(more: {
    readonly notes: readonly string[];
    readonly awaited: Iterable<readonly [Domain, AwaitedTemplate]>;
    /** Whether options data and templates were shown. */
    readonly all: boolean;
  }): string;
}

/** Awaited templates that are named one by one. */
const NAMED = 10;

export function createTally(): Tally {
  const exporters = new Set<string>();
  const faults = new Map<Fault, number>();
  let [records, options, templates, counterRecords, samplesDropped] = [0, 0, 0, 0, 0];
  return {
    datagrams: 0,
    add({ exporter, counters, faults: found }) {
      if (exporters.size < 65_536) exporters.add(exporter);
      records += counters.records;
      options += counters.optionsRecords;
      templates += counters.templates;
      counterRecords += counters.counterRecords;
      samplesDropped += counters.samplesDropped;
      for (const [fault, count] of found) faults.set(fault, (faults.get(fault) ?? 0) + count);
    },
    text({ notes, awaited, all }) {
      if (this.datagrams === 0) return [...notes, 'there are no UDP datagrams in it', ''].join('\n');
      const lines = [
        `${counted(this.datagrams, 'datagram')} of ${counted(exporters.size, 'exporter')}: ${counted(records, 'flow record')}, ` +
          `${counted(options, 'options record')}, ${counted(templates, 'template record')}${!all && options + templates > 0 ? ' (--all shows them)' : ''}`,
        ...notes,
      ];
      if (counterRecords > 0)
        lines.push(`${counted(counterRecords, 'counter record')} of sFlow${all ? '' : ' (--all shows them)'}`);
      if (samplesDropped > 0)
        lines.push(
          `${counted(samplesDropped, 'sample')} that agents could not make: their sampling rates take account of it`,
        );
      for (const [fault, times] of [...faults].sort(([, a], [, b]) => b - a)) {
        lines.push(`not decoded: ${grouped(times)} × ${FAULT_TEXT[fault]} (${fault})`);
      }
      const waiting = [...awaited].map(([domain, template]) => ({ domain, ...template }));
      waiting.sort((a, b) => b.sets - a.sets);
      for (const { domain, templateId, sets } of waiting.slice(0, NAMED)) {
        lines.push(
          `waiting for template ${templateId} of ${domain.exporter}, observation domain ${domain.id}: ${counted(sets, 'data set')} held`,
        );
      }
      if (waiting.length > NAMED) lines.push(`waiting for ${waiting.length - NAMED} more templates`);
      if (waiting.length > 0)
        lines.push('  exporters repeat their templates, often every few minutes: a longer capture has them');
      return `${lines.join('\n')}\n`;
    },
  };
}
