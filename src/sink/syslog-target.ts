import { WeirError } from '../util/errors.ts';
import { FACILITIES, SEVERITIES, SYSLOG_FORMATS, type SyslogFormat } from './syslog-message.ts';

/** How messages are kept apart in a stream (RFC 6587): each after its length, or each before a newline. */
export const FRAMINGS = ['octet-counting', 'lf'] as const;
export type Framing = (typeof FRAMINGS)[number];

interface SyslogNames {
  readonly facility: string;
  readonly severity: string;
  readonly ident: string;
}

/** Where syslog messages go, and what they look like. */
export type SyslogTarget = SyslogNames &
  (
    | { readonly transport: 'local' /** Default: where the system's syslog listens. */; readonly socket?: string }
    | {
        readonly transport: 'udp' | 'tcp' | 'tls';
        readonly host: string;
        readonly port: number;
        readonly format: SyslogFormat;
        readonly framing: Framing;
      }
  );

/** Usual ports: RFC 5426, RFC 6587 (IANA's syslog-conn) and RFC 5425. */
const PORTS = { udp: 514, tcp: 601, tls: 6514 } as const;
const KEYS: Readonly<Record<string, readonly string[] | undefined>> = {
  facility: FACILITIES,
  severity: SEVERITIES,
  ident: undefined,
  format: SYSLOG_FORMATS,
  framing: FRAMINGS,
};
const HINT =
  'Expected local, local:/path/of/socket, udp://HOST[:514], tcp://HOST[:601] or tls://HOST[:6514], each perhaps with ?facility=local6&severity=info&ident=nfflowd&format=rfc5424|rfc3164&framing=octet-counting|lf.';

/** Reads a target of syslog, such as `local`, `udp://192.0.2.9?format=rfc3164` or `tls://logs.example`. Throws WEIR_USAGE. */
export function parseSyslogTarget(text: string, usual: SyslogNames): SyslogTarget {
  const [place = '', query = ''] = split(text);
  const given = new URLSearchParams(query);
  for (const [key, value] of given) {
    if (!Object.hasOwn(KEYS, key)) throw wrong(text, `there is no ${key}`);
    const choices = KEYS[key];
    if (choices !== undefined && !choices.includes(value)) throw wrong(text, `${key} is one of ${choices.join(', ')}`);
  }
  const names = {
    facility: given.get('facility') ?? usual.facility,
    severity: given.get('severity') ?? usual.severity,
    ident: given.get('ident') ?? usual.ident,
  };
  const local = /^local(?::(\/.+))?$/.exec(place);
  if (local !== null) {
    if (given.has('format') || given.has('framing'))
      throw wrong(text, 'the local socket has a form of its own: leave format and framing out');
    return { ...names, transport: 'local', ...(local[1] === undefined ? {} : { socket: local[1] }) };
  }
  const found = /^(udp|tcp|tls):\/\/(?:\[([0-9a-f:.%]+)\]|([^:/[\]]+))(?::(\d{1,5}))?\/?$/i.exec(place);
  const host = found?.[2] ?? found?.[3];
  if (found === null || host === undefined) throw wrong(text);
  const transport = (found[1] as string).toLowerCase() as keyof typeof PORTS;
  const port = found[4] === undefined ? PORTS[transport] : Number(found[4]);
  if (port < 1 || port > 65_535) throw wrong(text, 'a port is from 1 to 65535');
  return {
    ...names,
    transport,
    host,
    port,
    format: (given.get('format') ?? 'rfc5424') as SyslogFormat,
    framing: (given.get('framing') ?? 'octet-counting') as Framing,
  };
}

function split(text: string): string[] {
  const at = text.indexOf('?');
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function wrong(text: string, why?: string): WeirError {
  const more = why === undefined ? '' : `: ${why}`;
  return new WeirError('WEIR_USAGE', `${JSON.stringify(text.slice(0, 100))} is no target for syslog${more}.`, {
    hint: HINT,
  });
}
