import { WeirError } from '../util/errors.ts';
import type { Protocol } from './encoder.ts';

/** Where records are exported to, and in which format. */
export type ExportTarget =
  | {
      readonly transport: 'udp' | 'tcp' | 'tls';
      readonly protocol: Protocol;
      readonly host: string;
      readonly port: number;
    }
  | { readonly transport: 'file'; readonly protocol: Protocol; readonly path: string };

/** Schemes, their usual ports (IANA; Cisco's and sFlow's by custom), and how they are carried. */
const SCHEMES: Readonly<Record<string, readonly [Protocol, 'udp' | 'tcp' | 'tls', number]>> = {
  netflow1: ['netflow1', 'udp', 2055],
  netflow5: ['netflow5', 'udp', 2055],
  netflow6: ['netflow6', 'udp', 2055],
  netflow7: ['netflow7', 'udp', 2055],
  netflow9: ['netflow9', 'udp', 2055],
  ipfix: ['ipfix', 'udp', 4739],
  'ipfix+udp': ['ipfix', 'udp', 4739],
  'ipfix+tcp': ['ipfix', 'tcp', 4739],
  'ipfix+tls': ['ipfix', 'tls', 4740],
  sflow: ['sflow', 'udp', 6343],
};

const HINT = `Expected SCHEME://HOST[:PORT] with ${Object.keys(SCHEMES).join(', ')}; or a path, whose ending tells the form: .parquet, .csv, .ndjson, all others IPFIX (or parquet:PATH, csv:PATH, ndjson:PATH, ipfix:PATH).`;

/**
 * Reads a target: `ipfix://192.0.2.7:4739`, `netflow5://[2001:db8::1]`, or the path of a file, which is an IPFIX file (RFC 5655). Throws WEIR_USAGE.
 */
export function parseExportTarget(text: string): ExportTarget {
  const url = /^([a-z0-9+]+):\/\/(?:\[([0-9a-f:.%]+)\]|([^:/[\]]+))(?::(\d{1,5}))?\/?$/i.exec(text);
  if (url === null) {
    const path = /^(?:file|ipfix):(?!\/\/)/.test(text) ? text.slice(text.indexOf(':') + 1) : text;
    // What looks like a URL is one that was mistyped, not a file.
    if (path === '' || (path === text && /^[a-z0-9+]+:/i.test(path))) throw wrong(text);
    return { transport: 'file', protocol: 'ipfix', path };
  }
  const scheme = SCHEMES[(url[1] ?? '').toLowerCase()];
  if (scheme === undefined) throw wrong(text);
  const [protocol, transport, usual] = scheme;
  const port = url[4] === undefined ? usual : Number(url[4]);
  if (port < 1 || port > 65_535) throw wrong(text);
  return { transport, protocol, host: url[2] ?? url[3] ?? '', port };
}

function wrong(text: string): WeirError {
  return new WeirError('WEIR_USAGE', `${JSON.stringify(text.slice(0, 100))} is no target to export to.`, {
    hint: HINT,
  });
}
