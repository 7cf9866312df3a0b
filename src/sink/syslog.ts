import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { createTransport, type LinkTransport, type TransportOptions } from '../export/link-transport.ts';
import type { LineTransport } from './line-sink.ts';
import { LoggerLines } from './logger-lines.ts';
import { createSyslogFormatter, syslogPriority } from './syslog-message.ts';
import type { SyslogTarget } from './syslog-target.ts';

export interface SyslogOptions {
  /** Certificates, for TLS. */
  readonly tls?: TransportOptions['tls'];
  /** ms from a lost connection to the first try at a new one. */
  readonly retryMillis?: number;
  /** Default: this machine's. */
  readonly host?: string;
  /** ms since the epoch. */
  readonly now: () => number;
}

/** Lines as syslog messages: to the local socket, over UDP (RFC 5426), TCP (RFC 6587) or TLS (RFC 5425). Nothing is opened before `start`. */
export function createSyslog(target: SyslogTarget, { tls, retryMillis, host, now }: SyslogOptions): LineTransport {
  const { facility, severity, ident } = target;
  if (target.transport === 'local') {
    // For its error about names that do not exist.
    syslogPriority(facility, severity);
    return new LoggerLines({ priority: `${facility}.${severity}`, ident, socket: target.socket });
  }
  const { format, framing, transport: kind } = target;
  const withHeader = createSyslogFormatter({
    format,
    facility,
    severity,
    host: host ?? hostname(),
    ident,
    pid: process.pid,
  });
  const transport = createTransport(target, {
    // Without anything of its own TLS trusts the authorities that the system does.
    tls: kind === 'tls' ? { ...(isIP(target.host) === 0 ? { servername: target.host } : {}), ...tls } : undefined,
    onLost: () => {},
    ...(retryMillis === undefined ? {} : { retryMillis }),
  });
  const frame = kind === 'udp' ? (text: string) => Buffer.from(text) : framer(framing);
  return lines(transport, (line) => frame(withHeader(line, now())));
}

function framer(framing: 'octet-counting' | 'lf'): (text: string) => Buffer {
  if (framing === 'lf') return (text) => Buffer.from(`${text}\n`);
  return (text) => Buffer.from(`${Buffer.byteLength(text)} ${text}`);
}

function lines(transport: LinkTransport, octetsOf: (line: string) => Buffer): LineTransport {
  return {
    start: () => transport.start(true),
    get isOpen() {
      return transport.isOpen();
    },
    get takesMore() {
      return transport.takesMore();
    },
    send: (line) => transport.send(octetsOf(line)),
    counters: () => {
      const { failed, refused, lastError } = transport.counters();
      return { failed: failed + refused, lastError };
    },
    close: () => transport.close(),
  };
}
