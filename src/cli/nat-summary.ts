import type { NatCounters } from '../app/nat-exporter.ts';
import type { FlowToolsLinesCounters } from '../nat/flow-tools-lines.ts';
import { grouped } from '../query/output/humanize.ts';
import type { LineSinkCounters } from '../sink/line-sink.ts';
import { counted } from './sending.ts';
import { lossLines, missing } from './target-losses.ts';

/** What a running exporter tells of itself: in its status file, and at its end. */
export interface NatStatus extends NatCounters {
  /** ms since the epoch. */
  readonly started: number;
  readonly at: number;
  readonly lines: FlowToolsLinesCounters & { readonly copies: readonly LineSinkCounters[] };
}

/** Whether something that was told did not get where it was to go. */
export function hasLost({ outputs, lines }: NatStatus): boolean {
  const isShort = (one: Parameters<typeof missing>[0]): boolean => missing(one) > 0;
  return (
    outputs.some(({ targets, storeDropped }) => storeDropped > 0 || targets.some(isShort)) || lines.copies.some(isShort)
  );
}

/** For people; of one that has ended, outputs are all closed. */
export function statusText(status: NatStatus, { hasEnded = false } = {}): string {
  const { connections, conntrack, outputs, lines } = status;
  const out: string[] = [
    `Connections: ${grouped(connections.open)} open, ${grouped(connections.begun)} begun, ${grouped(connections.ended)} ended, ${grouped(connections.interim)} told of in between`,
  ];
  const say = (count: number, what: string): void => {
    if (count > 0) out.push(`  ${grouped(count)} ${what}`);
  };
  say(connections.beginningsMissed, 'beginnings missed: known by a listing or by their end');
  say(connections.endsMissed, 'ends missed: known by a listing');
  say(connections.forgotten, 'forgotten, without a sign of life');
  say(connections.untracked, 'not kept: the table was full (--max-connections)');
  say(connections.timesReversed, 'ended before they began: the clock was set');
  say(conntrack.eventsLost, 'events lost by the kernel (--buffer)');
  say(conntrack.overruns, 'times the kernel’s buffer ran over');
  say(conntrack.restarts, 'times conntrack was started again');
  say(conntrack.listingsFailed, 'listings failed');
  say(conntrack.badLines, 'lines of conntrack not understood');
  for (const { targets, stored, storeDropped } of outputs) {
    for (const target of targets) {
      const state = target.isOpen || hasEnded ? '' : ', away';
      out.push(
        `${target.target}: ${counted(target.records, 'record')} in ${counted(target.messages, 'message')}${state}`,
      );
      say(target.waiting.records, 'records wait');
      out.push(...lossLines(target));
      say(target.encoder.refused.ipv6, 'records not sent: this format has no IPv6 (-v 9 and -v 10 have)');
      say(target.encoder.refused.record_kind, 'records not sent: this format has only flows');
    }
    if (stored !== undefined) out.push(`Stored: ${counted(stored, 'record')}`);
    say(storeDropped, 'records not stored');
  }
  for (const copy of lines.copies) {
    out.push(`${copy.name}: ${counted(copy.lines, 'line')}${copy.isOpen || hasEnded ? '' : ', away'}`);
    say(copy.waiting, 'lines wait');
    say(copy.dropped, 'lines dropped: they were not taken fast enough');
    say(copy.lost, 'lines lost: they still waited at the end');
    say(copy.failed, `lines could not be written: ${copy.lastError ?? 'no reason is known'}`);
  }
  say(lines.copies.length > 0 ? lines.ipv6LeftOut : 0, 'IPv6 connections without lines (--csv-ipv6)');
  return `${out.join('\n')}\n`;
}

/** One line of how it goes. */
export function statusLine({ connections, conntrack, outputs, lines }: NatStatus): string {
  const records = outputs.reduce((sum, one) => sum + one.records, 0);
  const parts = [
    `${grouped(connections.open)} connections open`,
    `${grouped(connections.ended)} ended`,
    `${grouped(records)} records`,
  ];
  if (lines.copies.length > 0) parts.push(`${grouped(lines.lines)} lines`);
  if (conntrack.eventsLost > 0) parts.push(`${grouped(conntrack.eventsLost)} events lost`);
  const away = [...outputs.flatMap(({ targets }) => targets), ...lines.copies].filter(({ isOpen }) => !isOpen).length;
  if (away > 0) parts.push(`${counted(away, 'output')} away`);
  return parts.join(', ');
}
