import { WeirError } from '../util/errors.ts';

/** Facilities and severities of RFC 5424, tables 1 and 2, in the order of their codes. */
export const FACILITIES: readonly string[] =
  'kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp security console solaris-cron local0 local1 local2 local3 local4 local5 local6 local7'.split(
    ' ',
  );
export const SEVERITIES: readonly string[] = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'];

export const SYSLOG_FORMATS = ['rfc5424', 'rfc3164'] as const;
export type SyslogFormat = (typeof SYSLOG_FORMATS)[number];

/** What stands before each message. */
export interface SyslogHeader {
  readonly format: SyslogFormat;
  /** One of FACILITIES, one of SEVERITIES. */
  readonly facility: string;
  readonly severity: string;
  readonly host: string;
  /** APP-NAME, or the tag of RFC 3164. */
  readonly ident: string;
  readonly pid: number;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** PRI, the number in angle brackets. Throws WEIR_USAGE for a name that is none. */
export function syslogPriority(facility: string, severity: string): number {
  const [major, minor] = [FACILITIES.indexOf(facility), SEVERITIES.indexOf(severity)];
  if (major < 0)
    throw new WeirError('WEIR_USAGE', `${facility} is no facility of syslog.`, {
      hint: `There are ${FACILITIES.join(', ')}.`,
    });
  if (minor < 0)
    throw new WeirError('WEIR_USAGE', `${severity} is no severity of syslog.`, {
      hint: `There are ${SEVERITIES.join(', ')}.`,
    });
  return major * 8 + minor;
}

/**
 * Returns a function that puts a header before a line: that of RFC 5424 with a time in UTC to the ms and no structured data, or that of RFC 3164 with local
 * time in whole seconds, which is all it has.
 */
export function createSyslogFormatter(header: SyslogHeader): (line: string, millis: number) => string {
  const priority = syslogPriority(header.facility, header.severity);
  // Sections 6.2.4 to 6.2.6: printable ASCII of at most 255, 48 and 128 characters.
  const host = printable(header.host, 255);
  const ident = printable(header.ident, 48);
  if (header.format === 'rfc5424') {
    const rest = `${host} ${ident} ${header.pid} - -`;
    return (line, millis) => `<${priority}>1 ${new Date(millis).toISOString()} ${rest} ${line}`;
  }
  // Section 4.1.2: the name without its domain.
  const [short = ''] = host.split('.');
  const rest = `${/^\d/.test(host) ? host : short} ${printable(header.ident, 32)}[${header.pid}]:`;
  return (line, millis) => `<${priority}>${localTime(millis)} ${rest} ${line}`;
}

function printable(text: string, longest: number): string {
  return text.replaceAll(/[^\x21-\x7e]/g, '').slice(0, longest) || '-';
}

function localTime(millis: number): string {
  const date = new Date(millis);
  const two = (value: number) => String(value).padStart(2, '0');
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${MONTHS[date.getMonth()]} ${String(date.getDate()).padStart(2)} ${time}`;
}
