import type { ProbeStatus } from '../app/probe.ts';
import type { TargetCounters } from '../export/target-link.ts';
import type { NameStatistics } from '../meter/statistics.ts';
import { type ExportedTotals, statisticsText } from '../meter/statistics-text.ts';
import { grouped, scaled } from '../query/output/humanize.ts';
import { counted } from './sending.ts';
import { lossLines, missing } from './target-losses.ts';

/** Whether something that was metered did not get where it was to go. Collectors of live probes may come and go. */
export function hasLost({ outputs, sflow }: ProbeStatus, isLive: boolean): boolean {
  const targets = [...outputs.targets, ...(sflow?.targets ?? [])];
  return outputs.storeDropped > 0 || targets.some((target) => missing(target) > 0 || (!isLive && target.refused > 0));
}

/** What became of the records, at all collectors together; undefined without any. */
export function exportedTotals({ outputs: { targets } }: ProbeStatus): ExportedTotals | undefined {
  if (targets.length === 0) return undefined;
  return {
    messages: targets.reduce((sum, target) => sum + target.messages, 0),
    failures: targets.reduce((sum, target) => sum + missing(target), 0),
  };
}

/** What is said at the end: softflowd's figures, then what became of the records. */
export function summaryText(status: ProbeStatus): string {
  const { flows, outputs, sflow, capture } = status;
  const lines: string[] = [];
  const { targets } = outputs;
  if (flows !== undefined) {
    lines.push(...statisticsText(flows, exportedTotals(status)), '');
  }
  if (flows?.names !== undefined) lines.push(namesLine(flows.names));
  if (capture.dropped + capture.interfaceDropped > 0)
    lines.push(
      `Packets lost before they were seen: ${grouped(capture.dropped)} by the kernel, ${grouped(capture.interfaceDropped)} by the interface`,
    );
  if (capture.blindMillis > 0)
    lines.push(
      `Nothing was captured for ${(capture.blindMillis / 1000).toFixed(1)} s, in ${counted(capture.interruptions, 'interruption')}`,
    );
  if (capture.unusable > 0) lines.push(`Records of the capture that could not be used: ${grouped(capture.unusable)}`);
  if (outputs.stored !== undefined)
    lines.push(
      `Stored: ${counted(outputs.stored, 'record')}${outputs.storeDropped > 0 ? `, ${grouped(outputs.storeDropped)} dropped` : ''}`,
    );
  if (sflow !== undefined) {
    lines.push(`sFlow: ${counted(sflow.samples, 'sample')} of ${counted(sflow.packets, 'packet')}`);
    if (sflow.unsendable > 0)
      lines.push(`  ${counted(sflow.unsendable, 'sample')} of a link type that sFlow does not have`);
  }
  for (const target of [...targets, ...(sflow?.targets ?? [])]) lines.push(...targetLines(target));
  while (lines.at(-1) === '') lines.pop();
  return `${lines.join('\n')}\n`;
}

function namesLine({ found, addresses, givenUp }: NameStatistics): string {
  const parts = [
    counted(found.dns, 'DNS message'),
    `${grouped(found.tls)} TLS and ${grouped(found.quic)} QUIC clients`,
    counted(found.http, 'HTTP request'),
    counted(addresses, 'address record'),
  ];
  return `Names: ${parts.join(', ')}${givenUp > 0 ? `, ${grouped(givenUp)} given up` : ''}`;
}

function targetLines(target: TargetCounters): string[] {
  const { records, messages, octets, sessions, encoder } = target;
  const lines = [
    `${target.target}: ${counted(records, 'record')} in ${counted(messages, 'message')} (${grouped(octets)} bytes)`,
  ];
  const say = (count: number, what: string): void => {
    if (count > 0) lines.push(`  ${grouped(count)} ${what}`);
  };
  say(encoder.refused.ipv6, 'records not sent: this format has no IPv6 (-v 9 or -v 10 has)');
  say(encoder.refused.record_kind, 'records not sent: this format has only flows');
  say(
    encoder.refused.no_address + encoder.refused.too_long + encoder.refused.template_limit,
    'records not sent: the format cannot carry them',
  );
  say(encoder.changed.counter_clamped, 'counters cut to what the format can hold');
  lines.push(...lossLines(target));
  if (sessions > 1) lines.push(`  ${grouped(sessions)} connections were made`);
  return lines;
}

/** The same for programs. */
export function summaryJson({ flows, outputs, sflow, capture }: ProbeStatus): object {
  const { records, stored, storeDropped } = outputs;
  return {
    ...flows,
    capture,
    records,
    ...(stored === undefined ? {} : { stored, storeDropped }),
    targets: outputs.targets,
    ...(sflow === undefined ? {} : { sflow }),
  };
}

/** One line of how it goes. `before` is the status a second ago, `bytes` what a file has in all. */
export function statusLine(now: ProbeStatus, before: ProbeStatus | undefined, seconds: number, bytes?: number): string {
  const packets = now.capture.packets;
  const parts: string[] = [];
  if (bytes !== undefined && bytes > 0) parts.push(`${Math.min(100, Math.floor((now.capture.bytes / bytes) * 100))} %`);
  parts.push(`${scaled(packets)} packets`);
  if (before !== undefined && seconds > 0)
    parts.push(`${scaled((packets - before.capture.packets) / seconds)} packets/s`);
  if (now.flows !== undefined)
    parts.push(`${grouped(now.flows.activeFlows)} flows active`, `${grouped(now.flows.records)} exported`);
  if (now.sflow !== undefined) parts.push(`${grouped(now.sflow.samples)} samples`);
  if (now.capture.dropped > 0) parts.push(`${grouped(now.capture.dropped)} packets lost`);
  const away = now.outputs.targets.filter(({ isOpen }) => !isOpen).length;
  if (away > 0) parts.push(`${counted(away, 'collector')} away`);
  const dropped = now.outputs.targets.reduce((sum, target) => sum + missing(target), now.outputs.storeDropped);
  if (dropped > 0) parts.push(`${grouped(dropped)} not delivered`);
  return parts.join(', ');
}
