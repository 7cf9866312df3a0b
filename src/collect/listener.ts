import { lookup } from 'node:dns/promises';
import { performance } from 'node:perf_hooks';
import type { AllowList, RefusedSenders } from './allow-list.ts';
import type { BindDeps } from './bind.ts';
import type { ListenUrl } from './listen-url.ts';

/** What listeners of every transport are told. */
export interface ListenerOptions {
  readonly url: ListenUrl;
  /** Called for an error of the listening socket after it was bound; listening goes on. */
  readonly onError?: ((error: Error) => void) | undefined;
  /** Who may send or connect, by address (and source port); none: everyone. */
  readonly allowList?: AllowList | undefined;
  /** Where refused datagrams and connections are counted by address; several listeners may share one. */
  readonly refused?: RefusedSenders | undefined;
  /** How long `close` may go on reading what has arrived; the default is 1,000 ms. */
  readonly drainMilliseconds?: number | undefined;
}

/** The world outside, for tests. */
export interface ListenerDeps extends BindDeps {
  /** A monotonic clock in milliseconds. */
  readonly clock: () => number;
}

/** The real world. */
export function systemDeps(): ListenerDeps {
  return {
    lookup: (host) => lookup(host, { all: true }),
    platform: process.platform,
    clock: () => performance.now(),
  };
}

/** Waits until a whole turn of the event loop, in which sockets are read, has left `arrived` as it was, or `milliseconds` have passed. */
export async function drain(arrived: () => number, clock: () => number, milliseconds = 1000): Promise<void> {
  const deadline = clock() + milliseconds;
  for (let quiet = 0; quiet < 2 && clock() < deadline; ) {
    const before = arrived();
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    quiet = arrived() === before ? quiet + 1 : 0;
  }
}
