import { Resolver } from 'node:dns/promises';

export interface HostNamesOptions {
  /** Milliseconds that all look-ups together may be waited for. */
  readonly timeout: number;
  /** Name servers, `192.0.2.53`, `192.0.2.53:5353` or `[2001:db8::53]:53`; without any those of the system. */
  readonly servers?: readonly string[] | undefined;
  /** Milliseconds, of any origin. */
  readonly clock: () => number;
}

/** Questions on their way at once. */
const PARALLEL = 64;
/** Names that are kept. */
const MOST_NAMES = 10_000;

/**
 * Host names of addresses, by reverse DNS (and the system's file of hosts). Whatever has not answered in time has no name. Inert until `lookUp`; an
 * address is asked about once.
 */
export class HostNames {
  readonly #options: HostNamesOptions;
  readonly #names = new Map<string, string | undefined>();
  #resolver: Resolver | undefined;
  /** Milliseconds that may still be waited. */
  #left: number;

  constructor(options: HostNamesOptions) {
    this.#options = options;
    this.#left = options.timeout;
  }

  /** The name of an address that was looked up; undefined when it has none, or none was told in time. */
  name(address: string): string | undefined {
    return this.#names.get(address);
  }

  /** Looks up those that have not been. Resolves when all have answered or the time is over. Throws nothing. */
  async lookUp(addresses: Iterable<string>): Promise<void> {
    const wanted = [...new Set(addresses)].filter((address) => !this.#names.has(address));
    if (wanted.length === 0 || this.#left <= 0) return;
    const { clock, servers, timeout } = this.#options;
    const begun = clock();
    const resolver = this.#resolver ?? new Resolver({ timeout: Math.max(1, Math.ceil(timeout / 2)), tries: 2 });
    if (this.#resolver === undefined && servers !== undefined) resolver.setServers(servers);
    this.#resolver = resolver;
    let isOver = false;
    const timer = setTimeout(() => {
      isOver = true;
      resolver.cancel();
    }, this.#left);
    const rest = wanted.values();
    const work = async () => {
      // All workers take from one iterator, so that each address is one's.
      for (const address of rest) {
        if (isOver) return;
        this.#keep(address, await nameOf(resolver, address));
      }
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL, wanted.length) }, work));
    clearTimeout(timer);
    this.#left = isOver ? 0 : this.#left - (clock() - begun);
  }

  #keep(address: string, name: string | undefined): void {
    if (this.#names.size >= MOST_NAMES) this.#names.delete(this.#names.keys().next().value ?? '');
    this.#names.set(address, name);
  }
}

async function nameOf(resolver: Resolver, address: string): Promise<string | undefined> {
  try {
    const [name] = await resolver.reverse(address);
    return name === '' ? undefined : name;
  } catch {
    // No name, no answer, no server: the address is shown.
    return undefined;
  }
}
