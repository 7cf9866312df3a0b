import { protocolName } from '../../filter/protocols.ts';
import { formatTimeLiteral } from '../../filter/time-literal.ts';
import { WeirError } from '../../util/errors.ts';
import { printable } from '../output/table.ts';
import type { TimeContext } from '../time.ts';
import { type MailReport, readAbuseMail } from './abuse-mail.ts';
import { formatEndpoint, readTraceQuestion, type TraceFlags, type TraceQuestion } from './question.ts';

/** A question that a mail asks, and what it was understood from. */
export interface MailQuestion {
  readonly question: TraceQuestion;
  readonly report: MailReport;
}

/**
 * The questions that a mail about abuse asks; what `flags` say goes before what the mail says. `skipped` says what could not be asked for want of a time.
 * Throws WEIR_USAGE, with all that was understood, when nothing can be asked, and what `readTraceQuestion` throws.
 */
export function mailQuestions(
  mail: string,
  flags: TraceFlags,
  context: TimeContext,
): { questions: MailQuestion[]; skipped: string[] } {
  const questions: MailQuestion[] = [];
  const skipped: string[] = [];
  for (const report of readAbuseMail(mail, context)) {
    const { source, peer, proto, time } = report;
    const at = flags.at ?? (time === undefined ? undefined : formatTimeLiteral(time.at));
    if (at === undefined && flags.from === undefined) {
      skipped.push(
        `the mail tells no time that could be understood of ${formatEndpoint(source)} (line ${report.lines.join(', ')})`,
      );
      continue;
    }
    const asked: TraceFlags = {
      ...flags,
      at: flags.from === undefined ? at : undefined,
      to: flags.to ?? (peer === undefined ? undefined : formatEndpoint(peer)),
      proto: flags.proto ?? (proto === undefined ? undefined : String(proto)),
    };
    questions.push({ question: readTraceQuestion(formatEndpoint(source), asked, context), report });
  }
  if (questions.length > 0) return { questions, skipped };
  throw new WeirError('WEIR_USAGE', skipped.join('; '), { hint: 'Add it: --at "2026-11-21 09:30:15 +01:00"' });
}

/** What was understood of a mail, as lines before the answer. */
export function understoodText({ lines, time, source, proto, peer }: MailReport): string {
  const parts = [formatEndpoint(source)];
  if (proto !== undefined) parts.push(protocolName(proto) ?? `protocol ${proto}`);
  if (peer !== undefined) parts.push(`to ${formatEndpoint(peer)}`);
  if (time !== undefined) {
    const zone = time.zoned ? '' : ', which says no zone';
    parts.push(`at '${printable(time.text)}'${zone}`);
  }
  if (source.port === undefined) parts.push('without a port');
  return `mail     line ${lines.join(', ')}: ${parts.join(' ')}\n`;
}

/** The same for JSON. */
export function understoodJson({ lines, time, source, proto, peer }: MailReport): Record<string, unknown> {
  return {
    lines,
    address: formatEndpoint(source),
    to: peer === undefined ? null : formatEndpoint(peer),
    proto: proto ?? null,
    time: time?.text ?? null,
    zone_told: time?.zoned ?? null,
  };
}
