import { bindError } from './listen-messages.ts';
import type { ListenUrl } from './listen-url.ts';

/** The world outside that binding needs. */
export interface BindDeps {
  /** Resolves a name to its addresses. */
  readonly lookup: (host: string) => Promise<readonly { address: string; family: number }[]>;
  readonly platform: NodeJS.Platform;
}

/**
 * Binds a socket where `url` says: `bind` gets an address and its family, once, or a second time for IPv4 where the machine has no IPv6. Rejects with
 * WEIR_LISTEN, with what to do about it.
 */
export async function bindTo(
  url: ListenUrl,
  { lookup, platform }: BindDeps,
  bind: (host: string, family: 4 | 6) => Promise<void>,
): Promise<void> {
  let { host, family } = url;
  try {
    if (family === 0) {
      const addresses = await lookup(host);
      // Exporters that send to a name of both families are mostly IPv4; who wants the other writes the address.
      const chosen = addresses.find((one) => one.family === 4) ?? addresses[0];
      if (chosen === undefined) throw new Error(`${host} has no address`);
      host = chosen.address;
      family = chosen.family === 4 ? 4 : 6;
    }
    try {
      await bind(host, family);
    } catch (error) {
      // Without IPv6 (ipv6.disable=1), "every address" is every IPv4 address.
      if ((error as { code?: unknown }).code !== 'EAFNOSUPPORT' || host !== '::') throw error;
      await bind('0.0.0.0', 4);
    }
  } catch (error) {
    throw bindError(error, url, platform);
  }
}
