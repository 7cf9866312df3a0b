import { grouped } from '../query/output/humanize.ts';
import { type Ask, type Finding, listed, ok, warning } from './check-finding.ts';

/** Sums of what an exporter says, and of what arrived where the two can be compared. */
const TOLD = `SELECT exporter,
    sum(exported_flow_record_count) FILTER (exported_flow_record_received_count IS NOT NULL), sum(exported_flow_record_received_count),
    sum(exported_message_count) FILTER (exported_message_received_count IS NOT NULL), sum(exported_message_received_count),
    sum(not_sent_flow_count), sum(not_sent_packet_count), sum(ignored_packet_count)
  FROM week GROUP BY exporter
  HAVING count(coalesce(exported_flow_record_count, exported_message_count, not_sent_flow_count, not_sent_packet_count, ignored_packet_count)) > 0
  ORDER BY exporter`;

/** More than this part of what an exporter says it sent may be missing, or too much, because messages overtake each other around a report. */
const TOLERATED = 0.001;

/** What exporters tell of their own work (RFC 7011 section 4), against what arrived of them. */
export async function checkStatistics(ask: Ask): Promise<Finding[]> {
  const told = (await ask(TOLD)).map(describe);
  if (told.length === 0) return [];
  // What is wrong first, so that it is among those that are listed.
  const lines = [...told.filter(({ isTrue }) => !isTrue), ...told.filter(({ isTrue }) => isTrue)].map(
    ({ text }) => text,
  );
  const text = ['what exporters say of themselves, and what arrived, in the last 7 days', ...listed(lines)].join('\n');
  if (told.every(({ isTrue }) => isTrue)) return [ok('statistics', text)];
  return [
    warning(
      'statistics',
      text,
      'Less arrived than was sent: look for loss on the way and at this host (kernel_drops, sequence_expected in the table quality).',
      'Not sent, or packets ignored: the exporter is overloaded; lower its sampling or raise its cache.',
    ),
  ];
}

function describe([exporter = '', ...sums]: readonly string[]): { text: string; isTrue: boolean } {
  const [records, recordsHere, messages, messagesHere, notSentFlows, notSentPackets, ignored] = sums.map(Number);
  const parts: string[] = [];
  let isTrue = true;
  const compare = (what: string, sent: number | undefined, here: number | undefined): void => {
    if (sent === undefined || here === undefined || (sent === 0 && here === 0)) return;
    parts.push(`${grouped(sent)} ${what} sent, ${grouped(here)} arrived (${percent(here, sent)})`);
    isTrue &&= Math.abs(sent - here) <= sent * TOLERATED;
  };
  compare('records', records, recordsHere);
  compare('messages', messages, messagesHere);
  for (const [count = 0, what] of [
    [notSentFlows, 'flows not sent'],
    [notSentPackets, 'packets of flows not sent'],
    [ignored, 'packets ignored'],
  ] as const) {
    if (count === 0) continue;
    parts.push(`${grouped(count)} ${what}`);
    isTrue = false;
  }
  return { text: `${exporter}: ${parts.length === 0 ? 'nothing lost' : parts.join('; ')}`, isTrue };
}

function percent(part: number, whole: number): string {
  return whole === 0 ? 'none was to' : `${((part / whole) * 100).toFixed(part === whole ? 0 : 2)} %`;
}
