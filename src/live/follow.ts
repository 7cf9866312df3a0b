import { setTimeout as sleep } from 'node:timers/promises';
import { LiveClient } from './client.ts';
import type { RequestLine } from './protocol.ts';

const RETRY_MS = 500;

export interface FollowOptions {
  /** The data folder. */
  readonly data: string;
  readonly request: () => RequestLine;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** The collector has gone (false), or is there again (true). */
  readonly connected: (isThere: boolean) => void;
  /** Has each connection, to ask it for something else. */
  readonly client?: (client: LiveClient) => void;
}

/**
 * The lines that the collector of a data folder answers, also when it is stopped and started again. Throws WEIR_LIVE when there is none at the beginning, and
 * what a collector answers to a wrong request.
 */
export async function* follow(options: FollowOptions): AsyncGenerator<readonly string[]> {
  const { data, request, signal, connected } = options;
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    const client = isFirst ? await LiveClient.open(data) : await reopen(data, signal);
    if (client === undefined) return;
    const stop = () => client.close();
    signal.addEventListener('abort', stop);
    try {
      if (!isFirst) connected(true);
      client.ask(request());
      options.client?.(client);
      yield* client.lines();
    } finally {
      signal.removeEventListener('abort', stop);
      client.close();
    }
    if (!signal.aborted) connected(false);
  }
}

async function reopen(data: string, signal: AbortSignal): Promise<LiveClient | undefined> {
  for (;;) {
    await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted) return undefined;
    try {
      return await LiveClient.open(data);
    } catch {
      // Not yet.
    }
  }
}
