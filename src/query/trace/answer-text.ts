import { protocolName } from '../../filter/protocols.ts';
import type { Zone } from '../../util/zone.ts';
import { humanDuration, humanTime, scaled, zoneName } from '../output/humanize.ts';
import { printable, Table, type TableOptions } from '../output/table.ts';
import type { Candidate, Evidence, EvidenceKind } from './evidence.ts';
import { formatEndpoint, type TraceQuestion } from './question.ts';
import type { Searched } from './search.ts';
import type { TraceAnswer, UsesAnswer } from './trace.ts';
import type { Use } from './uses.ts';

export interface TextOptions extends TableOptions {
  /** Of the times in tables; those of the question are shown in UTC and local. */
  readonly zone: Zone;
}

/** Candidates that a person reads. */
const MOST_LINES = 50;

const KINDS: Readonly<Record<EvidenceKind, string>> = {
  session: 'NAT session',
  binding: 'NAT binding',
  address: 'NAT address',
  block: 'port block',
  firewall: 'firewall',
  flow: 'flow',
  triplet: 'v5 triplet',
};

/** An answer of `traceNat` for people. */
export function traceText(answer: TraceAnswer, options: TextOptions): string {
  const { candidates, reasons, nearest } = answer;
  const lines = [questionLine(answer.question, options.zone), answerLine(answer), ''];
  if (candidates.length === 0) {
    lines.push(...reasons.map(({ text }) => `why      ${text}`));
    for (const [when, one] of [
      ['before', nearest.before],
      ['after', nearest.after],
    ] as const) {
      if (one === null) continue;
      lines.push(
        `${when.padEnd(9)}${pathOf(one)}, ${spanText(one, options.zone)} (${KINDS[one.kind]} of ${one.exporter}, ${humanDuration(one.distance)} off)`,
      );
    }
  } else {
    const shown = candidates.slice(0, MOST_LINES);
    const evidence = shown.flatMap((candidate) => candidate.evidence);
    lines.push(evidenceTable(evidence, options).trimEnd());
    if (shown.length < candidates.length)
      lines.push(`… and ${candidates.length - shown.length} more: --format json has all`);
    lines.push('');
  }
  lines.push(...answer.warnings.map((text) => `note     ${text}`));
  lines.push(searchedLine(answer.searched));
  return `${lines.join('\n')}\n`;
}

/** An answer of `traceInside` for people. */
export function usesText(answer: UsesAnswer, options: TextOptions): string {
  const lines = [questionLine(answer.question, options.zone), ''];
  if (answer.uses.length > 0) lines.push(usesTable(answer.uses, options).trimEnd(), '');
  else lines.push('answer   none', '', ...answer.reasons.map(({ text }) => `why      ${text}`));
  lines.push(...answer.warnings.map((text) => `note     ${text}`));
  lines.push(searchedLine(answer.searched));
  return `${lines.join('\n')}\n`;
}

function searchedLine({ files, rows }: Searched): string {
  return `read     ${files} ${files === 1 ? 'segment' : 'segments'}, ${rows.toLocaleString('en')} rows`;
}

function questionLine({ side, endpoint, peer, proto, from, to }: TraceQuestion, zone: Zone): string {
  const parts = [`${side === 'inside' ? 'inside ' : ''}${formatEndpoint(endpoint)}`];
  if (proto !== undefined) parts.push(protocolName(proto) ?? `protocol ${proto}`);
  if (peer !== undefined) parts.push(`to ${formatEndpoint(peer)}`);
  const when =
    from === to ? `at ${bothZones(from, zone)}` : `from ${bothZones(from, zone)} until ${bothZones(to, zone)}`;
  return `asked    ${parts.join(' ')} ${when}`;
}

/** A time as it was understood, in UTC and in the zone that people chose: an hour that is off by a zone finds somebody else. */
function bothZones(micros: bigint, chosen: Zone): string {
  const zone = chosen === 'utc' ? 'local' : chosen;
  const [time, millis] = [Number(micros), Number(micros / 1000n)];
  const name = zone === 'local' ? 'local ' : '';
  return `${humanTime(time, 'utc')} UTC (${name}${humanTime(time, zone)} ${zoneName(zone, millis)})`;
}

function answerLine({ class: answerClass, open, candidates, question }: TraceAnswer): string {
  const [first] = candidates;
  if (first === undefined) return 'answer   none';
  const about = [answerClass, ...(open ? ['open'] : [])].join(', ');
  if (candidates.length > 1) {
    const what = question.endpoint.port === undefined ? 'hosts' : 'endpoints';
    return `answer   ${candidates.length} inside ${what}, the nearest in time first (${about})`;
  }
  return `answer   ${candidateText(first)} (${about})`;
}

function candidateText({ inside_addr, inside_port, ingress_vrf, user_name }: Candidate): string {
  const vrf = ingress_vrf === null || ingress_vrf === 0 ? '' : ` in VRF ${ingress_vrf}`;
  return `${endText(inside_addr, inside_port)}${vrf}${user_name === null ? '' : `, user ${printable(user_name)}`}`;
}

function evidenceTable(evidence: readonly Evidence[], options: TextOptions): string {
  const table = new Table(
    [
      { label: 'inside', right: false, whole: true },
      { label: 'public', right: false, whole: true },
      { label: 'other end', right: false, whole: true },
      { label: 'proto', right: false },
      { label: 'evidence', right: false },
      { label: 'exporter', right: false, whole: true },
      { label: 'start', right: false, whole: true },
      { label: 'end', right: false, whole: true },
      { label: 'off', right: true },
      { label: 'packets', right: true, dispensable: 2 },
      { label: 'bytes', right: true, dispensable: 1 },
      { label: 'records', right: true, dispensable: 3 },
    ],
    options,
  );
  const rows = evidence.map((one) => [
    endText(one.inside_addr, one.inside_port),
    publicText(one),
    one.peer_addr === null ? '-' : endText(one.peer_addr, one.peer_port),
    protoText(one.proto),
    KINDS[one.kind],
    one.exporter,
    one.start === null ? 'not seen' : humanTime(one.start, options.zone),
    one.end === null ? 'open' : humanTime(one.end, options.zone),
    one.distance === 0 ? '0' : humanDuration(one.distance),
    one.packets === null ? '-' : scaled(Number(one.packets)),
    one.bytes === null ? '-' : scaled(Number(one.bytes)),
    String(one.records),
  ]);
  return table.header(rows) + table.lines(rows);
}

function usesTable(uses: readonly Use[], options: TextOptions): string {
  const table = new Table(
    [
      { label: 'public', right: false, whole: true },
      { label: 'inside', right: false, whole: true },
      { label: 'proto', right: false },
      { label: 'evidence', right: false },
      { label: 'exporter', right: false, whole: true },
      { label: 'start', right: false, whole: true },
      { label: 'end', right: false, whole: true },
      { label: 'other ends', right: true },
      { label: 'records', right: true, dispensable: 1 },
    ],
    options,
  );
  const rows = uses.map((use) => [
    publicText(use),
    endText(use.inside_addr, use.inside_port),
    protoText(use.proto),
    KINDS[use.kind],
    use.exporter,
    use.start === null ? 'not seen' : humanTime(use.start, options.zone),
    use.end === null ? 'open' : humanTime(use.end, options.zone),
    String(use.peers),
    String(use.records),
  ]);
  return table.header(rows) + table.lines(rows);
}

function pathOf(one: Evidence): string {
  return `${endText(one.inside_addr, one.inside_port)} as ${publicText(one)}${one.peer_addr === null ? '' : ` to ${endText(one.peer_addr, one.peer_port)}`}`;
}

function spanText({ start, end }: Evidence, zone: Zone): string {
  const text = (micros: number | null): string => (micros === null ? 'not seen' : humanTime(micros, zone));
  return `${text(start)} to ${text(end)}`;
}

/** A public address with its port, or its block of ports: `192.0.2.1:1024-2047`, `192.0.2.1:1024-65535/8` for every eighth. */
function publicText(
  one: Pick<Evidence, 'public_addr' | 'public_port' | 'block_start' | 'block_end' | 'block_step'>,
): string {
  if (one.block_start === null) return endText(one.public_addr, one.public_port);
  const step = one.block_step ?? 1;
  return `${endText(one.public_addr, one.block_start)}-${one.block_end ?? ''}${step > 1 ? `/${step}` : ''}`;
}

function endText(address: string, port: number | null): string {
  if (port === null) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function protoText(proto: number | null): string {
  return proto === null || proto === 0 ? '-' : (protocolName(proto) ?? String(proto));
}
