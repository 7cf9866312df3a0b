import { WeirError } from '../../util/errors.ts';

/** Protocols that names are read from, and the columns that each fills. */
export const NAME_KINDS = {
  dns: ['dns_query', 'src_dns_name', 'dst_dns_name'],
  tls: ['tls_server_name', 'tls_alpn'],
  http: ['http_method', 'http_host', 'http_target'],
  quic: ['tls_server_name', 'tls_alpn'],
} as const;
export type NameKind = keyof typeof NAME_KINDS;

/**
 * Octets of a packet that a capture must keep so that names are found: a QUIC packet can only be opened as a whole, and a ClientHello fills a packet of
 * Ethernet's 1,500 octets with up to six tags and tunnels before it.
 */
export const NAMES_SNAP_LENGTH = 2048;

/**
 * Reads a list as in `--names dns,tls,http,quic`; `all` is all of them, an empty text none.
 *
 * @throws WeirError WEIR_USAGE for a name that is none of them
 */
export function parseNameKinds(text: string): ReadonlySet<NameKind> {
  const kinds = new Set<NameKind>();
  const words = text.split(',').map((part) => part.trim());
  for (const word of words.filter((part) => part !== '')) {
    if (word === 'all') for (const kind of Object.keys(NAME_KINDS)) kinds.add(kind as NameKind);
    else if (Object.hasOwn(NAME_KINDS, word)) kinds.add(word as NameKind);
    else
      throw new WeirError('WEIR_USAGE', `--names: names are not read from '${word.slice(0, 60)}'`, {
        hint: `Give one or more of ${Object.keys(NAME_KINDS).join(', ')} with commas between, or all.`,
      });
  }
  return kinds;
}
