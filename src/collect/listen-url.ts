import { parseAddress } from '../util/address.ts';
import { WeirError } from '../util/errors.ts';

/** Transports by which messages are received: UDP, TCP (RFC 7011 section 10.4), TLS over TCP (section 11.1). */
const TRANSPORTS = ['udp', 'tcp', 'tls'] as const;

/** Where to listen. */
export interface ListenUrl {
  readonly scheme: (typeof TRANSPORTS)[number];
  /** An address without brackets (`::`, `192.0.2.1`, `fe80::1%eth0`) or a name that is resolved when the listener starts. */
  readonly host: string;
  /** 4 or 6 for an address, 0 for a name. `::` listens on both families. */
  readonly family: 0 | 4 | 6;
  /** 0–65535; 0 asks the system for a free port. */
  readonly port: number;
  /** The URL in its usual spelling. */
  readonly text: string;
}

const EXPECTED =
  'expected udp://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT, for example udp://[::]:2055 (IPv4 and IPv6), udp://192.0.2.1:9995 or tcp://[::]:4739';

/**
 * Reads `udp://HOST:PORT`, `tcp://HOST:PORT` or `tls://HOST:PORT`. HOST is an IPv4 address, an IPv6 address in brackets, or a name; none at all (`udp://:2055`) or `*` stand for
 * every address of both families, as `[::]` does. Throws WEIR_USAGE saying what was expected; `details.url` has the text.
 */
export function parseListenUrl(text: string): ListenUrl {
  const fail = (problem: string, hint = EXPECTED): WeirError =>
    new WeirError('WEIR_USAGE', `cannot listen on "${text}": ${problem}`, { hint, details: { url: text } });

  const parts = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(text);
  if (parts === null) {
    const bare = /^(?:(.*):)?(\d{1,5})$/.exec(text);
    throw fail(
      'it does not start with udp://, tcp:// or tls://',
      bare === null || readHost(bare[1] ?? '') === undefined
        ? EXPECTED
        : `did you mean udp://${bracketed(bare[1] ?? '')}:${bare[2]}?`,
    );
  }
  const named = (parts[1] as string).toLowerCase();
  const scheme = TRANSPORTS.find((one) => one === named);
  if (scheme === undefined) throw fail(`"${named}" is not a transport of flow records`);

  // A slash at the end is what a URL library makes of it; anything more would be ignored in silence.
  const authority = (parts[2] as string).replace(/\/$/, '');
  if (/[/?#@\s]/.test(authority)) throw fail('it has more than a host and a port');
  const split = /^(\[[^\]]*\]|[^:[\]]*)(?::(\d*))?$/.exec(authority);
  if (split === null) {
    if (parseAddress(authority) !== undefined)
      throw fail(
        'it has no port, and an IPv6 address stands in brackets',
        `did you mean ${scheme}://[${authority}]:${scheme === 'udp' ? 2055 : 4739}?`,
      );
    const last = authority.lastIndexOf(':');
    const host = authority.slice(0, last);
    if (host.includes(':') && parseAddress(host) !== undefined) {
      throw fail(
        'an IPv6 address stands in brackets',
        `did you mean ${scheme}://[${host}]:${authority.slice(last + 1)}?`,
      );
    }
    throw fail('it is not a host and a port');
  }
  const [, hostText = '', portText = ''] = split;
  if (portText === '') throw fail('it has no port');
  const port = Number(portText);
  if (port > 65_535)
    throw fail(`${portText} is not a port`, 'a port is 0–65535; 2055, 4739 and 9995 are usual, 0 takes a free one');

  const found = readHost(hostText);
  if (found === undefined) throw fail(`"${hostText}" is neither an address nor a name`);
  return { scheme, ...found, port, text: `${scheme}://${bracketed(found.host)}:${port}` };
}

function readHost(text: string): { host: string; family: 0 | 4 | 6 } | undefined {
  if (text === '' || text === '*') return { host: '::', family: 6 };
  if (text.startsWith('[')) {
    const host = text.slice(1, -1);
    return host.includes(':') && parseAddress(host, { zone: 'strip' }) !== undefined ? { host, family: 6 } : undefined;
  }
  if (parseAddress(text) !== undefined) return { host: text, family: 4 };
  // A last label of digits only is a mistyped address, not a name (RFC 1123, 2.1).
  const name =
    /^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?$/i;
  return name.test(text) && !/(?:^|\.)\d+\.?$/.test(text) ? { host: text, family: 0 } : undefined;
}

function bracketed(host: string): string {
  if (host === '' || host === '*') return '[::]';
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
