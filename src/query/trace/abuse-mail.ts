import { parseAddress } from '../../util/address.ts';
import { WeirError } from '../../util/errors.ts';
import type { TimeContext } from '../time.ts';
import { type LineFacts, lineFacts } from './mail-facts.ts';
import { findTimes, type MailTime, mailZone } from './mail-times.ts';
import type { Endpoint } from './question.ts';

/** A connection that a mail complains of, as far as the mail tells. */
export interface MailReport {
  readonly source: Endpoint;
  readonly peer: Endpoint | undefined;
  readonly proto: number | undefined;
  /** undefined when the mail does not say, or says several and not which. */
  readonly time: MailTime | undefined;
  /** Lines of the mail that it stands in, the first is 1. */
  readonly lines: readonly number[];
}

interface Draft extends LineFacts {
  time?: MailTime;
  lines: number[];
}

/** Longest mail, characters. */
const LONGEST = 4 << 20;
/** Connections that are looked for in one mail. */
const MOST_REPORTS = 1000;
/** Dates of these lines are those of the mail, not of what it tells. */
const MAILS_OWN_DATE =
  /^\W*(?:(?:report(?:ed)?|notice|mail)[\w -]*(?:date|time|on|at)|sent|received|generated|created|expir\w*|deadline|due|printed)[\w -]*\W?[:=>]/i;
const X_ARF = /^(?:report-type|schema-url|x-arf|x-xarf)\s*:/im;

/**
 * Reads what a mail about abuse tells: address, port, the other end, protocol and time of each connection. It knows `Label: value`, key=value (logs of packet
 * filters), XML (ACNS), JSON and YAML (X-ARF) and lines of logs. Throws WEIR_USAGE when no address is found.
 */
export function readAbuseMail(mail: string, context: TimeContext): MailReport[] {
  const text = withoutHeaders(decodeQuotedPrintable(mail.slice(0, LONGEST).replaceAll('\r\n', '\n')));
  const portIsPeers = X_ARF.test(mail);
  const zone = mailZone(text);
  const drafts: Draft[] = [];
  let current: Draft = { lines: [] };
  const close = (): void => {
    if (Object.keys(current).length > 1) drafts.push(current);
    current = { lines: [] };
  };
  for (const [index, line] of text.split('\n').entries()) {
    const found = findTimes(line, context, zone);
    const [time] = MAILS_OWN_DATE.test(line) ? [] : found.times;
    const facts: LineFacts & { time?: MailTime } = { ...lineFacts(found.rest, portIsPeers), ...(time && { time }) };
    if (Object.keys(facts).length === 0) continue;
    // A line of a log tells all there is of a connection; of labelled lines, the next connection begins where something comes again.
    if ((facts.source !== undefined && time !== undefined) || comesAgain(current, facts)) close();
    current = { ...facts, ...current, lines: [...current.lines, index + 1] };
    if (facts.source !== undefined && time !== undefined) close();
  }
  close();
  return reportsOf(drafts);
}

function comesAgain(draft: Draft, facts: LineFacts & { time?: MailTime }): boolean {
  return (
    (draft.source !== undefined && facts.source !== undefined && draft.source !== facts.source) ||
    (draft.sourcePort !== undefined && facts.sourcePort !== undefined && draft.sourcePort !== facts.sourcePort) ||
    (draft.time !== undefined && facts.time !== undefined && draft.time.at !== facts.time.at)
  );
}

/** What one part of the mail does not tell stands for all of them where the mail tells it but once. */
function reportsOf(drafts: readonly Draft[]): MailReport[] {
  const only = <K extends keyof Draft>(key: K): Draft[K] | undefined => {
    const values = drafts.map((draft) => draft[key]).filter((value) => value !== undefined);
    const [first] = values;
    const same = (value: Draft[K]): boolean =>
      key === 'time' ? (value as MailTime).at === (first as MailTime).at : value === first;
    return values.every(same) ? first : undefined;
  };
  const source = only('source');
  const all = {
    sourcePort: only('sourcePort'),
    peer: only('peer'),
    peerPort: only('peerPort'),
    proto: only('proto'),
    time: only('time'),
  };
  if (drafts.every((draft) => draft.source === undefined)) {
    throw new WeirError('WEIR_USAGE', 'no address was found in the mail', {
      hint: 'Ask for it: weir trace ADDRESS:PORT --at TIME',
    });
  }
  const reports = new Map<string, MailReport>();
  for (const draft of drafts) {
    const from = draft.source ?? source;
    // Prose that names the address again tells nothing that its log lines do not.
    const told = drafts.some((one) => one !== draft && one.source === from && one.time !== undefined);
    if (
      from === undefined ||
      (told && (draft.time === undefined || draft.source === undefined) && draft.sourcePort === undefined)
    )
      continue;
    if (told && draft.time === undefined && all.time === undefined) continue;
    if (draft.source === undefined && draft.sourcePort === undefined && draft.time === undefined) continue;
    const report: MailReport = {
      source: endpointOf(from, draft.sourcePort ?? all.sourcePort) as Endpoint,
      peer: endpointOf(draft.peer ?? all.peer, draft.peerPort ?? all.peerPort),
      proto: draft.proto ?? all.proto,
      time: draft.time ?? all.time,
      lines: draft.lines,
    };
    const key = [from, report.source.port, report.time?.at].join(' ');
    const other = reports.get(key);
    if (other === undefined && reports.size < MOST_REPORTS) reports.set(key, report);
  }
  return [...reports.values()];
}

function endpointOf(text: string | undefined, port: number | undefined): Endpoint | undefined {
  const address = text === undefined ? undefined : parseAddress(text);
  return address === undefined ? undefined : { address, port };
}

/** The mail without its header and those of mails in it: their dates and addresses are not what it tells of. Lines keep their numbers. */
function withoutHeaders(text: string): string {
  return text
    .split(/\n(?=[ \t]*\n)/)
    .map((paragraph) => {
      const isHeader =
        /^[>\s]*(?:from|to):/im.test(paragraph) &&
        /^[>\s]*(?:subject|message-id|received|return-path):/im.test(paragraph);
      return isHeader ? paragraph.replaceAll(/[^\n]+/g, '') : paragraph;
    })
    .join('\n');
}

/** RFC 2045 section 6.7, where the mail says so: `=3D` and lines that end with `=`. */
function decodeQuotedPrintable(text: string): string {
  if (!/^content-transfer-encoding:\s*quoted-printable/im.test(text)) return text;
  return text
    .replaceAll(/=\n/g, '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
