import { protocolName } from '../filter/protocols.ts';
import type { CaptureCounters } from './capture/source.ts';
import type { EndCause, MeterStatistics, Spread } from './statistics.ts';

/** What became of the records that a meter wrote. */
export interface ExportedTotals {
  /** Messages sent, to all collectors. */
  readonly messages: number;
  /** Messages and records that were not. */
  readonly failures: number;
}

const whole = (value: number): string => String(Math.round(value));

/** What softflowd says at its end and to `softflowctl statistics`, in its form, as lines. */
export function statisticsText(
  statistics: MeterStatistics,
  exported?: ExportedTotals,
  capture?: CaptureCounters,
): string[] {
  const { nonIp, tooShort, notSampled, notGathered, ended, endedFlows, forcedFlows, records, protocols } = statistics;
  const others = [
    ...(notSampled > 0 ? [`${notSampled} not sampled`] : []),
    ...(notGathered > 0 ? [`${notGathered} not gathered`] : []),
  ];
  const lines = [
    `Number of active flows: ${statistics.activeFlows}`,
    `Packets processed: ${statistics.meteredPackets}`,
    `Fragments: ${statistics.fragments}`,
    `Ignored packets: ${nonIp + tooShort + notSampled + notGathered} (${[`${nonIp} non-IP`, `${tooShort} too short`, ...others].join(', ')})`,
    `Flows expired: ${endedFlows} (${forcedFlows} forced)`,
  ];
  if (exported !== undefined) {
    const { messages, failures } = exported;
    lines.push(`Flows exported: ${endedFlows} (${records} records) in ${messages} packets (${failures} failures)`);
  }
  if (capture !== undefined) lines.push(...captureText(capture));
  if (statistics.deleted > 0) lines.push(`Flows deleted: ${statistics.deleted}`);
  if (endedFlows === 0) return lines;
  lines.push(
    '',
    'Expired flow statistics:  minimum       average       maximum',
    spreadLine('Flow bytes', statistics.flowBytes, 0),
    spreadLine('Flow packets', statistics.flowPackets, 0),
    spreadLine('Duration', statistics.duration, 2),
    '',
    'Expired flow reasons:',
    reasonLine(ended, 'tcp', 'tcp.rst', 'tcp.fin'),
    reasonLine(ended, 'udp', 'icmp', 'general'),
    reasonLine(ended, 'maxlife'),
    reasonLine(ended, 'maxflows'),
    reasonLine(ended, 'flushed'),
    '',
    'Per-protocol statistics:     Octets      Packets   Avg Life    Max Life',
  );
  for (const { proto, bytes, packets, meanLife, longestLife } of protocols) {
    // 0 stands for all that were not told apart by their protocol.
    const name = `${proto === 0 ? 'ip' : (protocolName(proto)?.toLowerCase() ?? 'unknown')} (${proto})`;
    const lives = [meanLife, longestLife].map((life) => `   ${life.toFixed(2).padStart(8)}s`).join('');
    lines.push(`${name.padStart(19)}: ${whole(bytes).padStart(14)} ${whole(packets).padStart(12)}${lives}`);
  }
  return lines;
}

/** What a live capture has met, in softflowd's words: they are for libpcap, by which tcpdump captures too. */
export function captureText({
  packets,
  dropped,
  interfaceDropped,
  interruptions,
  blindMillis,
}: CaptureCounters): string[] {
  const lines = [
    `Packets received by libpcap: ${packets + dropped}`,
    `Packets dropped by libpcap: ${dropped}`,
    `Packets dropped by interface: ${interfaceDropped}`,
  ];
  if (interruptions > 0 || blindMillis > 0)
    lines.push(
      `Interruptions of the capture: ${interruptions} (nothing was seen for ${(blindMillis / 1000).toFixed(1)} s)`,
    );
  return lines;
}

function spreadLine(name: string, { least, mean, most }: Spread, digits: 0 | 2): string {
  // Seconds have their letter where the space between the columns is.
  const [unit, gap] = digits === 0 ? ['', '  '] : ['s', ' '];
  const columns = [least, mean, most].map((value) => `${value.toFixed(digits).padStart(12)}${unit}`);
  return `${`  ${name}:`.padEnd(21)}${columns.join(gap)}`;
}

function reasonLine(ended: MeterStatistics['ended'], ...causes: readonly EndCause[]): string {
  return causes.map((cause) => `${cause.padStart(10)} = ${whole(ended[cause]).padStart(9)}`).join('');
}
