import { ORDINARY_ENDS, STREAM_CAUSE_TEXT, type StreamEnd, type StreamRefusal } from '../collect/stream-causes.ts';
import { grouped } from '../query/output/humanize.ts';
import { FAULT_TEXT, type Fault } from '../session/faults.ts';
import type { SharedTemplateCounters } from '../session/template-store-shared.ts';
import { OVERDUE_MS } from '../store/rollup-progress.ts';
import type { CollectorStatus, SessionsStatus } from './status.ts';

const BEHIND_TEXT = 'merging does not follow, and long spans are answered from flows, slowly';

/** A rate with k, M, G: 1234 → 1.23 k. */
export function scaled(value: number): string {
  for (const [unit, factor] of [
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3],
  ] as const) {
    if (value >= factor) return `${(value / factor).toPrecision(3)} ${unit}`;
  }
  return String(Math.round(value));
}

/** A duration of seconds: 40 s, 3 min, 2 h. */
export function duration(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/**
 * The status as lines for a terminal: rates since `before`, what is awaited, and what was lost, by cause. The first line always; others only where there
 * is something to say.
 */
export function statusLines(now: CollectorStatus, before: CollectorStatus | undefined): string[] {
  const seconds = before === undefined ? 0 : Math.max((now.at - before.at) / 1000, 0.001);
  const rate = (pick: (status: CollectorStatus) => number): number =>
    before === undefined ? 0 : (pick(now) - pick(before)) / seconds;
  const loses = Object.values(now.loss).some((count) => count > 0);
  const lines = [
    [
      `${scaled(rate((status) => status.records))} flows/s`,
      `${scaled(rate((status) => status.datagrams))} datagrams/s`,
      `${grouped(now.exporters)} ${now.exporters === 1 ? 'exporter' : 'exporters'}`,
      ...(loses ? [] : [lossText(now)]),
      `${grouped(now.records)} flows received, ${grouped(now.store.rowsStored)} stored`,
    ].join(' · '),
    // A line of its own: the end of the first one may not fit the terminal.
    ...(loses ? [lossText(now)] : []),
  ];
  for (const { templateId, exporter, seconds: since, sets } of now.awaited) {
    lines.push(`waiting for template ${templateId} of ${exporter}, ${duration(since)}, ${grouped(sets)} sets held`);
  }
  const faults = Object.entries(now.faults) as [Fault, number][];
  for (const [fault, count] of faults.sort((a, b) => b[1] - a[1]).slice(0, 4)) {
    lines.push(`${grouped(count)} × ${FAULT_TEXT[fault]}`);
  }
  const quirks = Object.entries(now.quirks).sort((a, b) => b[1] - a[1]);
  if (quirks.length > 0)
    lines.push(`quirks dealt with: ${quirks.map(([quirk, count]) => `${quirk} ${grouped(count)}`).join(', ')}`);
  if (now.sharedTemplates !== undefined) lines.push(sharedText(now.sharedTemplates));
  if (now.sessions !== undefined) lines.push(...sessionLines(now.sessions));
  if (now.refused.datagrams + now.refused.connections > 0) {
    const senders = now.refused.senders.map(
      ({ address, datagrams, connections }) => `${address} (${grouped(datagrams + connections)})`,
    );
    const what = [
      [now.refused.datagrams, 'datagrams'],
      [now.refused.connections, 'connections'],
    ] as const;
    const refused = what.filter(([count]) => count > 0).map(([count, name]) => `${grouped(count)} ${name}`);
    lines.push(`refused ${refused.join(' and ')}, not on the allow-list: ${senders.join(', ')}`);
  }
  const behind = Math.round(now.store.rollupsBehindMs / 1000);
  if (behind * 1000 > OVERDUE_MS) lines.push(`roll-ups are ${duration(behind)} behind: ${BEHIND_TEXT}`);
  if (now.store.failing !== undefined) lines.push(`the store cannot write: ${now.store.failing}`);
  if (now.store.failed !== undefined) lines.push(`the store has stopped: ${now.store.failed}`);
  return lines;
}

/** What the shared store of templates did, and what it did not. */
function sharedText({ published, taken, served, unserved, conflicts, fallbacks }: SharedTemplateCounters): string {
  const counts = [
    [unserved, 'asked for in vain'],
    [conflicts, 'conflicts'],
    [fallbacks, 'times it could not be asked'],
  ] as const;
  const told = counts.filter(([count]) => count > 0).map(([count, name]) => `, ${grouped(count)} ${name}`);
  return `shared templates: ${grouped(published)} given, ${grouped(taken + served)} had${told.join('')}`;
}

/** The sessions that are open, and those that did not end as they should, by cause. */
function sessionLines({ open, messages, unfinishedOctets, ended, refused, largest }: SessionsStatus): string[] {
  const some = largest.slice(0, 3).map(({ exporter, subject, protocol, messages: count }) => {
    const by = [protocol, subject].filter((one) => one !== '').join(' ');
    return `${exporter}${by === '' ? '' : ` ${by}`} (${grouped(count)})`;
  });
  const more = largest.length > some.length ? ', …' : '';
  const lines = [
    `${grouped(open)} ${open === 1 ? 'connection' : 'connections'}, ${grouped(messages)} messages received${some.length === 0 ? '' : `: ${some.join(', ')}${more}`}`,
  ];
  const causes = Object.entries({ ...ended, ...refused }) as [StreamEnd | StreamRefusal, number][];
  for (const [cause, count] of causes.sort((a, b) => b[1] - a[1])) {
    if (ORDINARY_ENDS.has(cause) || cause === 'allow_list') continue;
    lines.push(`${grouped(count)} ${count === 1 ? 'connection' : 'connections'} ${STREAM_CAUSE_TEXT[cause]}`);
  }
  if (unfinishedOctets > 0) lines.push(`${grouped(unfinishedOctets)} octets of messages that were never complete`);
  return lines;
}

/** Loss by cause; where nothing was lost, in one word. */
export function lossText({ loss }: CollectorStatus): string {
  const causes = [
    [loss.sequence, 'missing by sequence numbers'],
    [loss.kernel, 'datagrams dropped by the kernel'],
    [loss.store, 'flows not stored'],
    [loss.setsDropped, 'sets given up without template'],
  ] as const;
  const lost = causes.filter(([count]) => count > 0).map(([count, cause]) => `${grouped(count)} ${cause}`);
  return lost.length === 0 ? 'no loss' : `LOSS: ${lost.join(', ')}`;
}
